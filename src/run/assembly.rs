//! Matches -> findings: where each was is looked up, it is judged there, and what one secret left behind becomes one finding,
//! reported or suppressed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bstr::{BStr, BString, ByteSlice};

use crate::judge::{PathClass, Verdict, classify, judge};
use crate::policy::{By, Marker, Suppressed, Suppressions};
use keysieve_detect::{Match, checks};
use keysieve_envfiles::{file_name, is_env_path};
use keysieve_git::{History, NamedPlace, Places};
use keysieve_image::Images;
use keysieve_model::coverage::Unread;
use keysieve_model::finding::{
    CommitSummary, Container, Exposure, Finding, Fingerprint, HistoryPlace, MetadataPlace, Place, Reach,
    Salt, Secret,
};
use keysieve_model::location::Location;
use keysieve_model::provenance::{Metadata, ObjectId, Provenance};
use keysieve_model::replacement::{Assignee, Replacement, Syntax};
use keysieve_rules::{Kind, RuleId};

use super::collector::{Found, Markers};
use super::image::keep_telling_places;
use super::sweep::MAX_PLACES;
use super::{ScanConfig, Swept};

/// What became of the matches.
pub(super) struct Assembled {
    pub(super) findings: Vec<Finding>,
    pub(super) suppressed: Vec<Suppressed>,
    /// What lies in ignored environment files only, where it belongs.
    pub(super) kept_in_env: Vec<Finding>,
    /// Where the blobs of environment files were.
    pub(super) env_places: Vec<HistoryPlace>,
    /// Every secret that matched, reported or not: none may show in a name.
    pub(super) secrets: Vec<Secret>,
    /// What is not told of places.
    pub(super) unread: Option<Unread>,
    /// What was looked for besides what the rules say, where something was.
    pub(super) swept: Option<Swept>,
    /// Markers that were meant to let findings be, and do not.
    pub(super) slips: BTreeSet<String>,
}

/// The contents in which a secret lies; those that were watched for have none.
pub(super) struct Group<'a> {
    pub(super) secret: Option<&'a Secret>,
    pub(super) blobs: Vec<ObjectId>,
}

