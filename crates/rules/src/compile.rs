//! [`RuleSyntax`] -> [`Rule`]: every doubt about a rule ends here, and an error names file, line, rule and field.
//! The build script uses this module for `patterns.yaml`, the program for the user's own rule files.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use regex_automata::meta;
use regex_automata::nfa::thompson::{self, NFA};
use regex_syntax::hir::literal::{Extractor, Literal};
use regex_syntax::hir::{Hir, HirKind};

use super::files::{self, NoFiles};
use super::lead::Lead;
use super::named::{self, Head};
use super::rule::{Check, Fix, Joined, Kind, LOOK_UP, Rule, Text, Window};
use super::syntax::{self, ChecksSyntax, RuleSyntax};
use super::words::{ALPHABETS, CHECKSUMS, CONFIDENCES, KINDS, SEVERITIES, STRUCTURES};

/// The version of the rule file format.
pub(super) const SCHEMA: u32 = 1;
/// The shortest keyword, in bytes: shorter ones would hit everywhere.
pub const MIN_KEYWORD_BYTES: usize = 3;
/// The largest window on either side, in bytes. Pieces of a large file overlap by 64 KiB; UTF-16 takes two bytes a
/// character, and keywords and checks some besides.
const MAX_WINDOW_BYTES: u32 = 31 * 1024;
/// Of how many beginnings of a pattern it is looked what follows a keyword.
const MAX_BEGINNINGS: usize = 4096;
/// How deep parts of patterns may stand in parts.
const MAX_PART_DEPTH: usize = 4;
/// The largest compiled form of a pattern, in bytes.
const MAX_PATTERN_BYTES: usize = 4 << 20;
/// The most keywords that one with `<<regex>>` may stand for.
const MAX_CLASS_KEYWORDS: usize = 256;

/// A rule file that cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// The YAML does not parse, or has a field that is unknown, missing or of the wrong type.
    #[error("{file}: {message}")]
    Yaml {
        /// The file.
        file: String,
        /// What the YAML parser said, with line and column.
        message: String,
    },
    /// The TOML does not parse, or has a field of the wrong type.
    #[error("{file}: {message}")]
    Toml {
        /// The file.
        file: String,
        /// What is wrong.
        message: String,
    },
    /// The file is of a version that this program does not know.
    #[error("{file}: field `schema`: version {found} is not known; the valid value is {SCHEMA}")]
    Schema {
        /// The file.
        file: String,
        /// The version that it names.
        found: u32,
    },
    /// The file names others to include that cannot be used.
    #[error("{file}:{line}: `include`: `{pattern}` {problem}")]
    Include {
        /// The file that names them.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What it names.
        pattern: String,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// A field of a rule has a value that cannot be used.
    #[error("{file}:{line}: rule `{rule}`, field `{field}`: {problem}")]
    Field {
        /// The file.
        file: String,
        /// The line of the field, or of the rule's id where the field is absent; from 1.
        line: usize,
        /// The rule's id.
        rule: String,
        /// The field.
        field: &'static str,
        /// What is wrong and what would be right.
        problem: String,
    },
}

/// Reads and checks the rule file `text`, which includes no others; `file` is its name in errors.
///
/// # Errors
///
/// The first thing that is wrong with it, see [`Error`].
pub fn compile(file: &str, text: &str) -> Result<Vec<Rule>, Error> {
    files::compile(file, text, &NoFiles)
}

/// The rule that is written so, with these parts for its pattern.
pub(super) fn rule_of(rule: RuleSyntax, parts: &BTreeMap<String, String>) -> Result<Rule, Problem> {
    let pattern = rule.pattern.as_ref().map(|pattern| expand(pattern, parts, MAX_PART_DEPTH)).transpose();
    let pattern = pattern.map_err(|problem| ("pattern", problem))?;
    rule_from(RuleSyntax { pattern, ..rule })
}

