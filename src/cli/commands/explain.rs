//! `keysieve explain FINGERPRINT|RULE|FILE:LINE`: why something is a finding, or is none.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use keysieve::judge::LEAST_POINTS;
use keysieve::policy::{By, config};
use keysieve::run::explain::{End, Step, explain};
use keysieve::run::{Outcome, ScanConfig, audit};
use keysieve_git::Repository;
use keysieve_model::chunk::Chunk;
use keysieve_model::finding::{Container, Finding, HistoryPlace, Place, Secret};
use keysieve_model::provenance::{Metadata, Provenance};
use keysieve_report::{escaped, show_command};
use keysieve_rules::{Rule, RuleSet};

use crate::cli::args::{Explain, FormatArg};
use crate::cli::commands::rules;
use crate::cli::config::{PolicySource, all_rules, scan_config, shows_progress};
use crate::cli::exit_code::ExitStatus;
use crate::cli::output::print;
use crate::cli::progress::Bar;

/// The least that is taken for the beginning of a fingerprint, in characters.
const MIN_FINGERPRINT: usize = 4;
/// How many findings with the same beginning are named, and how many digits of each.
const MAX_NAMED: usize = 5;
const NAMED_DIGITS: usize = 12;

pub(crate) fn run(asked: &Explain) -> anyhow::Result<ExitStatus> {
    let results = &asked.common.results;
    if !matches!(results.format, FormatArg::Text) || results.output.is_some() || !results.also.is_empty() {
        bail!("an explanation is text on standard output; leave --format, --output and --also out");
    }
    let repository = Repository::open(&asked.repo).ok();
    let policy = repository.as_ref().map_or(PolicySource::Nowhere, PolicySource::of);
    let explainer = Explainer {
        rules: Arc::new(all_rules(&asked.common, policy)?),
        config: scan_config(&asked.common, policy)?,
        repository,
        asked,
    };
    let what = asked.what.as_str();
    if let Some(rule) = explainer.rules.rules().iter().find(|rule| rule.id == what) {
        return print(|out| explainer.rule(out, rule));
    }
    let is_fingerprint = what.len() >= MIN_FINGERPRINT && what.bytes().all(|byte| byte.is_ascii_hexdigit());
    match what.rsplit_once(':').and_then(|(path, line)| Some((path, line.parse().ok()?))) {
        Some((path, line)) => explainer.line(path, line),
        None if is_fingerprint => explainer.finding(what),
        None => {
            let known: Vec<&str> = explainer.rules.rules().iter().map(|rule| rule.id.as_ref()).collect();
            bail!(
                "`{what}` is no rule, no FILE:LINE, and no fingerprint{}; `keysieve rules list` shows all rules, and findings \
                 carry their fingerprints",
                config::did_you_mean(what, &known)
            )
        }
    }
}

struct Explainer<'a> {
    asked: &'a Explain,
    repository: Option<Repository>,
    /// All rules, those too that the configuration switches off.
    rules: Arc<RuleSet>,
    config: ScanConfig,
}

