//! Searches the chunks of a source on all threads, and gathers what is found and what cannot be read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use bstr::BString;

use crate::policy::Marker;
use keysieve_containers::worktree::too_large;
use keysieve_detect::{Detector, Match, Memo, resolve_overlaps};
use keysieve_model::chunk::{Chunk, Searched, Visitor};
use keysieve_model::coverage::{Coverage, Unread};
use keysieve_model::finding::Secret;
use keysieve_model::location::{ByteSpan, Location};
use keysieve_model::provenance::{ObjectId, Provenance};
use keysieve_model::sync::{into_inner, lock};
use keysieve_rules::Kind;

use super::sweep::MAX_HITS;
use super::{Progress, ScanConfig};

/// Gathers matches and gaps from all threads.
pub(super) struct Collector<'a> {
    config: &'a ScanConfig,
    detectors: Vec<Mutex<Detector>>,
    matches: Mutex<Vec<(Provenance, Match)>>,
    markers: Mutex<Markers>,
    coverage: Mutex<Coverage>,
    /// Blobs that are larger than the configuration's limit, with their sizes in bytes.
    oversized: Mutex<BTreeMap<ObjectId, usize>>,
    /// How often each value that is swept for was found.
    hits: Mutex<BTreeMap<Secret, u64>>,
    /// What the paths of files count from.
    base: PathBuf,
    progress: &'a dyn Progress,
}

impl<'a> Collector<'a> {
    pub(super) fn new(config: &'a ScanConfig, progress: &'a dyn Progress) -> Self {
        let engine = config.sweep.as_ref().and_then(|sweep| sweep.engine());
        let detector = Detector::sweeping(Arc::clone(&config.rules), engine);
        let threads = rayon::current_num_threads().max(1);
        Self {
            config,
            detectors: (0..threads).map(|_| Mutex::new(detector.clone())).collect(),
            matches: Mutex::default(),
            markers: Mutex::default(),
            coverage: Mutex::default(),
            oversized: Mutex::default(),
            hits: Mutex::default(),
            base: PathBuf::new(),
            progress,
        }
    }

    /// The same, for files whose paths count from `base`.
    pub(super) fn at(self, base: Option<&Path>) -> Self {
        Self { base: base.map(Path::to_owned).unwrap_or_default(), ..self }
    }

    /// What was found, overlapping matches resolved.
    pub(super) fn found(self) -> Found {
        let common: BTreeMap<Secret, String> = into_inner(self.hits)
            .into_iter()
            .filter(|(_, hits)| *hits > MAX_HITS)
            .map(|(secret, _)| {
                (secret, format!("found more than {MAX_HITS} times: too common to mean anything"))
            })
            .collect();
        let mut by_provenance: BTreeMap<Provenance, Vec<Match>> = BTreeMap::new();
        let mut own: BTreeMap<Provenance, bool> = BTreeMap::new();
        for (provenance, found) in into_inner(self.matches) {
            if is_of_value(self.config, &found) {
                let is_own =
                    own.entry(provenance.clone()).or_insert_with_key(|provenance| match provenance {
                        Provenance::File { path, .. } => self
                            .config
                            .sweep
                            .as_ref()
                            .is_some_and(|sweep| sweep.is_own(&self.base, path.as_ref())),
                        _ => false,
                    });
                // The file that a value is from holds it rightly.
                if *is_own || common.contains_key(&found.secret) {
                    continue;
                }
            }
            by_provenance.entry(provenance).or_default().push(found);
        }
        let resolved = by_provenance
            .into_iter()
            .map(|(provenance, matches)| (provenance, resolve_overlaps(&self.config.rules, matches)));
        Found { matches: resolved.collect(), markers: into_inner(self.markers), common }
    }

    pub(super) fn coverage(&self) -> Coverage {
        let mut coverage = lock(&self.coverage).clone();
        let config = &self.config.suppressions.config;
        coverage.unread.extend(self.config.sweep.iter().flat_map(|sweep| sweep.unread().iter().cloned()));
        coverage.accepted = coverage.unread.extract_if(.., |unread| config.accepts(unread)).collect();
        coverage.accepted.sort();
        coverage.accepted.dedup();
        coverage.unread.sort();
        coverage.unread.dedup();
        coverage.skipped.sort();
        coverage
    }

