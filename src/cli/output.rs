//! Standard output, standard error and result files.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::{Context as _, bail};
use keysieve::dotenv::{EnvFile, EnvState};
use keysieve::report::{self, escaped};
use keysieve::scan::Outcome;

use super::config::OutputConfig;
use super::exit_code::ExitStatus;

/// Writes results where they were asked for, and says how the run ended.
pub(crate) fn finish(outcome: &Outcome, config: &OutputConfig) -> anyhow::Result<ExitStatus> {
    let written = match &config.file {
        Some(path) => {
            let context = || cannot_write_to(path);
            let mut file = BufWriter::new(File::create(path).with_context(context)?);
            report::write(&mut file, outcome, config.format, config.options).with_context(context)?;
            file.flush().with_context(context)?;
            ExitStatus::Clean
        }
        None => print(|out| report::write(out, outcome, config.format, config.options))?,
    };
    // In a repository an environment file is a warning; an image has no use for one that is not a leak.
    let is_in_image = |file: &EnvFile| matches!(file.state, EnvState::InImage(_));
    let has_nothing = outcome.findings.is_empty() && !outcome.env_files.iter().any(is_in_image);
    Ok(match (outcome.coverage.is_complete(), has_nothing) {
        (true, false) if written == ExitStatus::Clean => ExitStatus::Findings,
        (true, true) => written,
        _ => ExitStatus::Trouble,
    })
}

/// Refuses what results can surely not be written to, before there are any: an audit may take minutes.
pub(crate) fn check_file(path: &Path) -> anyhow::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if path.is_dir() {
        bail!("{}: it is a folder; name a file in it", cannot_write_to(path));
    }
    if !folder.is_dir() {
        bail!("{}: there is no folder {}; make it first", cannot_write_to(path), folder.display());
    }
    Ok(())
}

fn cannot_write_to(path: &Path) -> String {
    format!("cannot write the results to {}", path.display())
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
