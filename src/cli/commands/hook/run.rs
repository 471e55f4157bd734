//! `keysieve hook run pre-push|pre-commit|pre-receive|update`

use std::ffi::OsStr;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use bstr::{BString, ByteSlice};
use keysieve::run::{RangeOutcome, ScanConfig, Silent, scan_paths, scan_range};
use keysieve_git::{RangeQuery, RefUpdate, Repository, without_credentials};
use keysieve_model::provenance::ObjectId;
use keysieve_report::Options;
use keysieve_report::stopped::{self, Stopped};

use crate::cli::args::{Common, FormatArg, HookRun};
use crate::cli::commands::range_policy::added_suppressions;
use crate::cli::config::{
    OutputConfig, PolicySource, PreCommitPush, git_environment, is_pre_commit_run, output_config,
    pre_commit_push, scan_config_of, skips_hook,
};
use crate::cli::exit_code::ExitStatus;
use crate::cli::output::{finish, print_error, results, say, status, write_also};

pub(super) fn run(hook: &HookRun) -> anyhow::Result<ExitStatus> {
    match hook {
        HookRun::PrePush { .. } | HookRun::PreCommit { .. } if skips_hook() => {
            say("skipped: KEYSIEVE_SKIP is set; nothing was read")?;
            Ok(ExitStatus::Clean)
        }
        HookRun::PrePush { remote, url, common } => pre_push(remote.as_deref(), url.as_deref(), common),
        HookRun::PreCommit { common } => {
            let repository = Repository::open_for_hook(Path::new("."), git_environment())?;
            scan(&repository, &RangeQuery::Staged, &Stopped::Commit, common)
        }
        HookRun::PreReceive { common } => receive(&RefUpdate::of_pre_receive(&standard_input()?)?, common),
        HookRun::Update { name, old, new, common } => {
            receive(&[RefUpdate::of_update(name, old, new)?], common)
        }
    }
}

fn pre_push(remote: Option<&OsStr>, url: Option<&OsStr>, common: &Common) -> anyhow::Result<ExitStatus> {
    let repository = Repository::open_for_hook(Path::new("."), git_environment())?;
    if remote.is_none()
        && let Some(push) = pre_commit_push()
    {
        return pre_commit_framework(&repository, &push, common);
    }
    let updates = RefUpdate::of_pre_push(&standard_input()?)?;
    let remote = remote.or(url).map(|name| BString::from(name.as_encoded_bytes())).unwrap_or_default();
    let Some(include) = what_comes(&updates, "push")? else { return Ok(ExitStatus::Clean) };
    let known = updates.iter().filter_map(|update| update.old).collect();
    let url = url.map(|url| BString::from(url.as_encoded_bytes()));
    let refs = updates.iter().map(RefUpdate::refspec).collect();
    push(&repository, (remote, url), (include, refs), (known, created(&updates)), common)
}

/// What the pre-commit framework tells of a push: it keeps git's lines to itself, and starts its hooks for the first reference
/// only.
fn pre_commit_framework(
    repository: &Repository,
    pushed: &PreCommitPush,
    common: &Common,
) -> anyhow::Result<ExitStatus> {
    let tip = repository.resolve(&pushed.tip)?;
    // What cannot be found was known to be there all the same: more is read then.
    let known = pushed.base.iter().filter_map(|base| repository.resolve(base).ok()).collect();
    let name = pushed.branch.strip_prefix("refs/heads/").unwrap_or(&pushed.branch);
    let created = if pushed.base.is_none() { vec![pushed.branch.as_str().into()] } else { Vec::new() };
    let remote = (pushed.remote.as_str().into(), None);
    let target = pushed.target.as_ref().filter(|target| **target != pushed.branch);
    let refspec = target.map_or_else(|| name.to_owned(), |target| format!("{name}:{target}"));
    push(repository, remote, (vec![(name.into(), tip)], vec![refspec.into()]), (known, created), common)
}

fn push(
    repository: &Repository,
    (remote, url): (BString, Option<BString>),
    (include, refs): (Vec<(BString, ObjectId)>, Vec<BString>),
    (known, created): (Vec<ObjectId>, Vec<BString>),
    common: &Common,
) -> anyhow::Result<ExitStatus> {
    let url = url.as_ref().map(|url| url.as_bstr());
    let exclude = [repository.known_to(remote.as_bstr(), url), known].concat();
    let (branch, head) = repository.head();
    let remote = without_credentials(remote.as_bstr());
    let query = RangeQuery::Commits { include, exclude, since: None, needs_parents: false, created };
    scan(repository, &query, &Stopped::Push { remote, branch, head, refs }, common)
}

