//! What was typed, and the environment -> what each stage needs.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::Arc;

use keysieve::report::{Format, Options};
use keysieve::rules::{Confidence, Error as RulesError, RuleSet};
use keysieve::scan::ScanConfig;

use super::args::{ColourArg, Common, ConfidenceArg, FormatArg};
use super::output::check_file;

/// Where and how results are written.
#[derive(Debug)]
pub(crate) struct OutputConfig {
    pub(crate) format: Format,
    pub(crate) options: Options,
    pub(crate) file: Option<PathBuf>,
}

/// The built-in rules and those of the given files.
pub(crate) fn rules(files: &[PathBuf]) -> Result<RuleSet, RulesError> {
    files.iter().try_fold(RuleSet::builtin(), |rules, file| rules.with_file(file))
}

pub(crate) fn scan_config(common: &Common) -> Result<ScanConfig, RulesError> {
    Ok(ScanConfig {
        rules: Arc::new(rules(&common.rules)?),
        threads: usize::from(common.threads),
        min_confidence: match common.min_confidence {
            ConfidenceArg::Low => Confidence::Low,
            ConfidenceArg::Medium => Confidence::Medium,
            ConfidenceArg::High => Confidence::High,
        },
        shows_secrets: common.show_secrets,
        scans_whole: common.scan_whole,
        uses_cache: !common.no_cache,
    })
}

/// Where and how results are written, checked before there are any.
pub(crate) fn output_config(common: &Common) -> anyhow::Result<OutputConfig> {
    common.output.as_deref().map(check_file).transpose()?;
    let is_terminal = common.output.is_none() && std::io::stdout().is_terminal();
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    Ok(OutputConfig {
        format: match common.format {
            FormatArg::Text => Format::Text,
            FormatArg::Json => Format::Json,
            FormatArg::Jsonl => Format::JsonLines,
        },
        options: Options {
            show_secrets: common.show_secrets,
            colour: match common.color {
                ColourArg::Auto => is_terminal && !no_colour,
                ColourArg::Always => true,
                ColourArg::Never => false,
            },
        },
        file: common.output.clone(),
    })
}

/// Whether progress is shown: on a terminal, where nobody asked for quiet.
pub(crate) fn shows_progress(common: &Common) -> bool {
    !common.quiet && std::io::stderr().is_terminal()
}