/// Tells where contents and commits came from.
pub(super) trait Lineage {
    /// Contents whose places are asked for though nothing was found in them.
    fn watched(&self) -> &[ObjectId];
    /// The places that count for each group.
    fn places(&self, groups: &[Group<'_>]) -> Places;
    /// Each commit or tag with its facts, and what reaches it.
    fn commits(&self, ids: &[ObjectId]) -> Commits;
    /// The places at which files or folders have each name, where names are searched.
    fn named(&self, names: &[BString]) -> Vec<Vec<NamedPlace>> {
        vec![Vec::new(); names.len()]
    }
}

impl Lineage for History {
    fn watched(&self) -> &[ObjectId] {
        self.watched()
    }

    fn places(&self, groups: &[Group<'_>]) -> Places {
        self.places(&groups.iter().map(|group| group.blobs.clone()).collect::<Vec<_>>())
    }

    fn commits(&self, ids: &[ObjectId]) -> Commits {
        self.commits(ids)
    }

    fn named(&self, names: &[BString]) -> Vec<Vec<NamedPlace>> {
        let named = |HistoryPlace { path, introduced, reach, .. }| {
            path.map(|path| NamedPlace { path, introduced, reach })
        };
        let places = self.named(names).into_iter();
        places.map(|places| places.into_iter().filter_map(named).collect()).collect()
    }
}

/// A secret, with everything that matched it.
#[derive(Default)]
struct Candidate {
    blobs: BTreeMap<ObjectId, Vec<InBlob>>,
    others: Vec<(Provenance, Match)>,
}

impl Candidate {
    /// Every rule that found it; of those that only what stands beside it led there, such as its name in an ignored environment
    /// file, where it belongs, none.
    fn rules(&self, config: &ScanConfig) -> BTreeSet<RuleId> {
        let in_blobs = self.blobs.values().flatten().map(|matched| matched.found.rule);
        let is_told = |(provenance, found): &&(Provenance, Match)| {
            let is_in_env =
                matches!(provenance, Provenance::File { path, ignored: true } if is_env_path(path));
            !is_in_env || config.rules.rule(found.rule).kind != Kind::Generic
        };
        in_blobs.chain(self.others.iter().filter(is_told).map(|(_, found)| found.rule)).collect()
    }
}

/// A match in a blob, or in a member of the archive that the blob is.
struct InBlob {
    provenance: Provenance,
    found: Match,
}

impl InBlob {
    fn member_path(&self) -> Option<&BStr> {
        self.provenance.member_path()
    }
}

/// A place at which the judge saw a finding.
struct Judged {
    rule: RuleId,
    verdict: Verdict,
    note: Option<String>,
    assignee: Option<Assignee>,
    /// How the file is written, where that is known.
    syntax: Option<Syntax>,
    place: Place,
    /// What lets it be there, with the reason.
    let_be: Option<(By, Option<String>)>,
    /// What is wrong with a marker that was meant to.
    slip: Option<String>,
}

impl Judged {
    /// `from` is where it was found, `container` one of the places of what lies around all archives.
    fn new(found: &Match, verdict: Verdict, container: Container, from: &Provenance) -> Self {
        Self {
            rule: found.rule,
            verdict,
            note: found.evidence.note.clone().or_else(|| name_note(from)),
            assignee: found.evidence.assignee.clone(),
            syntax: path_in(&container, from).and_then(Syntax::of_path),
            place: Place { container, member: from.shown_member(), location: found.location },
            let_be: None,
            slip: None,
        }
    }

    /// Takes note of what lets it be, of the markers beside it in any version and of the configuration.
    fn let_be<'a>(mut self, config: &ScanConfig, markers: impl Iterator<Item = &'a Marker> + Clone) -> Self {
        let rule = config.rules.rule(self.rule);
        let policy = &config.suppressions.config;
        let marker = markers.clone().find(|marker| marker.allows(&rule.id, policy.compat_markers));
        let by_marker = marker.map(|marker| (By::Marker, marker.reason.clone()));
        let by_config = || {
            let path = path_of(&self.place.container)?.as_bstr();
            if policy.excludes(path) {
                return Some((By::Exclude, Some("excluded on the command line".to_owned())));
            }
            let reason = policy.ignores(rule, path)?;
            Some((By::Config, reason.map(str::to_owned)))
        };
        self.let_be = by_marker.or_else(by_config);
        if self.let_be.is_none() {
            self.slip = slip(config, &rule.id, markers);
        }
        self
    }

    /// The slip with the place beside which it stands.
    fn told_slip(&self) -> Option<String> {
        let slip = self.slip.as_ref()?;
        let line = self.place.location.line;
        let path = path_of(&self.place.container).map(|path| path.to_str_lossy().into_owned());
        Some(format!("{}:{line}: {slip}", path.unwrap_or_else(|| "a message".to_owned())))
    }
}

/// Matches -> findings: places are looked up, each match is judged at each of its places, and what one secret left behind
/// becomes one finding.
pub(super) fn assemble(
    config: &ScanConfig,
    found: Found,
    history: Option<&dyn Lineage>,
    images: Option<&Images>,
) -> Assembled {
    let Found { matches, markers, mut common } = found;
    let mut candidates: BTreeMap<Secret, Candidate> = BTreeMap::new();
    for (provenance, matches) in matches {
        for found in matches {
            let candidate = candidates.entry(found.secret.clone()).or_default();
            match provenance.outermost() {
                Provenance::GitBlob(id) => {
                    let provenance = provenance.clone();
                    candidate.blobs.entry(*id).or_default().push(InBlob { provenance, found });
                }
                _ => candidate.others.push((provenance.clone(), found)),
            }
        }
    }
    let mut groups: Vec<Group<'_>> = candidates
        .iter()
        .map(|(secret, candidate)| Group {
            secret: Some(secret),
            blobs: candidate.blobs.keys().copied().collect(),
        })
        .collect();
    // One look-up for all: it walks every tree.
    let watched = history.map(|history| history.watched().to_vec()).unwrap_or_default();
    groups.push(Group { secret: None, blobs: watched });
    let Places { of_groups: mut places, unread } = match history {
        Some(history) => history.places(&groups),
        None => Places { of_groups: vec![Vec::new(); groups.len()], unread: None },
    };
    let env_places = places.pop().unwrap_or_default();
    let origins = history.map(|history| Origins::of(&candidates, history)).unwrap_or_default();
    let mut assembled = Assembled {
        findings: Vec::new(),
        suppressed: Vec::new(),
        kept_in_env: Vec::new(),
        env_places,
        secrets: common.keys().cloned().collect(),
        unread,
        swept: None,
        slips: BTreeSet::new(),
    };
    for ((secret, candidate), places) in candidates.into_iter().zip(places) {
        let in_blobs =
            places.into_iter().filter_map(|place| judge_in_history(config, &candidate, place, &markers));
        let elsewhere = candidate.others.iter().flat_map(|(provenance, found)| {
            let marker = markers.get(&(provenance.clone(), found.location));
            let outer = provenance.outermost();
            let judged = move |container| {
                let class = class_in(path_of(&container), provenance);
                let verdict = judge_at(config, found, class)?;
                Some(Judged::new(found, verdict, container, provenance).let_be(config, marker.into_iter()))
            };
            let in_images = images.map(|images| images.places(outer)).unwrap_or_default();
            let containers = origins.containers(outer, found).into_iter();
            containers.chain(in_images.into_iter().map(Container::Image)).filter_map(judged)
        });
        let judged: Vec<Judged> = in_blobs.chain(elsewhere).collect();
        assembled.slips.extend(judged.iter().filter_map(Judged::told_slip));
        let rules = candidate.rules(config);
        assembled.secrets.push(secret.clone());
        if let Some(why) = too_common(config, &rules, &judged) {
            common.insert(secret, why);
            continue;
        }
        let is_sure = |finding: &Finding| finding.confidence >= config.min_confidence;
        match suppress(config, &secret, &rules, judged) {
            Some(Ok(finding)) if !is_sure(&finding) => {}
            Some(Ok(finding)) if finding.places.iter().all(|place| is_kept_in_env(&place.container)) => {
                assembled.kept_in_env.push(finding);
            }
            Some(Ok(finding)) => assembled.findings.push(finding),
            Some(Err(suppressed)) if is_sure(&suppressed.finding) => assembled.suppressed.push(suppressed),
            Some(Err(_)) | None => {}
        }
    }
    assembled.swept = config.sweep.as_ref().map(|sweep| sweep.summary(&common));
    let order =
        |finding: &Finding| (std::cmp::Reverse((finding.severity, finding.confidence)), finding.exposure);
    let compare = |a: &Finding, b: &Finding| {
        order(a)
            .cmp(&order(b))
            .then_with(|| (&a.places, a.rule, &a.secret).cmp(&(&b.places, b.rule, &b.secret)))
    };
    assembled.findings.sort_by(compare);
    assembled.suppressed.sort_by(|a, b| compare(&a.finding, &b.finding));
    assembled
}

/// The finding with the places that nothing lets be; where none is left, what was suppressed.
fn suppress(
    config: &ScanConfig,
    secret: &Secret,
    rules: &BTreeSet<RuleId>,
    mut judged: Vec<Judged>,
) -> Option<Result<Finding, Suppressed>> {
    let let_be: Vec<Judged> = judged.extract_if(.., |judged| judged.let_be.is_some()).collect();
    let Some(mut finding) = finding(config, secret.clone(), rules, judged) else {
        let (by, reason) = let_be.first()?.let_be.clone()?;
        let finding = finding(config, secret.clone(), rules, let_be)?;
        return Some(Err(Suppressed { finding, by, reason }));
    };
    let Suppressions { baseline, today, .. } = &*config.suppressions;
    let all = finding.clone();
    let mut reason = None;
    finding.places.retain(|place| match baseline.entry_for(&all, place, today) {
        Some(entry) => {
            reason.get_or_insert_with(|| entry.reason.clone());
            false
        }
        None => true,
    });
    if finding.places.is_empty() {
        let reason = reason.filter(|reason| !reason.is_empty());
        return Some(Err(Suppressed { finding: all, by: By::Baseline, reason }));
    }
    finding.exposure = finding.places.iter().map(|place| exposure(&place.container)).min()?;
    Some(Ok(finding))
}

/// The best verdict, at `place`, on what matched in the versions that were there; shown where it lies in the first of them.
fn judge_in_history(
    config: &ScanConfig,
    candidate: &Candidate,
    place: HistoryPlace,
    markers: &Markers,
) -> Option<Judged> {
    let path = place.path.as_ref().map(|path| path.as_bytes());
    let versions = place.versions.iter().filter_map(|blob| candidate.blobs.get_key_value(blob));
    let judged = versions.flat_map(|(blob, matches)| matches.iter().map(move |found| (blob, found)));
    let (verdict, _, best) = judged
        .filter_map(|(blob, matched)| {
            let class = class_in(path, &matched.provenance);
            Some((judge_at(config, &matched.found, class)?, *blob == place.blob, matched))
        })
        // What an archive stores as it is was found in its bytes too: its member says more.
        .max_by_key(|(verdict, is_first, matched)| {
            let order = std::cmp::Reverse((matched.found.rule, matched.found.span));
            (verdict.confidence, verdict.severity, *is_first, matched.member_path().is_some(), order)
        })?;
    let first = candidate.blobs.get(&place.blob).into_iter().flatten();
    let shown = first
        .min_by_key(|matched| {
            (matched.found.rule != best.found.rule, matched.member_path().is_none(), matched.found.span)
        })
        .unwrap_or(best);
    let location: Location = shown.found.location;
    let at_path = place.versions.iter().filter_map(|blob| candidate.blobs.get(blob)).flatten();
    let beside: Vec<&Marker> = at_path
        .filter_map(|matched| markers.get(&(matched.provenance.clone(), matched.found.location)))
        .collect();
    let container = Container::History(place);
    let judged = Judged::new(&best.found, verdict, container, &shown.provenance);
    let judged = Judged { place: Place { location, ..judged.place }, ..judged };
    Some(judged.let_be(config, beside.into_iter()))
}

fn judge_at(config: &ScanConfig, found: &Match, class: Option<PathClass>) -> Option<Verdict> {
    judge(config.rules.rule(found.rule), &found.evidence, found.secret.expose().len(), class)
}

/// What is known of commits and tags, by id.
pub(super) type Commits = HashMap<ObjectId, (Option<CommitSummary>, Reach)>;

/// Where text came from that is no blob.
#[derive(Default)]
struct Origins {
    commits: Commits,
    /// By the name that files or folders had.
    named: HashMap<BString, Vec<NamedPlace>>,
}

impl Origins {
    fn of(candidates: &BTreeMap<Secret, Candidate>, history: &dyn Lineage) -> Self {
        let (mut ids, mut names) = (BTreeSet::new(), BTreeSet::new());
        for (provenance, _) in candidates.values().flat_map(|candidate| &candidate.others) {
            match provenance {
                Provenance::GitMetadata(Metadata::Commit(id) | Metadata::Tag(id)) => {
                    ids.insert(*id);
                }
                Provenance::GitMetadata(Metadata::EntryName(name)) => {
                    names.insert(name.clone());
                }
                _ => {}
            }
        }
        let ids: Vec<ObjectId> = ids.into_iter().collect();
        let names: Vec<BString> = names.into_iter().collect();
        let places = if names.is_empty() { Vec::new() } else { history.named(&names) };
        // A name whose path is not known is told all the same.
        let named = names.into_iter().zip(places).filter(|(_, places)| !places.is_empty());
        Self { commits: history.commits(&ids), named: named.collect() }
    }

    /// What a match of no blob lies in.
    fn containers(&self, provenance: &Provenance, found: &Match) -> Vec<Container> {
        let metadata = match provenance {
            Provenance::File { path, ignored } => {
                return vec![Container::File { path: path.clone(), ignored: *ignored }];
            }
            Provenance::Stdin => return vec![Container::Stdin],
            Provenance::Document(document) => return vec![Container::Document(document.clone())],
            Provenance::GitBlob(_)
            | Provenance::Member { .. }
            | Provenance::Name(_)
            | Provenance::Image { .. }
            | Provenance::ImageText { .. } => return Vec::new(),
            Provenance::GitMetadata(metadata) => metadata,
        };
        let container = |metadata, (commit, reach)| {
            let Match { field, message_line, .. } = *found;
            Container::Metadata(MetadataPlace { metadata, field, message_line, commit, reach })
        };
        match metadata {
            Metadata::Commit(id) | Metadata::Tag(id) => {
                vec![container(metadata.clone(), self.commits.get(id).cloned().unwrap_or_default())]
            }
            Metadata::EntryName(name) if self.named.contains_key(name) => {
                let places = self.named[name].iter();
                let at = |place: &NamedPlace| {
                    let path = Metadata::EntryName(place.path.clone());
                    container(path, (place.introduced.clone(), place.reach.clone()))
                };
                places.map(at).collect()
            }
            Metadata::RefName | Metadata::RemoteRefName | Metadata::EntryName(_) | Metadata::File(_) => {
                vec![container(metadata.clone(), Default::default())]
            }
        }
    }
}

/// What is wrong with the first marker that was meant to let a finding of `rule` be.
fn slip<'a>(config: &ScanConfig, rule: &str, markers: impl Iterator<Item = &'a Marker>) -> Option<String> {
    let mut markers = markers.filter(|marker| !marker.is_foreign).peekable();
    markers.peek()?;
    let known: Vec<&str> = config.rules.rules().iter().map(|rule| rule.id.as_ref()).collect();
    markers.find_map(|marker| marker.slip(rule, &known))
}

/// Says of what lies in a file's name that it is not in the content.
fn name_note(from: &Provenance) -> Option<String> {
    matches!(from, Provenance::Name(_)).then(|| "in the name, not in the content".to_owned())
}

/// What the names say of it: of the file at `path` and of those in it, where these are archives.
fn class_in(path: Option<&[u8]>, from: &Provenance) -> Option<PathClass> {
    let members = from.member_paths().into_iter().map(|path| path.as_bytes());
    path.into_iter().chain(members).fold(None, |outer, path| match outer {
        None => Some(classify(path)),
        Some(class) => Some(class.within(path)),
    })
}

/// The path that says how it is written: in the innermost archive, or else in the container.
fn path_in<'a>(container: &'a Container, from: &'a Provenance) -> Option<&'a [u8]> {
    from.member_path().map(|path| path.as_bytes()).or_else(|| path_of(container))
}

fn path_of(container: &Container) -> Option<&[u8]> {
    match container {
        Container::File { path, .. } => Some(path.as_bytes()),
        Container::History(place) => place.path.as_ref().map(|path| path.as_bytes()),
        // Environments, commands and labels are written as in a Dockerfile.
        Container::Image(place) => Some(place.path.as_ref().map_or(b"Dockerfile", |path| path.as_bytes())),
        Container::Stdin | Container::Document(_) | Container::Metadata(_) => None,
    }
}

fn is_kept_in_env(container: &Container) -> bool {
    matches!(container, Container::File { path, ignored: true } if is_env_path(path))
}

/// One finding of what was judged for one secret: the most telling rule speaks for it.
fn finding(
    config: &ScanConfig,
    secret: Secret,
    rules: &BTreeSet<RuleId>,
    mut judged: Vec<Judged>,
) -> Option<Finding> {
    let rank = |judged: &Judged| {
        (
            telling(config, judged.rule),
            std::cmp::Reverse((judged.verdict.confidence, judged.verdict.severity)),
            judged.rule,
        )
    };
    judged.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.place.cmp(&b.place)));
    // A provider's rule tells more of a value that was looked for than that it was found.
    let best =
        *rules.iter().filter(|rule| telling(config, **rule) == 0).min().unwrap_or(&judged.first()?.rule);
    let best = if is_value(config, judged.first()?.rule) { best } else { judged.first()?.rule };
    let rule = config.rules.rule(best);
    // Generic rules overlap; which of them spoke first must not change the fingerprint, and neither must a sweep.
    let family = if rule.kind == Kind::Provider { rule.id.as_ref() } else { "generic" };
    let values = config.sweep.as_ref().map(|sweep| sweep.sources(&secret).to_vec()).unwrap_or_default();
    let mut places: Vec<Place> = judged.iter().map(|judged| judged.place.clone()).collect();
    // Git copies messages and names into reflogs and COMMIT_EDITMSG: said only where nothing else has the secret.
    if places.iter().any(|place| !is_gits_own_copy(&place.container)) {
        places.retain(|place| !is_gits_own_copy(&place.container));
    }
    places.sort();
    places.dedup();
    // What an archive stores as it is, and what stands in it besides its members, was found in its own bytes too.
    let opened: BTreeSet<Container> =
        places.iter().filter(|place| place.member.is_some()).map(|place| place.container.clone()).collect();
    places.retain(|place| place.member.is_some() || !opened.contains(&place.container));
    keep_telling_places(&mut places);
    // A value that is out of place somewhere is not so in the file that it belongs to.
    if !values.is_empty() && places.iter().any(|place| !is_kept_in_env(&place.container)) {
        places.retain(|place| !is_kept_in_env(&place.container));
    }
    let salt = config.suppressions.baseline.salt();
    // Without a salt, a fingerprint of a value that may be weak would help to guess it: then it is one of the value's name.
    let name = values.first().map(|source| Secret::new(source.to_string().as_bytes()));
    let told = match &name {
        Some(name) if rule.kind == Kind::Value && *salt == Salt::default() => name,
        _ => &secret,
    };
    let is_other = |other: &&RuleId| **other != best && !is_value(config, **other) && !values.is_empty();
    let own_severity = is_value(config, judged.first()?.rule).then_some(rule.severity);
    Some(Finding {
        rule: best,
        also: rules.iter().filter(is_other).copied().collect(),
        values,
        severity: judged.iter().map(|judged| judged.verdict.severity).chain(own_severity).max()?,
        confidence: judged.iter().map(|judged| judged.verdict.confidence).max()?,
        unsalted: Fingerprint::new(&Salt::default(), family, told),
        fingerprint: Fingerprint::new(salt, family, told),
        public_prefix: checks::public_prefix_length(rule, secret.expose()),
        exposure: places.iter().map(|place| exposure(&place.container)).min()?,
        note: judged.iter().find_map(|judged| judged.note.clone()),
        variable: judged.iter().find_map(|judged| Some(judged.assignee.as_ref()?.name.clone())),
        replacement: replacement(&judged),
        secret,
        places,
    })
}

