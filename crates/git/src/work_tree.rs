//! What decides whether a file of the work tree is committed: the index, HEAD, and where ignore files are.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bstr::{BStr, BString};

use keysieve_model::coverage::Unread;
use keysieve_model::provenance::ObjectId;
use keysieve_paths::IgnoreSettings;

use super::commits::Headers;
use super::{Repository, git_dir, git_id, object_id, tree_diff};

impl Repository {
    /// The directory in which git keeps what it knows.
    #[must_use]
    pub fn git_dir(&self) -> PathBuf {
        self.git.to_thread_local().git_dir().to_owned()
    }

    /// Where ignore files are besides those in the work tree, and whether case counts. This is the one place at which the user's
    /// own configuration of git has a say: `core.excludesFile` is to be told apart from what a team shares.
    #[must_use]
    pub fn ignore_settings(&self) -> IgnoreSettings {
        let git = self.git.to_thread_local();
        let permissions = gix::open::Permissions {
            env: gix::open::permissions::Environment::all(),
            config: gix::open::permissions::Config::all(),
            ..gix::open::Permissions::isolated()
        };
        let options = gix::open::Options::isolated().permissions(permissions).open_path_as_is(true);
        // Where the user's configuration cannot be read, git does not work either.
        let as_user = gix::open_opts(git.git_dir(), options).ok();
        let config = as_user.as_ref().unwrap_or(&git).config_snapshot();
        let configured = config.trusted_path("core.excludesFile").ok().flatten();
        let mut own_files = vec![git.common_dir().join("info/exclude")];
        // Git is in the top directory when it opens it.
        let from_top = |path| self.workdir().map_or_else(|| PathBuf::from(&path), |top| top.join(&path));
        own_files.extend(configured.map(from_top).or_else(default_excludes_file));
        IgnoreSettings {
            folds_case: config.boolean("core.ignoreCase").unwrap_or(false),
            own_files,
            ..IgnoreSettings::default()
        }
    }

    /// The files in the index with their versions; none for a bare repository.
    ///
    /// # Errors
    ///
    /// When the index is damaged.
    pub fn indexed_versions(&self) -> Result<BTreeMap<BString, ObjectId>, Unread> {
        let git = self.git.to_thread_local();
        let entries = git_dir::read_index(&git, &git.index_path())?;
        Ok(entries.into_iter().map(|(path, id)| (path, object_id(&id))).collect())
    }

    /// The versions that HEAD has of some files; a path that it has not is left out.
    ///
    /// # Errors
    ///
    /// When its trees cannot be read.
    pub fn versions_in_head<'a>(
        &self,
        paths: impl IntoIterator<Item = &'a BStr>,
    ) -> Result<BTreeMap<BString, ObjectId>, Unread> {
        let (_, Some(head)) = self.head() else { return Ok(BTreeMap::new()) };
        let gap = |why: String| Unread::new(format!("the tree of HEAD ({head})"), why);
        let store = self.store().map_err(|error| gap(error.to_string()))?;
        let mut trees = tree_diff::Trees::new(store.reader(), store.hash(), &[]);
        let (_, bytes) = trees.reader.read(&git_id(&head)).map_err(|failure| gap(format!("{failure:?}")))?;
        let Some(commit) = Headers::parse(bytes) else { return Err(gap("it names no tree".to_owned())) };
        let mut found = BTreeMap::new();
        for path in paths {
            let version = trees.try_find(commit.tree, path);
            if let Some(id) = version.map_err(|(id, failure)| gap(format!("object {id}: {failure:?}")))? {
                found.insert(path.to_owned(), object_id(&id));
            }
        }
        Ok(found)
    }
}

/// Where git looks where nothing is configured.
fn default_excludes_file() -> Option<PathBuf> {
    let dir = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let config = dir("XDG_CONFIG_HOME").or_else(|| Some(dir("HOME")?.join(".config")))?;
    Some(config.join("git/ignore"))
}