fn receive(updates: &[RefUpdate], common: &Common) -> anyhow::Result<ExitStatus> {
    let repository = Repository::open_for_hook(Path::new("."), git_environment())?;
    let Some(include) = what_comes(updates, "take")? else { return Ok(ExitStatus::Clean) };
    let references = repository.references();
    let known = references.into_iter().map(|(_, id)| id);
    let exclude = known.chain(updates.iter().filter_map(|update| update.old)).collect();
    let created = created(updates);
    let query = RangeQuery::Commits { include, exclude, since: None, needs_parents: false, created };
    scan(&repository, &query, &Stopped::Receive, common)
}

/// The names of the references that are new where they go to.
fn created(updates: &[RefUpdate]) -> Vec<BString> {
    let new = updates.iter().filter(|update| update.old.is_none() && update.new.is_some());
    new.map(|update| update.target.clone()).collect()
}

/// The tips that come in, by name. None where nothing does, which is said.
fn what_comes(updates: &[RefUpdate], verb: &str) -> anyhow::Result<Option<Vec<(BString, ObjectId)>>> {
    let include: Vec<(BString, ObjectId)> =
        updates.iter().filter_map(|update| Some((update.short_name(), update.new?))).collect();
    if !include.is_empty() {
        return Ok(Some(include));
    }
    match updates.len() {
        0 => say(&format!("there is nothing to {verb}; nothing was read"))?,
        _ => say("only deletions; nothing was read")?,
    }
    Ok(None)
}

fn scan(
    repository: &Repository,
    query: &RangeQuery,
    stopped: &Stopped,
    common: &Common,
) -> anyhow::Result<ExitStatus> {
    // A server takes its policy from what it has, not from what comes in.
    let head = repository.head().1;
    let policy = match (stopped, head) {
        (Stopped::Receive, Some(head)) => PolicySource::Commit(repository, head),
        (Stopped::Receive, None) => PolicySource::Nowhere,
        _ => PolicySource::of(repository),
    };
    let (config, output) = (scan_config_of(common, policy, repository)?, output_config(common)?);
    let mut found = scan_range(&config, repository, query, &Silent)?;
    if found.is_nothing && matches!(stopped, Stopped::Commit) && is_pre_commit_run() {
        let files = tracked_files(repository)?;
        if !files.is_empty() {
            return scan_tracked(files, &config, output);
        }
    }
    if let (Stopped::Receive, Some(head), RangeQuery::Commits { include, .. }) = (stopped, head, query) {
        let added = added_suppressions(&found.outcome, repository, head, include)?;
        found.outcome.add_notices(added);
    }
    if let (Stopped::Push { remote, .. }, RangeQuery::Commits { exclude, .. }) = (stopped, query)
        && exclude.is_empty()
        && !found.is_nothing
    {
        let notice = format!(
            "nothing is known of what {remote} has, so all that is pushed was read; fetch from it first to read less"
        );
        found.outcome.add_notices([notice]);
    }
    if !matches!(common.results.format, FormatArg::Text) || common.results.output.is_some() {
        return finish(&found.outcome, &output);
    }
    if !output.also.is_empty() {
        write_also(&results(&found.outcome, &output), &output)?;
    }
    tell(&found, stopped, output.options, common.quiet)
}

/// Reads the tracked files, where a check of all files has nothing staged to look at: that nothing was read must not look like
/// nothing found.
fn scan_tracked(
    files: Vec<PathBuf>,
    config: &ScanConfig,
    output: OutputConfig,
) -> anyhow::Result<ExitStatus> {
    let mut outcome = scan_paths(config, files, &Silent)?;
    outcome.add_notices(["nothing is staged, so the tracked files were read".to_owned()]);
    // As where a commit is stopped: all that is needed to get it out.
    let options = Options { details: true, ..output.options };
    finish(&outcome, &OutputConfig { options, ..output })
}

/// The tracked files that are there, relative to the current directory where they lie below it.
fn tracked_files(repository: &Repository) -> anyhow::Result<Vec<PathBuf>> {
    let tracked = repository.tracked_paths().map_err(|gap| anyhow!("{}: {}", gap.what, gap.why))?;
    let here = std::env::current_dir().unwrap_or_default();
    let is_file = |path: &PathBuf| path.symlink_metadata().is_ok_and(|metadata| metadata.is_file());
    let files = tracked.into_iter().filter(is_file);
    Ok(files.map(|path| path.strip_prefix(&here).map(Path::to_owned).unwrap_or(path)).collect())
}

/// A hook speaks on standard error: that is what git shows, of servers too.
fn tell(
    found: &RangeOutcome,
    stopped: &Stopped,
    options: Options,
    is_quiet: bool,
) -> anyhow::Result<ExitStatus> {
    let status = status(&found.outcome);
    if status != ExitStatus::Clean || !is_quiet {
        print_error(|out| stopped::write(out, found, stopped, options))?;
    }
    Ok(status)
}

fn standard_input() -> anyhow::Result<Vec<u8>> {
    let mut input = Vec::new();
    std::io::stdin().lock().read_to_end(&mut input).context("cannot read what git says on standard input")?;
    Ok(input)
}
