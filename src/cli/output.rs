//! Standard output, standard error and result files.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use anyhow::Context as _;
use keysieve::report::{self, escaped};
use keysieve::scan::Outcome;

use super::config::OutputConfig;
use super::exit_code::ExitStatus;

/// Writes results where they were asked for, and says how the run ended.
pub(crate) fn finish(outcome: &Outcome, config: &OutputConfig) -> anyhow::Result<ExitStatus> {
    match &config.file {
        Some(path) => {
            let context = || format!("cannot write the results to {}", path.display());
            let mut file = BufWriter::new(File::create(path).with_context(context)?);
            report::write(&mut file, outcome, config.format, config.options).with_context(context)?;
            file.flush().with_context(context)?;
        }
        None => print(|out| report::write(out, outcome, config.format, config.options))?,
    }
    Ok(status(outcome))
}

/// How a run with this outcome ends.
pub(crate) fn status(outcome: &Outcome) -> ExitStatus {
    match (outcome.coverage.is_complete(), outcome.failing == 0) {
        (false, _) => ExitStatus::Trouble,
        (true, false) => ExitStatus::Findings,
        (true, true) => ExitStatus::Clean,
    }
}

/// Writes to standard error.
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

/// Writes to standard output. A reader that goes away (`| head`) is no error: the exit code tells how the run ended.
pub(crate) fn print(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("cannot write the results")
        }
        _ => Ok(()),
    }
}

/// Tells an error with its causes.
pub(crate) fn error(error: &anyhow::Error) {
    let message = format!("{error:#}");
    // Nothing is left to be done where standard error is closed.
    let _ = writeln!(io::stderr(), "keysieve: {}", escaped(message.as_bytes()));
}
