//! Two results -> what changed between them: new, back again, still there, fixed, suppressed since, no longer readable.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use serde::Serialize;

use super::about::AboutJson;
use super::groups::{Group, groups};
use super::json::{FindingJson, PlaceJson, Results, SCHEMA, SuppressedIdJson, SuppressedPlaceJson};
use super::text::{self, Paint, group as grouped, plural};
use super::{Format, Options, ReadError, escaped, html, markdown};

/// The change of a finding from one run to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Change {
    /// The earlier run did not have it.
    New,
    /// It was out of HEAD, or suppressed, and is back.
    Reappeared,
    /// Both have it.
    Still,
    /// The earlier run had it; the later one suppresses it.
    Suppressed,
    /// The later run does not have it, read everything, and says which findings it suppresses.
    Fixed,
    /// The later run does not have it, and did not read everything.
    Unreadable,
    /// The later run does not have it, and suppresses findings without saying which.
    Unknown,
}

impl Change {
    pub(super) const ALL: [Self; 7] = [
        Self::New,
        Self::Reappeared,
        Self::Unreadable,
        Self::Unknown,
        Self::Fixed,
        Self::Suppressed,
        Self::Still,
    ];

    /// As a heading, and behind a number.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Reappeared => "reappeared",
            Self::Still => "still there",
            Self::Suppressed => "suppressed since",
            Self::Fixed => "fixed",
            Self::Unreadable => "no longer readable",
            Self::Unknown => "not known",
        }
    }

    /// Its meaning, in a sentence.
    pub(super) fn meaning(self) -> &'static str {
        match self {
            Self::New => "the earlier results do not have them",
            Self::Reappeared => "gone from HEAD or suppressed in the earlier results, and back",
            Self::Still => "in both",
            Self::Suppressed => "reported in the earlier results, suppressed in the later ones",
            Self::Fixed => "in the earlier results only",
            Self::Unreadable => "in the earlier results only, but the later run did not read everything",
            Self::Unknown => "in the earlier results only; fixed, or suppressed in the later run",
        }
    }
}

/// Results with the name of their file.
#[derive(Debug)]
pub struct Named<'a> {
    /// The file.
    pub name: &'a str,
    /// Its content.
    pub results: &'a Results,
}

/// The changes from one run to another.
#[derive(Debug)]
pub struct Comparison<'a> {
    pub(super) old: Named<'a>,
    pub(super) new: Named<'a>,
    changes: Vec<(Change, &'a FindingJson)>,
    pub(super) notices: Vec<String>,
}

impl<'a> Comparison<'a> {
    /// Compares what two runs found.
    ///
    /// # Errors
    ///
    /// When one of the files was cut off: what is missing in it would seem new or fixed.
    pub fn new(old: Named<'a>, new: Named<'a>) -> Result<Self, ReadError> {
        old.results.check_whole(old.name)?;
        new.results.check_whole(new.name)?;
        let is_complete = new.results.is_complete();
        let before = &old.results.findings;
        let (was, is) = (Signs::of_all(before), Signs::of_all(&new.results.findings));
        let matches = Matches::new(old.results, new.results);
        let matched = matches.of(&was, &is);
        let mut changes = Vec::new();
        let mut seen: BTreeSet<usize> = BTreeSet::new();
        let was_hidden = matches.of(&Signs::of_suppressed(old.results), &is);
        for ((at, finding), hidden) in matched.iter().zip(&new.results.findings).zip(&was_hidden) {
            let change = match at {
                Some(at) if before[*at].in_head() == Some(false) && finding.in_head() == Some(true) => {
                    Change::Reappeared
                }
                Some(_) => Change::Still,
                None if hidden.is_some() => Change::Reappeared,
                None => Change::New,
            };
            seen.extend(at);
            changes.push((change, finding));
        }
        let is_suppressed = matches.of(&Signs::of_suppressed(new.results), &was);
        let names_suppressed = new.results.names_suppressed();
        for (at, finding) in before.iter().enumerate().filter(|(at, _)| !seen.contains(at)) {
            let change = match is_suppressed[at] {
                Some(_) => Change::Suppressed,
                None if !is_complete => Change::Unreadable,
                None if !names_suppressed => Change::Unknown,
                None => Change::Fixed,
            };
            changes.push((change, finding));
        }
        let notices = notices(&old, &new);
        let mut comparison = Self { old, new, changes, notices };
        comparison.notices.extend(comparison.unknown_notice());
        Ok(comparison)
    }