/// How much less a rule's name tells than others': providers' first, then that a value is known, then what looks like a secret.
fn telling(config: &ScanConfig, rule: RuleId) -> u8 {
    match config.rules.rule(rule).kind {
        Kind::Provider => 0,
        Kind::Value => 1,
        Kind::Generic => 2,
    }
}

fn is_value(config: &ScanConfig, rule: RuleId) -> bool {
    config.rules.rule(rule).kind == Kind::Value
}

/// Why a value that was swept for, and that no rule takes for a secret, says nothing where it was found: it is everywhere.
fn too_common(config: &ScanConfig, rules: &BTreeSet<RuleId>, judged: &[Judged]) -> Option<String> {
    if !rules.iter().all(|rule| is_value(config, *rule)) {
        return None;
    }
    let containers: BTreeSet<_> =
        judged.iter().map(|judged| (&judged.place.container, &judged.place.member)).collect();
    let count = containers.len();
    (count > MAX_PLACES).then(|| format!("found in {count} places: too common to mean anything"))
}

/// What may stand in the secret's stead: at the first place whose language is known, one that names the value if any does.
fn replacement(judged: &[Judged]) -> Option<Replacement> {
    let known = judged
        .iter()
        .filter_map(|judged| Some(Replacement { syntax: judged.syntax?, assignee: judged.assignee.clone() }));
    known.min_by_key(|replacement| replacement.assignee.is_none())
}

/// Whether git wrote the text itself, from what stands elsewhere.
fn is_gits_own_copy(container: &Container) -> bool {
    let Container::Metadata(MetadataPlace { metadata: Metadata::File(path), .. }) = container else {
        return false;
    };
    !file_name(path.as_bstr()).starts_with(b"config")
}

fn exposure(container: &Container) -> Exposure {
    match container {
        Container::File { .. } => Exposure::Worktree,
        Container::Stdin => Exposure::Stdin,
        Container::Document(_) => Exposure::Document,
        Container::Image(_) => Exposure::Image,
        Container::History(place) => place.reach.exposure(),
        Container::Metadata(MetadataPlace { metadata: Metadata::RemoteRefName, .. }) => Exposure::Pushed,
        Container::Metadata(MetadataPlace { metadata: Metadata::File(_) | Metadata::RefName, .. }) => {
            Exposure::GitDirectory
        }
        Container::Metadata(place) => place.reach.exposure(),
    }
}
