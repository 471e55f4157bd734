//! Searches the chunks of a source on all threads, and gathers what is found and what cannot be read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use bstr::{BString, ByteSlice};

use crate::chunk::{Chunk, Searched, Visitor};
use crate::coverage::{Coverage, Unread};
use crate::detect::{Detector, Match, Memo, resolve_overlaps};
use crate::dotenv::{file_name, is_env_name};
use crate::location::Location;
use crate::provenance::Provenance;
use crate::suppress::Marker;
use crate::sync::{into_inner, lock};

use super::{Progress, ScanConfig};

/// Gathers matches and gaps from all threads.
pub(super) struct Collector<'a> {
    config: &'a ScanConfig,
    detectors: Vec<Mutex<Detector>>,
    matches: Mutex<Vec<(Provenance, Match)>>,
    markers: Mutex<Markers>,
    coverage: Mutex<Coverage>,
    env_files: Mutex<BTreeSet<BString>>,
    progress: &'a dyn Progress,
}

impl<'a> Collector<'a> {
    pub(super) fn new(config: &'a ScanConfig, progress: &'a dyn Progress) -> Self {
        let detector = Detector::new(Arc::clone(&config.rules));
        let threads = rayon::current_num_threads().max(1);
        Self {
            config,
            detectors: (0..threads).map(|_| Mutex::new(detector.clone())).collect(),
            matches: Mutex::default(),
            markers: Mutex::default(),
            coverage: Mutex::default(),
            env_files: Mutex::default(),
            progress,
        }
    }

    /// What was found, overlapping matches resolved.
    pub(super) fn found(self) -> Found {
        let mut by_provenance: BTreeMap<Provenance, Vec<Match>> = BTreeMap::new();
        for (provenance, found) in into_inner(self.matches) {
            by_provenance.entry(provenance).or_default().push(found);
        }
        let resolved = by_provenance
            .into_iter()
            .map(|(provenance, matches)| (provenance, resolve_overlaps(&self.config.rules, matches)));
        Found { matches: resolved.collect(), markers: into_inner(self.markers) }
    }

    pub(super) fn coverage(&self) -> Coverage {
        let mut coverage = lock(&self.coverage).clone();
        let config = &self.config.suppressions.config;
        coverage.accepted = coverage.unread.extract_if(.., |unread| config.accepts(unread)).collect();
        coverage.accepted.sort();
        coverage.accepted.dedup();
        coverage.unread.sort();
        coverage.unread.dedup();
        coverage.skipped.sort();
        coverage
    }

    pub(super) fn unignored_env_files(&self) -> BTreeSet<BString> {
        lock(&self.env_files).clone()
    }
}

impl Visitor for Collector<'_> {
    type Memo = Memo;

    fn chunk(&self, chunk: &Chunk<'_>, base: Option<&Memo>) -> Searched<Memo> {
        let thread = rayon::current_thread_index().unwrap_or(0) % self.detectors.len();
        let base = base.filter(|_| !self.config.scans_whole);
        let (found, memo) = lock(&self.detectors[thread]).scan(chunk, base);
        let is_clean = found.is_empty();
        for found in &found {
            if let Some(marker) = Marker::beside(chunk.bytes, found.span) {
                lock(&self.markers).insert((chunk.provenance.clone(), found.location), marker);
            }
        }
        if !found.is_empty() {
            lock(&self.matches).extend(found.into_iter().map(|found| (chunk.provenance.clone(), found)));
        }
        if let Provenance::File { path, ignored: false } = &chunk.provenance
            && is_env_name(file_name(path.as_bstr()))
        {
            lock(&self.env_files).insert(path.clone());
        }
        self.progress.step();
        Searched { memo, is_clean }
    }

    fn unread(&self, unread: Unread) {
        lock(&self.coverage).unread.push(unread);
    }

    fn skipped(&self, skipped: Unread) {
        lock(&self.coverage).skipped.push(skipped);
    }
}

/// Markers beside matches, by where these lie.
pub(super) type Markers = BTreeMap<(Provenance, Location), Marker>;

/// What was found, by where it lies.
pub(super) struct Found {
    pub(super) matches: BTreeMap<Provenance, Vec<Match>>,
    pub(super) markers: Markers,
}