    /// The number of findings that changed in this way.
    pub(super) fn count(&self, change: Change) -> usize {
        self.changes.iter().filter(|(of, _)| *of == change).count()
    }

    /// The groups of findings that changed in this way, what to do first in front.
    pub(super) fn groups(&self, change: Change) -> Vec<Group<'a>> {
        groups(self.changes.iter().filter(|(of, _)| *of == change).map(|(_, finding)| *finding))
    }

    /// Why it is not known of some findings whether they are fixed.
    fn unknown_notice(&self) -> Option<String> {
        let unknown = self.count(Change::Unknown) as u64;
        let hidden = plural(self.new.results.summary.suppressed.count() as u64, "finding");
        (unknown > 0).then(|| {
            format!(
                "the later run suppresses {hidden} that its file does not name: {} may be suppressed or fixed; run it again, or \
                 save it with --show-suppressed",
                grouped(unknown)
            )
        })
    }

    /// The number of findings that are new or reappeared.
    #[must_use]
    pub fn worse(&self) -> usize {
        self.count(Change::New) + self.count(Change::Reappeared)
    }

    /// Whether the later run read everything.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.new.results.is_complete()
    }

    /// `2 new, 1 fixed, 40 still there`
    pub(super) fn verdict(&self) -> String {
        let counts = Change::ALL.into_iter().map(|change| (change, self.count(change)));
        let told: Vec<String> = counts
            .filter(|(change, count)| *count > 0 || *change == Change::New)
            .map(|(change, count)| format!("{} {}", grouped(count as u64), change.words()))
            .collect();
        let gap =
            if self.is_complete() { "" } else { "; NOT COMPLETE: the later run did not read everything" };
        format!("{}{gap}", told.join(", "))
    }
}

impl Named<'_> {
    /// The repository and the run of the results, in one line.
    pub(super) fn title(&self) -> String {
        let summary = &self.results.summary;
        let finished = summary.finished.as_ref().map(|time| escaped(time.as_bytes()));
        let facts = [summary.about.repository_text(), summary.about.tool_text(), finished];
        let facts: Vec<String> = facts.into_iter().flatten().collect();
        let facts = if facts.is_empty() { String::new() } else { format!(": {}", facts.join("; ")) };
        let count = plural(self.results.findings.len() as u64, "secret");
        format!("{} ({count}){facts}", escaped(self.name.as_bytes()))
    }
}

/// Reasons why findings may seem new or fixed and are not.
fn notices(old: &Named<'_>, new: &Named<'_>) -> Vec<String> {
    let (of_old, of_new) = (&old.results.summary, &new.results.summary);
    let mut notices = Vec::new();
    let place = |about: &AboutJson| {
        let repository = about.repository.as_ref()?;
        Some(repository.url.clone().unwrap_or_else(|| repository.name.clone()))
    };
    if let (Some(before), Some(after)) = (place(&of_old.about), place(&of_new.about))
        && before != after
    {
        let (before, after) = (escaped(before.as_bytes()), escaped(after.as_bytes()));
        notices.push(format!("the results are of different repositories: {before} and {after}"));
    }
    let kind = |about: &AboutJson| about.command_text()?.split(' ').nth(1).map(str::to_owned);
    if let (Some(before), Some(after)) = (kind(&of_old.about), kind(&of_new.about))
        && before != after
    {
        notices.push(format!("`keysieve {before}` and `keysieve {after}` read different things"));
    }
    if of_old.about.tool.is_some() && of_new.about.tool.is_some() && of_old.about.tool != of_new.about.tool {
        notices.push("different scanners made the results: findings are compared by their places".to_owned());
    }
    if let (Some(before), Some(after)) = (&of_old.about.rules, &of_new.about.rules)
        && before.digest != after.digest
    {
        notices.push("the runs used different rules: what is new may be new to the rules only".to_owned());
    }
    if !old.results.is_complete() {
        notices.push("the earlier run did not read everything: what is new may have been there".to_owned());
    }
    notices
}

/// The keys by which findings of two runs are recognised.
struct Signs<'a> {
    fingerprint: &'a str,
    value_digest: Option<&'a str>,
    rule: &'a str,
    variable: &'a str,
    hint: &'a str,
    places: Vec<Spot<'a>>,
}

/// The position of a place, down to its line and, in a history, its commit.
struct Spot<'a> {
    path: Cow<'a, str>,
    line: u64,
    commit: &'a str,
}

