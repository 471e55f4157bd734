//! References, wherever they are kept: each in a file, as `gix` reads them, or in tables. Whatever asks for a reference, HEAD or
//! a reflog asks here.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bstr::{BStr, BString, ByteSlice};
use gix::ObjectId;

use keysieve_model::coverage::Unread;
use keysieve_model::provenance::path_bytes;
use keysieve_paths::control;

use super::control_files::{read_text, work_tree_dirs};
use super::error::unquoted;
use super::reftable::{Stack, Target};

/// How many symbolic references are followed.
const MAX_SYMBOLIC: usize = 5;
/// The largest file among the references that is looked at, in bytes.
const MAX_REFERENCE_BYTES: u64 = 1 << 20;
/// How many bytes of a damaged reference are looked at, to tell it from a file that never was one.
const LOOKED_AT_BYTES: usize = 64;

/// A reference with what it names.
#[derive(Debug, Clone)]
pub(super) struct Reference {
    pub(super) name: BString,
    pub(super) target: Target,
}

/// All references.
#[derive(Debug, Default)]
pub(super) struct Listed {
    pub(super) references: Vec<Reference>,
    /// Those that cannot be read.
    pub(super) unread: Vec<Unread>,
    /// Files among them that are none.
    pub(super) skipped: Vec<Unread>,
}

/// The references of a repository that keeps them in tables.
#[derive(Debug)]
pub(super) struct Tables {
    /// The stack of the main git directory, and of that of each linked work tree.
    stacks: Vec<(PathBuf, Stack)>,
    /// That of this work tree.
    own: PathBuf,
    common: PathBuf,
}

impl Tables {
    /// Reads them; `None` where each reference has a file.
    pub(super) fn of(git: &gix::Repository) -> Option<Self> {
        let format = git.config_snapshot().string("extensions.refStorage")?;
        if !format.starts_with(b"reftable") {
            return None;
        }
        let hash = git.object_hash();
        let dirs = work_tree_dirs(git).into_iter().map(|(_, dir)| dir);
        Some(Self {
            stacks: dirs.map(|dir| (dir.clone(), Stack::read(&dir, hash))).collect(),
            own: git.git_dir().to_owned(),
            common: git.common_dir().to_owned(),
        })
    }

    fn stack(&self, dir: &Path) -> Option<&Stack> {
        let is_same = |known: &Path| known == dir || known.canonicalize().ok() == dir.canonicalize().ok();
        self.stacks.iter().find(|(known, _)| is_same(known)).map(|(_, stack)| stack)
    }

    /// The stack that has this reference, if any has: some belong to the work tree.
    fn stack_with(&self, name: &BStr) -> Option<&Stack> {
        self.stack(if is_of_work_tree(name) { &self.own } else { &self.common })
    }

    fn find(&self, name: &BStr) -> Option<&Target> {
        self.stack_with(name)?.references.get(name)
    }

    /// The object that a reference leads to.
    fn id(&self, name: &BStr) -> Option<ObjectId> {
        let mut name = name;
        for _ in 0..=MAX_SYMBOLIC {
            match self.find(name)? {
                Target::Object(id) => return Some(*id),
                Target::Symbolic(next) => name = next.as_bstr(),
            }
        }
        None
    }

    /// The full name that git understands a short one as.
    fn full_name(&self, short: &str) -> Option<BString> {
        let short = if short == "@" { "HEAD" } else { short };
        let rules = ["", "refs/", "refs/tags/", "refs/heads/", "refs/remotes/"];
        let candidates = rules.iter().map(|prefix| format!("{prefix}{short}"));
        candidates
            .chain([format!("refs/remotes/{short}/HEAD")])
            .map(BString::from)
            .find(|name| self.find(name.as_bstr()).is_some())
    }

