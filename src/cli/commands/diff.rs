//! `keysieve diff RANGE|--staged|--since DATE`

use std::path::Path;

use anyhow::Context as _;
use keysieve::run::scan_range;
use keysieve_git::{RangeQuery, Repository, seconds_of_date};

use crate::cli::about::explain_by_id;
use crate::cli::args::{Common, ValuesArgs};
use crate::cli::commands::range_policy::added_suppressions;
use crate::cli::config::{PolicySource, git_environment, output_config, scan_config_of, shows_progress};
use crate::cli::exit_code::ExitStatus;
use crate::cli::output::finish;
use crate::cli::progress::Bar;
use crate::cli::values::with_values;

pub(crate) fn run(
    range: Option<&str>,
    since: Option<&str>,
    repo: &Path,
    values: &ValuesArgs,
    common: &Common,
) -> anyhow::Result<ExitStatus> {
    let output = output_config(common)?;
    // As for git, the environment says which repository the current directory belongs to.
    let repository = match repo {
        here if here == Path::new(".") => Repository::open_for_hook(here, git_environment())?,
        other => Repository::open(other)?,
    };
    let query = match (range, since) {
        (Some(range), _) => repository.range(range)?,
        (None, Some(date)) => {
            let seconds = seconds_of_date(date).with_context(|| {
                format!("`{date}` is no date; write 2024-03-01, yesterday or '2 weeks ago'")
            })?;
            repository.range_since(seconds)?
        }
        (None, None) => RangeQuery::Staged,
    };
    // What a range changes must not decide how the range is looked at.
    let base = match &query {
        RangeQuery::Commits { exclude, .. } => exclude.first(),
        RangeQuery::Staged => None,
    };
    let policy = base.map_or(PolicySource::of(&repository), |base| PolicySource::Commit(&repository, *base));
    let mut config = with_values(scan_config_of(common, policy, &repository)?, values, None, false)?;
    // No rule explains values that were looked for.
    if values.values.is_empty() {
        config.about.explain = Some(explain_by_id(repo, common));
    }
    let progress = Bar::new(shows_progress(common));
    let mut found = scan_range(&config, &repository, &query, &progress)?;
    drop(progress);
    if let (Some(base), RangeQuery::Commits { include, .. }) = (base, &query) {
        let added = added_suppressions(&found.outcome, &repository, *base, include)?;
        found.outcome.add_notices(added);
    }
    finish(&found.outcome, &output)
}
