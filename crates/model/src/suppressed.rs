//! A finding that is not reported, and what keeps it out.

use std::fmt;

use crate::finding::Finding;

/// What removed a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum By {
    /// An entry of the baseline.
    Baseline,
    /// A marker beside each of its places.
    Marker,
    /// The configuration's paths.
    Config,
    /// `--exclude` on the command line.
    Exclude,
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Baseline => "baseline",
            Self::Marker => "inline",
            Self::Config => "config",
            Self::Exclude => "exclude",
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