    /// The revision with the reference that it begins with replaced by what that names: the rest is about objects alone. As it
    /// is where it begins with none.
    fn resolved(&self, git: &gix::Repository, revision: &str) -> Result<String, String> {
        let at_log = revision.find("@{");
        let end = revision.find(['^', '~', ':']).unwrap_or(revision.len());
        let end = at_log.map_or(end, |at| at.min(end));
        let (name, rest) = revision.split_at(end);
        let is_id =
            name.len() == git.object_hash().len_in_hex() && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_id {
            return Ok(revision.to_owned());
        }
        let Some(logged) = rest.strip_prefix("@{") else {
            let id = self.full_name(name).and_then(|name| self.id(name.as_bstr()));
            return Ok(id.map_or_else(|| revision.to_owned(), |id| format!("{id}{rest}")));
        };
        let (asked, rest) = logged.split_once('}').ok_or("a `}` is missing")?;
        Ok(format!("{}{rest}", self.logged(git, name, asked)?))
    }

    /// What `NAME@{ASKED}` names.
    fn logged(&self, git: &gix::Repository, name: &str, asked: &str) -> Result<ObjectId, String> {
        let branch = match self.find("HEAD".into()) {
            Some(Target::Symbolic(branch)) => Some(branch.clone()),
            _ => None,
        };
        if let Some(number) = asked.strip_prefix('-').and_then(|number| number.parse::<usize>().ok()) {
            let left = self.left_branches().nth(number.saturating_sub(1));
            let left = left.filter(|_| name.is_empty() && number > 0);
            let left = left.ok_or_else(|| format!("no {number} branches were left in this work tree"))?;
            let id = self.full_name(&left).and_then(|name| self.id(name.as_bstr()));
            let unnamed = || ObjectId::from_hex(left.as_bytes()).ok();
            return id
                .or_else(unnamed)
                .ok_or_else(|| format!("`{left}`, which was left, is nowhere any more"));
        }
        let full = if name.is_empty() {
            branch.clone().unwrap_or_else(|| "HEAD".into())
        } else {
            self.full_name(name).ok_or_else(|| format!("there is no reference `{name}`"))?
        };
        if let Ok(number) = asked.parse::<usize>() {
            let entries = self.stack_with(full.as_bstr()).and_then(|stack| stack.logs.get(&full));
            let entries = entries.map(Vec::as_slice).unwrap_or_default();
            // What it was before its first change is known as well.
            let first = entries.last().map(|entry| entry.old).filter(|_| number == entries.len());
            let id = entries.get(number).map(|entry| entry.new).or(first).filter(|id| !id.is_null());
            return id.ok_or_else(|| format!("the reflog of {full} has {} entries", entries.len()));
        }
        let direction = match asked.to_ascii_lowercase().as_str() {
            "u" | "upstream" => gix::remote::Direction::Fetch,
            "push" => gix::remote::Direction::Push,
            _ => {
                return Err(
                    "in a repository with reftables, no date is looked up in a reflog; give the commit's id"
                        .to_owned(),
                );
            }
        };
        let of_head = if full == "HEAD" { branch } else { None };
        let full = of_head.unwrap_or(full);
        let tracking = <&gix::refs::FullNameRef>::try_from(full.as_bstr())
            .ok()
            .and_then(|name| git.branch_remote_tracking_ref_name(name, direction)?.ok());
        let id = tracking.and_then(|tracking| self.id(tracking.as_bstr()));
        id.ok_or_else(|| format!("{full} has no upstream branch that is here"))
    }

    /// The branches that were left for others in this work tree, the latest first.
    fn left_branches(&self) -> impl Iterator<Item = String> {
        let log = self.stack(&self.own).and_then(|stack| stack.logs.get(BStr::new("HEAD")));
        log.into_iter().flatten().filter_map(|entry| {
            let moved = entry.message.strip_prefix(b"checkout: moving from ")?.to_str_lossy().into_owned();
            Some(moved.split_once(" to ")?.0.to_owned())
        })
    }
}

