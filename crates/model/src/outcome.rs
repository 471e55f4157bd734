//! What a run found, and what it read.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use bstr::BString;
use keysieve_rules::{Confidence, RuleSet, Severity};

use crate::about::About;
use crate::coverage::Coverage;
use crate::env_file::EnvFile;
use crate::finding::{Finding, Secret, ValueSource};
use crate::provenance::ObjectId;
use crate::redaction::Redaction;
use crate::suppressed::Suppressed;
use crate::texts::{self, Text};

/// Results of a run before they are sealed; no report takes them.
#[derive(Debug)]
pub struct Collected {
    /// The rules that were used; findings name them.
    pub rules: Arc<RuleSet>,
    /// The secrets, the worst first.
    pub findings: Vec<Finding>,
    /// Secrets that are not reported, and what keeps them out.
    pub suppressed: Vec<Suppressed>,
    /// Environment files, the worst first, those that are as they should be too.
    pub env_files: Vec<EnvFile>,
    /// How many secrets of environment files change the exit code.
    pub failing_env_secrets: usize,
    /// Secrets that lie in ignored environment files only, where they belong.
    pub kept_in_env: usize,
    /// What was looked for besides what the rules say, where something was.
    pub swept: Option<Swept>,
    /// What was read and what was not.
    pub coverage: Coverage,
    /// Things to know that are neither findings nor gaps.
    pub notices: Vec<String>,
    /// What the run was about.
    pub about: About,
    /// How long it took.
    pub elapsed: Duration,
}

/// From which severity and confidence on a finding changes the exit code.
#[derive(Debug, Clone, Copy)]
pub struct Threshold {
    /// The least severity.
    pub severity: Severity,
    /// The least confidence.
    pub confidence: Confidence,
    /// No finding changes it.
    pub is_never: bool,
}

impl Threshold {
    /// Number of findings that reach both.
    #[must_use]
    pub fn count(self, findings: &[Finding]) -> usize {
        let counts =
            |finding: &&Finding| finding.severity >= self.severity && finding.confidence >= self.confidence;
        if self.is_never { 0 } else { findings.iter().filter(counts).count() }
    }
}

/// Settings for sealing: the secrets to hide and the threshold of the exit code.
#[derive(Debug)]
pub struct Seal<'a> {
    /// The secrets to mask in names.
    pub secrets: &'a [Secret],
    /// Values that are known by their names, which are masked even where secrets may be seen.
    pub values: &'a [Secret],
    /// Leave secrets as they are where they stand in names.
    pub shows_secrets: bool,
    /// Findings that change the exit code.
    pub threshold: Threshold,
}

impl Collected {
    /// The texts from outside, a line each, in which names may hold a secret that no content does.
    pub fn names(&mut self) -> Vec<u8> {
        let mut names = Vec::new();
        texts::visit(self, &mut |text| {
            let bytes: &[u8] = match &text {
                Text::Name(name) | Text::Command(name) => name,
                Text::Words(words) => words.as_bytes(),
                // Searching costs as much as reading a small range: it is left out where no token fits.
                Text::Typed(text) if !may_hold_token(text) => return,
                Text::Typed(text) => text,
            };
            names.extend_from_slice(bytes);
            names.push(b'\n');
        });
        names
    }

    /// Sorts, masks and counts. The only way to an [`Outcome`].
    #[must_use]
    pub fn seal(mut self, seal: &Seal<'_>) -> Outcome {
        for gaps in [&mut self.coverage.unread, &mut self.coverage.skipped, &mut self.coverage.accepted] {
            gaps.sort();
            gaps.dedup();
        }
        let hidden = if seal.shows_secrets { &[] } else { seal.secrets };
        // The line to write instead is safe to copy, whatever may be seen.
        if let Some(redaction) = Redaction::of(seal.secrets, seal.values) {
            let suppressed = self.suppressed.iter_mut().map(|suppressed| &mut suppressed.finding);
            self.findings.iter_mut().chain(suppressed).for_each(|finding| redaction.replacement(finding));
        }
        let redaction = Redaction::of(hidden, seal.values);
        if let Some(redaction) = &redaction {
            texts::visit(&mut self, &mut |text| redaction.text(text));
        }
        let failing_env_secrets = if seal.threshold.is_never { 0 } else { self.failing_env_secrets };
        let failing = seal.threshold.count(&self.findings) + failing_env_secrets;
        Outcome { collected: self, failing, redaction }
    }
}

/// How long a token is at least, in characters.
const MIN_TOKEN: usize = 16;

/// Whether a token may be in the text: enough letters and digits in a row that name no object of git's.
fn may_hold_token(text: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let is_object_id = |run: &[u8]| {
        let is_digit = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
        matches!(run.len(), 40 | 64) && run.iter().all(is_digit)
    };
    let mut runs = text.split(|byte| !is_part(byte));
    runs.any(|run| run.len() >= MIN_TOKEN && run.iter().any(u8::is_ascii_digit) && !is_object_id(run))
}

/// What a run found, and what it read: sorted, masked and counted. Reads as [`Collected`]; nobody changes it.
#[derive(Debug)]
pub struct Outcome {
    collected: Collected,
    failing: usize,
    redaction: Option<Redaction>,
}

impl Outcome {
    /// How many findings, and secrets in environment files, are bad and sure enough to change the exit code.
    #[must_use]
    pub fn failing(&self) -> usize {
        self.failing
    }

    /// Adds things to know, masked like all others.
    pub fn add_notices(&mut self, notices: impl IntoIterator<Item = String>) {
        for notice in notices {
            let masked = self.masked(notice);
            self.collected.notices.push(masked);
        }
    }

    /// Puts a thing to know in front of all others.
    pub fn lead_with(&mut self, notice: String) {
        let masked = self.masked(notice);
        self.collected.notices.insert(0, masked);
    }

    fn masked(&self, mut notice: String) -> String {
        if let Some(redaction) = &self.redaction {
            redaction.text(Text::Words(&mut notice));
        }
        notice
    }
}

impl Deref for Outcome {
    type Target = Collected;

    fn deref(&self) -> &Collected {
        &self.collected
    }
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
