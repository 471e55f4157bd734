//! Findings that are one mistake: the same rule, path and variable, over all of its versions.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use keysieve_rules::Severity;

use super::json::{FindingJson, PlaceJson};
use super::text::{group as grouped, plural};
use super::words::urgency;

/// The part of the digest that names a group, in bytes.
const ID_BYTES: usize = 8;

/// Findings that are one mistake, what to do first in front. There is at least one.
pub(super) struct Group<'a> {
    pub(super) members: Vec<&'a FindingJson>,
    /// The place to begin with.
    pub(super) place: Option<&'a PlaceJson>,
    /// Its heading: a path, or what is shown for one.
    pub(super) title: String,
}

impl<'a> Group<'a> {
    /// The finding that speaks for the group.
    pub(super) fn lead(&self) -> &'a FindingJson {
        self.members[0]
    }

    fn of(lead: &'a FindingJson) -> Self {
        let place = lead.places_by_rank().first().copied();
        let title = place.map_or_else(|| "nowhere".to_owned(), PlaceJson::name);
        Self { members: vec![lead], place, title }
    }

    /// The hint of a single secret, or how many there are.
    pub(super) fn hint(&self) -> String {
        match self.members.len() {
            1 => super::escaped(self.lead().hint.as_bytes()),
            count => plural(count as u64, "secret"),
        }
    }

    /// Whether HEAD has any of them, where that is a question.
    pub(super) fn in_head(&self) -> Option<bool> {
        self.members.iter().filter_map(|finding| finding.in_head()).max()
    }

    /// When the first of them came in, in seconds since 1970.
    pub(super) fn since_seconds(&self) -> Option<i64> {
        self.members.iter().filter_map(|finding| finding.since_seconds()).min()
    }
}

/// The order in which findings are worked on: what opens most, what others may have, what HEAD still has, what is surest, what is
/// out longest.
pub(super) fn order(finding: &FindingJson) -> impl Ord + use<> {
    let since = finding.since_seconds().unwrap_or(i64::MAX);
    let is_gone = finding.in_head() == Some(false);
    (Reverse(finding.severity), urgency(finding.exposure), is_gone, Reverse(finding.confidence), since)
}

/// The groups of these findings, what to do first in front.
pub(super) fn groups<'a>(findings: impl IntoIterator<Item = &'a FindingJson>) -> Vec<Group<'a>> {
    let mut findings: Vec<&FindingJson> = findings.into_iter().collect();
    findings.sort_by_cached_key(|finding| order(finding));
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    let mut groups: Vec<Group<'a>> = Vec::new();
    for finding in findings {
        let id = finding.group.clone().unwrap_or_else(|| id(finding));
        let number = *numbers.entry(id).or_insert(groups.len());
        match groups.get_mut(number) {
            Some(group) => group.members.push(finding),
            None => groups.push(Group::of(finding)),
        }
    }
    groups
}

/// Names the group of a finding: the same in each run, as long as its rule, path and variable are.
pub(super) fn id(finding: &FindingJson) -> String {
    let place = finding.places_by_rank().first().map(|place| place.name()).unwrap_or_default();
    let place = place.strip_prefix("./").unwrap_or(&place);
    let variable = finding.variable.as_deref().unwrap_or_default();
    let digest = Sha256::new()
        .chain_update("keysieve group 1\0")
        .chain_update(&finding.rule)
        .chain_update("\0")
        .chain_update(place)
        .chain_update("\0")
        .chain_update(variable)
        .finalize();
    digest.iter().take(ID_BYTES).map(|byte| format!("{byte:02x}")).collect()
}

/// The number of findings of each severity, the worst first.
pub(super) fn by_severity(findings: &[FindingJson]) -> Vec<(Severity, usize)> {
    let levels = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low];
    let count = |level| findings.iter().filter(|finding| finding.severity == level).count();
    levels.into_iter().map(|level| (level, count(level))).filter(|(_, count)| *count > 0).collect()
}

/// `399 secrets in 79 groups`, or `1 secret` where each is a group of its own; `found` goes in between.
pub(super) fn count_text(findings: usize, groups: usize, found: &str) -> String {
    let secrets = plural(findings as u64, "secret");
    if findings == groups {
        return format!("{secrets}{found}");
    }
    format!("{secrets}{found} in {} group{}", grouped(groups as u64), if groups == 1 { "" } else { "s" })
}
