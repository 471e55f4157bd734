//! `keysieve completions SHELL` and `keysieve man [DIR]`: both made from what clap knows.

use std::path::Path;

use anyhow::Context as _;
use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::args::Args;
use crate::cli::exit_code::ExitStatus;
use crate::cli::output::announce;

pub(crate) fn completions(shell: Shell) -> anyhow::Result<ExitStatus> {
    // Into memory first: it has no way to tell that standard output was closed.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "keysieve", &mut script);
    announce(|out| out.write_all(&script))?;
    Ok(ExitStatus::Clean)
}

/// Prints the page of keysieve itself, or writes those of all commands into a folder.
pub(crate) fn man(dir: Option<&Path>) -> anyhow::Result<ExitStatus> {
    match dir {
        None => announce(|out| clap_mangen::Man::new(Args::command()).render(out))?,
        Some(dir) => clap_mangen::generate_to(Args::command(), dir)
            .with_context(|| format!("cannot write the pages to {}", dir.display()))?,
    }
    Ok(ExitStatus::Clean)
}
