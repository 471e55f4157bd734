//! `keysieve audit [REPO]`

use std::path::Path;

use keysieve_git::Repository;

use crate::cli::about::explain_by_id;
use crate::cli::args::{Common, ValuesArgs};
use crate::cli::config::{PolicySource, output_config, scan_config_of, shows_progress};
use crate::cli::exit_code::ExitStatus;
use crate::cli::output::finish;
use crate::cli::progress::Bar;
use crate::cli::values::{local_values, with_values};

pub(crate) fn run(
    repo: &Path,
    revision: Option<&str>,
    sweeps: bool,
    values: &ValuesArgs,
    common: &Common,
) -> anyhow::Result<ExitStatus> {
    let output = output_config(common)?;
    let opened = Repository::open(repo)?;
    let mut config = scan_config_of(common, PolicySource::of(&opened), &opened)?;
    // No rule explains values that were looked for.
    if !sweeps && values.values.is_empty() {
        config.about.explain = Some(explain_by_id(repo, common));
    }
    let local = if sweeps { Some(local_values(&opened)?) } else { None };
    let config = with_values(config, values, local, false)?;
    let progress = Bar::new(shows_progress(common));
    let outcome = keysieve::run::audit(&config, repo, revision, &progress)?;
    drop(progress);
    finish(&outcome, &output)
}
