//! One file a subcommand.

mod audit;
mod baseline;
mod ci;
mod compare;
mod completions;
mod diff;
mod env;
mod explain;
mod hook;
mod image;
mod range_policy;
mod redact;
mod report;
mod rules;
mod scan;

use super::args::{Args, Command, ImageCommand};
use super::exit_code::ExitStatus;

pub(crate) fn run(args: Args) -> anyhow::Result<ExitStatus> {
    match args.command {
        Command::Audit { repo, rev, sweep, values, common } => {
            audit::run(&repo, rev.as_deref(), sweep, &values, &common)
        }
        Command::Scan { paths, documents, values, common } => scan::run(paths, documents, &values, &common),
        Command::Redact(asked) => redact::run(&asked),
        Command::Image { command: Some(ImageCommand::Layers { image, name, platform }), .. } => {
            image::layers(&image, name, platform)
        }
        Command::Image { command: None, image, name, platform, skip_base, values, common } => {
            let image = image.unwrap_or_default();
            image::run(&image, name, platform, skip_base, &values, &common)
        }
        Command::Diff { range, staged: _, since, repo, values, common } => {
            diff::run(range.as_deref(), since.as_deref(), &repo, &values, &common)
        }
        Command::Env(asked) => env::run(&asked),
        Command::Ci(asked) => ci::run(&asked),
        Command::Baseline { command } => baseline::run(&command),
        Command::Explain(asked) => explain::run(&asked),
        Command::Hook { command } => hook::run(&command),
        Command::Report(asked) => report::run(&asked),
        Command::Compare(asked) => compare::run(&asked),
        Command::Rules { command } => rules::run(command),
        Command::Completions { shell } => completions::completions(shell),
        Command::Man { dir } => completions::man(dir.as_deref()),
    }
}
