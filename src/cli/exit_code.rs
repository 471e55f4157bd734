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

impl ExitStatus {
    /// The number that the process ends with.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Findings => 1,
            Self::Trouble => 2,
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status.code())
    }
}
