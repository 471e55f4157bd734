//! Rule files in TOML, of the form that gitleaks made known: `[[rules]]` with `regex`, `keywords`, `entropy`, `secretGroup`.
//!
//! Such rules run over whole files; here a rule runs at a keyword, in a window. So each rule's keywords are taken from its regex,
//! from a part that every match holds, and its window from what the regex can match in front of that part and behind it. What a
//! rule asks for and does not get is told in a notice; a rule that would mean something else is refused.

use std::borrow::Cow;
use std::collections::BTreeMap;

use keysieve_paths::control::without_values;
use regex_syntax::ast::{self, Ast};
use regex_syntax::hir::{Class, Hir, HirKind};
use serde::Deserialize;
use toml::{Spanned, Value};

use super::compile::{Error, MIN_KEYWORD_BYTES, WIDE_WINDOW_BYTES, one_line, parsed, searcher};
use super::lead::Lead;
use super::rule::{Alphabet, Check, Confidence, Fix, Kind, Rule, Severity, Text, Window};

/// How far a rule looks in front of its keyword and behind it where its regex says no bound or a larger one, in bytes.
const CONFINED: Window = Window { before: WIDE_WINDOW_BYTES / 4, after: WIDE_WINDOW_BYTES / 4 * 3 };
/// The most texts that a part of a regex may stand for, to serve as keywords.
const MAX_KEYWORDS: usize = 64;
/// The longest keyword that is taken from a regex, in bytes.
const MAX_KEYWORD_BYTES: usize = 32;

