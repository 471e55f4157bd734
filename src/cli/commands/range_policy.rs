//! What a range does to its own scan: markers, baseline entries and configuration that it adds. They are said, for the reviewer.

use std::collections::BTreeSet;

use bstr::BString;
use keysieve::policy::{Baseline, By, baseline, config};
use keysieve::run::Outcome;
use keysieve_git::Repository;
use keysieve_model::finding::Container;
use keysieve_model::provenance::ObjectId;
use keysieve_report::escaped;

use crate::cli::config::PolicySource;

/// A line for each suppression that the range from `base` to the tips adds.
pub(crate) fn added_suppressions(
    outcome: &Outcome,
    repository: &Repository,
    base: ObjectId,
    tips: &[(BString, ObjectId)],
) -> anyhow::Result<Vec<String>> {
    let mut notices = Vec::new();
    for suppressed in outcome.suppressed.iter().filter(|suppressed| suppressed.by == By::Marker) {
        let finding = &suppressed.finding;
        let path = finding.places.iter().find_map(|place| match &place.container {
            Container::History(history) => {
                Some(format!("{}:{}", escaped(history.path.as_ref()?), place.location.line))
            }
            _ => None,
        });
        notices.push(format!(
            "the range allows a secret inline: {}, {} at {}{}",
            outcome.rules.rule(finding.rule).id,
            finding.secret.hint(finding.public_prefix),
            path.unwrap_or_else(|| "no path".to_owned()),
            because(suppressed.reason.as_deref().unwrap_or_default())
        ));
    }
    let before = PolicySource::Commit(repository, base);
    for (name, tip) in tips {
        let after = PolicySource::Commit(repository, *tip);
        if before.read(config::FILE)? != after.read(config::FILE)? {
            notices.push(format!(
                "{} changes {}, which counts once it is merged",
                escaped(name),
                config::FILE
            ));
        }
        if before.read(baseline::FILE)? == after.read(baseline::FILE)? {
            continue;
        }
        let parse = |source: &PolicySource<'_>| -> anyhow::Result<Baseline> {
            let text = source.read(baseline::FILE)?.unwrap_or_default();
            // A baseline that cannot be read removes nothing, now or once it is merged.
            Ok(Baseline::parse(baseline::FILE, &text, source.read(baseline::SALT_FILE)?.as_deref())
                .unwrap_or_default())
        };
        let (old, new) = (parse(&before)?, parse(&after)?);
        let known: BTreeSet<&str> = old.entries().map(|entry| entry.fingerprint.as_str()).collect();
        for entry in new.entries().filter(|entry| !known.contains(entry.fingerprint.as_str())) {
            notices.push(format!(
                "{} adds a secret to the baseline, which counts once it is merged: {}, {}{}",
                escaped(name),
                escaped(entry.rule.as_bytes()),
                escaped(entry.hint.as_bytes()),
                because(&entry.reason)
            ));
        }
    }
    Ok(notices)
}

fn because(reason: &str) -> String {
    if reason.is_empty() {
        ", without a reason".to_owned()
    } else {
        format!(": {}", escaped(reason.as_bytes()))
    }
}
