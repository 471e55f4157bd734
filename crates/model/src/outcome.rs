//! What a run found, and what it read.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bstr::BString;
use keysieve_rules::RuleSet;

use crate::coverage::Coverage;
use crate::env_file::EnvFile;
use crate::finding::{Finding, ValueSource};
use crate::provenance::ObjectId;
use crate::suppressed::Suppressed;

/// What a run found, and what it read.
#[derive(Debug)]
pub struct Outcome {
    /// The rules that were used; findings name them.
    pub rules: Arc<RuleSet>,
    /// The secrets, the worst first.
    pub findings: Vec<Finding>,
    /// How many of them are bad and sure enough to change the exit code.
    pub failing: usize,
    /// Secrets that are not reported, and what keeps them out.
    pub suppressed: Vec<Suppressed>,
    /// Environment files, the worst first, those that are as they should be too.
    pub env_files: Vec<EnvFile>,
    /// Secrets that lie in ignored environment files only, where they belong.
    pub kept_in_env: usize,
    /// What was looked for besides what the rules say, where something was.
    pub swept: Option<Swept>,
    /// What was read and what was not.
    pub coverage: Coverage,
    /// Things to know that are neither findings nor gaps.
    pub notices: Vec<String>,
    /// How long it took.
    pub elapsed: Duration,
}

/// What a range holds that is new.
#[derive(Debug)]
pub struct RangeOutcome {
    /// What was found and read.
    pub outcome: Outcome,
    /// The commits in which something was found: what rewriting them has to mind.
    pub shapes: BTreeMap<ObjectId, CommitShape>,
    /// Whether there was nothing to read.
    pub is_nothing: bool,
}

/// What rewriting a commit has to mind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitShape {
    /// How many parents it has.
    pub parents: usize,
    /// Whether a merge of the range comes after it.
    pub precedes_merges: bool,
}

/// What a sweep looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swept {
    /// How many values.
    pub values: usize,
    /// The files that they are from.
    pub files: Vec<BString>,
    /// How many values of these are public or placeholders.
    pub others: usize,
    /// Secrets that were not looked for.
    pub left_out: Vec<LeftOut>,
}

/// A value that is not looked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// Where it is from.
    pub source: ValueSource,
    /// Why it is not looked for.
    pub why: String,
}