/// `pattern` with each `%{name}` replaced by the part of that name.
fn expand(pattern: &str, parts: &BTreeMap<String, String>, depth: usize) -> Result<String, String> {
    let mut expanded = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some((before, (name, after))) =
        rest.split_once("%{").and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
    {
        let part = parts.get(name).filter(|_| depth > 0).ok_or_else(|| {
            let names: Vec<&str> = parts.keys().map(String::as_str).collect();
            format!("`%{{{name}}}` stands for no part; the file's `parts` are: {}", names.join(", "))
        })?;
        expanded.push_str(before);
        expanded.push_str("(?:");
        expanded.push_str(&expand(part, parts, depth - 1)?);
        expanded.push(')');
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

/// The pattern's searcher.
///
/// # Errors
///
/// Says why the pattern cannot be used: its syntax, or that its compiled form is too large.
pub fn searcher(pattern: &str) -> Result<meta::Regex, String> {
    let config = meta::Config::new()
        .utf8_empty(false)
        .nfa_size_limit(Some(MAX_PATTERN_BYTES))
        .onepass_size_limit(Some(MAX_PATTERN_BYTES));
    meta::Builder::new().configure(config).syntax(syntax_config()).build(pattern).map_err(|error| match error
        .size_limit()
    {
        Some(limit) => format!(
            "the pattern is too large: compiled it exceeds {limit} bytes; use smaller repetition counts"
        ),
        None => match error.syntax_error() {
            Some(syntax) => format!("not a regular expression: {}", one_line(&syntax.to_string())),
            None => error.to_string(),
        },
    })
}

/// The pattern's automaton, for matches that are not searched for.
///
/// # Errors
///
/// As [`searcher`].
pub fn forward_nfa(pattern: &str) -> Result<NFA, String> {
    let config = thompson::Config::new().utf8(false).nfa_size_limit(Some(MAX_PATTERN_BYTES));
    let built = thompson::Compiler::new().syntax(syntax_config()).configure(config).build(pattern);
    built.map_err(|error| error.to_string())
}

/// How patterns are read: they match bytes.
pub(crate) fn syntax_config() -> regex_automata::util::syntax::Config {
    regex_automata::util::syntax::Config::new().unicode(false).utf8(false)
}

/// Rules that look further than this in all, in bytes, say why.
pub const WIDE_WINDOW_BYTES: u32 = 4096;

/// What is wrong with which field.
pub(super) type Problem = (&'static str, String);

fn rule_from(mut syntax: RuleSyntax) -> Result<Rule, Problem> {
    if !is_kebab_case(&syntax.id) {
        return Err((
            "id",
            "write it in kebab case: a-z, 0-9 and single `-`, such as `acme-api-key`".to_owned(),
        ));
    }
    let texts_for_people = [
        ("name", Some(&syntax.name)),
        ("provider", Some(&syntax.provider)),
        ("fix", syntax.fix.as_ref()),
        ("revoke", syntax.revoke.as_ref()),
        ("env", syntax.env.as_ref()),
    ];
    for (field, value) in texts_for_people {
        if value.is_some_and(|value| value.trim().is_empty()) {
            return Err((field, "must not be empty".to_owned()));
        }
    }
    let fix = fix_from(&syntax)?;
    syntax.keywords = expand_classes(syntax.keywords)?;
    let mut checks = checks_from(&syntax.checks)?;
    let named = spell_out(&mut syntax)?;
    if named.is_some() {
        checks.insert(0, Check::ProviderName);
    }
    let Some(pattern) = syntax.pattern.clone() else {
        return Err((
            "pattern",
            "missing field `pattern`: say what to look for with it, or with `named`".to_owned(),
        ));
    };
    check_keywords(&syntax.keywords)?;
    let kind = word("kind", syntax.kind.as_deref().unwrap_or_default(), KINDS)?;
    if kind == Kind::Provider && syntax.references.is_empty() {
        return Err(("references", "a provider rule names a page that documents the format".to_owned()));
    }
    if syntax.counter_examples.is_empty() && named.is_none() {
        return Err((
            "counter_examples",
            "give at least one text that looks like a match and is none".to_owned(),
        ));
    }
    let window = window_for(&syntax, &pattern)?;
    let joined = joined_from(&syntax, named)?;
    Ok(Rule {
        kind,
        joined,
        lead: if window.before == 0 { Lead::of(&pattern) } else { Lead::OPEN },
        severity: word("severity", syntax.severity.as_deref().unwrap_or_default(), SEVERITIES)?,
        confidence: word("confidence", syntax.confidence.as_deref().unwrap_or_default(), CONFIDENCES)?,
        window,
        checks: Cow::Owned(checks),
        id: Text::Owned(syntax.id),
        name: Text::Owned(syntax.name),
        provider: Text::Owned(syntax.provider),
        followers: Cow::Owned(followers(&parsed(&pattern)?, &syntax.keywords, window)),
        keywords: texts(syntax.keywords),
        pattern: Text::Owned(pattern),
        exceptions: Cow::Borrowed(&[]),
        references: texts(syntax.references),
        is_in_self_tests: syntax.in_self_tests,
        fix,
        examples: texts(syntax.examples),
        counter_examples: texts(syntax.counter_examples),
    })
}

/// What the grammar takes for a value of the rule: what `named` says, or `joined_value`.
fn joined_from(syntax: &RuleSyntax, named: Option<Named>) -> Result<Option<Joined>, Problem> {
    let plain = || syntax.joined_value.clone().map(|value| Named { head: None, value });
    let Some(Named { head, value }) = named.or_else(plain) else { return Ok(None) };
    searcher(&value).map_err(|problem| ("joined_value", problem))?;
    let Some(longest) = parsed(&value)?.properties().maximum_len() else {
        return Err(("joined_value", "the value's length has no bound (`*`, `+`, `{n,}`)".to_owned()));
    };
    let longest = u32::try_from(longest).unwrap_or(u32::MAX).min(MAX_WINDOW_BYTES);
    Ok(Some(Joined { head, value: Text::Owned(value), longest }))
}

/// What `named` says of names and values.
struct Named {
    head: Option<Head>,
    value: String,
}

/// How the advice of a rule without `env` names a variable: in front of the name, and behind it.
const PYTHON_LOOK_UP: (&str, &str) = ("os.environ[\"", "\"]");

/// What the rule says to do about a leak. A variable that `fix` looks up as Python does is the rule's `env`.
fn fix_from(syntax: &RuleSyntax) -> Result<Fix, Problem> {
    let trimmed = |text: &String| text.trim().to_owned();
    let env = syntax.env.as_ref().map(trimmed);
    match (syntax.revoke.as_ref().map(trimmed), syntax.fix.as_ref().map(trimmed)) {
        (Some(_), Some(_)) => {
            Err(("revoke", "is the beginning of a fix: leave out `fix`, or write all of it there".to_owned()))
        }
        (Some(revoke), None) => match env {
            Some(env) => Ok(Fix::Revoke { revoke: Text::Owned(revoke), env: Text::Owned(env) }),
            None => Err((
                "revoke",
                "needs `env`, the environment variable for the new secret; without one, write a `fix`"
                    .to_owned(),
            )),
        },
        (None, Some(text)) => advice_from(text, env),
        (None, None) => Err(("fix", "missing field `fix`: say what to do about a leak".to_owned())),
    }
}

fn advice_from(mut text: String, mut env: Option<String>) -> Result<Fix, Problem> {
    let first = text.split_once(PYTHON_LOOK_UP.0).and_then(|(_, rest)| rest.split_once(PYTHON_LOOK_UP.1));
    if let (None, Some((name, _))) = (&env, first) {
        let name = name.to_owned();
        // Advice on several variables is left as it is.
        if text.matches(PYTHON_LOOK_UP.0).count() == 1 {
            text = text.replacen(&[PYTHON_LOOK_UP.0, &name, PYTHON_LOOK_UP.1].concat(), LOOK_UP, 1);
        }
        env = Some(name);
    }
    if env.is_none() && text.contains(LOOK_UP) {
        return Err(("fix", format!("has `{LOOK_UP}`, and the rule names no variable: write it in `env`")));
    }
    Ok(Fix::Advice { text: Text::Owned(text), env: env.map(Text::Owned) })
}

/// The keywords with each `<<regex>>` spelled out.
fn expand_classes(keywords: Vec<String>) -> Result<Vec<String>, Problem> {
    let mut expanded = Vec::with_capacity(keywords.len());
    for keyword in keywords {
        if !keyword.contains("<<") {
            expanded.push(keyword);
            continue;
        }
        let mut begun = vec![String::new()];
        let mut rest = keyword.as_str();
        while let Some((before, (regex, after))) =
            rest.split_once("<<").and_then(|(before, rest)| Some((before, rest.split_once(">>")?)))
        {
            let texts = texts_of(regex).filter(|texts| begun.len() * texts.len() <= MAX_CLASS_KEYWORDS);
            let texts = texts.ok_or_else(|| {
                let problem = format!(
                    "`{keyword}`: `{regex}` does not stand for at most {MAX_CLASS_KEYWORDS} texts; write a class of \
                     characters or alternatives, such as `[0-9a-f]`"
                );
                ("keywords", problem)
            })?;
            begun = begun
                .iter()
                .flat_map(|start| texts.iter().map(move |text| format!("{start}{before}{text}")))
                .collect();
            rest = after;
        }
        expanded.extend(begun.into_iter().map(|start| start + rest));
    }
    Ok(expanded)
}

/// The texts that a regular expression matches, where they are few.
fn texts_of(regex: &str) -> Option<Vec<String>> {
    let mut extractor = Extractor::new();
    extractor.limit_class(MAX_CLASS_KEYWORDS).limit_total(MAX_CLASS_KEYWORDS);
    let found = extractor.extract(&parsed(regex).ok()?);
    let literals = found.literals().filter(|_| found.is_exact())?;
    literals.iter().map(|literal| String::from_utf8(literal.as_bytes().to_vec()).ok()).collect()
}

/// Puts keywords, pattern and examples where a rule has `named`; what it says of names and values.
fn spell_out(syntax: &mut RuleSyntax) -> Result<Option<Named>, Problem> {
    let Some(named) = &syntax.named else {
        return Ok(None);
    };
    if syntax.pattern.is_some() || !syntax.keywords.is_empty() {
        return Err(("named", "stands for `keywords` and `pattern`: leave these out, or `named`".to_owned()));
    }
    let expanded = named::expand(named).map_err(|problem| ("named", problem))?;
    syntax.keywords = expanded.keywords;
    syntax.pattern = Some(expanded.pattern);
    Ok(Some(Named { head: Some(expanded.head), value: expanded.value }))
}

fn check_keywords(keywords: &[String]) -> Result<(), Problem> {
    if keywords.is_empty() {
        let problem = "a rule needs at least one keyword: a literal that every match contains";
        return Err(("keywords", problem.to_owned()));
    }
    match keywords.iter().find(|keyword| keyword.len() < MIN_KEYWORD_BYTES) {
        Some(short) => Err((
            "keywords",
            format!("`{short}` is too short: a keyword has at least {MIN_KEYWORD_BYTES} bytes"),
        )),
        None => Ok(()),
    }
}

/// Checks the pattern and says how far it may look: as its author wrote, or as far as it can match.
fn window_for(syntax: &RuleSyntax, pattern: &str) -> Result<Window, Problem> {
    let searcher = searcher(pattern).map_err(|problem| ("pattern", problem))?;
    let groups = searcher.group_info();
    if groups.to_index(regex_automata::PatternID::ZERO, "secret").is_none() {
        let problem = "has no group named `secret`: write `(?P<secret>...)` around the credential itself";
        return Err(("pattern", problem.to_owned()));
    }
    let hir = parsed(pattern)?;
    if hir.properties().minimum_len() == Some(0) {
        return Err(("pattern", "matches the empty text".to_owned()));
    }
    let window = match (syntax.window, hir.properties().maximum_len()) {
        (Some(window), _) => Window { before: window.before, after: window.after },
        (None, Some(longest)) => Window { before: 0, after: u32::try_from(longest).unwrap_or(u32::MAX) },
        (None, None) => {
            let problem = "the pattern's length has no bound (`*`, `+`, `{n,}`): bound it, or give a window";
            return Err(("window", problem.to_owned()));
        }
    };
    if window.before > MAX_WINDOW_BYTES || window.after > MAX_WINDOW_BYTES {
        let problem = format!("looks further than {MAX_WINDOW_BYTES} bytes; use smaller repetition counts");
        return Err(("window", problem));
    }
    let reach = window.before + window.after;
    if reach > WIDE_WINDOW_BYTES && syntax.wide.as_ref().is_none_or(|why| why.trim().is_empty()) {
        let problem = format!(
            "looks as far as {reach} bytes: a change anywhere in there makes it run again; confine it to \
             {WIDE_WINDOW_BYTES}, or say in `wide` why that cannot be"
        );
        return Err(("window", problem));
    }
    if window.before == 0 && !may_start_with_keyword(&hir, &syntax.keywords) {
        let problem = "no match can begin with a keyword; with `before: 0` the pattern is anchored there: let it \
                       begin with the keyword, or give a window with `before`";
        return Err(("pattern", problem.to_owned()));
    }
    Ok(window)
}

/// The expression of a pattern, as the engine reads it.
pub fn parsed(pattern: &str) -> Result<Hir, Problem> {
    regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .build()
        .parse(pattern)
        .map_err(|error| ("pattern", format!("not a regular expression: {}", one_line(&error.to_string()))))
}

/// How many bytes the pattern's group `secret` has at least, and at most where that has a bound.
#[must_use]
pub fn secret_lengths(pattern: &str) -> Option<(usize, Option<usize>)> {
    fn group(hir: &Hir) -> Option<&Hir> {
        match hir.kind() {
            HirKind::Capture(capture) if capture.name.as_deref() == Some("secret") => Some(&capture.sub),
            HirKind::Capture(capture) => group(&capture.sub),
            HirKind::Repetition(repetition) => group(&repetition.sub),
            HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().find_map(group),
            HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => None,
        }
    }
    let hir = parsed(pattern).ok()?;
    let properties = group(&hir)?.properties();
    Some((properties.minimum_len()?, properties.maximum_len()))
}

/// Whether some keyword's first byte may be the first byte of a match. A guard against an anchored rule that can never
/// match; it may say yes too often.
fn may_start_with_keyword(hir: &Hir, keywords: &[String]) -> bool {
    let mut first = [false; 256];
    first_bytes(hir, &mut first);
    keywords.iter().filter_map(|keyword| keyword.bytes().next()).any(|byte| {
        first[usize::from(byte.to_ascii_lowercase())] || first[usize::from(byte.to_ascii_uppercase())]
    })
}

/// The bytes of which one stands behind a keyword in each match. Asked for keywords that are too short to be rare, where the
/// pattern begins with them; otherwise, and where any byte may stand there, none are named.
fn followers(hir: &Hir, keywords: &[String], window: Window) -> Vec<u8> {
    let shortest = keywords.iter().map(String::len).min().unwrap_or(0);
    if window.before > 0 || shortest > MIN_KEYWORD_BYTES {
        return Vec::new();
    }
    let mut extractor = Extractor::new();
    extractor.limit_class(256).limit_literal_len(MIN_KEYWORD_BYTES + 1).limit_total(MAX_BEGINNINGS);
    let beginnings = extractor.extract(hir);
    let Some(beginnings) = beginnings.literals() else { return Vec::new() };
    let mut followers = BTreeSet::new();
    for keyword in keywords {
        for beginning in beginnings.iter().map(Literal::as_bytes) {
            let both = keyword.len().min(beginning.len());
            if !keyword.as_bytes()[..both].eq_ignore_ascii_case(&beginning[..both]) {
                continue;
            }
            match beginning.get(keyword.len()) {
                Some(&follower) => followers.insert(follower),
                None => return Vec::new(),
            };
        }
    }
    followers.into_iter().collect()
}

/// Marks the bytes with which a match may begin; returns whether the expression can match the empty text.
fn first_bytes(hir: &Hir, first: &mut [bool; 256]) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => true,
        HirKind::Literal(literal) => {
            if let Some(&byte) = literal.0.first() {
                first[usize::from(byte)] = true;
            }
            literal.0.is_empty()
        }
        HirKind::Class(class) => {
            match class {
                regex_syntax::hir::Class::Bytes(class) => {
                    for range in class.ranges() {
                        (range.start()..=range.end()).for_each(|byte| first[usize::from(byte)] = true);
                    }
                }
                regex_syntax::hir::Class::Unicode(_) => first.fill(true),
            }
            false
        }
        HirKind::Repetition(repetition) => first_bytes(&repetition.sub, first) || repetition.min == 0,
        HirKind::Capture(capture) => first_bytes(&capture.sub, first),
        HirKind::Concat(parts) => parts.iter().all(|part| first_bytes(part, first)),
        HirKind::Alternation(parts) => {
            {
                // All parts mark their bytes: `any` would stop at the first that can be empty.
                parts.iter().filter(|part| first_bytes(part, first)).count() > 0
            }
        }
    }
}

fn checks_from(syntax: &ChecksSyntax) -> Result<Vec<Check>, Problem> {
    // The cheap ones first: most candidates end there.
    let mut checks = Vec::new();
    if syntax.assigned {
        checks.push(Check::Assigned);
    }
    if syntax.secret_name {
        checks.push(Check::SecretName);
    }
    if syntax.literal {
        checks.push(Check::Literal);
    }
    if syntax.user_differs {
        checks.push(Check::UserDiffers);
    }
    if syntax.not_a_number {
        checks.push(Check::NotANumber);
    }
    if syntax.not_words {
        checks.push(Check::NotWords);
    }
    if syntax.url_password {
        checks.push(Check::UrlPassword);
    }
    if syntax.mixed {
        checks.push(Check::Mixed);
    }
    if let Some(entropy) = &syntax.entropy {
        if !(0.0..=8.0).contains(&entropy.min) {
            let problem = format!("entropy.min is {}; bits per character lie between 0 and 8", entropy.min);
            return Err(("checks", problem));
        }
        let alphabet = word("checks", &entropy.alphabet, ALPHABETS)?;
        checks.push(Check::Entropy { alphabet, min_bits: entropy.min });
    }
    if let Some(name) = &syntax.checksum {
        checks.push(Check::Checksum(word("checks", name, CHECKSUMS)?));
    }
    if let Some(name) = &syntax.structure {
        checks.push(Check::Structure(word("checks", name, STRUCTURES)?));
    }
    Ok(checks)
}

fn word<T: Copy>(field: &'static str, written: &str, words: &[(&str, T)]) -> Result<T, Problem> {
    words.iter().find(|(word, _)| *word == written).map(|&(_, value)| value).ok_or_else(|| {
        let valid: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        (field, format!("`{written}` is not valid; the valid values are: {}", valid.join(", ")))
    })
}

fn texts(values: Vec<String>) -> Cow<'static, [Text]> {
    Cow::Owned(values.into_iter().map(Text::Owned).collect())
}

