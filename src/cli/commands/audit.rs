//! `keysieve audit [REPO]`

use std::path::Path;

use anyhow::bail;
use keysieve::sources::git::Repository;

use crate::cli::args::{Common, ValuesArgs};
use crate::cli::config::{PolicySource, output_config, scan_config, shows_progress};
use crate::cli::exit_code::ExitStatus;
use crate::cli::output::finish;
use crate::cli::progress::Bar;
use crate::cli::values::with_values;

pub(crate) fn run(
    repo: &Path,
    revision: Option<&str>,
    sweeps: bool,
    values: &ValuesArgs,
    common: &Common,
) -> anyhow::Result<ExitStatus> {
    let output = output_config(common)?;
    let opened = Repository::open(repo)?;
    let config = scan_config(common, PolicySource::of(&opened))?;
    if sweeps && opened.workdir().is_none() {
        bail!(
            "{}: a bare repository has no work tree with .env files; name the file with the values: --values FILE",
            repo.display()
        );
    }
    let config = with_values(config, values, opened.workdir().filter(|_| sweeps), false)?;
    let progress = Bar::new(shows_progress(common));
    let outcome = keysieve::scan::audit(&config, repo, revision, &progress)?;
    drop(progress);
    finish(&outcome, &output)
}
