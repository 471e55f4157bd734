//! Every exit code and what it means.

use std::process::ExitCode;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExitStatus {
    /// 0: all of it was read, and nothing was found.
    Clean,
    /// 1: all of it was read, and something was found.
    Findings,
    /// 2: an error, something that was asked for could not be read, findings or not, or results that could not be written.
    Trouble,
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        match status {
            ExitStatus::Clean => Self::from(0),
            ExitStatus::Findings => Self::from(1),
            ExitStatus::Trouble => Self::from(2),
        }
    }
}