impl Explainer<'_> {
    fn rule(&self, out: &mut dyn Write, rule: &Rule) -> io::Result<()> {
        rules::show(out, rule)?;
        let policy = &self.config.suppressions.config;
        let used = self.config.rules.rules().iter().find(|known| known.id == rule.id);
        match used {
            None => writeln!(out, "here        switched off by {}", config::FILE)?,
            Some(used) if used.severity != rule.severity => {
                writeln!(out, "here        searched for, with severity {:?}", used.severity)?;
            }
            Some(_) => writeln!(out, "here        searched for")?,
        }
        policy
            .ignored_paths(rule)
            .try_for_each(|pattern| writeln!(out, "let be      at {pattern}, by {}", config::FILE))
    }

    /// Explains a line of a file, as it is or as a revision has it.
    fn line(&self, path: &str, line: u64) -> anyhow::Result<ExitStatus> {
        let (shown, bytes, is_ignored) = match &self.asked.rev {
            Some(revision) => {
                let repository = self.repository.as_ref().context("--rev asks for a repository")?;
                let commit = repository.resolve(revision)?;
                let bytes = repository.file_at(&commit, path)?;
                (path.to_owned(), bytes.with_context(|| format!("{revision} has no file {path}"))?, false)
            }
            None => {
                let file = Path::new(path);
                let bytes = std::fs::read(file).with_context(|| format!("cannot read {path}"))?;
                let is_ignored = keysieve::run::is_ignored(file);
                (self.in_repository(file), bytes, is_ignored)
            }
        };
        let provenance = Provenance::File { path: shown.as_str().into(), ignored: is_ignored };
        let steps = explain(&self.config, &self.rules, &Chunk::whole(&bytes, provenance), line)
            .with_context(|| format!("{path} has no line {line}"))?;
        print(|out| {
            writeln!(out, "{}:{line}", escaped(shown.as_bytes()))?;
            if is_ignored {
                writeln!(
                    out,
                    "  git ignores this file: an audit reads only files named like .env among those that it ignores"
                )?;
            }
            if steps.is_empty() {
                return writeln!(out, "  no rule has a keyword at or near this line, so none was tried");
            }
            self.steps(out, steps.iter())
        })
    }

    /// The path as the repository's own files call it.
    fn in_repository(&self, file: &Path) -> String {
        let top = self.repository.as_ref().and_then(Repository::workdir);
        let absolute = |path: &Path| path.canonicalize().ok();
        let inside = top.and_then(absolute).zip(absolute(file));
        let inside = inside.and_then(|(top, file)| Some(file.strip_prefix(top).ok()?.to_owned()));
        inside.as_deref().unwrap_or(file).to_string_lossy().replace('\\', "/")
    }

    /// Explains a finding, reported or not, by the beginning of its fingerprint.
    fn finding(&self, fingerprint: &str) -> anyhow::Result<ExitStatus> {
        let fingerprint = fingerprint.to_ascii_lowercase();
        let progress = Bar::new(shows_progress(&self.asked.common));
        let outcome = audit(&self.config, &self.asked.repo, None, &progress)?;
        drop(progress);
        let is_meant = |finding: &&Finding| {
            finding.fingerprint.to_string().starts_with(&fingerprint)
                || finding.unsalted.to_string().starts_with(&fingerprint)
        };
        let suppressed_findings = outcome.suppressed.iter().map(|suppressed| &suppressed.finding);
        let meant: Vec<&Finding> =
            outcome.findings.iter().chain(suppressed_findings).filter(is_meant).collect();
        if meant.len() > 1 {
            bail!("{}", ambiguous(&outcome, &fingerprint, &meant));
        }
        if let Some(finding) = outcome.findings.iter().find(is_meant) {
            let told = "reported".to_owned();
            return self.places(&outcome, finding, &told);
        }
        let known = outcome.suppressed.iter().find(|suppressed| is_meant(&&suppressed.finding));
        if let Some(known) = known {
            return self.places(&outcome, &known.finding, &suppressed(known.by, known.reason.as_deref()));
        }
        let mut entries = self.config.suppressions.baseline.entries();
        if entries.any(|entry| entry.fingerprint.starts_with(&fingerprint)) {
            bail!(
                "{fingerprint} is in the baseline, and nothing in the repository matches it any more; \
                 `keysieve baseline update` takes it out"
            );
        }
        let beginning = |finding: &Finding| {
            let all = finding.fingerprint.to_string();
            all.get(..fingerprint.len()).map(str::to_owned).unwrap_or(all)
        };
        let known: Vec<String> = outcome.findings.iter().map(beginning).collect();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        bail!(
            "no finding of {} has a fingerprint that begins with {fingerprint}{}; less sure ones need --min-confidence low",
            self.asked.repo.display(),
            config::did_you_mean(&fingerprint, &known)
        )
    }

    fn places(&self, outcome: &Outcome, finding: &Finding, told: &str) -> anyhow::Result<ExitStatus> {
        let mut explained = Vec::new();
        for place in &finding.places {
            explained.push((place, self.steps_at(place, &finding.secret)?));
        }
        print(|out| {
            let rule = outcome.rules.rule(finding.rule);
            writeln!(out, "{}: {}, {told}", rule.id, finding.secret.hint(finding.public_prefix))?;
            writeln!(
                out,
                "  severity {:?}, confidence {:?}, exposure {:?}, fingerprint {}",
                finding.severity, finding.confidence, finding.exposure, finding.fingerprint
            )?;
            for (place, steps) in explained {
                writeln!(out, "{}:{}", name(&place.container), place.shown_location().line)?;
                if let Container::History(HistoryPlace { path: Some(path), introduced: Some(commit), .. }) =
                    &place.container
                    && let Some(command) = show_command(&commit.id.to_string(), &path.to_string())
                {
                    writeln!(out, "  {command}")?;
                }
                self.steps(out, steps.iter())?;
            }
            Ok(())
        })
    }

    /// What was tried at a place, of what led to `secret`.
    fn steps_at(&self, place: &Place, secret: &Secret) -> anyhow::Result<Vec<Step>> {
        // The line is one of a file in an archive; `FILE` would name another.
        if place.member.is_some() {
            return Ok(Vec::new());
        }
        let object = |id| match &self.repository {
            Some(repository) => repository.object(id).context("where it was found"),
            None => bail!("there is no repository"),
        };
        let (bytes, provenance) = match &place.container {
            Container::File { path, ignored } => {
                let top = self.repository.as_ref().and_then(Repository::workdir).unwrap_or(Path::new("."));
                let file = top.join(String::from_utf8_lossy(path).as_ref());
                let bytes =
                    std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
                (bytes, Provenance::File { path: path.clone(), ignored: *ignored })
            }
            Container::History(place) => {
                let provenance = match &place.path {
                    Some(path) => Provenance::File { path: path.clone(), ignored: false },
                    None => Provenance::Stdin,
                };
                (object(&place.blob)?, provenance)
            }
            Container::Metadata(metadata) => match &metadata.metadata {
                Metadata::Commit(id) | Metadata::Tag(id) => (object(id)?, Provenance::Stdin),
                // Names and git's own files are short; the report says it all.
                Metadata::RefName | Metadata::RemoteRefName | Metadata::EntryName(_) | Metadata::File(_) => {
                    return Ok(Vec::new());
                }
            },
            Container::Stdin | Container::Document(_) | Container::Image(_) => return Ok(Vec::new()),
        };
        let chunk = Chunk::whole(&bytes, provenance);
        let steps = explain(&self.config, &self.rules, &chunk, place.location.line).unwrap_or_default();
        let is_it = |step: &Step| step.secret.as_ref().is_some_and(|(found, _)| found == secret);
        Ok(steps.into_iter().filter(is_it).collect())
    }

    fn steps<'s>(&self, out: &mut dyn Write, steps: impl Iterator<Item = &'s Step>) -> io::Result<()> {
        for step in steps {
            let rule = self.rules.rule(step.rule);
            let at = step.keyword_at;
            let keyword = escaped(step.keyword.as_bytes());
            write!(out, "  {} at the keyword `{keyword}` ({}:{}): ", rule.id, at.line, at.column)?;
            if let Some((secret, at)) = &step.secret {
                let shown = if self.asked.common.show_secrets {
                    escaped(secret.expose())
                } else {
                    secret.hint(step.public_prefix)
                };
                write!(out, "{shown} ({}:{}), ", at.line, at.column)?;
            }
            writeln!(out, "{}", self.told(&step.end, rule))?;
            if !step.weights.is_empty() {
                let points: i32 = step.weights.iter().map(|(_, points)| points).sum();
                let weights = step.weights.iter().map(|(signal, points)| format!("{signal} {points:+}"));
                let weights: Vec<String> = weights.collect();
                writeln!(out, "    {points} points, {LEAST_POINTS} make a finding: {}", weights.join(", "))?;
            }
        }
        Ok(())
    }

    fn told(&self, end: &End, rule: &Rule) -> String {
        match end {
            End::NoMatch => "its pattern matches nothing there".to_owned(),
            End::Refused(check) => format!("none: the check {check} says no"),
            End::Placeholder => "none: a placeholder".to_owned(),
            End::Publishable => "none: encrypted, or public by design".to_owned(),
            End::Excepted => "none: an exception of the rule".to_owned(),
            End::Off => format!("none: {} switches the rule off", config::FILE),
            End::Covered(by) => format!("told by {}, which is more telling", self.rules.rule(*by).id),
            End::Unbelieved => "none: more speaks against it than for it".to_owned(),
            End::Unsure(confidence) => {
                format!(
                    "left out: confidence {confidence:?} is below --min-confidence {:?}",
                    self.config.min_confidence
                )
            }
            End::Suppressed(by, reason) => suppressed(*by, reason.as_deref()),
            End::KeptInEnv => "kept in an environment file that git ignores, where it belongs".to_owned(),
            End::Found(confidence, fingerprint) => {
                let checks = match rule.checks.len() {
                    0 => String::new(),
                    count => format!(", all checks passed ({count})"),
                };
                format!("a finding, confidence {confidence:?}{checks}, fingerprint {fingerprint}")
            }
        }
    }
}

