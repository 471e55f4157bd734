//! `keysieve audit [REPO]`

use std::path::Path;

use crate::cli::args::Common;
use crate::cli::config::{output_config, scan_config, shows_progress};
use crate::cli::exit_code::ExitStatus;
use crate::cli::output::finish;
use crate::cli::progress::Bar;

pub(crate) fn run(repo: &Path, revision: Option<&str>, common: &Common) -> anyhow::Result<ExitStatus> {
    let (config, output) = (scan_config(common)?, output_config(common)?);
    let progress = Bar::new(shows_progress(common));
    let outcome = keysieve::scan::audit(&config, repo, revision, &progress)?;
    drop(progress);
    finish(&outcome, &output)
}
