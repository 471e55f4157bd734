//! One file a subcommand.

mod audit;
mod image;
mod rules;
mod scan;

use super::args::{Args, Command};
use super::exit_code::ExitStatus;

pub(crate) fn run(args: Args) -> anyhow::Result<ExitStatus> {
    match args.command {
        Command::Audit { repo, rev, common } => audit::run(&repo, rev.as_deref(), &common),
        Command::Scan { paths, common } => scan::run(paths, &common),
        Command::Image { image, name, platform, skip_base, common } => {
            image::run(image, name, platform, skip_base, &common)
        }
        Command::Rules { command } => rules::run(command),
    }
}