/// The rules of a file, and what of it is left aside.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) rules: Vec<Rule>,
    pub(super) notices: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct FileSyntax {
    #[serde(default)]
    title: String,
    #[serde(default)]
    rules: Vec<RuleSyntax>,
    /// For all rules; the second spelling may stand many times.
    allowlist: Option<AllowlistSyntax>,
    #[serde(default)]
    allowlists: Vec<AllowlistSyntax>,
    #[serde(default)]
    extend: BTreeMap<String, Value>,
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RuleSyntax {
    id: Option<Spanned<String>>,
    #[serde(default)]
    description: String,
    regex: Option<Spanned<String>>,
    secret_group: Option<usize>,
    entropy: Option<f32>,
    #[serde(default)]
    keywords: Vec<String>,
    path: Option<String>,
    allowlist: Option<AllowlistSyntax>,
    #[serde(default)]
    allowlists: Vec<AllowlistSyntax>,
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AllowlistSyntax {
    #[serde(default)]
    condition: String,
    #[serde(default)]
    regex_target: String,
    #[serde(default)]
    regexes: Vec<String>,
    #[serde(default)]
    stopwords: Vec<String>,
    #[serde(default)]
    target_rules: Vec<String>,
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

/// Fields that say nothing of what is found.
const SILENT: &[&str] = &["description", "tags", "title", "minVersion", "version"];

/// What is wrong and where, without the line itself: the file may be another one than it claims to be.
fn message_of(text: &str, error: &toml::de::Error) -> String {
    let message = without_values(error.message());
    let line =
        error.span().and_then(|span| text.get(..span.start)).map(|before| before.lines().count().max(1));
    line.map_or_else(
        || format!("TOML parse error: {message}"),
        |line| format!("TOML parse error at line {line}: {message}"),
    )
}

/// Reads and checks the rule file `text`; `file` is its name in errors and notices.
///
/// # Errors
///
/// The first thing that is wrong with it.
pub(super) fn compile(file: &str, text: &str) -> Result<Compiled, Error> {
    let parsed: FileSyntax = toml::from_str(text)
        .map_err(|error| Error::Toml { file: file.to_owned(), message: message_of(text, &error) })?;
    let mut notices = Notices { file, all: Vec::new() };
    notices.of_unknown("", &parsed.others);
    notices.of_extend(&parsed.extend);
    if parsed.rules.is_empty() {
        let message = "has no rules: write each under `[[rules]]`".to_owned();
        return Err(Error::Toml { file: file.to_owned(), message });
    }
    let global: Vec<AllowlistSyntax> = parsed.allowlist.into_iter().chain(parsed.allowlists).collect();
    let mut rules: Vec<Rule> = Vec::with_capacity(parsed.rules.len());
    for (number, rule) in parsed.rules.into_iter().enumerate() {
        let id = rule.id.as_ref().map(|id| id.get_ref().clone()).unwrap_or_default();
        let start = rule.id.as_ref().or(rule.regex.as_ref()).map_or(0, |field| field.span().start);
        let line = text.get(..start).unwrap_or_default().matches('\n').count() + 1;
        let fail = |(field, problem)| Error::Field {
            file: file.to_owned(),
            line,
            rule: if id.is_empty() { format!("number {}", number + 1) } else { id.clone() },
            field,
            problem,
        };
        if id.trim().is_empty() {
            return Err(fail(("id", "a rule needs an id".to_owned())));
        }
        if rules.iter().any(|known| known.id == id) {
            return Err(fail(("id", "another rule has this id too; ids are unique".to_owned())));
        }
        rules.extend(rule_from(rule, &id, &parsed.title, &global, &mut notices).map_err(fail)?);
    }
    notices.of_allowlists("", &global);
    Ok(Compiled { rules, notices: notices.all })
}

/// What is said of a file.
struct Notices<'a> {
    file: &'a str,
    all: Vec<String>,
}

impl Notices<'_> {
    fn add(&mut self, rule: &str, field: &str, what: &str) {
        let file = self.file;
        let rule = if rule.is_empty() { String::new() } else { format!(" rule `{rule}`,") };
        self.all.push(format!("{file}:{rule} field `{field}`: {what}"));
    }

    fn of_unknown(&mut self, rule: &str, fields: &BTreeMap<String, Value>) {
        for field in fields.keys().filter(|field| !SILENT.contains(&field.as_str())) {
            self.add(rule, field, "not supported, has no effect");
        }
    }

    fn of_extend(&mut self, extend: &BTreeMap<String, Value>) {
        for field in extend.keys() {
            match field.as_str() {
                "useDefault" => {
                    self.add("", "extend.useDefault", "keysieve's own rules are used in any case");
                }
                "path" => {
                    self.add("", "extend.path", "not followed; give that file with a `--rules` of its own");
                }
                field => self.add("", &format!("extend.{field}"), "not supported, has no effect"),
            }
        }
    }

    fn of_allowlists(&mut self, rule: &str, lists: &[AllowlistSyntax]) {
        for list in lists {
            for field in list.others.keys().filter(|field| !SILENT.contains(&field.as_str())) {
                let field = format!("allowlist.{field}");
                self.add(rule, &field, "not supported: what it would allow is reported");
            }
            if let Some(why) = list.why_not_used() {
                self.add(rule, "allowlist", why);
            }
        }
    }
}

impl AllowlistSyntax {
    /// Why the list allows nothing here.
    fn why_not_used(&self) -> Option<&'static str> {
        let looks_elsewhere = !matches!(self.regex_target.as_str(), "" | "secret");
        let is_conjunction = self.condition.eq_ignore_ascii_case("AND") || self.condition == "&&";
        if self.regexes.is_empty() && self.stopwords.is_empty() {
            None
        } else if looks_elsewhere {
            Some("`regexTarget` is supported for `secret` only: what the list would allow is reported")
        } else if is_conjunction {
            Some("`condition = \"AND\"` is not supported: what the list would allow is reported")
        } else {
            None
        }
    }

    /// Patterns of secrets that are none.
    fn patterns(&self) -> Vec<String> {
        if self.why_not_used().is_some() {
            return Vec::new();
        }
        let words = self.stopwords.iter().map(|word| format!("(?i){}", regex_syntax::escape(word)));
        self.regexes.iter().cloned().chain(words).collect()
    }
}