impl<'a> Signs<'a> {
    fn of_all(findings: &'a [FindingJson]) -> Vec<Self> {
        findings.iter().map(Self::of).collect()
    }

    /// Those of the findings that a run suppressed, as far as its file names them.
    fn of_suppressed(results: &'a Results) -> Vec<Self> {
        match &results.suppressed {
            Some(listed) => listed.iter().map(|suppressed| Self::of(&suppressed.finding)).collect(),
            None => results.summary.suppressed_ids.iter().flatten().map(Self::of_id).collect(),
        }
    }

    fn of(finding: &'a FindingJson) -> Self {
        Self {
            fingerprint: &finding.fingerprint,
            value_digest: finding.value_digest.as_deref(),
            rule: &finding.rule,
            variable: finding.variable.as_deref().unwrap_or_default(),
            hint: &finding.hint,
            places: finding.places.iter().map(Spot::of).collect(),
        }
    }

    fn of_id(id: &'a SuppressedIdJson) -> Self {
        let spot = |place: &'a SuppressedPlaceJson| Spot {
            path: place.path.as_str().into(),
            line: place.line,
            commit: place.commit.as_deref().unwrap_or_default(),
        };
        Self {
            fingerprint: &id.fingerprint,
            value_digest: None,
            rule: &id.rule,
            variable: id.variable.as_deref().unwrap_or_default(),
            hint: &id.hint,
            places: id.places.iter().map(spot).collect(),
        }
    }

    fn paths(&self) -> BTreeSet<&str> {
        self.places.iter().map(Spot::path).collect()
    }
}

impl<'a> Spot<'a> {
    fn of(place: &'a PlaceJson) -> Self {
        Self {
            path: place.name().into(),
            line: place.line,
            commit: place.history_commit().unwrap_or_default(),
        }
    }

    fn path(&self) -> &str {
        self.path.strip_prefix("./").unwrap_or(&self.path)
    }
}

/// Pairs findings of two runs.
struct Matches {
    /// Different scanners call the same thing by different names.
    ignores_rules: bool,
}

impl Matches {
    fn new(old: &Results, new: &Results) -> Self {
        let tool =
            |results: &Results| results.summary.about.tool.clone().unwrap_or_else(|| "keysieve".into());
        Self { ignores_rules: tool(old) != tool(new) }
    }

    /// For each of `new` its number in `old`, by the surest sign first: identity, value, place, name.
    fn of(&self, old: &[Signs<'_>], new: &[Signs<'_>]) -> Vec<Option<usize>> {
        let mut matched = vec![None; new.len()];
        let mut taken: BTreeSet<usize> = BTreeSet::new();
        let identity = |signs: &Signs<'_>| vec![signs.fingerprint.to_owned()];
        let value = |signs: &Signs<'_>| {
            let digest = signs.value_digest.into_iter();
            digest
                .flat_map(|digest| signs.paths().into_iter().map(move |path| format!("{digest}\0{path}")))
                .collect()
        };
        let place = |signs: &Signs<'_>| {
            let rule = self.rule(signs);
            let position = |spot: &Spot<'_>| {
                // Not every scanner reads histories.
                let commit = if self.ignores_rules { "" } else { spot.commit };
                format!("{rule}\0{}\0{}\0{commit}", spot.path(), spot.line)
            };
            signs.places.iter().map(position).collect()
        };
        let name = |signs: &Signs<'_>| {
            let (rule, variable, hint) = (self.rule(signs), signs.variable, signs.hint);
            let named = |path| format!("{rule}\0{path}\0{variable}\0{hint}");
            signs.paths().into_iter().map(named).collect()
        };
        type Pass<'p> = &'p dyn Fn(&Signs<'_>) -> Vec<String>;
        let passes: [Pass<'_>; 4] = [&identity, &value, &place, &name];
        for signs in passes {
            let mut known: BTreeMap<String, Vec<usize>> = BTreeMap::new();
            for (at, finding) in old.iter().enumerate().filter(|(at, _)| !taken.contains(at)) {
                signs(finding).into_iter().for_each(|sign| known.entry(sign).or_default().push(at));
            }
            for (finding, matched) in new.iter().zip(&mut matched).filter(|(_, matched)| matched.is_none()) {
                let candidates = signs(finding);
                let candidates = candidates.iter().filter_map(|sign| known.get(sign)).flatten();
                if let Some(at) = candidates.copied().find(|at| !taken.contains(at)) {
                    taken.insert(at);
                    *matched = Some(at);
                }
            }
        }
        matched
    }

    fn rule<'s>(&self, signs: &Signs<'s>) -> &'s str {
        if self.ignores_rules { "" } else { signs.rule }
    }
}

