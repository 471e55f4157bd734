//! What rules found in environment files, by the files' paths, and whether it lies where it belongs.

use std::collections::{BTreeMap, BTreeSet};

use bstr::{BStr, BString};

use crate::dotenv::{EnvFile, SecretValue, is_env_path};
use crate::finding::{Container, Finding, HistoryPlace};
use crate::scan::assembly::Assembled;
use crate::scan::{ScanConfig, failing};

/// The secrets that were found in files, by the files' paths.
#[derive(Debug, Default)]
pub(in crate::scan) struct SecretsByPath {
    by_path: BTreeMap<BString, Vec<SecretValue>>,
    /// The files with a secret that is bad and sure enough to change the exit code.
    failing: BTreeSet<BString>,
}

impl SecretsByPath {
    /// The one place at which it is told what an environment file holds: what rules found in it. `shown` tells what reports
    /// call a file of the history.
    pub(in crate::scan) fn of(
        config: &ScanConfig,
        found: &Assembled,
        shown: impl Fn(&BString) -> BString,
    ) -> Self {
        let mut secrets = Self::default();
        for finding in found.findings.iter().chain(&found.kept_in_env) {
            let fails = failing(config, std::slice::from_ref(finding)) > 0;
            for place in &finding.places {
                let path = match &place.container {
                    Container::File { path, .. } => path.clone(),
                    Container::History(HistoryPlace { path: Some(path), .. }) => shown(path),
                    _ => continue,
                };
                let name = config.rules.rule(finding.rule).name.to_string();
                let value = SecretValue { line: place.location.line, name };
                secrets.by_path.entry(path.clone()).or_default().push(value);
                if fails {
                    secrets.failing.insert(path);
                }
            }
        }
        secrets
    }

    pub(super) fn at(&self, path: &BStr) -> Vec<SecretValue> {
        self.by_path.get(path).cloned().unwrap_or_default()
    }

    /// How many of the files change the exit code.
    pub(in crate::scan) fn count_failing(&self, files: &[EnvFile]) -> usize {
        files.iter().filter(|file| file.exposes_secret() && self.failing.contains(&file.path)).count()
    }

    /// How many of the secrets that lie in ignored files only are where they belong: in none that is carried away from there.
    pub(in crate::scan) fn count_kept(&self, kept: &[Finding], files: &[EnvFile]) -> usize {
        let exposing: BTreeSet<&BString> =
            files.iter().filter(|file| file.exposes_secret()).map(|file| &file.path).collect();
        let is_exposed = |finding: &&Finding| {
            finding.places.iter().any(
                |place| matches!(&place.container, Container::File { path, .. } if exposing.contains(path)),
            )
        };
        kept.iter().filter(|finding| !is_exposed(finding)).count()
    }
}

/// Takes out of the findings those whose places are all ignored environment files: they are where they belong.
pub(in crate::scan) fn set_aside(findings: &mut Vec<Finding>, named: &BTreeSet<BString>) -> Vec<Finding> {
    let is_kept = |container: &Container| match container {
        Container::File { path, ignored: true } => is_env_path(path) || named.contains(path),
        _ => false,
    };
    findings.extract_if(.., |finding| finding.places.iter().all(|place| is_kept(&place.container))).collect()
}