fn is_kebab_case(id: &str) -> bool {
    !id.is_empty()
        && id.split('-').all(|part| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
}

/// The message without line breaks.
pub fn one_line(message: &str) -> String {
    message.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The YAML parser's message, with the id of the rule that it names by its place in the list.
pub(super) fn with_rule_id(text: &str, message: &str) -> String {
    let position = message
        .strip_prefix("rules[")
        .and_then(|rest| rest.split_once(']'))
        .and_then(|(position, _)| position.parse::<usize>().ok());
    match position.and_then(|position| syntax::id_of_rule(text, position)) {
        Some(id) => format!("rule `{id}`: {message}"),
        None => message.to_owned(),
    }
}

/// The line of `field` in the rule at `position`, or of the rule's first line where the field is not written.
///
/// YAML's values carry no positions once they are read, so this looks at the text: a rule begins with `- ` at the
/// indentation of the list's first item.
pub(super) fn line_of(text: &str, position: usize, field: &str) -> usize {
    let mut item_indent = None;
    let mut rule = None;
    let mut count = 0;
    for (index, line) in text.lines().enumerate() {
        let trimmed = line.trim_start();
        let indent = line.len() - trimmed.len();
        let is_item = trimmed.starts_with("- ") && *item_indent.get_or_insert(indent) == indent;
        if is_item {
            count += 1;
        }
        if count != position + 1 {
            continue;
        }
        rule = rule.or(Some(index + 1));
        let key = if is_item { trimmed[1..].trim_start() } else { trimmed };
        if key.strip_prefix(field).is_some_and(|rest| rest.trim_start().starts_with(':')) {
            return index + 1;
        }
    }
    rule.unwrap_or(1)
}
