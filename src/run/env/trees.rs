//! Work trees with the environment files in them, and what carries these away: Dockerfiles and packages.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bstr::{BStr, BString, ByteSlice};

use keysieve_containers::files::{ChosenFile, Files};
use keysieve_envfiles::docker::Context;
use keysieve_envfiles::package::{InGit, Package};
use keysieve_envfiles::survey::{Survey, relative, survey};
use keysieve_envfiles::{Ignores, Whose, file_name, is_env_path, is_known_path, may_be_known};
use keysieve_git::{History, Repository};
use keysieve_model::coverage::{Coverage, Unread};
use keysieve_model::finding::HistoryPlace;
use keysieve_model::provenance::{ObjectId, path_bytes};

use super::values::why_not_judged;

/// How paths are shown.
#[derive(Debug, Clone, Default)]
pub(in crate::run) struct Shown {
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
    pub(in crate::run) fn as_asked(paths: &[PathBuf]) -> Self {
        Self { base: None, asked: paths.iter().map(|path| (real(path), path.clone())).collect() }
    }

    pub(super) fn path(&self, path: &Path) -> BString {
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
pub(in crate::run) struct WorkTrees {
    pub(super) trees: Vec<WorkTree>,
    pub(super) contexts: Vec<Context>,
    pub(super) packages: Vec<Package>,
    unread: Vec<Unread>,
    skipped: Vec<Unread>,
    pub(super) shown: Shown,
}

/// A work tree, or a directory outside of any.
#[derive(Debug)]
pub(super) struct WorkTree {
    pub(super) top: PathBuf,
    /// How commands name the top; empty where it is the current directory.
    pub(super) from_here: BString,
    pub(super) survey: Survey,
    pub(super) repository: Option<Repository>,
    pub(super) ignores: Option<Ignores>,
    /// The environment files in the index, and in HEAD.
    pub(super) indexed: BTreeMap<BString, ObjectId>,
    pub(super) in_head: BTreeMap<BString, ObjectId>,
}

impl WorkTrees {
    /// Looks below `asked`, which lie in the work tree of `top`, and in the repositories inside.
    pub(in crate::run) fn look(top: &Path, asked: &[PathBuf], shown: Shown) -> Self {
        let mut trees = Self { shown, ..Self::default() };
        let mut next = vec![(top.to_owned(), asked.to_vec())];
        while let Some((top, asked)) = next.pop() {
            let mut survey = survey(&top, &asked, &|path| trees.shown.path(path));
            next.extend(survey.nested.iter().map(|nested| (nested.clone(), vec![nested.clone()])));
            trees.contexts.append(&mut survey.contexts);
            trees.unread.append(&mut survey.unread);
            trees.skipped.append(&mut survey.skipped);
            let not_judged = survey
                .files
                .iter()
                .filter_map(|file| Some(Unread::new(trees.shown.path(file), why_not_judged(file)?)));
            trees.skipped.extend(not_judged);
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
            from_here: from_here(&top),
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

    /// The tops of the work trees, without symbolic links.
    pub(in crate::run) fn tops(&self) -> impl Iterator<Item = PathBuf> {
        self.trees.iter().map(|tree| real(&tree.top))
    }

    /// Adds what could not be read, and what was passed over and nobody said so far.
    pub(in crate::run) fn add_gaps(&self, coverage: &mut Coverage) {
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
    pub(super) fn chosen(&self, tree: &WorkTree, is_wanted: impl Fn(&BStr) -> bool) -> Vec<ChosenFile> {
        let file = |path: &PathBuf| {
            let InGit { is_ignored, is_tracked } = tree.git(path);
            let ignored = is_ignored && !is_tracked;
            ChosenFile { path: path.clone(), shown: self.shown.path(path), ignored }
        };
        tree.survey.files.iter().map(file).filter(|file| is_wanted(file.shown.as_bstr())).collect()
    }

    /// The environment files that only their references tell to be ones, and that git ignores: nobody else reads them.
    pub(in crate::run) fn otherwise_unread(&self, max_file_bytes: Option<u64>) -> Files {
        let files = self.trees.iter().flat_map(|tree| self.chosen(tree, |path| !is_env_path(path)));
        Files { files: files.filter(|file| file.ignored).collect(), max_file_bytes }
    }

    /// The files that others name as environment files, as they are shown.
    pub(in crate::run) fn named(&self) -> BTreeSet<BString> {
        let files = self.trees.iter().flat_map(|tree| tree.survey.named.keys());
        files.map(|path| self.shown.path(path)).collect()
    }

    /// Where the history has files that only their references tell to be environment files.
    pub(super) fn named_in_history(&self, tree: &WorkTree, history: &History) -> Vec<HistoryPlace> {
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
}

impl WorkTree {
    /// What git makes of a file.
    pub(super) fn git(&self, file: &Path) -> InGit {
        let path = relative(&self.top, file);
        let verdict =
            self.ignores.as_ref().map(|ignores| ignores.verdict(path.as_bstr(), false, Whose::Everyones));
        InGit {
            is_ignored: verdict.is_some_and(|verdict| verdict.is_ignored),
            is_tracked: self.indexed.contains_key(&path),
        }
    }
}

/// How a command names a directory; empty for the current one.
pub(super) fn from_here(dir: &Path) -> BString {
    let Ok(here) = std::env::current_dir() else { return path_bytes(dir) };
    let here = real(&here);
    match (dir.strip_prefix(&here), here.strip_prefix(dir)) {
        (Ok(below), _) => path_bytes(below),
        (_, Ok(above)) => vec![".."; above.components().count()].join("/").into(),
        _ => path_bytes(dir),
    }
}

/// The path without links and `..`: the same for all ways to it.
pub(in crate::run) fn real(path: &Path) -> PathBuf {
    path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}
