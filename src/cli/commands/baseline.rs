//! `keysieve baseline create|update|import`

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use bstr::ByteSlice as _;
use keysieve::policy::config::did_you_mean;
use keysieve::policy::import::{self, Imported, Named};
use keysieve::policy::{Baseline, By, Entry, Suppressions, baseline};
use keysieve::run::{Outcome, ScanConfig, audit};
use keysieve_git::{Repository, sha1};
use keysieve_model::finding::{Container, Finding, Salt};
use keysieve_paths::control;
use keysieve_report::escaped;

use crate::cli::args::{BaselineArgs, BaselineCommand};
use crate::cli::config::{MAX_POLICY_BYTES, PolicySource, scan_config, shows_progress};
use crate::cli::exit_code::ExitStatus;
use crate::cli::output::{announce, say};
use crate::cli::progress::Bar;
use crate::cli::written::{self, Readers};

/// Lets git merge the file line by line: an entry is a line.
const ATTRIBUTES: &str = ".keysieve-baseline.yaml merge=union";

pub(crate) fn run(command: &BaselineCommand) -> anyhow::Result<ExitStatus> {
    match command {
        BaselineCommand::Create { what } => create(what),
        BaselineCommand::Import { file, what } => import(file, what),
        BaselineCommand::Update { only, what } => update(only, what),
    }
}

/// Where the two files are.
struct Files {
    baseline: PathBuf,
    salt: PathBuf,
    top: PathBuf,
}

impl Files {
    fn of(repository: &Repository, what: &BaselineArgs) -> anyhow::Result<Self> {
        let top = repository.workdir().context("a bare repository has no work tree to keep a baseline in")?;
        let baseline = what.common.baseline.clone().unwrap_or_else(|| top.join(baseline::FILE));
        Ok(Self { salt: baseline.with_file_name(baseline::SALT_FILE), baseline, top: top.to_owned() })
    }

