//! `keysieve report FILE|-`

use std::io::Read as _;
use std::path::Path;

use anyhow::Context as _;
use keysieve_report::{Options, Results, read};

use crate::cli::args::Report;
use crate::cli::commands::compare::compare_with;
use crate::cli::config::results_config;
use crate::cli::exit_code::ExitStatus;
use crate::cli::output::{finish_results, say};

pub(crate) fn run(asked: &Report) -> anyhow::Result<ExitStatus> {
    let show = Options {
        show_secrets: asked.show_secrets,
        details: asked.verbose,
        quiet: asked.quiet,
        ..Options::default()
    };
    let output = results_config(&asked.results, show)?;
    let named = read_results(&asked.file, asked.show_secrets)?;
    if let Some(old) = &asked.since {
        return compare_with(old, &named, &output);
    }
    let (name, results) = named;
    if asked.show_secrets && results.finding_count() > 0 && !results.has_secrets() {
        say(&format!(
            "{name} has no secrets to show: they are left out unless the scan has --show-secrets too"
        ))?;
    }
    finish_results(&results, &output)
}

/// The results in a file or on standard input, with the name of the file.
pub(super) fn read_results(file: &Path, shows_secrets: bool) -> anyhow::Result<(String, Results)> {
    let (name, bytes) = if file == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).context("cannot read standard input")?;
        ("standard input".to_owned(), bytes)
    } else {
        let name = file.display().to_string();
        let bytes = std::fs::read(file).with_context(|| format!("cannot read {name}"))?;
        (name, bytes)
    };
    let results = read(&name, &bytes, shows_secrets)?;
    Ok((name, results))
}
