//! Standard output, standard error and result files.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::Context as _;
use keysieve::run::Outcome;
use keysieve_report::{self, Format, Options, Results, escaped};

use super::config::{OutputConfig, cannot_write_to, end_of_run};
use super::exit_code::ExitStatus;
use super::written::{self, Readers};

/// Writes a run's results where they were asked for, and says how the run ended.
pub(crate) fn finish(outcome: &Outcome, config: &OutputConfig) -> anyhow::Result<ExitStatus> {
    finish_results(&results(outcome, config), config)
}

/// Writes results where they were asked for, and says how the run ended that they are of.
pub(crate) fn finish_results(results: &Results, config: &OutputConfig) -> anyhow::Result<ExitStatus> {
    let written =
        write_results(config, |out, format, options| keysieve_report::write(out, results, format, options))?;
    if let Some(path) = &config.outputs {
        let (findings, complete) = (results.finding_count(), results.is_complete());
        append_outputs(path, &[("findings", &findings), ("complete", &complete)])?;
    }
    Ok(match ended(results.is_complete(), results.failing()) {
        ExitStatus::Clean => written,
        ExitStatus::Findings if written == ExitStatus::Clean => ExitStatus::Findings,
        _ => ExitStatus::Trouble,
    })
}

/// Lets `write` write in each format that was asked for, to where it was asked for; what it returns is said to people.
pub(crate) fn write_results(
    config: &OutputConfig,
    write: impl Fn(&mut dyn Write, Format, Options) -> io::Result<Vec<String>>,
) -> anyhow::Result<ExitStatus> {
    write_others(config, &write)?;
    let mut cuts = Vec::new();
    let write = |out: &mut dyn Write| {
        cuts = write(out, config.format, config.options)?;
        Ok(())
    };
    let written = match &config.file {
        Some(path) => {
            write_file(path, readers(config), write)?;
            ExitStatus::Clean
        }
        None => print(write)?,
    };
    cuts.iter().try_for_each(|cut| say(cut))?;
    Ok(written)
}

/// Appends `name=value` lines for a CI system.
pub(crate) fn append_outputs(path: &Path, values: &[(&str, &dyn Display)]) -> anyhow::Result<()> {
    let context = || cannot_write_to(path);
    let mut file = File::options().create(true).append(true).open(path).with_context(context)?;
    for (name, value) in values {
        writeln!(file, "{name}={}", escaped(value.to_string().as_bytes())).with_context(context)?;
    }
    Ok(())
}

/// What may be told of a run that ends now.
pub(crate) fn results(outcome: &Outcome, config: &OutputConfig) -> Results {
    let (finished_seconds, is_reproducible) = end_of_run();
    Results::new(outcome, Options { finished_seconds, is_reproducible, ..config.options })
}

/// Writes the formats that go to files of their own.
pub(crate) fn write_also(results: &Results, config: &OutputConfig) -> anyhow::Result<()> {
    write_others(config, &|out, format, options| keysieve_report::write(out, results, format, options))
}

fn write_others(
    config: &OutputConfig,
    write: &impl Fn(&mut dyn Write, Format, Options) -> io::Result<Vec<String>>,
) -> anyhow::Result<()> {
    for (format, path) in &config.also {
        let mut cuts = Vec::new();
        write_file(path, readers(config), |out| {
            cuts = write(out, *format, Options { colour: false, columns: None, ..config.options })?;
            Ok(())
        })?;
        cuts.iter().try_for_each(|cut| say(cut))?;
    }
    Ok(())
}

/// Who may read files of results.
fn readers(config: &OutputConfig) -> Readers {
    if config.options.show_secrets { Readers::Owner } else { Readers::Usual }
}

fn write_file(
    path: &Path,
    readers: Readers,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> anyhow::Result<()> {
    written::write(path, readers, write).with_context(|| cannot_write_to(path))
}

/// How a run with this outcome ends, where its results were written.
pub(crate) fn status(outcome: &Outcome) -> ExitStatus {
    ended(outcome.coverage.is_complete(), outcome.failing())
}

fn ended(is_complete: bool, failing: usize) -> ExitStatus {
    match (is_complete, failing) {
        (false, _) => ExitStatus::Trouble,
        (true, 1..) => ExitStatus::Findings,
        (true, 0) => ExitStatus::Clean,
    }
}

/// Says on standard output what was done. A reader that goes away changes nothing: it was done.
pub(crate) fn announce(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<()> {
    print(write).map(drop)
}

/// Writes to standard error. A reader that goes away is no error: hooks end as they would have.
pub(crate) fn print_error(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<()> {
    let mut out = BufWriter::new(io::stderr().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("cannot write the results")
        }
        _ => Ok(()),
    }
}

/// Says a line on standard error.
pub(crate) fn say(line: &str) -> anyhow::Result<()> {
    print_error(|out| writeln!(out, "keysieve: {line}"))
}

/// Writes to standard output. A reader that goes away (`| head`) needs no message, but nobody has seen all results: that is
/// [`ExitStatus::Trouble`].
pub(crate) fn print(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<ExitStatus> {
    let mut out = BufWriter::new(io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Ok(()) => Ok(ExitStatus::Clean),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitStatus::Trouble),
        Err(error) => Err(error).context("cannot write the results"),
    }
}

/// Tells an error with its causes.
pub(crate) fn error(error: &anyhow::Error) {
    let message = format!("{error:#}");
    // Nothing is left to be done where standard error is closed.
    let _ = writeln!(io::stderr(), "keysieve: {}", escaped(message.as_bytes()));
}