/// Whether each work tree has a reference of this name for itself.
fn is_of_work_tree(name: &BStr) -> bool {
    let own: [&[u8]; 3] = [b"refs/bisect/", b"refs/worktree/", b"refs/rewritten/"];
    !name.starts_with(b"refs/") || own.iter().any(|prefix| name.starts_with(prefix))
}

/// The references of a repository.
pub(super) struct References {
    pub(super) git: gix::Repository,
    pub(super) tables: Option<Arc<Tables>>,
}

impl References {
    /// All references, those of HEAD and its like left out.
    pub(super) fn list(&self) -> Listed {
        match &self.tables {
            None => self.list_files(),
            Some(tables) => {
                let of = |dir: &Path, is_own: bool| {
                    let references = tables.stack(dir).into_iter().flat_map(|stack| &stack.references);
                    references
                        .filter(move |(name, _)| {
                            name.starts_with(b"refs/") && is_of_work_tree(name.as_bstr()) == is_own
                        })
                        .map(|(name, target)| Reference { name: name.clone(), target: target.clone() })
                };
                let mut references: Vec<Reference> =
                    of(&tables.common, false).chain(of(&tables.own, true)).collect();
                references.sort_by(|a, b| a.name.cmp(&b.name));
                Listed { references, unread: self.damage(), skipped: Vec::new() }
            }
        }
    }

    fn list_files(&self) -> Listed {
        let mut listed = Listed::default();
        let references = self.git.references();
        let references = references.and_then(|references| references.all().map(Iterator::collect::<Vec<_>>));
        let references = references.unwrap_or_else(|error| {
            listed.unread.push(Unread::new(
                "the references",
                format!("`packed-refs` or `refs` cannot be listed: {}", unquoted(&error)),
            ));
            Vec::new()
        });
        for reference in references {
            match reference {
                Ok(reference) => {
                    let target = match reference.target() {
                        gix::refs::TargetRef::Object(id) => Target::Object(id.to_owned()),
                        gix::refs::TargetRef::Symbolic(name) => Target::Symbolic(name.as_bstr().to_owned()),
                    };
                    listed.references.push(Reference { name: reference.name().as_bstr().to_owned(), target });
                }
                Err(error) => match self.foreign_file(&error) {
                    Some(file) => listed.skipped.push(Unread::new(
                        path_bytes(&file),
                        "it is no reference, and git ignores it; another program put it there, and it can be deleted",
                    )),
                    None => {
                        listed.unread.push(Unread::new("a reference", format!("it cannot be read: {}", unquoted(&error))));
                    }
                },
            }
        }
        listed
    }

    /// The file that cannot be read as a reference, where it never was one: `desktop.ini` and the like, which file managers
    /// and sync programs put into each folder.
    fn foreign_file(&self, error: &gix::Error) -> Option<PathBuf> {
        let path = &error.downcast_any_ref::<gix::refs::file::find::ReferenceDecode>()?.relative_path;
        let dirs = [self.git.git_dir(), self.git.common_dir()];
        let file = dirs.iter().map(|dir| dir.join(path)).find(|file| file.is_file())?;
        let bytes = control::read(&file, MAX_REFERENCE_BYTES).ok()?;
        (!may_be_torn(&bytes)).then_some(file)
    }

    /// The tables that cannot be read: nothing is known then of what references name.
    pub(super) fn damage(&self) -> Vec<Unread> {
        let stacks = self.tables.iter().flat_map(|tables| &tables.stacks);
        stacks.flat_map(|(_, stack)| stack.unread.iter().cloned()).collect()
    }

    /// The tables of a git directory; `None` where each reference has a file.
    pub(super) fn stack(&self, git_dir: &Path) -> Option<&Stack> {
        self.tables.as_ref()?.stack(git_dir)
    }

    /// What the reference with this full name names.
    pub(super) fn find(&self, name: &BStr) -> Option<Target> {
        match &self.tables {
            Some(tables) => tables.find(name).cloned(),
            None => {
                let reference = self.git.try_find_reference(name).ok()??;
                Some(match reference.target() {
                    gix::refs::TargetRef::Object(id) => Target::Object(id.to_owned()),
                    gix::refs::TargetRef::Symbolic(name) => Target::Symbolic(name.as_bstr().to_owned()),
                })
            }
        }
    }

