//! Findings that somebody has dealt with already: what the baseline, a marker beside the secret, or the configuration says. This
//! stage only removes, and what it removes is counted and can be shown.

pub mod baseline;
pub mod config;
pub mod import;
pub mod marker;

use std::fmt;

use keysieve_model::finding::Finding;

pub use self::baseline::{Baseline, Entry};
pub use self::config::Config;
pub use self::marker::Marker;

/// What removed a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum By {
    /// An entry of the baseline.
    Baseline,
    /// A marker beside each of its places.
    Marker,
    /// The configuration's paths.
    Config,
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Baseline => "baseline",
            Self::Marker => "inline",
            Self::Config => "config",
        })
    }
}

/// A finding that is not reported.
#[derive(Debug, Clone)]
pub struct Suppressed {
    /// What it would have been.
    pub finding: Finding,
    /// What removed it.
    pub by: By,
    /// The reason that was given.
    pub reason: Option<String>,
}

/// All that can remove findings.
#[derive(Debug, Clone, Default)]
pub struct Suppressions {
    /// The baseline.
    pub baseline: Baseline,
    /// The configuration.
    pub config: Config,
    /// Today, `YYYY-MM-DD`: from an entry's expiry date on it removes nothing.
    pub today: String,
}
