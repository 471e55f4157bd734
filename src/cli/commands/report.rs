//! `keysieve report FILE|-`

use std::io::Read as _;
use std::path::Path;

use anyhow::Context as _;
use keysieve_report::{Options, read};

use crate::cli::args::Report;
use crate::cli::config::results_config;
use crate::cli::exit_code::ExitStatus;
use crate::cli::output::{finish_results, say};

pub(crate) fn run(asked: &Report) -> anyhow::Result<ExitStatus> {
    let show = Options { show_secrets: asked.show_secrets, ..Options::default() };
    let output = results_config(&asked.results, show)?;
    let (name, bytes) = if asked.file == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).context("cannot read standard input")?;
        ("standard input".to_owned(), bytes)
    } else {
        let name = asked.file.display().to_string();
        let bytes = std::fs::read(&asked.file).with_context(|| format!("cannot read {name}"))?;
        (name, bytes)
    };
    let results = read(&name, &bytes, asked.show_secrets)?;
    if asked.show_secrets && results.finding_count() > 0 && !results.has_secrets() {
        say(&format!(
            "{name} has no secrets to show: they are left out unless the scan has --show-secrets too"
        ))?;
    }
    finish_results(&results, &output)
}
