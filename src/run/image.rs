//! Scans of container images.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use bstr::{BString, ByteSlice};

use keysieve_envfiles::{EnvFile, EnvState, is_env_path};
use keysieve_image::{Input, Selection};
use keysieve_model::env_file::SecretValue;
use keysieve_model::finding::{Container, Finding, ImagePlace, Place, Removal};

use super::assembly::assemble;
use super::collector::Collector;
use super::{Collected, Error, Outcome, Progress, Run, ScanConfig, in_pool};

/// Scans the container images in `input`: every file of every layer, and the documents.
///
/// # Errors
///
/// When there is no image, or none that is selected; what cannot be read on the way is in the outcome's coverage.
pub fn scan_image(
    config: &ScanConfig,
    input: Input,
    selection: &Selection,
    progress: &(dyn Progress + Send),
) -> Result<Outcome, Error> {
    let start = Instant::now();
    in_pool(config.threads, || {
        progress.stage("image", None);
        let collector = Collector::new(config, progress);
        let images = keysieve_image::read(input, selection, is_env_path, &collector)?;
        let mut coverage = collector.coverage();
        coverage.read += images.read();
        let found = assemble(config, collector.found(), None, Some(&images));
        let env_file = |place: ImagePlace| {
            let path = place.path.clone().unwrap_or_default();
            let secrets = secrets_in(config, &found.findings, &place);
            EnvFile::new(path, vec![EnvState::InImage(Box::new(place))], secrets)
        };
        let env_files: Vec<EnvFile> = images.watched().into_iter().map(env_file).collect();
        let policy = &config.suppressions.config;
        let fails = |file: &&EnvFile| {
            file.severity() >= Some(policy.min_severity)
                && !policy.excludes(file.path.as_bstr())
                && !(policy.only_some_rules && file.secrets.is_empty())
        };
        let collected = Collected {
            rules: Arc::clone(&config.rules),
            failing_env_secrets: env_files.iter().filter(fails).count(),
            findings: found.findings,
            suppressed: found.suppressed,
            env_files,
            kept_in_env: found.kept_in_env.len(),
            swept: found.swept,
            coverage,
            notices: [config.notices(), images.notices().to_vec(), found.slips.into_iter().collect()]
                .concat(),
            about: config.about.clone(),
            elapsed: start.elapsed(),
        };
        Ok(Run { collected, secrets: found.secrets, tops: Vec::new() }.finish(config))
    })?
}

/// The secrets that were found in the environment file at `file`.
fn secrets_in(config: &ScanConfig, findings: &[Finding], file: &ImagePlace) -> Vec<SecretValue> {
    let is_there = |place: &&Place| match &place.container {
        Container::Image(image) => {
            image.path == file.path
                && image.image == file.image
                && image.layer.as_ref().map(|layer| layer.position)
                    == file.layer.as_ref().map(|layer| layer.position)
        }
        _ => false,
    };
    let secret = |finding: &Finding, place: &Place| SecretValue {
        line: place.location.line,
        name: config.rules.rule(finding.rule).name.to_string(),
        is_judged: false,
    };
    findings
        .iter()
        .flat_map(|finding| finding.places.iter().filter(is_there).map(move |place| secret(finding, place)))
        .collect()
}

/// Joins the places of one secret at one path that a later layer only copied, as `chown -R` does: the first layer brought it in, and the
/// last says what became of it.
fn join_copies(places: &mut Vec<Place>) {
    fn image(place: &Place) -> Option<&ImagePlace> {
        match &place.container {
            Container::Image(image) => Some(image),
            _ => None,
        }
    }
    let copy_of = |earlier: &Place, later: &Place| {
        let (Some(a), Some(b)) = (image(earlier), image(later)) else { return false };
        let removal = a.removal.as_ref().filter(|removal| removal.removal == Removal::Overwritten);
        removal.map(|removal| removal.layer.position) == b.layer.as_ref().map(|layer| layer.position)
            && removal.is_some()
            && (&a.image, &a.path, &earlier.member, earlier.location)
                == (&b.image, &b.path, &later.member, later.location)
    };
    let mut at = 0;
    while at < places.len() {
        let copy = places.iter().position(|later| copy_of(&places[at], later));
        let Some(copy) = copy.filter(|copy| *copy != at) else {
            at += 1;
            continue;
        };
        let removal = image(&places[copy]).and_then(|image| image.removal.clone());
        if let Container::Image(image) = &mut places[at].container {
            image.removal = removal;
        }
        places.remove(copy);
        at -= usize::from(copy < at);
    }
}

/// Leaves out what tells nothing new: a build argument is repeated in every later step of the history, of which only the first
/// is kept of each image; and old archives repeat the configuration in documents that belong to no image.
pub(super) fn keep_telling_places(places: &mut Vec<Place>) {
    join_copies(places);
    let is_in_image = |place: &Place| matches!(&place.container, Container::Image(image) if image.layer.is_some() || image.field.is_some());
    if places.iter().any(is_in_image) {
        places.retain(|place| !matches!(place.container, Container::Image(_)) || is_in_image(place));
    }
    let mut seen = BTreeSet::new();
    let step = |place: &Place| match &place.container {
        Container::Image(image) => {
            let number =
                image.field.as_ref()?.strip_prefix(b"history[")?.split(|&byte| byte == b']').next()?;
            Some((image.image.clone(), image.document.clone(), number.to_str().ok()?.parse::<u32>().ok()?))
        }
        _ => None,
    };
    let first: BTreeSet<(BString, Option<BString>, u32)> = {
        let mut steps: Vec<_> = places.iter().filter_map(step).collect();
        steps.sort();
        steps
            .into_iter()
            .filter(|(image, document, _)| seen.insert((image.clone(), document.clone())))
            .collect()
    };
    places.retain(|place| step(place).is_none_or(|step| first.contains(&step)));
}
