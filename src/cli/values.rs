//! `--sweep` and `--values`: what is looked for besides what the rules say.

use std::io;
use std::path::Path;

use anyhow::{Context as _, bail};
use keysieve::run::{ScanConfig, Sweep};
use keysieve_git::Repository;

use super::args::ValuesArgs;

/// Where `--sweep` takes values from.
pub(crate) fn local_values(repository: &Repository) -> anyhow::Result<&Path> {
    repository.workdir().context(
        "a bare repository has no work tree with .env files; name the file with the values: --values FILE",
    )
}

/// Adds the values that were asked for to what a scan looks for: those of the files that were named, and those of the environment
/// files below `local`. `reads_stdin` says that standard input is what is scanned.
pub(crate) fn with_values(
    config: ScanConfig,
    asked: &ValuesArgs,
    local: Option<&Path>,
    reads_stdin: bool,
) -> anyhow::Result<ScanConfig> {
    let from_stdin = asked.values.iter().filter(|file| *file == Path::new("-")).count();
    if from_stdin > 1 {
        bail!("`--values -` is standard input, which can be read once; name it once");
    }
    if from_stdin > 0 && reads_stdin {
        bail!(
            "`-` stands for standard input in both places, which can be read once; put the values into a file, or scan a file \
             (a file named `-` is `./-`)"
        );
    }
    if asked.values.is_empty() && local.is_none() {
        return Ok(config);
    }
    let mut sweep = Sweep::default();
    if let Some(workdir) = local {
        sweep.add_local(workdir);
    }
    for file in &asked.values {
        if file == Path::new("-") {
            sweep.add_reader("standard input".into(), io::stdin().lock())?;
        } else {
            sweep.add_file(file)?;
        }
    }
    Ok(sweep.join(config)?)
}
