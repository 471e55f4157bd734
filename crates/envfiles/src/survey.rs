//! What lies in a work tree that has to do with environment files: they themselves, what names them, and what would carry them
//! away: Dockerfiles and packages.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirEntry};
use std::path::{Path, PathBuf};

use bstr::{BString, ByteSlice};

use keysieve_model::coverage::Unread;
use keysieve_model::provenance::path_bytes;
use keysieve_paths::control;
use keysieve_paths::docker::DockerIgnore;

use super::docker::{Context, copies, ignore_files, is_dockerfile_name};
use super::names::{is_known_path, is_template_path};
use super::references;

/// The largest file of a project (a Dockerfile, a compose file, a package's) that is read, in bytes.
const MAX_PROJECT_FILE_BYTES: u64 = 4 << 20;
/// Folders of packages that others wrote: what they would build is not built here.
const FOREIGN: &[&str] = &["node_modules", "site-packages", ".venv", "venv", ".tox", ".git"];
/// Files that say what goes into a package.
const MANIFESTS: &[&str] = &["package.json", "pyproject.toml", "setup.py", "setup.cfg"];

/// What was found below a directory, without the repositories that lie in it.
#[derive(Debug, Default)]
pub struct Survey {
    /// Environment files and templates of them, as absolute paths.
    pub files: BTreeSet<PathBuf>,
    /// Files that others name as environment files, whether they are there or not, with what names them.
    pub named: BTreeMap<PathBuf, BString>,
    /// Build contexts.
    pub contexts: Vec<Context>,
    /// Folders with a package's files.
    pub packages: BTreeSet<PathBuf>,
    /// Repositories inside.
    pub nested: Vec<PathBuf>,
    /// What is no regular file.
    pub skipped: Vec<Unread>,
    /// What could not be read.
    pub unread: Vec<Unread>,
}

/// Looks below the `asked` files and directories, all absolute. `top` is the directory of the work tree that they lie in; project
/// files in the directories between the two count as well. `shown` gives the path that reports have.
#[must_use]
pub fn survey(top: &Path, asked: &[PathBuf], shown: &dyn Fn(&Path) -> BString) -> Survey {
    let mut walk =
        Walk { top, shown, survey: Survey::default(), dockerfiles: BTreeSet::new(), texts: Vec::new() };
    let mut seen = BTreeSet::new();
    for asked in asked {
        for above in asked.ancestors().skip(1).take_while(|above| above.starts_with(top)) {
            if seen.insert(above.to_owned()) {
                walk.project_files_of(above);
            }
        }
        if asked.is_dir() {
            walk.below(asked);
        } else if asked.is_file() && is_known_path(&path_bytes(asked)) {
            walk.survey.files.insert(asked.clone());
        }
    }
    walk.follow_references();
    walk.survey
}

/// The content of a file of a project.
///
/// # Errors
///
/// When it cannot be read, or is too large to be one.
pub(super) fn read_project_file(path: &Path) -> Result<Option<Vec<u8>>, String> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => metadata,
        _ => return Ok(None),
    };
    if metadata.len() > MAX_PROJECT_FILE_BYTES {
        return Err(format!("it has {} bytes, too many to be what its name says", metadata.len()));
    }
    control::read(path, MAX_PROJECT_FILE_BYTES).map(Some).map_err(|error| error.to_string())
}

struct Walk<'a> {
    top: &'a Path,
    shown: &'a dyn Fn(&Path) -> BString,
    survey: Survey,
    dockerfiles: BTreeSet<PathBuf>,
    /// Compose files and units.
    texts: Vec<PathBuf>,
}

