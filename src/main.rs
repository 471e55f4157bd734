//! keysieve: finds leaked secrets. Reads the arguments, runs the command, returns its exit code.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run().into()
}
