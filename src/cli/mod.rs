//! The command line: the only code that knows arguments, the terminal and exit codes.

mod about;
mod args;
mod commands;
mod config;
mod defect;
mod exit_code;
mod output;
mod progress;
mod values;
mod written;

use clap::Parser as _;

use self::args::Args;
use self::exit_code::ExitStatus;

/// Runs what was typed.
pub(crate) fn run() -> ExitStatus {
    defect::end_run_on_panic();
    let args = Args::parse();
    match commands::run(args) {
        Ok(status) => status,
        Err(error) => {
            output::error(&error);
            ExitStatus::Trouble
        }
    }
}
