//! `keysieve ci`: what a CI run is about. A loop: find the range in what is here, or have git fetch what is missing and try again.

mod fetch;
mod resolve;

use anyhow::anyhow;
use keysieve::ci::{Plan, Revision};
use keysieve::run::{Error as ScanError, RangeOutcome, scan_range};
use keysieve_git::{Error as GitError, RangeQuery, Repository};

use crate::cli::about::explain_by_id;
use crate::cli::args::{Ci, FormatArg};
use crate::cli::commands::range_policy::added_suppressions;
use crate::cli::config::{PolicySource, ci_environment, output_config, scan_config_of, shows_progress};
use crate::cli::exit_code::ExitStatus;
use crate::cli::output::{append_outputs, finish, say};
use crate::cli::progress::Bar;

use self::fetch::Fetches;
use self::resolve::{Resolved, resolve};

/// What is missing to tell the range.
#[derive(Debug)]
pub(super) enum Gap {
    /// An end of the range.
    Revision(Revision),
    /// History that a shallow clone left out.
    History,
}

pub(crate) fn run(asked: &Ci) -> anyhow::Result<ExitStatus> {
    let output = output_config(&asked.common)?;
    let environment = ci_environment()?;
    let plan = match &asked.base {
        Some(base) => Plan::typed(&environment, base, asked.head.as_deref()),
        None => Plan::of(&environment)?,
    };
    let mut fetches = Fetches::new(&asked.repo, asked.fetch, &plan.target)?;
    loop {
        let repository = Repository::open(&asked.repo)?;
        let gap = match resolve(&repository, &plan, &fetches)? {
            Err(gap) => gap,
            Ok(resolved) => match scan(&repository, &resolved, asked)? {
                Err(gap) => gap,
                Ok(found) => {
                    // In a text report it stands among the notes.
                    if !matches!(asked.common.results.format, FormatArg::Text)
                        || asked.common.results.output.is_some()
                    {
                        say(&resolved.line)?;
                    }
                    if let Some(path) = &asked.common.outputs {
                        append_outputs(path, &[("base", &resolved.base_id), ("head", &resolved.head_id)])?;
                    }
                    return finish(&found.outcome, &output);
                }
            },
        };
        if !fetches.fill(&gap, repository.is_shallow())? {
            return Err(told(&gap, &plan, &repository, &fetches));
        }
    }
}

/// Scans the range, with the configuration of its base.
fn scan(
    repository: &Repository,
    resolved: &Resolved,
    asked: &Ci,
) -> anyhow::Result<Result<RangeOutcome, Gap>> {
    let policy = match resolved.policy {
        Some(base) => PolicySource::Base(repository, base),
        None => PolicySource::of(repository),
    };
    let mut config = scan_config_of(&asked.common, policy, repository)?;
    config.about.explain = Some(explain_by_id(&asked.repo, &asked.common));
    let progress = Bar::new(shows_progress(&asked.common));
    let mut found = match scan_range(&config, repository, &resolved.query, &progress) {
        Err(ScanError::Git(GitError::CutOff { .. })) => return Ok(Err(Gap::History)),
        found => found?,
    };
    drop(progress);
    found.outcome.lead_with(resolved.line.clone());
    match (resolved.policy, &resolved.query) {
        (Some(base), RangeQuery::Commits { include, .. }) if resolved.tells_changes => {
            let added = added_suppressions(&found.outcome, repository, base, include)?;
            found.outcome.add_notices(added);
        }
        (None, _) if !found.is_nothing => found.outcome.add_notices([
            "no default branch is known: configuration and baseline are those of what is checked out".into(),
        ]),
        _ => {}
    }
    Ok(Ok(found))
}

/// What is missing, and what to do about it, in one line.
fn told(gap: &Gap, plan: &Plan, repository: &Repository, fetches: &Fetches) -> anyhow::Error {
    let Plan { system, why, .. } = plan;
    let (missing, fetch) = match gap {
        Gap::Revision(revision) => {
            let fetch =
                revision.refspec.as_ref().map(|refspec| format!("run `git fetch origin {refspec}` before"));
            (format!("{} is not in this checkout", revision.spec), fetch)
        }
        Gap::History => ("this checkout is shallow, and the range reaches past its end".to_owned(), None),
    };
    let remedy = match fetch {
        Some(fetch) if !repository.is_shallow() => fetch,
        _ => system.full_checkout().to_owned(),
    };
    if fetches.is_allowed() {
        let said = fetches.refusal().map(|said| format!(" ({said})")).unwrap_or_default();
        return anyhow!("{system}, {why}: {missing}, and `git fetch` did not bring it{said}; {remedy}");
    }
    anyhow!("{system}, {why}: {missing}; {remedy}, or use `keysieve ci --fetch`")
}