    /// Takes note of the blobs that were too large to be searched; `paths` tells where blobs lie.
    pub(super) fn note_oversized(&self, paths: impl FnOnce(&[ObjectId]) -> Vec<Option<BString>>) {
        let oversized = std::mem::take(&mut *lock(&self.oversized));
        if oversized.is_empty() {
            return;
        }
        let blobs: Vec<ObjectId> = oversized.keys().copied().collect();
        for ((blob, size), path) in oversized.into_iter().zip(paths(&blobs)) {
            let mut what = BString::from(format!("blob {blob}"));
            if let Some(path) = path {
                what.extend([b" (", path.as_slice(), b")"].concat());
            }
            self.unread(Unread::new(what, too_large(size as u64)));
        }
    }

    /// Counts values that were swept for, and drops those that were found too often to be kept.
    fn give_up_common(&self, found: &mut Vec<Match>) {
        if self.config.sweep.is_none() || !found.iter().any(|found| is_of_value(self.config, found)) {
            return;
        }
        let mut hits = lock(&self.hits);
        found.retain(|found| {
            if !is_of_value(self.config, found) {
                return true;
            }
            let count = hits.entry(found.secret.clone()).or_default();
            *count += 1;
            *count <= MAX_HITS
        });
    }

    fn is_oversized(&self, chunk: &Chunk<'_>) -> bool {
        let Provenance::GitBlob(id) = &chunk.provenance else { return false };
        let limit = self.config.suppressions.config.max_file_bytes;
        let is_oversized = limit.is_some_and(|limit| chunk.bytes.len() as u64 > limit);
        if is_oversized {
            lock(&self.oversized).insert(*id, chunk.bytes.len());
        }
        is_oversized
    }
}

impl Visitor for Collector<'_> {
    /// None of what was not searched.
    type Memo = Option<Memo>;

    fn chunk(&self, chunk: &Chunk<'_>, base: Option<&Self::Memo>) -> Searched<Self::Memo> {
        if self.is_oversized(chunk) {
            return Searched { memo: None, is_clean: false };
        }
        let base = base.and_then(Option::as_ref);
        let thread = rayon::current_thread_index().unwrap_or(0) % self.detectors.len();
        let base = base.filter(|_| !self.config.scans_whole);
        let (mut found, memo) = lock(&self.detectors[thread]).scan(chunk, base);
        let is_clean = found.is_empty();
        self.give_up_common(&mut found);
        for found in &found {
            if let Some(marker) = Marker::beside(chunk.bytes, found.span) {
                lock(&self.markers).insert((chunk.provenance.clone(), found.location), marker);
            }
        }
        // Matches of different pieces must not seem to overlap.
        let offset = chunk.start.offset;
        for Match { span, .. } in &mut found {
            *span = ByteSpan::new(span.start + offset, span.end + offset);
        }
        if !found.is_empty() {
            lock(&self.matches).extend(found.into_iter().map(|found| (chunk.provenance.clone(), found)));
        }
        self.progress.step();
        Searched { memo: Some(memo), is_clean }
    }

    fn unread(&self, unread: Unread) {
        lock(&self.coverage).unread.push(unread);
    }

    fn skipped(&self, skipped: Unread) {
        lock(&self.coverage).skipped.push(skipped);
    }
}

/// Whether it is a value that was swept for, rather than what a rule found.
fn is_of_value(config: &ScanConfig, found: &Match) -> bool {
    config.rules.rule(found.rule).kind == Kind::Value
}

/// Markers beside matches, by where these lie.
pub(super) type Markers = BTreeMap<(Provenance, Location), Marker>;

/// What was found, by where it lies.
pub(super) struct Found {
    pub(super) matches: BTreeMap<Provenance, Vec<Match>>,
    pub(super) markers: Markers,
    /// Values that were swept for and found too often, each with why that says nothing.
    pub(super) common: BTreeMap<Secret, String>,
}
