//! Findings that somebody has dealt with already: what the baseline, a marker beside the secret, or the configuration says. This
//! stage only removes, and what it removes is counted and can be shown.

pub mod baseline;
pub mod config;
pub mod import;
pub mod marker;

pub use keysieve_model::suppressed::{By, Suppressed};

pub use self::baseline::{Baseline, Entry};
pub use self::config::Config;
pub use self::marker::Marker;

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