    /// The salt that is there, or a new one.
    fn salt(&self) -> anyhow::Result<Salt> {
        match control::read_text(&self.salt, MAX_POLICY_BYTES) {
            Ok(text) => Salt::from_hex(text.trim()).with_context(|| {
                format!("{}: not a salt, which is 64 hexadecimal digits", self.salt.display())
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let mut bytes = [0; 32];
                getrandom::fill(&mut bytes).context("the system gives no random numbers")?;
                Ok(Salt::new(bytes))
            }
            Err(error) => Err(error).with_context(|| self.salt.display().to_string()),
        }
    }

    /// The baseline that is there, or an empty one.
    fn read(&self) -> anyhow::Result<Baseline> {
        match control::read_text(&self.baseline, MAX_POLICY_BYTES) {
            Ok(text) => {
                let salt = control::read_text(&self.salt, MAX_POLICY_BYTES).ok();
                Ok(Baseline::parse(&self.baseline.display().to_string(), &text, salt.as_deref())?)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Baseline::new(self.salt()?)),
            Err(error) => Err(error).with_context(|| self.baseline.display().to_string()),
        }
    }

    /// Refuses a file that is a link out of the repository: whoever committed it would choose what is written over.
    fn check_place(&self, file: &Path) -> anyhow::Result<()> {
        let own = [baseline::FILE, baseline::SALT_FILE, ".gitattributes"].map(|name| self.top.join(name));
        if !own.contains(&file.to_path_buf()) || !file.is_symlink() {
            return Ok(());
        }
        let (top, real) = (self.top.canonicalize(), file.canonicalize());
        match (top, real) {
            (Ok(top), Ok(real)) if real.starts_with(&top) => Ok(()),
            _ => bail!(
                "{}: it is a link that leads out of the repository, and is not written to; remove it first",
                file.display()
            ),
        }
    }

    fn write(&self, baseline: &Baseline) -> anyhow::Result<()> {
        let files = [&self.salt, &self.baseline];
        files.into_iter().try_for_each(|file| self.check_place(file))?;
        write(&self.salt, &format!("{}\n", baseline.salt().to_hex()))?;
        write(&self.baseline, &baseline.text())?;
        if self.baseline != self.top.join(baseline::FILE) {
            return Ok(());
        }
        let path = self.top.join(".gitattributes");
        self.check_place(&path)?;
        let attributes = control::read_text(&path, MAX_POLICY_BYTES).unwrap_or_default();
        if attributes.lines().any(|line| line.trim_start().starts_with(baseline::FILE)) {
            return Ok(());
        }
        let line_break = if attributes.is_empty() || attributes.ends_with('\n') { "" } else { "\n" };
        write(&path, &format!("{attributes}{line_break}{ATTRIBUTES}\n"))
    }
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let content = |out: &mut dyn std::io::Write| out.write_all(text.as_bytes());
    written::write(path, Readers::Usual, content).with_context(|| format!("cannot write {}", path.display()))
}

fn create(what: &BaselineArgs) -> anyhow::Result<ExitStatus> {
    let repository = Repository::open(&what.repo)?;
    let files = Files::of(&repository, what)?;
    if files.baseline.exists() {
        bail!("{} is there already; `keysieve baseline update` changes it", files.baseline.display());
    }
    let mut baseline = Baseline::new(files.salt()?);
    // It is not there yet, so that no baseline is read.
    let config = config(&repository, what, &baseline)?;
    let outcome = audited(&config, what)?;
    let added = add(&mut baseline, &outcome.findings, &outcome, what)?;
    files.write(&baseline)?;
    tell(&files, added, 0)?;
    status(&outcome)
}

fn update(only: &[String], what: &BaselineArgs) -> anyhow::Result<ExitStatus> {
    let repository = Repository::open(&what.repo)?;
    let files = Files::of(&repository, what)?;
    let old = files.read()?;
    // Without the old one: what is known shows too, so that what matches nothing any more can be told.
    let config = config(&repository, what, &Baseline::new(old.salt().clone()))?;
    let outcome = audited(&config, what)?;
    let found: BTreeSet<String> =
        outcome.findings.iter().map(|finding| finding.fingerprint.to_string()).collect();
    let mut baseline = Baseline::new(old.salt().clone());
    let mut pruned = 0;
    for entry in old.entries() {
        // What was not read may hold it.
        let is_kept =
            found.contains(&entry.fingerprint) || !outcome.coverage.is_complete() || !only.is_empty();
        pruned += usize::from(!is_kept);
        if is_kept {
            insert(&mut baseline, entry.clone())?;
        } else {
            let told =
                format!("pruned: {}, {}, {}: nothing matches it", entry.rule, entry.hint, entry.fingerprint);
            announce(|out| writeln!(out, "{told}"))?;
        }
    }
    let known: BTreeSet<String> = baseline.entries().map(|entry| entry.fingerprint.clone()).collect();
    let chosen = chosen(&outcome.findings, only)?;
    let new = chosen.into_iter().filter(|finding| !known.contains(&finding.fingerprint.to_string()));
    let added = add(&mut baseline, new, &outcome, what)?;
    files.write(&baseline)?;
    tell(&files, added, pruned)?;
    status(&outcome)
}

/// The largest baseline of another scanner that is read, in bytes.
const MAX_IMPORT_BYTES: u64 = 512 << 20;

fn import(file: &Path, what: &BaselineArgs) -> anyhow::Result<ExitStatus> {
    let repository = Repository::open(&what.repo)?;
    let files = Files::of(&repository, what)?;
    let name = file.display().to_string();
    let text = control::read_text(file, MAX_IMPORT_BYTES).with_context(|| format!("cannot read {name}"))?;
    let imported = import::parse(&text).map_err(|message| anyhow::anyhow!("{name}: {message}"))?;
    let mut baseline = files.read()?;
    let known: BTreeSet<String> = baseline.entries().map(|entry| entry.fingerprint.clone()).collect();
    let config = config(&repository, what, &Baseline::new(baseline.salt().clone()))?;
    let outcome = audited(&config, what)?;
    let mut named = BTreeSet::new();
    let mut lost = 0;
    for Imported { told, named: name } in &imported {
        let matching: Vec<usize> =
            (0..outcome.findings.len()).filter(|&at| is_named(&outcome.findings[at], name)).collect();
        if matching.is_empty() {
            lost += 1;
            let why = match name {
                Named::Place { .. } => "no finding begins on that line there now, or it is none to keysieve",
                Named::Sha1(_) | Named::Secret(_) => {
                    "the repository has no such secret, or it is none to keysieve"
                }
            };
            announce(|out| writeln!(out, "not carried over: {}: {why}", escaped(told.as_bytes())))?;
        }
        named.extend(matching);
    }
    let new = named.into_iter().map(|at| &outcome.findings[at]);
    let new = new.filter(|finding| !known.contains(&finding.fingerprint.to_string()));
    let mut what = what.clone();
    if what.reason.is_empty() {
        what.reason = format!("from {}", file.file_name().unwrap_or_default().to_string_lossy());
    }
    let added = add(&mut baseline, new, &outcome, &what)?;
    files.write(&baseline)?;
    announce(|out| writeln!(out, "{} entries read, {lost} not carried over", imported.len()))?;
    tell(&files, added, 0)?;
    status(&outcome)
}

fn is_named(finding: &Finding, name: &Named) -> bool {
    match name {
        Named::Sha1(digest) => sha1(finding.secret.expose()).as_ref() == Some(digest),
        Named::Secret(secret) => {
            let found = finding.secret.expose();
            // The two may cut a secret out of its text in different ways.
            found == secret.as_bytes() || (found.len() >= 8 && secret.as_bytes().contains_str(found))
        }
        Named::Place { path, line, commit } => finding.places.iter().any(|place| match &place.container {
            Container::File { path: found, .. } => *found == path.as_str() && place.location.line == *line,
            Container::History(history) => {
                let is_commit = commit.as_ref().is_none_or(|commit| {
                    history.introduced.as_ref().is_some_and(|found| found.id.to_string() == *commit)
                });
                history.path.as_ref().is_some_and(|found| *found == path.as_str())
                    && place.location.line == *line
                    && is_commit
            }
            _ => false,
        }),
    }
}

/// The findings with these fingerprints; all where none is named. A hook that ran before there was a salt named another one.
fn chosen<'a>(findings: &'a [Finding], only: &[String]) -> anyhow::Result<Vec<&'a Finding>> {
    if only.is_empty() {
        return Ok(findings.iter().collect());
    }
    let mut chosen = Vec::new();
    for name in only {
        let is_named = |finding: &&Finding| {
            finding.fingerprint.to_string() == *name || finding.unsalted.to_string() == *name
        };
        let finding = findings.iter().find(is_named).with_context(|| {
            let names = |finding: &Finding| [finding.fingerprint.to_string(), finding.unsalted.to_string()];
            let known: Vec<String> = findings.iter().flat_map(names).collect();
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            let near = did_you_mean(name, &known);
            format!(
                "no finding has the fingerprint {name}{near}; `keysieve audit` names those that there are"
            )
        })?;
        chosen.push(finding);
    }
    Ok(chosen)
}

