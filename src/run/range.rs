//! Scans a range: what is new in it counts, and only what the version that it came from did not have.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use bstr::BString;

use keysieve_detect::Match;
use keysieve_git::{NamedPlace, Occurrence, Places, Range, RangeQuery, Repository};
use keysieve_model::finding::{CommitSummary, HistoryPlace, Reach, Secret};
pub use keysieve_model::outcome::RangeOutcome;
use keysieve_model::provenance::{Metadata, ObjectId, Provenance};

use super::assembly::{Group, Lineage, assemble};
use super::collector::Collector;
use super::env::real;
use super::{Collected, Error, Progress, Run, ScanConfig, in_pool};

/// Scans what `query` asks for. A secret counts where the versions of its file in the parents did not have it.
///
/// # Errors
///
/// When it cannot be told what belongs to the range; what cannot be read in it is in the outcome's coverage.
pub fn scan_range(
    config: &ScanConfig,
    repository: &Repository,
    query: &RangeQuery,
    progress: &(dyn Progress + Send),
) -> Result<RangeOutcome, Error> {
    let start = Instant::now();
    in_pool(config.threads, || {
        progress.stage("reading what is new", None);
        let collector = Collector::new(config, progress);
        let range = repository.read_range(query, &collector)?;
        collector.note_oversized(|blobs| range.paths(blobs));
        let mut coverage = collector.coverage();
        coverage.read += range.read();
        let mut found = collector.found();
        let new = NewSecrets::of(config, &range, &found.matches, progress);
        found.matches.retain(|provenance, _| new.may_be_new(provenance));
        let found = assemble(config, found, Some(&new), None);
        let nothing = match query {
            RangeQuery::Staged => "nothing is staged",
            RangeQuery::Commits { .. } => "there is nothing new: no commit, no tag",
        };
        let nothing_said = range.is_nothing().then(|| nothing.to_owned());
        let collected = Collected {
            rules: Arc::clone(&config.rules),
            failing_env_secrets: 0,
            findings: found.findings,
            suppressed: found.suppressed,
            env_files: Vec::new(),
            kept_in_env: found.kept_in_env.len(),
            swept: found.swept,
            coverage,
            notices: config.notices().into_iter().chain(found.slips).chain(nothing_said).collect(),
            about: config.about.clone(),
            elapsed: start.elapsed(),
        };
        let places = collected.findings.iter().flat_map(|finding| &finding.places);
        let commits = places.filter_map(|place| place.container.commit()).map(|commit| commit.id);
        let shapes = commits.filter_map(|id| Some((id, range.shape(&id)?))).collect();
        let outcome = Run {
            collected,
            secrets: found.secrets,
            tops: repository.workdir().map(real).into_iter().collect(),
        }
        .finish(config);
        Ok(RangeOutcome { outcome, shapes, is_nothing: range.is_nothing() })
    })?
}

/// The secrets that contents hold.
type SecretsOf = HashMap<ObjectId, BTreeSet<Secret>>;

/// A range, with what is needed to tell new secrets from those that were there before.
struct NewSecrets<'a> {
    range: &'a Range,
    /// Where the contents in which something matched were new.
    occurrences: BTreeMap<ObjectId, Vec<Occurrence>>,
    /// The secrets of the range's contents, and of those that they came from.
    known: SecretsOf,
    /// Contents of files that were removed where something matched: a renamed file brings nothing new.
    removed: HashMap<u32, BTreeSet<ObjectId>>,
    /// Where files and folders got the names in which something matched.
    named: HashMap<BString, Vec<NamedPlace>>,
}

impl<'a> NewSecrets<'a> {
    fn of(
        config: &ScanConfig,
        range: &'a Range,
        matches: &BTreeMap<Provenance, Vec<Match>>,
        progress: &dyn Progress,
    ) -> Self {
        let mut known = secrets_of(matches);
        let mut occurrences: BTreeMap<ObjectId, Vec<Occurrence>> = BTreeMap::new();
        for occurrence in range.occurrences(&known.keys().copied().collect()) {
            occurrences.entry(occurrence.blob).or_default().push(occurrence);
        }
        let look = |wanted: BTreeSet<ObjectId>, known: &mut SecretsOf| {
            let unseen: Vec<ObjectId> = wanted.into_iter().filter(|id| !known.contains_key(id)).collect();
            // A collector's automaton takes longer to build than most pushes take to read.
            if unseen.is_empty() {
                return;
            }
            // Another collector: what was there before counts for nothing else. What cannot be read of it explains nothing.
            let collector = Collector::new(config, progress);
            range.visit_known(&unseen, &collector);
            known.extend(secrets_of(&collector.found().matches));
        };
        let before = occurrences.values().flatten().flat_map(|at| at.before.iter().copied()).collect();
        look(before, &mut known);
        let mut new =
            Self { range, occurrences, known, removed: HashMap::new(), named: named(range, matches) };
        let open: BTreeSet<u32> = new
            .occurrences
            .values()
            .flatten()
            .filter(|at| new.known[&at.blob].iter().any(|secret| new.is_new(at, secret)))
            .map(Occurrence::origin)
            .collect();
        new.removed = open.iter().map(|&origin| (origin, range.removed(origin))).collect();
        look(new.removed.values().flatten().copied().collect(), &mut new.known);
        let paths: BTreeSet<&BString> = new
            .occurrences
            .values()
            .flatten()
            .filter(|at| open.contains(&at.origin()))
            .filter_map(Occurrence::path)
            .collect();
        look(range.latest(paths.into_iter()), &mut new.known);
        new
    }