/// Writes a comparison; as text in formats that have no form for one.
///
/// # Errors
///
/// When `out` cannot be written to.
pub fn write(
    out: &mut dyn Write,
    comparison: &Comparison<'_>,
    format: Format,
    options: Options,
) -> io::Result<()> {
    match format {
        Format::Json | Format::JsonLines => write_json(out, comparison),
        Format::Html => html::write_comparison(out, comparison),
        Format::Markdown => markdown::write_comparison(out, comparison),
        _ => write_text(out, comparison, options),
    }
}

/// Whether a comparison can be written in this format.
#[must_use]
pub fn has_format(format: Format) -> bool {
    matches!(format, Format::Text | Format::Json | Format::Html | Format::Markdown)
}

fn write_text(out: &mut dyn Write, comparison: &Comparison<'_>, options: Options) -> io::Result<()> {
    let paint = Paint { colour: options.colour };
    let verdict = if comparison.worse() > 0 || !comparison.is_complete() { "31" } else { "32" };
    let verdict = paint.with(verdict, &comparison.verdict());
    if !options.quiet {
        writeln!(out, "from  {}\nto    {}", comparison.old.title(), comparison.new.title())?;
        writeln!(out, "{verdict}\n")?;
    }
    for change in Change::ALL {
        let groups = comparison.groups(change);
        let is_listed = options.details || !matches!(change, Change::Still | Change::Suppressed);
        if groups.is_empty() || !is_listed {
            continue;
        }
        let count = grouped(comparison.count(change) as u64);
        writeln!(out, "{} ({count}): {}\n", paint.bold(change.words()), change.meaning())?;
        text::write_groups(out, &groups, options, paint)?;
    }
    if !options.quiet {
        if !options.details && comparison.count(Change::Still) > 0 {
            writeln!(out, "{}", paint.dim("-v lists those that are still there"))?;
        }
        comparison.notices.iter().try_for_each(|notice| writeln!(out, "note: {notice}"))?;
    }
    writeln!(out, "{verdict}")
}

#[derive(Serialize)]
struct ComparisonJson<'a> {
    r#type: &'static str,
    schema: u32,
    old: SideJson<'a>,
    new: SideJson<'a>,
    counts: BTreeMap<&'static str, usize>,
    complete: bool,
    notices: &'a [String],
    findings: Vec<ChangedJson<'a>>,
}

/// One of the two results.
#[derive(Serialize)]
struct SideJson<'a> {
    file: &'a str,
    findings: usize,
    complete: bool,
    finished: Option<&'a str>,
    #[serde(flatten)]
    about: &'a AboutJson,
}

impl<'a> SideJson<'a> {
    fn new(side: &Named<'a>) -> Self {
        let summary = &side.results.summary;
        Self {
            file: side.name,
            findings: side.results.findings.len(),
            complete: side.results.is_complete(),
            finished: summary.finished.as_deref(),
            about: &summary.about,
        }
    }
}

#[derive(Serialize)]
struct ChangedJson<'a> {
    change: Change,
    #[serde(flatten)]
    finding: &'a FindingJson,
}

fn write_json(out: &mut dyn Write, comparison: &Comparison<'_>) -> io::Result<()> {
    let counts = [
        ("new", Change::New),
        ("reappeared", Change::Reappeared),
        ("still", Change::Still),
        ("suppressed", Change::Suppressed),
        ("fixed", Change::Fixed),
        ("unreadable", Change::Unreadable),
        ("unknown", Change::Unknown),
    ];
    let document = ComparisonJson {
        r#type: "comparison",
        schema: SCHEMA,
        old: SideJson::new(&comparison.old),
        new: SideJson::new(&comparison.new),
        counts: counts.into_iter().map(|(name, change)| (name, comparison.count(change))).collect(),
        complete: comparison.is_complete(),
        notices: &comparison.notices,
        findings: Change::ALL
            .into_iter()
            .flat_map(|change| {
                let members = comparison.groups(change).into_iter().flat_map(|group| group.members);
                members.map(move |finding| ChangedJson { change, finding })
            })
            .collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    out.write_all(b"\n")
}