/// The run's configuration, with this baseline in place of the repository's.
fn config(repository: &Repository, what: &BaselineArgs, baseline: &Baseline) -> anyhow::Result<ScanConfig> {
    let mut common = what.common.clone();
    common.baseline = None;
    let policy = PolicySource::of(repository);
    let config = scan_config(&common, policy)?;
    let suppressions = Suppressions { baseline: baseline.clone(), ..(*config.suppressions).clone() };
    Ok(ScanConfig { suppressions: Arc::new(suppressions), ..config })
}

fn audited(config: &ScanConfig, what: &BaselineArgs) -> anyhow::Result<Outcome> {
    let progress = Bar::new(shows_progress(&what.common));
    Ok(audit(config, &what.repo, None, &progress)?)
}

fn add<'a>(
    baseline: &mut Baseline,
    findings: impl IntoIterator<Item = &'a Finding>,
    outcome: &Outcome,
    what: &BaselineArgs,
) -> anyhow::Result<usize> {
    let mut added = 0;
    for finding in findings {
        added += 1;
        let entry = Entry {
            fingerprint: finding.fingerprint.to_string(),
            rule: outcome.rules.rule(finding.rule).id.to_string(),
            hint: finding.secret.hint(finding.public_prefix),
            reason: what.reason.clone(),
            expires: what.expires.clone(),
            path: None,
        };
        insert(baseline, entry)?;
    }
    Ok(added)
}

fn insert(baseline: &mut Baseline, entry: Entry) -> anyhow::Result<()> {
    if let Some(date) = entry.expires.as_deref().filter(|date| !baseline::is_date(date)) {
        bail!("`{date}` is no date; write 2026-01-31");
    }
    baseline.insert(entry).map_err(anyhow::Error::msg)
}

fn tell(files: &Files, added: usize, pruned: usize) -> anyhow::Result<()> {
    announce(|out| {
        writeln!(out, "{}: {added} added, {pruned} pruned", files.baseline.display())?;
        writeln!(out, "commit it with {} beside it", baseline::SALT_FILE)
    })
}

/// A baseline of what could only be read in part is written all the same, and said.
fn status(outcome: &Outcome) -> anyhow::Result<ExitStatus> {
    for unread in &outcome.coverage.unread {
        say(&format!("not read: {}: {}", unread.what, unread.why))?;
    }
    let marked = outcome.suppressed.iter().filter(|suppressed| suppressed.by != By::Baseline).count();
    if marked > 0 {
        say(&format!("{marked} more are allowed by markers or the configuration, and need no entry"))?;
    }
    Ok(if outcome.coverage.is_complete() { ExitStatus::Clean } else { ExitStatus::Trouble })
}