impl Walk<'_> {
    /// Without recursion: directories can be nested thousands deep.
    fn below(&mut self, dir: &Path) {
        let mut next = vec![(dir.to_owned(), false)];
        while let Some((dir, is_foreign)) = next.pop() {
            let entries =
                match fs::read_dir(&dir).and_then(Iterator::collect::<std::io::Result<Vec<DirEntry>>>) {
                    Ok(entries) => entries,
                    Err(error) => {
                        self.survey.unread.push(Unread::new((self.shown)(&dir), error.to_string()));
                        continue;
                    }
                };
            for entry in entries {
                let (path, name) = (entry.path(), path_bytes(Path::new(&entry.file_name())));
                let Ok(kind) = entry.file_type() else { continue };
                if kind.is_dir() {
                    if name == ".env" {
                        self.skip(&path, "a folder, no environment file (a virtual environment?)");
                    }
                    if name == ".git" {
                        continue;
                    }
                    if path.join(".git").exists() {
                        self.survey.nested.push(path);
                        continue;
                    }
                    let is_foreign = is_foreign || FOREIGN.iter().any(|foreign| name == *foreign);
                    next.push((path, is_foreign));
                } else {
                    let is_known = is_known_path(&path_bytes(&path));
                    match (is_known, kind.is_file(), kind.is_symlink()) {
                        (true, true, _) => drop(self.survey.files.insert(path)),
                        (true, false, true) => self.link(&path),
                        (true, false, false) => self.skip(&path, "special file, not opened"),
                        (false, true, _) if !is_foreign => self.project_file(path, &name),
                        _ => {}
                    }
                }
            }
        }
    }

    fn skip(&mut self, path: &Path, why: impl Into<String>) {
        self.survey.skipped.push(Unread::new((self.shown)(path), why));
    }

    /// What an environment file's link leads to is looked at, as long as it lies in the same tree.
    fn link(&mut self, path: &Path) {
        let target = path.canonicalize();
        let top = self.top.canonicalize().unwrap_or_else(|_| self.top.to_owned());
        match target.as_deref().map(|target| (target, target.strip_prefix(&top))) {
            Ok((target, Ok(relative))) if target.is_file() => {
                let target = self.top.join(relative);
                self.skip(path, format!("symbolic link; see {}", (self.shown)(&target)));
                self.survey.named.insert(target, (self.shown)(path));
            }
            Ok((_, Err(_))) => self.skip(path, "symbolic link out of the tree, not followed"),
            Ok(_) => self.skip(path, "symbolic link to what is no file, not followed"),
            Err(error) => self.skip(path, format!("symbolic link that leads nowhere: {error}")),
        }
    }

    fn project_files_of(&mut self, dir: &Path) {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_file()) {
                let name = path_bytes(Path::new(&entry.file_name()));
                self.project_file(entry.path(), &name);
            }
        }
    }

    fn project_file(&mut self, path: PathBuf, name: &[u8]) {
        if is_dockerfile_name(name) {
            self.dockerfiles.insert(path);
        } else if references::is_compose_name(name) || name.ends_with(b".service") {
            self.texts.push(path);
        } else if MANIFESTS.iter().any(|manifest| name == manifest.as_bytes()) {
            self.survey.packages.extend(path.parent().map(Path::to_owned));
        }
    }

    /// Reads compose files, units and Dockerfiles.
    fn follow_references(&mut self) {
        let mut builds: BTreeSet<(PathBuf, PathBuf)> = BTreeSet::new();
        for path in std::mem::take(&mut self.texts) {
            let Some(text) = self.read(&path) else { continue };
            let dir = path.parent().unwrap_or(self.top).to_owned();
            let files = if path.extension().is_some_and(|extension| extension == "service") {
                references::unit(&text)
            } else {
                match references::compose(&text) {
                    Ok(compose) => {
                        builds.extend(compose.builds.iter().map(|build| {
                            let context = tidy(&dir.join(&build.context));
                            let dockerfile = tidy(&context.join(&build.dockerfile));
                            (context, dockerfile)
                        }));
                        compose.env_files
                    }
                    Err(why) => {
                        let why = format!("{why}; the environment files that it names are not known");
                        self.survey.unread.push(Unread::new((self.shown)(&path), why));
                        continue;
                    }
                }
            };
            for file in files {
                let file = tidy(&dir.join(&file));
                if !file.starts_with(self.top) {
                    let why = format!(
                        "{} names it, and it lies outside of the tree: not looked at",
                        (self.shown)(&path)
                    );
                    self.survey.skipped.push(Unread::new(path_bytes(&file), why));
                } else if !is_template_path(&path_bytes(&file)) {
                    self.survey.named.insert(file, (self.shown)(&path));
                }
            }
        }
        for (file, by) in self.survey.named.clone() {
            match fs::symlink_metadata(&file) {
                Ok(metadata) if metadata.is_file() => drop(self.survey.files.insert(file)),
                Ok(metadata) if metadata.is_symlink() => {}
                Ok(_) => self.skip(&file, format!("{by} names it, and it is no file")),
                Err(_) => {}
            }
        }
        let told: BTreeSet<PathBuf> = builds.iter().map(|(_, dockerfile)| dockerfile.clone()).collect();
        // Where nothing says otherwise, a Dockerfile's folder is the context.
        let untold = self
            .dockerfiles
            .difference(&told)
            .filter_map(|path| Some((path.parent()?.to_owned(), path.clone())));
        builds.extend(untold);
        for (root, dockerfile) in builds {
            self.context(root, dockerfile);
        }
    }

    fn context(&mut self, root: PathBuf, dockerfile: PathBuf) {
        let Some(text) = self.read(&dockerfile) else { return };
        let [own, common] = ignore_files(&root, &dockerfile);
        let ignore_file = if own.is_file() { own } else { common };
        let mut ignores = Some(DockerIgnore::default());
        if ignore_file.exists() {
            ignores = self.read(&ignore_file).and_then(|text| match DockerIgnore::parse(&text) {
                Ok(ignores) => Some(ignores),
                Err(error) => {
                    self.survey.unread.push(Unread::new((self.shown)(&ignore_file), error.to_string()));
                    None
                }
            });
        }
        self.survey.contexts.push(Context { copies: copies(&text), root, dockerfile, ignore_file, ignores });
    }

    fn read(&mut self, path: &Path) -> Option<Vec<u8>> {
        read_project_file(path).unwrap_or_else(|why| {
            self.survey.unread.push(Unread::new((self.shown)(path), why));
            None
        })
    }
}

/// The path without `.` and `..`, as if there were no links.
fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => drop(tidy.pop()),
            part => tidy.push(part),
        }
    }
    tidy
}

/// The path relative to `top`, `/` between its parts.
#[must_use]
pub fn relative(top: &Path, path: &Path) -> BString {
    let relative = path_bytes(path.strip_prefix(top).unwrap_or(path));
    relative.trim_start_with(|slash| slash == '/').into()
}
