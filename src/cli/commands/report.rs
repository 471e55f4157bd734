//! `keysieve report FILE|-`

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use keysieve_paths::control;
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

/// The largest results that are read, in bytes: they are kept whole.
const MAX_RESULT_BYTES: u64 = 512 << 20;

/// The results in a file or on standard input, with the name of the file.
pub(super) fn read_results(file: &Path, shows_secrets: bool) -> anyhow::Result<(String, Results)> {
    let (name, bytes) = if file == Path::new("-") {
        let mut bytes = Vec::new();
        let input = std::io::stdin().lock();
        input.take(MAX_RESULT_BYTES + 1).read_to_end(&mut bytes).context("cannot read standard input")?;
        if bytes.len() as u64 > MAX_RESULT_BYTES {
            bail!(
                "standard input has more than {MAX_RESULT_BYTES} bytes, the most that is read; make it smaller"
            );
        }
        ("standard input".to_owned(), bytes)
    } else {
        let name = file.display().to_string();
        let bytes = control::read(file, MAX_RESULT_BYTES).with_context(|| format!("cannot read {name}"))?;
        (name, bytes)
    };
    let results = read(&name, &bytes, shows_secrets)?;
    Ok((name, results))
}
