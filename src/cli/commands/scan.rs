//! `keysieve scan PATH...|-`

use std::path::{Path, PathBuf};

use anyhow::bail;
use keysieve_git::Repository;

use crate::cli::args::{Common, ValuesArgs};
use crate::cli::config::{PolicySource, output_config, scan_config, shows_progress};
use crate::cli::exit_code::ExitStatus;
use crate::cli::output::finish;
use crate::cli::progress::Bar;
use crate::cli::values::with_values;

pub(crate) fn run(paths: Vec<PathBuf>, values: &ValuesArgs, common: &Common) -> anyhow::Result<ExitStatus> {
    let is_stdin = paths.iter().any(|path| path == Path::new("-"));
    if is_stdin && paths.len() > 1 {
        bail!(
            "`-` is standard input and stands alone; scan files in a call of their own (a file named `-` is `./-`)"
        );
    }
    // Outside of a repository there is no policy.
    let first = paths.first().filter(|_| !is_stdin).map_or(Path::new("."), PathBuf::as_path);
    let repository = Repository::open(first).ok();
    let policy = repository.as_ref().map_or(PolicySource::Nowhere, PolicySource::of);
    let (config, output) = (scan_config(common, policy)?, output_config(common)?);
    let config = with_values(config, values, None, is_stdin)?;
    let progress = Bar::new(shows_progress(common));
    let outcome = if is_stdin {
        keysieve::run::scan_stdin(&config, &progress)?
    } else {
        keysieve::run::scan_paths(&config, paths, &progress)?
    };
    drop(progress);
    finish(&outcome, &output)
}
