//! The state of environment files: what git, Docker and packages make of them, and which secrets they hold.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use bstr::{BStr, BString, ByteSlice};

use crate::chunk::{Chunk, Searched, Visitor};
use crate::coverage::{Coverage, Read, Unread};
use crate::dotenv::docker::Context;
use crate::dotenv::package::{InGit, Inclusion, Package};
use crate::dotenv::survey::{Survey, relative, survey};
use crate::dotenv::{
    Addition, EnvFile, EnvState, Ignores, JudgedValue, SecretValue, Whose, file_name, folder_of, is_env_path,
    is_known_path, is_plain_name, is_template_path, joined, may_be_known, variables,
};
use crate::finding::{Container, Finding, HistoryPlace, Reach};
use crate::provenance::{ObjectId, Provenance, path_bytes};
use crate::sources::Source;
use crate::sources::files::{ChosenFile, Files};
use crate::sources::git::{self, History, Repository};

use super::assembly::{Assembled, assemble};
use super::collector::Collector;
use super::sweep::read_limited;
use super::{Error, Outcome, Progress, ScanConfig, audit, failing, in_pool, redacted, scan_paths};

/// Tells the state of the environment files of the repository in which `dir` lies, or below `dir` where there is none, and judges
/// their values. Of a history the environment files alone are searched.
///
/// # Errors
///
/// When there is nothing at `dir`; what cannot be read on the way is in the outcome's coverage.
pub fn env(config: &ScanConfig, dir: &Path, progress: &(dyn Progress + Send)) -> Result<Outcome, Error> {
    let start = Instant::now();
    // Asked about a file, the folder that it lies in is looked at.
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let dir = if dir.is_file() { parent } else { dir };
    let repository = match Repository::open(dir) {
        Ok(repository) => Some(repository),
        Err(git::Error::NotARepository { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    in_pool(config.threads, || {
        progress.stage("environment files", None);
        let mut notices = config.rules.notices().to_vec();
        let workdir = match &repository {
            Some(repository) => repository.workdir().map(real),
            None => {
                notices
                    .push("this is no repository: whether git ever sees these files is not known".to_owned());
                Some(real(dir))
            }
        };
        let trees = match &workdir {
            Some(top) => WorkTrees::look(top, std::slice::from_ref(top), Shown::from(top)),
            None => WorkTrees::default(),
        };
        let mut run = EnvRun {
            config,
            progress,
            coverage: Coverage::default(),
            env_files: Vec::new(),
            kept: 0,
            failing: 0,
        };
        let mut secrets = Vec::new();
        for tree in &trees.trees {
            secrets.extend(run.tree(&trees, tree));
        }
        if let (Some(repository), None) = (&repository, &workdir) {
            notices.push("the repository has no work tree: only its history was looked at".to_owned());
            secrets.extend(run.bare(repository));
        }
        trees.add_gaps(&mut run.coverage);
        run.env_files.sort_by(|a, b| b.severity().cmp(&a.severity()).then_with(|| a.cmp(b)));
        let outcome = Outcome {
            rules: Arc::clone(&config.rules),
            failing: run.failing,
            findings: Vec::new(),
            suppressed: Vec::new(),
            env_files: run.env_files,
            kept_in_env: run.kept,
            swept: None,
            coverage: run.coverage,
            notices,
            elapsed: start.elapsed(),
        };
        redacted(config, outcome, &secrets)
    })
}

/// Looks for the values that `config` sweeps for in all that an audit of `dir` reads, or a scan where there is no repository, and
/// tells of these alone, besides the state of the environment files.
///
/// # Errors
///
/// When there is nothing at `dir`; what cannot be read on the way is in the outcome's coverage.
pub fn env_sweep(
    config: &ScanConfig,
    dir: &Path,
    progress: &(dyn Progress + Send),
) -> Result<Outcome, Error> {
    let mut outcome = match audit(config, dir, None, progress) {
        Err(Error::Git(git::Error::NotARepository { .. })) => {
            scan_paths(config, vec![dir.to_owned()], progress)?
        }
        audited => audited?,
    };
    let others: Vec<Finding> = outcome.findings.extract_if(.., |finding| finding.values.is_empty()).collect();
    outcome.failing = outcome.failing.saturating_sub(failing(config, &others));
    outcome.suppressed.retain(|suppressed| !suppressed.finding.values.is_empty());
    Ok(outcome)
}

/// The environment files on disk, as absolute paths: of the work tree in which `dir` lies, or below `dir` where there is none.
#[must_use]
pub fn env_files_on_disk(dir: &Path) -> Vec<PathBuf> {
    let repository = Repository::open(dir).ok();
    let top = repository.as_ref().and_then(Repository::workdir).map_or_else(|| real(dir), real);
    let is_own = |file: &PathBuf| is_env_path(&path_bytes(file));
    survey(&top, std::slice::from_ref(&top), &path_bytes).files.into_iter().filter(is_own).collect()
}

/// The environment files of the work tree at `workdir` and of those inside, templates aside, with what reports call them.
pub(super) fn env_files_of(workdir: &Path) -> Vec<(PathBuf, BString)> {
    let top = real(workdir);
    let trees = WorkTrees::look(&top, std::slice::from_ref(&top), Shown::from(&top));
    let files = trees.trees.into_iter().flat_map(|tree| tree.survey.files);
    let named = files.map(|file| (trees.shown.path(&file), file));
    let mut named: Vec<_> = named.filter(|(shown, _)| !is_template_path(shown)).collect();
    named.sort();
    named.into_iter().map(|(shown, file)| (file, shown)).collect()
}

/// What each value of a file is. None where that cannot be read: who reads the file for its secrets says so.
fn judged_values(file: &Path, shown: &BStr) -> Vec<JudgedValue> {
    let bytes = File::open(file).and_then(read_limited);
    let parsed = bytes.ok().and_then(|bytes| variables(shown, &bytes).ok()).unwrap_or_default();
    let judged = parsed.variables.into_iter().map(|variable| JudgedValue {
        line: variable.line,
        name: Some(variable.name).filter(|name| is_plain_name(name)),
        judgement: variable.judgement,
    });
    judged.collect()
}

struct EnvRun<'a> {
    config: &'a ScanConfig,
    progress: &'a (dyn Progress + Send),
    coverage: Coverage,
    env_files: Vec<EnvFile>,
    kept: usize,
    failing: usize,
}

impl EnvRun<'_> {
    /// Reads the environment files of a work tree and of its repository's history. Returns the secrets in them.
    fn tree(&mut self, trees: &WorkTrees, tree: &WorkTree) -> Vec<crate::finding::Secret> {
        let collector = Collector::new(self.config, self.progress);
        let max_file_bytes = self.config.suppressions.config.max_file_bytes;
        let files = Files { files: trees.chosen(tree, |_| true), max_file_bytes };
        let mut read = files.visit_chunks(&collector);
        let history =
            tree.repository.as_ref().map(|repository| self.history(repository, &collector, &mut read));
        let (found, mut committed) = self.assemble(collector, history.as_ref(), read);
        let shown = |path: &BString| trees.shown.path(&tree.top.join(path.to_path_lossy()));
        let shows = SecretsByPath::of(self.config, &found, shown);
        if let Some(history) = &history {
            committed.extend(trees.named_in_history(tree, history));
        }
        self.add(trees.states(tree, &committed, &shows), &shows);
        found.secrets
    }

    fn bare(&mut self, repository: &Repository) -> Vec<crate::finding::Secret> {
        let collector = Collector::new(self.config, self.progress);
        let mut read = Read::default();
        let history = self.history(repository, &collector, &mut read);
        let (found, committed) = self.assemble(collector, Some(&history), read);
        let shows = SecretsByPath::of(self.config, &found, BString::clone);
        self.add(states_in_history(&committed, &shows), &shows);
        found.secrets
    }

    /// Reads a history, and hands over its environment files.
    fn history(&self, repository: &Repository, collector: &Collector<'_>, read: &mut Read) -> History {
        let history = repository.read(&Gaps(collector), may_be_known, None, None);
        for id in history.watched() {
            match repository.object(id) {
                Ok(bytes) => {
                    collector.chunk(&Chunk::whole(&bytes, Provenance::GitBlob(*id)), None);
                    read.blobs += 1;
                    read.bytes += bytes.len() as u64;
                }
                Err(error) => collector.unread(Unread::new(format!("object {id}"), error.to_string())),
            }
        }
        read.commits += history.read().commits;
        history
    }

    fn assemble(
        &mut self,
        collector: Collector<'_>,
        history: Option<&History>,
        read: Read,
    ) -> (Assembled, Vec<HistoryPlace>) {
        if let Some(history) = history {
            collector.note_oversized(|blobs| history.paths(blobs));
        }
        let coverage = collector.coverage();
        self.coverage.read += read;
        self.coverage.unread.extend(coverage.unread);
        self.coverage.accepted.extend(coverage.accepted);
        self.coverage.skipped.extend(coverage.skipped);
        let history = history.map(|history| history as &dyn super::assembly::Lineage);
        let mut found = assemble(self.config, collector.found(), history, None);
        self.coverage.unread.extend(found.unread.take());
        let mut committed = std::mem::take(&mut found.env_places);
        committed.retain(|place| place.path.as_ref().is_some_and(|path| is_known_path(path)));
        (found, committed)
    }

    fn add(&mut self, files: Vec<EnvFile>, secrets: &SecretsByPath) {
        self.failing += secrets.count_failing(&files);
        let is_kept = |file: &&EnvFile| !file.secrets.is_empty() && !file.exposes_secret();
        self.kept += files.iter().filter(is_kept).map(|file| file.secrets.len()).sum::<usize>();
        self.env_files.extend(files);
    }
}

/// Hears of gaps alone: the contents are looked at by others.
struct Gaps<'a, 'b>(&'a Collector<'b>);

impl Visitor for Gaps<'_, '_> {
    type Memo = ();

    fn chunk(&self, _chunk: &Chunk<'_>, _base: Option<&()>) -> Searched<()> {
        Searched { memo: (), is_clean: true }
    }

    fn unread(&self, unread: Unread) {
        self.0.unread(unread);
    }

    fn skipped(&self, _skipped: Unread) {}
}

/// The secrets that were found in files, by the files' paths.
#[derive(Debug, Default)]
pub(super) struct SecretsByPath {
    by_path: BTreeMap<BString, Vec<SecretValue>>,
    /// The files with a secret that is bad and sure enough to change the exit code.
    failing: BTreeSet<BString>,
}

impl SecretsByPath {
    /// The one place at which it is told what an environment file holds: what rules found in it. `shown` tells what reports
    /// call a file of the history.
    pub(super) fn of(config: &ScanConfig, found: &Assembled, shown: impl Fn(&BString) -> BString) -> Self {
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

    fn at(&self, path: &BStr) -> Vec<SecretValue> {
        self.by_path.get(path).cloned().unwrap_or_default()
    }

    /// How many of the files change the exit code.
    pub(super) fn count_failing(&self, files: &[EnvFile]) -> usize {
        files.iter().filter(|file| file.exposes_secret() && self.failing.contains(&file.path)).count()
    }

    /// How many of the secrets that lie in ignored files only are where they belong: in none that is carried away from there.
    pub(super) fn count_kept(&self, kept: &[Finding], files: &[EnvFile]) -> usize {
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

/// How paths are shown.
#[derive(Debug, Clone, Default)]
pub(super) struct Shown {
    /// Relative to this directory.
    base: Option<PathBuf>,
    /// As they were asked for: absolute, and as they were typed.
    asked: Vec<(PathBuf, PathBuf)>,
}

impl From<&PathBuf> for Shown {
    fn from(base: &PathBuf) -> Self {
        Self { base: Some(base.clone()), asked: Vec::new() }
    }
}

impl Shown {
    /// As they were asked for.
    pub(super) fn as_asked(paths: &[PathBuf]) -> Self {
        Self { base: None, asked: paths.iter().map(|path| (real(path), path.clone())).collect() }
    }

    fn path(&self, path: &Path) -> BString {
        let of_base = self.base.iter().filter_map(|base| path.strip_prefix(base).ok().map(Path::to_owned));
        let of_asked = self.asked.iter().filter_map(|(absolute, typed)| {
            let below = path.strip_prefix(absolute).ok()?;
            let typed = typed.strip_prefix("./").unwrap_or(typed);
            Some(if below.as_os_str().is_empty() { typed.to_owned() } else { typed.join(below) })
        });
        let shown = of_base.chain(of_asked).next().unwrap_or_else(|| path.to_owned());
        path_bytes(shown.strip_prefix("./").unwrap_or(&shown))
    }
}

/// Work trees that lie in each other, and what carries files of them away.
#[derive(Debug, Default)]
pub(super) struct WorkTrees {
    pub(super) trees: Vec<WorkTree>,
    contexts: Vec<Context>,
    packages: Vec<Package>,
    unread: Vec<Unread>,
    skipped: Vec<Unread>,
    shown: Shown,
}

/// A work tree, or a directory outside of any.
#[derive(Debug)]
pub(super) struct WorkTree {
    top: PathBuf,
    survey: Survey,
    repository: Option<Repository>,
    ignores: Option<Ignores>,
    /// The environment files in the index, and in HEAD.
    indexed: BTreeMap<BString, ObjectId>,
    in_head: BTreeMap<BString, ObjectId>,
}

impl WorkTrees {
    /// Looks below `asked`, which lie in the work tree of `top`, and in the repositories inside.
    pub(super) fn look(top: &Path, asked: &[PathBuf], shown: Shown) -> Self {
        let mut trees = Self { shown, ..Self::default() };
        let mut next = vec![(top.to_owned(), asked.to_vec())];
        while let Some((top, asked)) = next.pop() {
            let mut survey = survey(&top, &asked, &|path| trees.shown.path(path));
            next.extend(survey.nested.iter().map(|nested| (nested.clone(), vec![nested.clone()])));
            trees.contexts.append(&mut survey.contexts);
            trees.unread.append(&mut survey.unread);
            trees.skipped.append(&mut survey.skipped);
            for package in &survey.packages {
                let package = Package::read(package, &|path| trees.shown.path(path), &mut trees.unread);
                trees.packages.push(package);
            }
            let tree = trees.tree(top, survey);
            trees.trees.push(tree);
        }
        trees
    }

    fn tree(&mut self, top: PathBuf, survey: Survey) -> WorkTree {
        let repository = Repository::open(&top)
            .ok()
            .filter(|repository| repository.workdir().is_some_and(|workdir| real(workdir) == top));
        let mut tree = WorkTree {
            ignores: repository.as_ref().map(|repository| Ignores::new(&top, repository.ignore_settings())),
            top,
            survey,
            repository,
            indexed: BTreeMap::new(),
            in_head: BTreeMap::new(),
        };
        let Some(repository) = &tree.repository else { return tree };
        let is_of_interest = |path: &BString| {
            is_known_path(path) || tree.survey.named.contains_key(&tree.top.join(path.to_path_lossy()))
        };
        match repository.indexed_versions() {
            Ok(indexed) => {
                tree.indexed = indexed.into_iter().filter(|(path, _)| is_of_interest(path)).collect();
            }
            Err(gap) => self.unread.push(gap),
        }
        match repository.versions_in_head(tree.indexed.keys().map(|path| path.as_bstr())) {
            Ok(in_head) => tree.in_head = in_head,
            Err(gap) => self.unread.push(gap),
        }
        tree
    }

    /// Adds what could not be read, and what was passed over and nobody said so far.
    pub(super) fn add_gaps(&self, coverage: &mut Coverage) {
        let of_ignores = self.trees.iter().filter_map(|tree| tree.ignores.as_ref()).flat_map(Ignores::unread);
        coverage.unread.extend(self.unread.iter().cloned().chain(of_ignores));
        coverage.unread.sort();
        coverage.unread.dedup();
        let said: BTreeSet<BString> =
            coverage.skipped.iter().chain(&coverage.unread).map(|skipped| skipped.what.clone()).collect();
        coverage.skipped.extend(self.skipped.iter().filter(|skipped| !said.contains(&skipped.what)).cloned());
        coverage.skipped.sort();
    }

    /// The environment files on disk of a tree for which `is_wanted` says yes of the path as it is shown.
    fn chosen(&self, tree: &WorkTree, is_wanted: impl Fn(&BStr) -> bool) -> Vec<ChosenFile> {
        let file = |path: &PathBuf| {
            let InGit { is_ignored, is_tracked } = tree.git(path);
            let ignored = is_ignored && !is_tracked;
            ChosenFile { path: path.clone(), shown: self.shown.path(path), ignored }
        };
        tree.survey.files.iter().map(file).filter(|file| is_wanted(file.shown.as_bstr())).collect()
    }

    /// The environment files that only their references tell to be ones, and that git ignores: nobody else reads them.
    pub(super) fn otherwise_unread(&self, max_file_bytes: Option<u64>) -> Files {
        let files = self.trees.iter().flat_map(|tree| self.chosen(tree, |path| !is_env_path(path)));
        Files { files: files.filter(|file| file.ignored).collect(), max_file_bytes }
    }

    /// The files that others name as environment files, as they are shown.
    pub(super) fn named(&self) -> BTreeSet<BString> {
        let files = self.trees.iter().flat_map(|tree| tree.survey.named.keys());
        files.map(|path| self.shown.path(path)).collect()
    }

    /// Where the history has files that only their references tell to be environment files.
    fn named_in_history(&self, tree: &WorkTree, history: &History) -> Vec<HistoryPlace> {
        let paths: BTreeSet<BString> =
            tree.survey.named.keys().map(|path| relative(&tree.top, path)).collect();
        let names: BTreeSet<BString> = paths
            .iter()
            .map(|path| BString::from(file_name(path.as_bstr())))
            .filter(|name| !may_be_known(name))
            .collect();
        if names.is_empty() {
            return Vec::new();
        }
        let places = history.named(&names.into_iter().collect::<Vec<_>>()).into_iter().flatten();
        places.filter(|place| place.path.as_ref().is_some_and(|path| paths.contains(path))).collect()
    }

    /// The states of all trees' files, of which the first one's history is known.
    pub(super) fn all_states(
        &self,
        history: Option<(&History, &[HistoryPlace])>,
        secrets: &SecretsByPath,
    ) -> Vec<EnvFile> {
        let mut files = Vec::new();
        for (number, tree) in self.trees.iter().enumerate() {
            let mut committed = Vec::new();
            if let Some((history, places)) = history.filter(|_| number == 0) {
                let is_known =
                    |place: &&HistoryPlace| place.path.as_ref().is_some_and(|path| is_known_path(path));
                committed.extend(places.iter().filter(is_known).cloned());
                committed.extend(self.named_in_history(tree, history));
            }
            files.extend(self.states(tree, &committed, secrets));
        }
        // Outside of a repository a scan is not about git.
        files.iter_mut().for_each(|file| file.states.retain(|state| *state != EnvState::Unknown));
        files.retain(|file| !file.states.is_empty());
        files.sort_by(|a, b| b.severity().cmp(&a.severity()).then_with(|| a.cmp(b)));
        files
    }

    /// The states of a tree's environment files, with all that are fine.
    fn states(&self, tree: &WorkTree, committed: &[HistoryPlace], secrets: &SecretsByPath) -> Vec<EnvFile> {
        let committed: BTreeMap<&BString, &HistoryPlace> =
            committed.iter().filter_map(|place| Some((place.path.as_ref()?, place))).collect();
        let on_disk = tree.survey.files.iter().cloned();
        let known = tree.indexed.keys().chain(committed.keys().copied());
        let elsewhere = known.map(|path| tree.top.join(path.to_path_lossy()));
        let all: BTreeSet<PathBuf> = on_disk.chain(elsewhere).collect();
        all.into_iter()
            .map(|file| {
                let shown = self.shown.path(&file);
                let found = secrets.at(shown.as_bstr());
                let place = committed.get(&relative(&tree.top, &file)).copied();
                self.state(tree, &file, shown, place, found)
            })
            .collect()
    }

    fn state(
        &self,
        tree: &WorkTree,
        file: &Path,
        shown: BString,
        committed: Option<&HistoryPlace>,
        secrets: Vec<SecretValue>,
    ) -> EnvFile {
        let path = relative(&tree.top, file);
        let is_on_disk = tree.survey.files.contains(file);
        if is_template_path(&path) {
            return template(shown, committed, secrets);
        }
        let mut states = Vec::new();
        let pushed = committed.is_some_and(|place| place.reach.pushed);
        let (indexed, in_head) = (tree.indexed.get(&path), tree.in_head.get(&path));
        match (indexed, in_head) {
            (Some(indexed), Some(in_head)) => {
                states.push(EnvState::Tracked { pushed });
                states.extend((indexed != in_head).then_some(EnvState::Staged));
            }
            (Some(_), None) => states.push(EnvState::Staged),
            (None, _) => {}
        }
        states.extend(committed.and_then(of_history));
        let mut additions = Vec::new();
        match &tree.ignores {
            Some(ignores) => {
                let is_seen = is_on_disk || indexed.is_some();
                let state = of_ignores(ignores, &path, indexed.is_some());
                let is_shared = ignores.verdict(path.as_bstr(), false, Whose::Everyones).is_ignored;
                if is_seen && !is_shared {
                    additions.extend(self.ignoring(tree, ignores, &path));
                }
                states.extend(state.filter(|_| is_seen));
            }
            None => states.push(EnvState::Unknown),
        }
        if is_on_disk {
            for context in &self.contexts {
                if let Some(copy) = context.copying(file) {
                    states.push(self.of_context(context, copy, file));
                    additions.extend(self.docker_ignoring(context, file));
                }
            }
            let git = tree.git(file);
            let inclusions = self.packages.iter().flat_map(|package| package.inclusions(file, git));
            states.extend(inclusions.map(|Inclusion { kind, file, why, fix }| EnvState::InPackage {
                file: self.shown.path(&file),
                kind,
                why,
                fix,
            }));
            let mode = mode_for_others(file).filter(|_| !secrets.is_empty());
            states.extend(mode.map(|mode| EnvState::ReadableByOthers { mode }));
        }
        let is_wrong = states.iter().any(|state| state.severity(true).is_some());
        if is_wrong {
            states.retain(|state| state.severity(true).is_some());
        }
        additions.sort();
        additions.dedup();
        let values = if is_on_disk { judged_values(file, shown.as_bstr()) } else { Vec::new() };
        EnvFile { additions, values, ..EnvFile::new(shown, states, secrets) }
    }

    fn of_context(&self, context: &Context, copy: &crate::dotenv::docker::CopyStep, file: &Path) -> EnvState {
        let deciding =
            context.ignores.as_ref().and_then(|ignores| ignores.deciding(&relative(&context.root, file)));
        EnvState::InBuildContext {
            dockerfile: self.shown.path(&context.dockerfile),
            line: copy.line,
            instruction: copy.text.clone(),
            ignore_file: self.shown.path(&context.ignore_file),
            taken_back_by: deciding.map(|pattern| (pattern.line, pattern.text.clone())),
        }
    }

    /// The line that keeps a file out of a build context. Where the ignore file is malformed none does.
    fn docker_ignoring(&self, context: &Context, file: &Path) -> Option<Addition> {
        context.ignores.as_ref()?;
        let path = relative(&context.root, file);
        let line = if is_known_path(&path) && is_told_by_name(&path) {
            format!("**/{}", escaped(file_name(path.as_bstr())))
        } else {
            escaped(&path)
        };
        let target = context.ignore_file.clone();
        Some(Addition { file: self.shown.path(&target), target, line: line.into() })
    }

    /// The line that makes git ignore a file, and the file that it belongs in: the top one, unless another overrules that.
    fn ignoring(&self, tree: &WorkTree, ignores: &Ignores, path: &BString) -> Option<Addition> {
        let name = escaped(file_name(path.as_bstr()));
        let in_own_folder = (joined(folder_of(path.as_bstr()), ".gitignore"), format!("/{name}"));
        let at_top = |line: String| (BString::from(".gitignore"), line);
        let general = is_told_by_name(path).then(|| at_top(name.clone()));
        let candidates = general.into_iter().chain([at_top(format!("/{}", escaped(path))), in_own_folder]);
        let mut candidates = candidates.map(|(file, line)| (file, BString::from(line)));
        let (file, line) = candidates.find(|candidate| {
            let changed = ignores.with_lines(std::slice::from_ref(candidate));
            changed.verdict(path.as_bstr(), false, Whose::Everyones).is_ignored
        })?;
        let target = tree.top.join(file.to_path_lossy());
        Some(Addition { file: self.shown.path(&target), target, line })
    }
}

impl WorkTree {
    /// What git makes of a file.
    fn git(&self, file: &Path) -> InGit {
        let path = relative(&self.top, file);
        let verdict =
            self.ignores.as_ref().map(|ignores| ignores.verdict(path.as_bstr(), false, Whose::Everyones));
        InGit {
            is_ignored: verdict.is_some_and(|verdict| verdict.is_ignored),
            is_tracked: self.indexed.contains_key(&path),
        }
    }
}

/// The states of a bare repository's environment files.
pub(super) fn states_in_history(committed: &[HistoryPlace], secrets: &SecretsByPath) -> Vec<EnvFile> {
    let file = |place: &HistoryPlace| {
        let path = place.path.clone().filter(|path| is_known_path(path))?;
        let found = secrets.at(path.as_bstr());
        if is_template_path(&path) {
            return Some(template(path, Some(place), found));
        }
        let tracked = place.in_head.then_some(EnvState::Tracked { pushed: place.reach.pushed });
        let states: Vec<EnvState> = tracked.into_iter().chain(of_history(place)).collect();
        (!states.is_empty()).then(|| EnvFile::new(path, states, found))
    };
    committed.iter().filter_map(file).collect()
}

fn template(shown: BString, committed: Option<&HistoryPlace>, secrets: Vec<SecretValue>) -> EnvFile {
    let mut states = vec![if secrets.is_empty() { EnvState::Template } else { EnvState::FilledTemplate }];
    if !secrets.is_empty() {
        states.extend(committed.and_then(of_history));
    }
    EnvFile::new(shown, states, secrets)
}

/// What the history says of a file; none where no commit has it.
fn of_history(place: &HistoryPlace) -> Option<EnvState> {
    let HistoryPlace { introduced, last, versions, reach, .. } = place;
    let Reach { pushed, .. } = reach;
    if introduced.is_none() && reach.refs.iter().all(|name| name == git::STAGED) {
        return None;
    }
    Some(EnvState::Committed {
        introduced: introduced.clone(),
        last: last.clone(),
        versions: versions.len(),
        pushed: *pushed,
        is_reachable: !reach.is_empty(),
    })
}

/// What the ignore files say of a file.
fn of_ignores(ignores: &Ignores, path: &BString, is_indexed: bool) -> Option<EnvState> {
    let everyones = ignores.verdict(path.as_bstr(), false, Whose::Everyones);
    let all = ignores.verdict(path.as_bstr(), false, Whose::All);
    let ignored = if everyones.is_ignored { &everyones } else { &all };
    let decision = ignored.decision.clone().filter(|_| ignored.is_ignored);
    Some(match (is_indexed, decision, everyones.taken_back.or(all.taken_back)) {
        (true, Some(decision), _) => EnvState::ForceAdded(decision),
        (true, None, _) => return None,
        (false, Some(decision), _) if decision.is_own => EnvState::IgnoredByOwn(decision),
        (false, Some(decision), _) => EnvState::Ignored(decision),
        (false, None, Some(taken_back)) => EnvState::TakenBack(taken_back),
        (false, None, None) => EnvState::NotIgnored,
    })
}

/// Whether a file's name alone tells that it is an environment file.
fn is_told_by_name(path: &[u8]) -> bool {
    is_known_path(file_name(path.as_bstr()))
}

/// A pattern for exactly this text, for git and for Docker.
fn escaped(text: &[u8]) -> String {
    let mut escaped = String::new();
    for (at, character) in text.to_str_lossy().char_indices() {
        let is_last = at + character.len_utf8() == text.len();
        match character {
            '*' | '?' | '[' | '\\' => escaped.extend(['\\', character]),
            '#' | '!' if at == 0 => escaped.extend(['\\', character]),
            ' ' if is_last => escaped.push_str("\\ "),
            // No line can hold it.
            '\n' | '\r' | '\u{fffd}' => escaped.push('?'),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// The permission bits of a file that others can read, and get to.
#[cfg(unix)]
fn mode_for_others(file: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &Path| std::fs::metadata(path).ok().map(|metadata| metadata.permissions().mode());
    let of_file = mode(file)?;
    let is_reachable =
        file.ancestors().skip(1).all(|folder| mode(folder).is_some_and(|mode| mode & 0o001 != 0));
    (of_file & 0o004 != 0 && is_reachable).then_some(of_file & 0o777)
}

#[cfg(not(unix))]
fn mode_for_others(_file: &Path) -> Option<u32> {
    None
}

/// The path without links and `..`: the same for all ways to it.
pub(super) fn real(path: &Path) -> PathBuf {
    path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}

/// Takes out of the findings those whose places are all ignored environment files: they are where they belong.
pub(super) fn set_aside(findings: &mut Vec<Finding>, named: &BTreeSet<BString>) -> Vec<Finding> {
    let is_kept = |container: &Container| match container {
        Container::File { path, ignored: true } => is_env_path(path) || named.contains(path),
        _ => false,
    };
    findings.extract_if(.., |finding| finding.places.iter().all(|place| is_kept(&place.container))).collect()
}