/// Says which findings have fingerprints that begin so.
fn ambiguous(outcome: &Outcome, beginning: &str, meant: &[&Finding]) -> String {
    let name = |finding: &&Finding| {
        let salted = finding.fingerprint.to_string();
        // What was typed may be the beginning of either.
        let id = if salted.starts_with(beginning) { salted } else { finding.unsalted.to_string() };
        let id = id.get(..NAMED_DIGITS.max(beginning.len() + 1)).unwrap_or(&id).to_owned();
        let place = finding.places.first();
        let at = place.map(|place| format!(", {}:{}", name(&place.container), place.shown_location().line));
        format!("{id} ({}{})", outcome.rules.rule(finding.rule).id, at.unwrap_or_default())
    };
    let named: Vec<String> = meant.iter().take(MAX_NAMED).map(name).collect();
    let more = match meant.len() - named.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("the fingerprints of {} findings begin with {beginning}: {}{more}", meant.len(), named.join(", "))
}

fn suppressed(by: By, reason: Option<&str>) -> String {
    let by = match by {
        By::Baseline => "not reported: it is in the baseline".to_owned(),
        By::Marker => "not reported: a marker allows it".to_owned(),
        By::Config => format!("not reported: {} lets it be there", config::FILE),
        By::Exclude => "not reported: --exclude leaves it out".to_owned(),
    };
    match reason {
        Some(reason) => format!("{by} ({})", escaped(reason.as_bytes())),
        None => by,
    }
}

fn name(container: &Container) -> String {
    match container {
        Container::File { path, .. } => escaped(path),
        Container::History(place) => {
            let path =
                place.path.as_ref().map_or_else(|| format!("blob {}", place.blob), |path| escaped(path));
            match &place.introduced {
                Some(commit) => format!("{path} as of commit {}", commit.id.short()),
                None => path,
            }
        }
        Container::Metadata(place) => match &place.metadata {
            Metadata::Commit(id) | Metadata::Tag(id) => format!("the {} of {}", place.field, id.short()),
            Metadata::RefName | Metadata::RemoteRefName => "the name of a reference".to_owned(),
            Metadata::EntryName(_) => "the name of a file or folder".to_owned(),
            Metadata::File(path) => escaped(path),
        },
        Container::Image(_) => "an image".to_owned(),
        Container::Stdin => "standard input".to_owned(),
        Container::Document(document) => escaped(&document.name),
    }
}
