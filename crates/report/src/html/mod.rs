//! One self-contained page for people: what leaked, what to do first, when it came in, where most of it is. It opens offline and
//! prints; it loads nothing, and its policy lets nothing else run in it. All that came from outside goes through [`text`].

mod plots;

use std::collections::BTreeMap;
use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest, Sha256};

use super::compare::{Change, Comparison};
use super::dates::{DAY, day, duration_text};
use super::groups::{Group, count_text, groups};
use super::json::{EnvFileJson, FindingJson, PlaceJson, Results, UnreadJson};
use super::markdown::capital;
use super::text::{group, plural};
use super::words::{Authors, confidence_text, first_step};
use super::{escaped, json};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// How many findings are elements from the beginning.
const AT_FIRST: usize = 100;
/// How many of a finding's places, and of other lists, are in the page.
const MAX_PLACES: usize = 50;
const MAX_LIST: usize = 500;
/// How many values of a facet can be chosen.
const MAX_CHOICES: usize = 500;
/// How many bars a plot has.
const MAX_BARS: usize = 10;

/// Writes the page.
pub(super) fn write(out: &mut dyn Write, results: &Results) -> io::Result<()> {
    let page = Page::new(results);
    write_head(out, results)?;
    write_unread(out, results)?;
    if !page.groups.is_empty() {
        page.write_steps(out)?;
        plots::write_time_line(out, &page.groups, results.summary.finished_seconds())?;
        page.write_plots(out)?;
        page.write_findings(out)?;
    }
    write_env_files(out, &results.summary.env_files)?;
    write_coverage(out, results)?;
    writeln!(
        out,
        "</main>\n<footer><p>Made by keysieve {} from what lies on one machine; nothing was sent anywhere. {}</p></footer>",
        env!("CARGO_PKG_VERSION"),
        match results.has_secrets() {
            true => "It has secrets in full: mind who sees it.",
            false => "It has no secrets, only their beginnings and ends.",
        }
    )?;
    writeln!(out, "<script>{SCRIPT}</script>\n</body>\n</html>")
}

/// Untrusted text in an element or an attribute, with what a reader cannot see shown escaped.
fn text(untrusted: &str) -> String {
    let shown = escaped(untrusted.as_bytes());
    let mut quoted = String::with_capacity(shown.len());
    for character in shown.chars() {
        match character {
            '&' => quoted.push_str("&amp;"),
            '<' => quoted.push_str("&lt;"),
            '>' => quoted.push_str("&gt;"),
            '"' => quoted.push_str("&quot;"),
            '\'' => quoted.push_str("&#39;"),
            _ => quoted.push(character),
        }
    }
    quoted
}

/// The page's own style or script, as its policy names it.
fn source(content: &str) -> String {
    format!("'sha256-{}'", BASE64.encode(Sha256::digest(content)))
}

