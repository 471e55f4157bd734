//! The secrets of environment files: those that rules found, and values that are secrets by what their variables are called or by
//! their form. Whether they lie where they belong.

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bstr::{BStr, BString, ByteSlice};

use crate::policy::{Marker, Suppressions};
use crate::run::assembly::Assembled;
use crate::run::{ScanConfig, failing};
use keysieve_envfiles::parse::Variable;
use keysieve_envfiles::value::{is_named_secret, secret_part};
use keysieve_envfiles::{EnvFile, Judgement, SecretValue, is_env_path, is_plain_name, is_template_path};
use keysieve_model::finding::{Container, Finding, HistoryPlace, Secret};
use keysieve_model::location::ByteSpan;
use keysieve_rules::{Confidence, Severity};

/// How bad and how sure a secret is that no rule found.
const JUDGED: (Severity, Confidence) = (Severity::High, Confidence::Medium);
/// The rule under which markers let values be.
const VALUE_RULE: &str = "env-value";

/// The secrets that were found in files, by the files' paths.
#[derive(Debug)]
pub(in crate::run) struct SecretsByPath {
    by_path: BTreeMap<BString, Found>,
    /// What was found and is not reported.
    let_be: BTreeSet<Secret>,
    /// Whether values count that no rule found, and whether they change the exit code.
    counts_judged: bool,
    fails_judged: bool,
    policy: Arc<Suppressions>,
}

/// What rules found in a file.
#[derive(Debug, Default)]
struct Found {
    values: Vec<SecretValue>,
    lines: BTreeSet<u64>,
    secrets: BTreeSet<Secret>,
    /// One of them is bad and sure enough to change the exit code.
    fails: bool,
}

impl SecretsByPath {
    /// What rules found. `shown` tells what reports call a file of the history.
    pub(in crate::run) fn of(
        config: &ScanConfig,
        found: &Assembled,
        shown: impl Fn(&BString) -> BString,
    ) -> Self {
        let policy = &config.suppressions.config;
        let mut secrets = Self {
            by_path: BTreeMap::new(),
            let_be: found.suppressed.iter().map(|suppressed| suppressed.finding.secret.clone()).collect(),
            counts_judged: JUDGED.1 >= config.min_confidence && !policy.only_some_rules,
            fails_judged: JUDGED.0 >= policy.min_severity && JUDGED.1 >= policy.min_confidence,
            policy: Arc::clone(&config.suppressions),
        };
        for finding in found.findings.iter().chain(&found.kept_in_env) {
            let fails = failing(config, std::slice::from_ref(finding)) > 0;
            for place in &finding.places {
                let path = match &place.container {
                    Container::File { path, .. } => path.clone(),
                    Container::History(HistoryPlace { path: Some(path), .. }) => shown(path),
                    _ => continue,
                };
                let name = config.rules.rule(finding.rule).name.to_string();
                let at = secrets.by_path.entry(path).or_default();
                at.lines.insert(place.location.line);
                at.values.push(SecretValue { line: place.location.line, name, is_judged: false });
                at.secrets.insert(finding.secret.clone());
                at.fails |= fails;
            }
        }
        secrets
    }

    /// What rules found in the file at `path`.
    pub(super) fn at(&self, path: &BStr) -> Vec<SecretValue> {
        self.by_path.get(path).map(|found| found.values.clone()).unwrap_or_default()
    }

    /// The secrets among a file's variables, sorted by line, that no rule found and that nothing lets be.
    pub(super) fn judged(&self, path: &BStr, bytes: &[u8], variables: &[Variable]) -> Vec<SecretValue> {
        if !self.counts_judged || self.policy.config.ignores_values(path) {
            return Vec::new();
        }
        let found = self.by_path.get(path);
        let is_template = is_template_path(path);
        let line_ends = memchr::memchr_iter(b'\n', bytes).map(|end| end + 1);
        let lines = LazyCell::new(|| std::iter::once(0).chain(line_ends).collect::<Vec<usize>>());
        let is_marked = |variable: &Variable| {
            let start = lines.get(variable.line as usize - 1).copied().unwrap_or(bytes.len());
            Marker::beside(bytes, ByteSpan::new(start, start))
                .is_some_and(|marker| marker.allows(VALUE_RULE, self.policy.config.compat_markers))
        };
        let is_known = |variable: &Variable, next: Option<&Variable>| {
            let end = next.map_or(u64::MAX, |next| next.line.max(variable.line + 1));
            let is_on_its_lines = |found: &Found| found.lines.range(variable.line..end).next().is_some();
            let is_one_of = |secrets: &BTreeSet<Secret>| {
                variable.readings().any(|reading| {
                    let value = reading.expose().trim();
                    let part = secret_part(value).of(value);
                    [value, part].into_iter().any(|value| secrets.contains(&Secret::new(value)))
                })
            };
            is_one_of(&self.let_be)
                || found.is_some_and(|found| is_on_its_lines(found) || is_one_of(&found.secrets))
        };
        let secrets = variables.iter().enumerate().filter(|(at, variable)| {
            variable.judgement == Judgement::Secret
                && (!is_template || is_named_secret(variable))
                && !is_known(variable, variables.get(at + 1))
                && !is_marked(variable)
        });
        let value = |(_, variable): (usize, &Variable)| SecretValue {
            line: variable.line,
            name: match is_plain_name(&variable.name) {
                true => format!("value of {}", variable.name),
                false => "value of a variable".to_owned(),
            },
            is_judged: true,
        };
        secrets.map(value).collect()
    }

    /// How many of the files change the exit code.
    pub(in crate::run) fn count_failing(&self, files: &[EnvFile]) -> usize {
        let fails = |file: &&EnvFile| {
            file.exposes_secret()
                && (self.by_path.get(&file.path).is_some_and(|found| found.fails)
                    || (self.fails_judged && file.secrets.iter().any(|secret| secret.is_judged)))
        };
        files.iter().filter(fails).count()
    }

    /// How many of the secrets that lie in ignored files only are where they belong: in none that is carried away from there.
    pub(in crate::run) fn count_kept(&self, kept: &[Finding], files: &[EnvFile]) -> usize {
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
pub(in crate::run) fn set_aside(findings: &mut Vec<Finding>, named: &BTreeSet<BString>) -> Vec<Finding> {
    let is_kept = |container: &Container| match container {
        Container::File { path, ignored: true } => is_env_path(path) || named.contains(path),
        _ => false,
    };
    findings.extract_if(.., |finding| finding.places.iter().all(|place| is_kept(&place.container))).collect()
}
