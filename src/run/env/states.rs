//! What holds for each environment file: in git, in ignore files, in build contexts and packages.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bstr::{BString, ByteSlice};

use keysieve_envfiles::docker::{Context, CopyStep};
use keysieve_envfiles::package::Inclusion;
use keysieve_envfiles::survey::relative;
use keysieve_envfiles::{
    Addition, EnvFile, EnvState, Ignores, SecretValue, Whereabouts, Whose, file_name, folder_of,
    is_known_path, is_template_path, joined,
};
use keysieve_git::{History, Repository};
use keysieve_model::finding::{HistoryPlace, Reach};

use super::secrets::SecretsByPath;
use super::trees::{WorkTree, WorkTrees, from_here, real};
use super::values::{in_git, on_disk};

impl WorkTrees {
    /// The states of all trees' files, of which the first one's history is known.
    pub(in crate::run) fn all_states(
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
        worst_first(&mut files);
        files
    }

    /// The states of a tree's environment files, with all that are fine.
    pub(super) fn states(
        &self,
        tree: &WorkTree,
        committed: &[HistoryPlace],
        secrets: &SecretsByPath,
    ) -> Vec<EnvFile> {
        let committed: BTreeMap<&BString, &HistoryPlace> =
            committed.iter().filter_map(|place| Some((place.path.as_ref()?, place))).collect();
        let on_disk = tree.survey.files.iter().cloned();
        let known = tree.indexed.keys().chain(committed.keys().copied());
        let elsewhere = known.map(|path| tree.top.join(path.to_path_lossy()));
        let all: BTreeSet<PathBuf> = on_disk.chain(elsewhere).collect();
        all.into_iter()
            .map(|file| {
                let place = committed.get(&relative(&tree.top, &file)).copied();
                self.state(tree, &file, place, secrets)
            })
            .collect()
    }

    fn state(
        &self,
        tree: &WorkTree,
        file: &Path,
        committed: Option<&HistoryPlace>,
        found: &SecretsByPath,
    ) -> EnvFile {
        let path = relative(&tree.top, file);
        let shown = self.shown.path(file);
        let is_on_disk = tree.survey.files.contains(file);
        let (indexed, in_head) = (tree.indexed.get(&path), tree.in_head.get(&path));
        let mut secrets = found.at(shown.as_bstr());
        let mut values = Vec::new();
        if is_on_disk {
            let (judged, unmatched) = on_disk(file, shown.as_bstr(), found);
            values = judged;
            secrets.extend(unmatched);
        }
        if let Some(repository) = &tree.repository {
            let versions = committed.iter().flat_map(|place| &place.versions).chain(indexed);
            secrets.extend(in_git(repository, versions, shown.as_bstr(), found));
        }
        let whereabouts = Whereabouts { top: tree.from_here.clone(), path: path.clone(), is_bare: false };
        if is_template_path(&path) {
            return EnvFile { whereabouts, values, ..template(shown, committed, secrets) };
        }
        let mut states = Vec::new();
        let pushed = committed.is_some_and(|place| place.reach.pushed);
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
        EnvFile { whereabouts, additions, values, ..EnvFile::new(shown, states, secrets) }
    }

    fn of_context(&self, context: &Context, copy: &CopyStep, file: &Path) -> EnvState {
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

/// The states of a bare repository's environment files.
pub(in crate::run) fn states_in_history(
    repository: &Repository,
    committed: &[HistoryPlace],
    secrets: &SecretsByPath,
) -> Vec<EnvFile> {
    let top = from_here(&real(&repository.git_dir()));
    let file = |place: &HistoryPlace| {
        let path = place.path.clone().filter(|path| is_known_path(path))?;
        let mut found = secrets.at(path.as_bstr());
        found.extend(in_git(repository, &place.versions, path.as_bstr(), secrets));
        let whereabouts = Whereabouts { top: top.clone(), path: path.clone(), is_bare: true };
        if is_template_path(&path) {
            return Some(EnvFile { whereabouts, ..template(path, Some(place), found) });
        }
        let tracked = place.in_head.then_some(EnvState::Tracked { pushed: place.reach.pushed });
        let states: Vec<EnvState> = tracked.into_iter().chain(of_history(place)).collect();
        (!states.is_empty()).then(|| EnvFile { whereabouts, ..EnvFile::new(path, states, found) })
    };
    let mut files: Vec<EnvFile> = committed.iter().filter_map(file).collect();
    worst_first(&mut files);
    files
}

/// Sorts files as they are told, in the same order in each run.
pub(super) fn worst_first(files: &mut [EnvFile]) {
    files.sort_by(|a, b| b.severity().cmp(&a.severity()).then_with(|| a.cmp(b)));
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
    if introduced.is_none() && reach.refs.iter().all(|name| name == keysieve_git::STAGED) {
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