fn write_head(out: &mut dyn Write, results: &Results) -> io::Result<()> {
    let (style, script) = (source(STYLE), source(SCRIPT));
    let policy = format!(
        "default-src 'none'; style-src {style}; script-src {script}; base-uri 'none'; form-action 'none'"
    );
    let verdict = text(&results.verdict());
    let class = match (results.is_complete(), results.findings.len() + results.failing()) {
        (true, 0) => "good",
        _ => "bad",
    };
    let summary = &results.summary;
    let when =
        summary.finished.as_deref().map(|date| format!("As of {}. ", text(day(date)))).unwrap_or_default();
    writeln!(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
    writeln!(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">")?;
    writeln!(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
    writeln!(out, "<meta name=\"referrer\" content=\"no-referrer\">\n<title>keysieve: {verdict}</title>")?;
    writeln!(out, "<style>{STYLE}</style>\n</head>\n<body>")?;
    if !results.findings.is_empty() {
        writeln!(out, "<a class=\"skip\" href=\"#findings\">Skip to the findings</a>")?;
    }
    writeln!(out, "<header>\n<div>\n<h1>Leaked secrets</h1>\n<p class=\"verdict {class}\">{verdict}</p>")?;
    writeln!(out, "<p class=\"soft\">{when}Read: {}.</p>", text(&summary.read_text()))?;
    for (name, fact) in summary.facts() {
        writeln!(out, "<p class=\"soft\">{name}: <code>{}</code></p>", text(&fact))?;
    }
    writeln!(out, "</div>")?;
    writeln!(out, "<button type=\"button\" id=\"theme\" hidden>Dark theme</button>\n</header>\n<main>")
}

/// Writes a comparison: a page with a list a kind of change.
pub(super) fn write_comparison(out: &mut dyn Write, comparison: &Comparison<'_>) -> io::Result<()> {
    let policy =
        format!("default-src 'none'; style-src {}; base-uri 'none'; form-action 'none'", source(STYLE));
    let verdict = text(&comparison.verdict());
    let class = if comparison.is_complete() && comparison.worse() == 0 { "good" } else { "bad" };
    writeln!(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
    writeln!(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">")?;
    writeln!(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
    writeln!(out, "<meta name=\"referrer\" content=\"no-referrer\">\n<title>keysieve: {verdict}</title>")?;
    writeln!(out, "<style>{STYLE}</style>\n</head>\n<body>\n<header>\n<div>")?;
    writeln!(out, "<h1>What changed</h1>\n<p class=\"verdict {class}\">{verdict}</p>")?;
    for (name, side) in [("From", &comparison.old), ("To", &comparison.new)] {
        writeln!(out, "<p class=\"soft\">{name}: <code>{}</code></p>", text(&side.title()))?;
    }
    comparison.notices.iter().try_for_each(|notice| writeln!(out, "<p>{}</p>", text(notice)))?;
    writeln!(out, "</div>\n</header>\n<main>")?;
    for change in Change::ALL {
        let groups = comparison.groups(change);
        if groups.is_empty() {
            continue;
        }
        let count = group(comparison.count(change) as u64);
        writeln!(out, "<section>\n<h2>{count} {}</h2>", change.words())?;
        writeln!(out, "<p class=\"soft\">{}.</p>\n<ol class=\"list\">", capital(change.meaning()))?;
        groups.iter().try_for_each(|mistake| write_changed(out, mistake))?;
        writeln!(out, "</ol>\n</section>")?;
    }
    let version = env!("CARGO_PKG_VERSION");
    writeln!(out, "</main>\n<footer><p>Made by keysieve {version}.</p></footer>\n</body>\n</html>")
}

/// A group in a comparison: what, where, and what to do first.
fn write_changed(out: &mut dyn Write, mistake: &Group<'_>) -> io::Result<()> {
    let finding = mistake.lead();
    let severity = json::severity(finding.severity);
    writeln!(
        out,
        "<li class=\"finding {severity}\"><h3><span class=\"level\">{severity}</span> <span class=\"what\">{}</span> \
         <code>{}</code></h3>",
        text(&finding.name),
        text(&mistake.hint())
    )?;
    let first = mistake.place.map(PlaceJson::at).unwrap_or_default();
    writeln!(out, "<p><code class=\"where\">{}</code></p>", text(&first))?;
    writeln!(
        out,
        "<p><strong>{}.</strong> {}</p>",
        first_step(finding.exposure),
        json::exposure(finding.exposure)
    )?;
    write_details(out, finding, &finding.places_by_rank())?;
    write_others(out, &mistake.members[1..])?;
    writeln!(out, "</li>")
}

/// What is missing comes first: without it, nothing below is the whole truth.
fn write_unread(out: &mut dyn Write, results: &Results) -> io::Result<()> {
    if results.is_complete() {
        return Ok(());
    }
    writeln!(
        out,
        "<section class=\"gap\" aria-labelledby=\"gap\">\n<h2 id=\"gap\">Not everything was read</h2>"
    )?;
    writeln!(out, "<p>There may be more secrets than are told here.</p>")?;
    write_list(out, &results.summary.unread)?;
    writeln!(out, "</section>")
}

fn write_list(out: &mut dyn Write, list: &[UnreadJson]) -> io::Result<()> {
    writeln!(out, "<ul class=\"plain\">")?;
    list.iter().take(MAX_LIST).try_for_each(|unread| writeln!(out, "<li>{}</li>", text(&unread.told())))?;
    if let Some(more @ 1..) = list.len().checked_sub(MAX_LIST) {
        writeln!(out, "<li>and {} more</li>", group(more as u64))?;
    }
    writeln!(out, "</ul>")
}

/// Something that findings can be told apart by, and its values, the most frequent first.
struct Facet {
    id: &'static str,
    /// What it is called in front of its choices, and over its plot.
    name: &'static str,
    title: &'static str,
    values: Vec<(String, usize)>,
    /// For each group of findings, the numbers of its values.
    of_groups: Vec<Vec<usize>>,
}

impl Facet {
    fn new(
        id: &'static str,
        (name, title): (&'static str, &'static str),
        groups: &[Group<'_>],
        values_of: impl Fn(&FindingJson) -> Vec<String>,
    ) -> Self {
        let of_group =
            |group: &Group<'_>| group.members.iter().flat_map(|finding| values_of(finding)).collect();
        let mut told: Vec<Vec<String>> = groups.iter().map(of_group).collect();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for values in &mut told {
            values.sort();
            values.dedup();
        }
        for value in told.iter().flatten() {
            *counts.entry(value).or_default() += 1;
        }
        let mut values: Vec<(String, usize)> =
            counts.into_iter().map(|(value, count)| (value.to_owned(), count)).collect();
        values.sort_by(|(a, of_a), (b, of_b)| of_b.cmp(of_a).then_with(|| a.cmp(b)));
        let numbers: BTreeMap<&str, usize> =
            values.iter().enumerate().map(|(number, (value, _))| (value.as_str(), number)).collect();
        let of_groups =
            told.iter().map(|values| values.iter().map(|value| numbers[value.as_str()]).collect()).collect();
        Self { id, name, title, values, of_groups }
    }

    /// `data-rule="3 7"`
    fn attribute(&self, group: usize) -> String {
        let numbers: Vec<String> = self.of_groups[group].iter().map(ToString::to_string).collect();
        if numbers.is_empty() {
            String::new()
        } else {
            format!(" data-{}=\"{}\"", self.id, numbers.join(" "))
        }
    }

    fn write_choices(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.values.len() < 2 {
            return Ok(());
        }
        writeln!(
            out,
            "<label>{}<select data-facet=\"{}\"><option value=\"\">All</option>",
            self.name, self.id
        )?;
        for (number, (value, count)) in self.values.iter().enumerate().take(MAX_CHOICES) {
            writeln!(out, "<option value=\"{number}\">{} ({})</option>", text(value), group(*count as u64))?;
        }
        writeln!(out, "</select></label>")
    }

    fn write_plot(&self, out: &mut dyn Write) -> io::Result<()> {
        let most = self.values.first().map_or(0, |(_, count)| *count);
        writeln!(out, "<div><table><caption>{}</caption>", self.title)?;
        for (number, (value, count)) in self.values.iter().enumerate().take(MAX_BARS) {
            let label = text(value);
            // With one value there is nothing to choose.
            let label = if self.values.len() < 2 {
                label
            } else {
                let id = self.id;
                format!(
                    "<button type=\"button\" data-facet=\"{id}\" data-value=\"{number}\" title=\"{label}\">{label}</button>"
                )
            };
            writeln!(
                out,
                "<tr><th scope=\"row\">{label}</th><td class=\"count\">{}</td><td>{}</td></tr>",
                group(*count as u64),
                plots::bar(*count, most)
            )?;
        }
        writeln!(out, "</table>")?;
        if let Some(more @ 1..) = self.values.len().checked_sub(MAX_BARS) {
            writeln!(out, "<p class=\"soft\">and {} more</p>", group(more as u64))?;
        }
        writeln!(out, "</div>")
    }
}

/// The groups of findings, in the order in which they are worked on.
struct Page<'a> {
    groups: Vec<Group<'a>>,
    facets: Vec<Facet>,
    finished: Option<i64>,
}

impl<'a> Page<'a> {
    fn new(results: &'a Results) -> Self {
        let groups = groups(&results.findings);
        let one = |value: &str| vec![value.to_owned()];
        let facet =
            |id, names, values: &dyn Fn(&FindingJson) -> Vec<String>| Facet::new(id, names, &groups, values);
        let facets = vec![
            facet("step", ("To do", "What to do"), &|finding| one(first_step(finding.exposure))),
            facet("severity", ("Severity", "Severity"), &|finding| one(json::severity(finding.severity))),
            facet("exposure", ("Exposure", "Pushed, local, ..."), &|finding| {
                one(json::exposure(finding.exposure))
            }),
            facet("head", ("In HEAD", "In HEAD"), &|finding| {
                one(match finding.in_head() {
                    Some(true) => "still in HEAD",
                    Some(false) => "no longer in HEAD",
                    None => "not in a history",
                })
            }),
            facet("rule", ("Rule", "Rules with most"), &|finding| one(&finding.name)),
            facet("folder", ("Folder", "Folders with most"), &|finding| {
                finding.places.iter().filter_map(folder).collect()
            }),
            facet("author", ("Author", "Authors with most"), &|finding| {
                finding.places.iter().filter_map(|place| place.author.clone()).collect()
            }),
        ];
        Self { facets, finished: results.summary.finished_seconds(), groups }
    }

    /// Counts of what there is to do, each a way to its findings.
    fn write_steps(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "<section aria-labelledby=\"first\">\n<h2 id=\"first\">What to do first</h2>\n<ul class=\"steps\">"
        )?;
        let Some(facet) = self.facets.first() else { return Ok(()) };
        let mut seen = Vec::new();
        for mistake in &self.groups {
            let step = first_step(mistake.lead().exposure);
            let Some(number) = facet.values.iter().position(|(value, _)| value == step) else { continue };
            if seen.contains(&number) {
                continue;
            }
            seen.push(number);
            let count = group(facet.values[number].1 as u64);
            let class = if step == "Rotate now" { " class=\"now\"" } else { "" };
            writeln!(
                out,
                "<li{class}><button type=\"button\" data-facet=\"step\" data-value=\"{number}\"><b>{count}</b> {}</button></li>",
                text(step)
            )?;
        }
        writeln!(out, "</ul>\n</section>")
    }

    fn write_plots(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "<section aria-labelledby=\"most\">\n<h2 id=\"most\">Where most of them are</h2>\n<div class=\"bars\">"
        )?;
        let plotted = ["exposure", "rule", "folder", "author"];
        let plots =
            self.facets.iter().filter(|facet| plotted.contains(&facet.id) && !facet.values.is_empty());
        plots.into_iter().try_for_each(|facet| facet.write_plot(out))?;
        writeln!(out, "</div>\n</section>")
    }

    fn write_findings(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "<section aria-labelledby=\"findings\">\n<h2 id=\"findings\" tabindex=\"-1\">The findings</h2>"
        )?;
        writeln!(out, "<form id=\"filters\" hidden role=\"search\" aria-label=\"Filter the findings\">")?;
        writeln!(
            out,
            "<label class=\"wide\">Search in all that is told of them<input type=\"search\" id=\"search\" autocomplete=\"off\" spellcheck=\"false\"></label>"
        )?;
        self.facets.iter().try_for_each(|facet| facet.write_choices(out))?;
        writeln!(
            out,
            "<label>Order<select id=\"order\"><option value=\"first\">What to do first</option><option value=\"oldest\">Longest \
             exposed first</option><option value=\"newest\">Newest first</option><option value=\"severity\">Worst first\
             </option><option value=\"rule\">By rule</option><option value=\"path\">By path</option></select></label>"
        )?;
        writeln!(out, "<button type=\"button\" id=\"all\">Show all</button>\n</form>")?;
        let members = self.groups.iter().map(|group| group.members.len()).sum();
        let count = count_text(members, self.groups.len(), "");
        let noun = if members == self.groups.len() { "findings" } else { "groups" };
        writeln!(
            out,
            "<p id=\"status\" role=\"status\" class=\"soft\" data-noun=\"{noun}\">{count}</p>\n<ol id=\"list\" class=\"list\">"
        )?;
        let at_first = self.groups.len().min(AT_FIRST);
        (0..at_first).try_for_each(|at| self.write_group(out, at))?;
        writeln!(out, "</ol>")?;
        if at_first < self.groups.len() {
            // The script reads it as text; where there is none, it is shown.
            writeln!(out, "<noscript id=\"rest\">\n<ol class=\"list\" start=\"{}\">", at_first + 1)?;
            (at_first..self.groups.len()).try_for_each(|at| self.write_group(out, at))?;
            writeln!(out, "</ol>\n</noscript>")?;
        }
        writeln!(out, "<button type=\"button\" id=\"more\" hidden>Show more</button>\n</section>")
    }

    fn write_group(&self, out: &mut dyn Write, at: usize) -> io::Result<()> {
        let mistake = &self.groups[at];
        let finding = mistake.lead();
        let facets: String = self.facets.iter().map(|facet| facet.attribute(at)).collect();
        let severity = json::severity(finding.severity);
        let since = mistake.since_seconds();
        let since_data = since.map(|since| format!(" data-since=\"{since}\"")).unwrap_or_default();
        writeln!(
            out,
            "<li class=\"finding {severity}\" id=\"f-{}\" data-rank=\"{}\"{since_data}{facets}>",
            at + 1,
            finding.severity as u8,
        )?;
        writeln!(
            out,
            "<h3><span class=\"level\">{severity}</span> <span class=\"what\">{}</span> <code>{}</code></h3>",
            text(&finding.name),
            text(&mistake.hint())
        )?;
        let places = finding.places_by_rank();
        let first = places.first().map(|place| place.at()).unwrap_or_default();
        writeln!(out, "<p><code class=\"where\">{}</code></p>", text(&first))?;
        writeln!(
            out,
            "<p><strong>{}.</strong> {}{}: {}.</p>",
            first_step(finding.exposure),
            json::exposure(finding.exposure),
            match mistake.in_head() {
                Some(true) => ", still in HEAD",
                Some(false) => ", no longer in HEAD",
                None => "",
            },
            text(finding.advice())
        )?;
        if let Some(told) = since.map(|since| exposed(since, self.finished)) {
            writeln!(out, "<p>{told}</p>")?;
        }
        let fix: Vec<String> = finding.fix_lines().iter().map(|line| text(line)).collect();
        writeln!(out, "<p><strong>Fix.</strong> {}</p>", fix.join("<br>"))?;
        if let Some(secret) = finding.raw_secret() {
            writeln!(out, "<p>Secret: <code class=\"secret\">{}</code></p>", text(&escaped(&secret)))?;
        }
        write_details(out, finding, &places)?;
        write_others(out, &mistake.members[1..])?;
        writeln!(out, "</li>")
    }
}

fn exposed(since: i64, finished: Option<i64>) -> String {
    let since_day = keysieve_model::finding::utc_day(since);
    match finished {
        Some(finished) if finished - since >= DAY => {
            format!("Exposed for {}, since {since_day}.", duration_text(finished - since))
        }
        _ => format!("Came in on {since_day}."),
    }
}

fn write_details(out: &mut dyn Write, finding: &FindingJson, places: &[&PlaceJson]) -> io::Result<()> {
    let note = finding.note.as_ref().map(|note| format!(", {}", text(note))).unwrap_or_default();
    writeln!(
        out,
        "<details><summary>{}, rule, fingerprint</summary><ul>",
        plural(places.len() as u64, "place")
    )?;
    for place in places.iter().take(MAX_PLACES) {
        let by = place.author.as_ref().map(|author| format!("by {author}"));
        let facts: Vec<String> = place.facts().into_iter().chain(by).map(|fact| text(&fact)).collect();
        let facts = if facts.is_empty() { String::new() } else { format!(": {}", facts.join("; ")) };
        let command = place.show_command();
        let command = command.map(|command| format!("<br><code>{}</code>", text(&command)));
        writeln!(out, "<li><code>{}</code>{facts}{}</li>", text(&place.at()), command.unwrap_or_default())?;
    }
    if let Some(more @ 1..) = places.len().checked_sub(MAX_PLACES) {
        writeln!(out, "<li>and {} more places</li>", group(more as u64))?;
    }
    writeln!(
        out,
        "</ul><p class=\"soft\"><code>{}</code>, {}, fingerprint <code>{}</code>{note}</p></details>",
        text(&finding.rule),
        confidence_text(finding.confidence),
        text(&finding.fingerprint)
    )
}

/// The other findings of a group, a line each.
fn write_others(out: &mut dyn Write, others: &[&FindingJson]) -> io::Result<()> {
    if others.is_empty() {
        return Ok(());
    }
    let count = group(others.len() as u64);
    writeln!(out, "<details><summary>{count} more of the same rule, file and name</summary><ul>")?;
    for finding in others {
        let at = finding.places_by_rank().first().map(|place| place.at()).unwrap_or_default();
        let since = finding.since_seconds().map(keysieve_model::finding::utc_day);
        let since = since.map(|day| format!(", since {day}")).unwrap_or_default();
        let secret = finding
            .raw_secret()
            .map(|secret| format!(", secret <code class=\"secret\">{}</code>", text(&escaped(&secret))));
        writeln!(
            out,
            "<li class=\"member\"><code>{}</code> at <code>{}</code>, {}{since}, fingerprint <code>{}</code>{}</li>",
            text(&finding.hint),
            text(&at),
            json::exposure(finding.exposure),
            text(&finding.fingerprint),
            secret.unwrap_or_default()
        )?;
    }
    writeln!(out, "</ul></details>")
}

/// The folder of a place's file, its first two parts.
fn folder(place: &PlaceJson) -> Option<String> {
    let path = String::from_utf8_lossy(&place.raw_path()?).into_owned();
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    parts.pop();
    parts.truncate(2);
    Some(if parts.is_empty() { "(top)".to_owned() } else { parts.join("/") })
}

fn write_env_files(out: &mut dyn Write, files: &[EnvFileJson]) -> io::Result<()> {
    if files.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "<section aria-labelledby=\"env\">\n<h2 id=\"env\">Environment files</h2>\n<ul class=\"plain\">"
    )?;
    for file in files.iter().take(MAX_LIST) {
        writeln!(
            out,
            "<li><code>{}</code> {}. <strong>Fix.</strong> {}</li>",
            text(&escaped(&file.raw_path())),
            text(&file.told(Authors::Named)),
            text(&file.fix)
        )?;
    }
    if let Some(more @ 1..) = files.len().checked_sub(MAX_LIST) {
        writeln!(out, "<li>and {} more</li>", group(more as u64))?;
    }
    writeln!(out, "</ul>\n</section>")
}