/// What is wrong with which field.
type Problem = (&'static str, String);

/// The rule; none where it is for names of files alone.
fn rule_from(
    syntax: RuleSyntax,
    id: &str,
    title: &str,
    global: &[AllowlistSyntax],
    notices: &mut Notices<'_>,
) -> Result<Option<Rule>, Problem> {
    notices.of_unknown(id, &syntax.others);
    let Some(regex) = syntax.regex else {
        notices.add(id, "regex", "missing, and names of files are not searched: the rule has no effect");
        return Ok(None);
    };
    if syntax.path.is_some() {
        notices.add(id, "path", "not supported: the rule looks in all files");
    }
    let pattern =
        with_secret_group(regex.get_ref(), syntax.secret_group, |what| notices.add(id, "regex", what))?;
    searcher(&pattern).map_err(|problem| ("regex", problem))?;
    let hir = parsed(&pattern).map_err(|(_, problem)| ("regex", problem))?;
    let core = core(&hir).ok_or_else(|| {
        let problem = format!(
            "no part of at least {MIN_KEYWORD_BYTES} letters, digits or signs is in every match, so that it would have to \
             be run at each byte; write the name or prefix that goes with the secret into the regex"
        );
        ("regex", problem)
    })?;
    let is_in_core = |keyword: &String| {
        let keyword = keyword.to_ascii_lowercase();
        core.keywords.iter().any(|own| own.contains(&keyword) || keyword.contains(own.as_str()))
    };
    if !syntax.keywords.is_empty() && !syntax.keywords.iter().any(is_in_core) {
        notices.add(
            id,
            "keywords",
            "are not part of what the regex matches, and are not asked for elsewhere in the file",
        );
    }
    let window = core.window();
    if window != core.exact_window() {
        let what = format!(
            "has no bound or a large one: matches reach at most {} bytes in front of `{}` and {} behind it",
            window.before, core.keywords[0], window.after
        );
        notices.add(id, "regex", &what);
    }
    let own: Vec<AllowlistSyntax> = syntax.allowlist.into_iter().chain(syntax.allowlists).collect();
    notices.of_allowlists(id, &own);
    let applies = |list: &&AllowlistSyntax| {
        list.target_rules.is_empty() || list.target_rules.iter().any(|target| target == id)
    };
    let exceptions: Vec<Text> = own
        .iter()
        .chain(global.iter().filter(applies))
        .flat_map(AllowlistSyntax::patterns)
        .map(Text::Owned)
        .collect();
    for exception in &exceptions {
        searcher(exception).map_err(|problem| ("allowlist", problem))?;
    }
    let entropy = syntax.entropy.filter(|bits| *bits > 0.0);
    if entropy.is_some_and(|bits| bits > 8.0) {
        return Err(("entropy", "bits per character lie between 0 and 8".to_owned()));
    }
    let checks = entropy.map(|min_bits| Check::Entropy { alphabet: Alphabet::Any, min_bits });
    let name = if syntax.description.trim().is_empty() { id } else { syntax.description.trim() };
    Ok(Some(Rule {
        // Keywords come from all of the pattern, not from its beginning.
        followers: Cow::Borrowed(&[]),
        id: Text::Owned(id.to_owned()),
        name: Text::Owned(name.to_owned()),
        provider: Text::Owned(if title.is_empty() { "rule file" } else { title }.to_owned()),
        kind: Kind::Provider,
        severity: Severity::High,
        confidence: Confidence::Medium,
        keywords: core.keywords.iter().cloned().map(Text::Owned).collect(),
        lead: if window.before == 0 { Lead::of(&pattern) } else { Lead::OPEN },
        pattern: Text::Owned(pattern),
        joined: None,
        window,
        checks: checks.into_iter().collect(),
        exceptions: Cow::Owned(exceptions),
        references: Cow::Borrowed(&[]),
        is_in_self_tests: false,
        fix: Fix::advice(
            "Revoke it where it was issued, then load the new one from the environment or a secrets manager.",
        ),
        examples: Cow::Borrowed(&[]),
        counter_examples: Cow::Borrowed(&[]),
    }))
}

/// The regex with a group named `secret`: the group with the number, or the first; all of it where there is none.
fn with_secret_group(
    regex: &str,
    number: Option<usize>,
    mut notice: impl FnMut(&str),
) -> Result<String, Problem> {
    let ast = ast::parse::ParserBuilder::new()
        .build()
        .parse(regex)
        .map_err(|error| ("regex", format!("not a regular expression: {}", one_line(&error.to_string()))))?;
    let mut groups = Vec::new();
    collect_groups(&ast, &mut groups);
    let wanted = match number {
        Some(0) | None if groups.is_empty() => return Ok(format!("(?P<secret>{regex})")),
        Some(0) | None => {
            if groups.len() > 1 {
                notice("has several groups and no `secretGroup`: the first one is taken for the secret");
            }
            1
        }
        Some(number) => number,
    };
    if wanted > groups.len() {
        return Err(("secretGroup", format!("is {wanted}, and the regex has {} groups", groups.len())));
    }
    // From the last one on, so that the offsets of those in front stay true.
    let mut named = regex.to_owned();
    for (position, open) in groups.iter().enumerate().rev() {
        let is_secret = position + 1 == wanted;
        named.replace_range(open.clone(), if is_secret { "(?P<secret>" } else { "(?:" });
    }
    Ok(named)
}

/// Where the groups that capture open, `(` or `(?P<name>`, in order.
fn collect_groups(ast: &Ast, groups: &mut Vec<std::ops::Range<usize>>) {
    match ast {
        Ast::Group(group) => {
            if let ast::GroupKind::CaptureIndex(_) | ast::GroupKind::CaptureName { .. } = group.kind {
                let start = group.span.start.offset;
                let end = match &group.kind {
                    ast::GroupKind::CaptureName { name, .. } => name.span.end.offset + 1,
                    _ => start + 1,
                };
                groups.push(start..end);
            }
            collect_groups(&group.ast, groups);
        }
        Ast::Repetition(repetition) => collect_groups(&repetition.ast, groups),
        Ast::Alternation(alternation) => alternation.asts.iter().for_each(|ast| collect_groups(ast, groups)),
        Ast::Concat(concat) => concat.asts.iter().for_each(|ast| collect_groups(ast, groups)),
        _ => {}
    }
}

/// A part of a regex of which every match holds one text, and how far the match reaches from it, in bytes, where that has a bound.
#[derive(Debug, Clone)]
struct Core {
    /// The texts, in lower case.
    keywords: Vec<String>,
    before: Option<usize>,
    after: Option<usize>,
}

impl Core {
    /// The longer the shortest keyword, and the fewer there are, the less often the rule runs.
    fn worth(&self) -> (usize, std::cmp::Reverse<usize>) {
        let shortest = self.keywords.iter().map(String::len).min().unwrap_or(0);
        (shortest.min(8), std::cmp::Reverse(self.keywords.len()))
    }

    /// How far the regex can match; as far as can be where that has no bound.
    fn exact_window(&self) -> Window {
        let bytes =
            |bound: Option<usize>| bound.and_then(|bytes| u32::try_from(bytes).ok()).unwrap_or(u32::MAX);
        Window { before: bytes(self.before), after: bytes(self.after) }
    }

    /// How far the rule looks.
    fn window(&self) -> Window {
        let exact = self.exact_window();
        if exact.before.saturating_add(exact.after) <= WIDE_WINDOW_BYTES {
            return exact;
        }
        Window { before: exact.before.min(CONFINED.before), after: exact.after.min(CONFINED.after) }
    }
}

/// The best such part.
fn core(hir: &Hir) -> Option<Core> {
    if let Some(keywords) = texts(hir).and_then(keywords) {
        return Some(Core { keywords, before: Some(0), after: Some(0) });
    }
    match hir.kind() {
        HirKind::Capture(capture) => core(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => {
            // The first of the repetitions holds the keyword; others may follow.
            let found = core(&repetition.sub)?;
            let others = repetition
                .max
                .and_then(|max| repetition.sub.properties().maximum_len()?.checked_mul(max as usize - 1));
            Some(Core { after: sum(found.after, others), ..found })
        }
        HirKind::Concat(parts) => core_of_parts(parts),
        HirKind::Alternation(parts) => {
            let cores: Vec<Core> = parts.iter().map(core).collect::<Option<_>>()?;
            let furthest = |of: fn(&Core) -> Option<usize>| {
                cores.iter().map(of).try_fold(0, |most, bytes| Some(bytes?.max(most)))
            };
            let (before, after) = (furthest(|core| core.before), furthest(|core| core.after));
            let mut keywords: Vec<String> = cores.into_iter().flat_map(|core| core.keywords).collect();
            keywords.sort_unstable();
            keywords.dedup();
            (keywords.len() <= MAX_KEYWORDS).then_some(Core { keywords, before, after })
        }
        _ => None,
    }
}

fn core_of_parts(parts: &[Hir]) -> Option<Core> {
    let length = |parts: &[Hir]| {
        parts.iter().try_fold(0usize, |sum, part| sum.checked_add(part.properties().maximum_len()?))
    };
    let mut cores = Vec::new();
    for start in 0..parts.len() {
        let at = |core: Core, end: usize| Core {
            before: sum(length(&parts[..start]), core.before),
            after: sum(core.after, length(&parts[end..])),
            ..core
        };
        cores.extend(core(&parts[start]).map(|core| at(core, start + 1)));
        // Parts that stand for few texts make longer ones together.
        let mut joined = vec![Vec::new()];
        for (end, part) in parts.iter().enumerate().skip(start) {
            let Some(more) = texts(part).and_then(|more| product(&joined, &more)) else { break };
            joined = more;
            if let Some(keywords) = keywords(joined.clone()) {
                cores.push(at(Core { keywords, before: Some(0), after: Some(0) }, end + 1));
            }
        }
    }
    cores.into_iter().max_by_key(Core::worth)
}

fn sum(one: Option<usize>, other: Option<usize>) -> Option<usize> {
    one?.checked_add(other?)
}

/// The texts as keywords, where all of them can be.
fn keywords(texts: Vec<Vec<u8>>) -> Option<Vec<String>> {
    let is_keyword =
        |text: &Vec<u8>| text.len() >= MIN_KEYWORD_BYTES && text.iter().all(u8::is_ascii_graphic);
    texts
        .iter()
        .all(is_keyword)
        .then(|| texts.into_iter().map(|text| String::from_utf8_lossy(&text).into_owned()).collect())
}

/// All texts that the expression stands for, in lower case, where they are few and short. Look-arounds stand for nothing.
fn texts(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    let texts = match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => vec![Vec::new()],
        HirKind::Literal(literal) => vec![literal.0.to_ascii_lowercase()],
        HirKind::Class(Class::Bytes(class)) => {
            let bytes = class.ranges().iter().flat_map(|range| range.start()..=range.end());
            bytes.take(MAX_KEYWORDS + 1).map(|byte| vec![byte.to_ascii_lowercase()]).collect()
        }
        HirKind::Class(Class::Unicode(_)) => return None,
        HirKind::Capture(capture) => texts(&capture.sub)?,
        HirKind::Repetition(repetition) => match (repetition.min, repetition.max) {
            (0, Some(1)) => [vec![Vec::new()], texts(&repetition.sub)?].concat(),
            (1, Some(1)) => texts(&repetition.sub)?,
            _ => return None,
        },
        HirKind::Concat(parts) => {
            parts.iter().try_fold(vec![Vec::new()], |joined, part| product(&joined, &texts(part)?))?
        }
        HirKind::Alternation(parts) => parts.iter().map(texts).collect::<Option<Vec<_>>>()?.concat(),
    };
    few(texts)
}

/// Each of the first with each of the second behind it.
fn product(first: &[Vec<u8>], second: &[Vec<u8>]) -> Option<Vec<Vec<u8>>> {
    if first.len() * second.len() > MAX_KEYWORDS * 2 {
        return None;
    }
    few(first
        .iter()
        .flat_map(|one| second.iter().map(move |other| [one.as_slice(), other].concat()))
        .collect())
}

fn few(mut texts: Vec<Vec<u8>>) -> Option<Vec<Vec<u8>>> {
    texts.sort_unstable();
    texts.dedup();
    (texts.len() <= MAX_KEYWORDS && texts.iter().all(|text| text.len() <= MAX_KEYWORD_BYTES)).then_some(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(fields: &str) -> Compiled {
        compile("x.toml", &format!("[[rules]]\nid = \"acme-key\"\n{fields}\n")).expect("a valid rule file")
    }

    fn problem(fields: &str) -> String {
        compile("x.toml", &format!("[[rules]]\nid = \"acme-key\"\n{fields}\n"))
            .expect_err("refused")
            .to_string()
    }

    fn window(regex: &str) -> (Vec<String>, u32, u32) {
        let rule = rule(&format!("regex = '''{regex}'''")).rules.remove(0);
        let keywords = rule.keywords.iter().map(|keyword| keyword.clone().into_owned()).collect();
        (keywords, rule.window.before, rule.window.after)
    }

    #[test]
    fn keyword_and_window_are_what_the_regex_says() {
        let keywords = |all: &[&str]| all.iter().map(|&keyword| keyword.to_owned()).collect::<Vec<_>>();
        assert_eq!(window(r"\b(acme_[a-z0-9]{32})\b"), (keywords(&["acme_"]), 0, 32));
        assert_eq!(
            window(r"(?i)[\w.-]{0,50}?(?:acme)(?:[ \t]{0,5})([a-z]{8})"),
            (keywords(&["acme"]), 50, 13)
        );
        assert_eq!(window("(?:key_live|key_test)_[a-z]{4}"), (keywords(&["key_live_", "key_test_"]), 0, 4));
        assert_eq!(window("(?:AKIA|ASIA)[A-Z2-7]{16}"), (keywords(&["akia", "asia"]), 0, 16));
    }

    #[test]
    fn regexes_without_bounds_are_confined_and_that_is_said() {
        let compiled = rule("regex = 'acme.*=\\s*(\\w+)'");
        let window = compiled.rules[0].window;
        assert_eq!((window.before, window.after), (0, CONFINED.after));
        assert!(
            compiled.notices[0].contains("rule `acme-key`, field `regex`")
                && compiled.notices[0].contains("acme")
        );
    }

    #[test]
    fn the_secret_is_the_group_that_is_asked_for() {
        let pattern = |fields: &str| rule(fields).rules.remove(0).pattern.into_owned();
        assert_eq!(pattern("regex = 'acme_[a-z]{9}'"), "(?P<secret>acme_[a-z]{9})");
        assert_eq!(pattern("regex = '(acme)=([a-z]{9})'\nsecretGroup = 2"), "(?:acme)=(?P<secret>[a-z]{9})");
        assert_eq!(pattern("regex = 'acme=(?P<value>[a-z]{9})'"), "acme=(?P<secret>[a-z]{9})");
        assert!(problem("regex = '(acme)'\nsecretGroup = 2").contains("field `secretGroup`: is 2"));
    }

    #[test]
    fn what_has_no_effect_is_said_with_rule_and_field() {
        let compiled = rule(
            "regex = 'acme_[a-z]{9}'\npath = '.*\\.py'\nskipReport = true\n[[rules.allowlists]]\npaths = ['x']",
        );
        let said = compiled.notices.join("\n");
        for part in ["x.toml: rule `acme-key`, field `path`", "`skipReport`", "`allowlist.paths`"] {
            assert!(said.contains(part), "no {part} in {said}");
        }
        assert!(rule("path = 'x'").rules.is_empty());
    }

    #[test]
    fn rules_that_would_mean_something_else_are_refused() {
        assert!(
            problem("regex = '[a-z0-9]{32}'")
                .starts_with("x.toml:2: rule `acme-key`, field `regex`: no part")
        );
        assert!(problem("regex = 'acme(?=x)'").contains("not a regular expression"));
        assert!(problem("regex = 'acme_x'\nentropy = 9.5").contains("field `entropy`"));
        assert!(compile("x.toml", "title = 'x'\n").expect_err("refused").to_string().contains("no rules"));
        assert!(compile("x.toml", "[[rules]\n").expect_err("refused").to_string().starts_with("x.toml: "));
    }
}
