//! `keysieve compare OLD NEW`, and `keysieve report NEW --since OLD`

use std::io::Write;
use std::path::Path;

use anyhow::bail;
use keysieve_report::compare::{self, Comparison, Named};
use keysieve_report::{Format, Options, Results};

use crate::cli::args::Compare;
use crate::cli::commands::report::read_results;
use crate::cli::config::{OutputConfig, results_config};
use crate::cli::exit_code::ExitStatus;
use crate::cli::output::write_results;

pub(crate) fn run(asked: &Compare) -> anyhow::Result<ExitStatus> {
    let show = Options { details: asked.verbose, quiet: asked.quiet, ..Options::default() };
    let output = results_config(&asked.results, show)?;
    if asked.old == Path::new("-") && asked.new == Path::new("-") {
        bail!("`-` is standard input, which can be read once; name a file for one of the two");
    }
    let new = read_results(&asked.new, false)?;
    compare_with(&asked.old, &new, &output)
}

/// Compares results that were read, with their name, to those in the file `old`.
pub(crate) fn compare_with(
    old: &Path,
    (name, results): &(String, Results),
    output: &OutputConfig,
) -> anyhow::Result<ExitStatus> {
    let formats = std::iter::once(&output.format).chain(output.also.iter().map(|(format, _)| format));
    if formats.into_iter().any(|format| !compare::has_format(*format)) {
        bail!("a comparison is written as text, json, html or markdown");
    }
    let (old_name, old) = read_results(old, false)?;
    let old = Named { name: &old_name, results: &old };
    let comparison = Comparison::new(old, Named { name, results })?;
    let write = |out: &mut dyn Write, format: Format, options: Options| {
        compare::write(out, &comparison, format, options)?;
        Ok(Vec::new())
    };
    let written = write_results(output, write)?;
    Ok(match (comparison.is_complete(), comparison.worse()) {
        (false, _) => ExitStatus::Trouble,
        (true, 1..) if written == ExitStatus::Clean => ExitStatus::Findings,
        _ => written,
    })
}