    /// Whether what was found there can be new: a name is not that was moved.
    fn may_be_new(&self, provenance: &Provenance) -> bool {
        match provenance {
            Provenance::GitMetadata(Metadata::EntryName(name)) => {
                self.named.get(name).is_some_and(|places| !places.is_empty())
            }
            _ => true,
        }
    }

    /// Whether the secret came to the path, from another one of the same commit's parents or newly.
    fn came_to_path(&self, at: &Occurrence, secret: &Secret) -> bool {
        !at.before.iter().any(|id| self.has(id, secret))
    }

    fn is_new(&self, at: &Occurrence, secret: &Secret) -> bool {
        let mut removed = self.removed.get(&at.origin()).into_iter().flatten();
        self.came_to_path(at, secret) && !removed.any(|id| self.has(id, secret))
    }

    fn has(&self, blob: &ObjectId, secret: &Secret) -> bool {
        self.known.get(blob).is_some_and(|secrets| secrets.contains(secret))
    }

    /// The places of a secret that is new at one of them, those to which it was moved later included.
    fn places_of(&self, group: &Group<'_>) -> Vec<HistoryPlace> {
        let Some(secret) = group.secret else { return Vec::new() };
        let all = group.blobs.iter().filter_map(|blob| self.occurrences.get(blob)).flatten();
        let came: Vec<Occurrence> = all.filter(|at| self.came_to_path(at, secret)).cloned().collect();
        if !came.iter().any(|at| self.is_new(at, secret)) {
            return Vec::new();
        }
        let holders = self.known.keys().filter(|blob| self.has(blob, secret)).copied().collect();
        self.range.places(&came, &holders)
    }
}

fn named(range: &Range, matches: &BTreeMap<Provenance, Vec<Match>>) -> HashMap<BString, Vec<NamedPlace>> {
    let name_of = |provenance: &Provenance| match provenance {
        Provenance::GitMetadata(Metadata::EntryName(name)) => Some(name.clone()),
        _ => None,
    };
    let names: Vec<BString> = matches.keys().filter_map(name_of).collect();
    if names.is_empty() {
        return HashMap::new();
    }
    let places = range.named(&names);
    names.into_iter().zip(places).collect()
}

fn secrets_of(matches: &BTreeMap<Provenance, Vec<Match>>) -> SecretsOf {
    let mut secrets_of = SecretsOf::new();
    for (provenance, matches) in matches {
        if let Provenance::GitBlob(id) = provenance.outermost() {
            secrets_of.entry(*id).or_default().extend(matches.iter().map(|found| found.secret.clone()));
        }
    }
    secrets_of
}

impl Lineage for NewSecrets<'_> {
    fn watched(&self) -> &[ObjectId] {
        &[]
    }

    fn places(&self, groups: &[Group<'_>]) -> Places {
        let mut places: Vec<Vec<HistoryPlace>> = groups.iter().map(|group| self.places_of(group)).collect();
        for (group, places) in groups.iter().zip(&mut places) {
            for place in places {
                // Later versions hold it too, though it is not new in them: one may carry a marker.
                let at_path = group.blobs.iter().filter(|blob| {
                    let occurrences = self.occurrences.get(blob).into_iter().flatten();
                    occurrences.into_iter().any(|at| at.path() == place.path.as_ref())
                });
                let further: Vec<ObjectId> =
                    at_path.filter(|blob| !place.versions.contains(blob)).copied().collect();
                place.versions.extend(further);
            }
        }
        Places { of_groups: places, unread: None }
    }

    fn named(&self, names: &[BString]) -> Vec<Vec<NamedPlace>> {
        names.iter().map(|name| self.named.get(name).cloned().unwrap_or_default()).collect()
    }

    fn commits(&self, ids: &[ObjectId]) -> HashMap<ObjectId, (Option<CommitSummary>, Reach)> {
        self.range.commits(ids)
    }
}