    /// The branch that is checked out, without `refs/heads/`, and the commit.
    pub(super) fn head(&self) -> (Option<BString>, Option<ObjectId>) {
        match &self.tables {
            Some(tables) => {
                let branch = match tables.find("HEAD".into()) {
                    Some(Target::Symbolic(name)) => {
                        Some(name.strip_prefix(b"refs/heads/").unwrap_or(name).into())
                    }
                    _ => None,
                };
                (branch, tables.id("HEAD".into()))
            }
            None => {
                let branch = self.git.head_name().ok().flatten().map(|name| name.shorten().to_owned());
                (branch, self.git.head_id().ok().map(gix::Id::detach))
            }
        }
    }

    /// The HEAD of the work tree with this git directory; `None` where it may be in a table that cannot be read.
    ///
    /// # Errors
    ///
    /// Why it cannot be told.
    pub(super) fn head_of(&self, git_dir: &Path) -> Result<Option<Target>, String> {
        const NEITHER: &str = "it names neither a branch nor a commit; `git checkout BRANCH` mends it";
        if let Some(stack) = self.stack(git_dir) {
            let head = stack.references.get(BStr::new("HEAD")).cloned();
            return if head.is_none() && stack.unread.is_empty() {
                Err(NEITHER.to_owned())
            } else {
                Ok(head)
            };
        }
        let head = read_text(&git_dir.join("HEAD")).map_err(|error| error.to_string())?;
        match head.strip_prefix(b"ref: ") {
            Some(name) => Ok(Some(Target::Symbolic(name.trim().into()))),
            None => match ObjectId::from_hex(head.trim()) {
                Ok(id) => Ok(Some(Target::Object(id))),
                Err(_) => Err(NEITHER.to_owned()),
            },
        }
    }

    /// The object that a revision names.
    ///
    /// # Errors
    ///
    /// Why it names none.
    pub(super) fn parse(&self, revision: &str) -> Result<ObjectId, String> {
        let resolved = match &self.tables {
            None => revision.to_owned(),
            Some(tables) => match tables.resolved(&self.git, revision) {
                Ok(resolved) => resolved,
                Err(why) => return Err(self.because(why)),
            },
        };
        let parsed = self.git.rev_parse_single(resolved.as_str());
        parsed.map(gix::Id::detach).map_err(|error| self.because(error.to_string()))
    }

    /// Why something was not found, with the tables that may have it.
    fn because(&self, why: String) -> String {
        match self.damage().first() {
            Some(damage) => format!("{}: {}", damage.what, damage.why),
            None => why,
        }
    }
}

/// Whether this may be what is left of a reference: nothing, zeros, a part of an id or of `ref: NAME`.
fn may_be_torn(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(LOOKED_AT_BYTES)];
    let digits = start.iter().filter(|byte| byte.is_ascii_hexdigit()).count();
    bytes.iter().all(|byte| *byte == 0 || byte.is_ascii_whitespace())
        || start.starts_with(b"ref")
        || 2 * digits > start.len()
}

#[cfg(test)]
mod tests {
    use gix::hash::Kind as HashKind;

    use super::*;

    #[test]
    fn what_is_left_of_a_reference_is_told_from_another_file() {
        let hash = HashKind::Sha1.null().to_string();
        for torn in ["", "\0\0\0\0", "12345", &hash, "ref: refs/heads/ma in", "0123456789abcdef0123\0\0\0\0"]
        {
            assert!(may_be_torn(torn.as_bytes()), "{torn:?}");
        }
        for foreign in ["[.ShellClassInfo]\r\nIconResource=C:\\x.dll,0\r\n", "\0\0\0\x01Bud1\0\0\x10"] {
            assert!(!may_be_torn(foreign.as_bytes()), "{foreign:?}");
        }
    }
}