fn write_coverage(out: &mut dyn Write, results: &Results) -> io::Result<()> {
    let summary = &results.summary;
    writeln!(out, "<section aria-labelledby=\"read\">\n<h2 id=\"read\">What was read</h2>")?;
    writeln!(out, "<p>{}, in {:.2} s.</p>", text(&summary.read_text()), summary.seconds)?;
    if summary.in_ignored_env > 0 {
        let count = plural(summary.in_ignored_env as u64, "secret");
        writeln!(out, "<p>Fine: {count} in ignored environment files only, where they belong.</p>")?;
    }
    summary.notices.iter().try_for_each(|notice| writeln!(out, "<p>{}</p>", text(notice)))?;
    if let Some(told) = summary.suppressed_text() {
        writeln!(out, "<p>Not reported: {}.</p>", text(&told))?;
    }
    if !results.suppressed().is_empty() {
        writeln!(out, "<ul class=\"plain\">")?;
        for suppressed in results.suppressed().iter().take(MAX_LIST) {
            let finding = &suppressed.finding;
            let at = finding.places_by_rank().first().map(|place| place.at()).unwrap_or_default();
            let reason = suppressed.reason.as_ref().map(|reason| format!(": {}", text(reason)));
            writeln!(
                out,
                "<li><code>{}</code> {} at <code>{}</code>, by {}{}</li>",
                text(&finding.rule),
                text(&finding.hint),
                text(&at),
                text(&suppressed.by),
                reason.unwrap_or_default()
            )?;
        }
        if let Some(more @ 1..) = results.suppressed().len().checked_sub(MAX_LIST) {
            writeln!(out, "<li>and {} more</li>", group(more as u64))?;
        }
        writeln!(out, "</ul>")?;
    }
    let lists = [
        ("Not read, as the configuration accepts", &summary.accepted_unread),
        ("Passed over on purpose", &summary.skipped),
    ];
    for (words, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        writeln!(out, "<details><summary>{words}: {}</summary>", group(list.len() as u64))?;
        write_list(out, list)?;
        writeln!(out, "</details>")?;
    }
    writeln!(out, "</section>")
}
