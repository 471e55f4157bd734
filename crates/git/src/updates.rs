//! What a push changes, as git tells its hooks: <https://git-scm.com/docs/githooks>.

use bstr::{BString, ByteSlice};
use gix::ObjectId as GitId;

use keysieve_model::provenance::ObjectId;

/// A reference that a push creates, changes or deletes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefUpdate {
    /// What it is called where it is pushed from: a branch, a tag, an expression; the name over there where that is not told.
    pub source: BString,
    /// What it is called where it is pushed to.
    pub target: BString,
    /// What it is to name; absent where it is deleted.
    pub new: Option<ObjectId>,
    /// What it names over there; absent where it is new.
    pub old: Option<ObjectId>,
}

/// A line that a hook cannot have got from git.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "line {line} is not what git gives a {hook} hook, `{expected}`; the hook must be started by git, or given the same"
)]
pub struct UpdatesError {
    /// The hook.
    hook: &'static str,
    /// The line's number, from 1.
    line: usize,
    /// What stands on a line.
    expected: &'static str,
}

impl RefUpdate {
    /// The lines of a pre-push hook: `LOCAL-REF LOCAL-ID REMOTE-REF REMOTE-ID`.
    ///
    /// # Errors
    ///
    /// When a line is anything else.
    pub fn of_pre_push(input: &[u8]) -> Result<Vec<Self>, UpdatesError> {
        lines(input, "pre-push", "LOCAL-REF LOCAL-ID REMOTE-REF REMOTE-ID", |line| {
            // From the end: a local name may be an expression with spaces in it.
            let mut parts = line.rsplitn(4, |&byte| byte == b' ');
            let (old, target, new) = (parts.next()?, parts.next()?, parts.next()?);
            let (old, new) = (id(old)?, id(new)?);
            Some(Self { source: parts.next()?.into(), target: target.into(), new, old })
        })
    }

    /// The lines of a pre-receive hook: `OLD-ID NEW-ID REF`.
    ///
    /// # Errors
    ///
    /// When a line is anything else.
    pub fn of_pre_receive(input: &[u8]) -> Result<Vec<Self>, UpdatesError> {
        lines(input, "pre-receive", "OLD-ID NEW-ID REF", |line| {
            let mut parts = line.splitn(3, |&byte| byte == b' ');
            let (old, new, target) = (parts.next()?, parts.next()?, parts.next()?);
            Some(Self { source: target.into(), target: target.into(), new: id(new)?, old: id(old)? })
        })
    }

    /// The arguments of an update hook.
    ///
    /// # Errors
    ///
    /// When one of the two is no id.
    pub fn of_update(name: &str, old: &str, new: &str) -> Result<Self, UpdatesError> {
        let fail = UpdatesError { hook: "update", line: 1, expected: "REF OLD-ID NEW-ID" };
        match (id(old.as_bytes()), id(new.as_bytes())) {
            (Some(old), Some(new)) => Ok(Self { source: name.into(), target: name.into(), new, old }),
            _ => Err(fail),
        }
    }

    /// Whether it is a branch or tag over there that is to go.
    #[must_use]
    pub fn is_deletion(&self) -> bool {
        self.new.is_none()
    }

    /// The update as `git push` takes it: `main`, `main:refs/heads/review`, `:refs/heads/old`.
    #[must_use]
    pub fn refspec(&self) -> BString {
        match self.new {
            None => [b":".as_slice(), &self.target].concat().into(),
            Some(_) if self.source == self.target => self.short_name(),
            Some(_) => [self.source.as_slice(), b":", &self.target].concat().into(),
        }
    }

    /// The name for reports: without `refs/heads/` and the like.
    #[must_use]
    pub fn short_name(&self) -> BString {
        let prefixes: [&[u8]; 2] = [b"refs/heads/", b"refs/tags/"];
        let short = prefixes.iter().find_map(|prefix| self.source.strip_prefix(*prefix));
        short.unwrap_or(&self.source).into()
    }
}

fn lines(
    input: &[u8],
    hook: &'static str,
    expected: &'static str,
    parse: impl Fn(&[u8]) -> Option<RefUpdate>,
) -> Result<Vec<RefUpdate>, UpdatesError> {
    let updates = input.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    updates.map(|(at, line)| parse(line).ok_or(UpdatesError { hook, line: at + 1, expected })).collect()
}

/// An id, absent where it is all zeros; nothing where it is none.
#[allow(
    clippy::option_option,
    reason = "no id at all, and git's way to say that there is none, are two things"
)]
fn id(hex: &[u8]) -> Option<Option<ObjectId>> {
    let id = GitId::from_hex(hex).ok()?;
    Some((!id.is_null()).then(|| ObjectId::from_bytes(id.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZERO: &str = "0000000000000000000000000000000000000000";

    #[test]
    fn lines_of_git_are_understood() {
        let one = "1".repeat(40);
        let line =
            format!("HEAD@{{1 day ago}} {one} refs/heads/main {ZERO}\n(delete) {ZERO} refs/heads/x {one}\n");
        let updates = RefUpdate::of_pre_push(line.as_bytes()).expect("two lines");
        assert_eq!(updates[0].source, "HEAD@{1 day ago}");
        assert!(updates[0].old.is_none() && updates[0].new.is_some());
        assert!(updates[1].is_deletion());
        let long = format!("{} {} refs/tags/v1\n", "0".repeat(64), "a".repeat(64));
        assert!(RefUpdate::of_pre_receive(long.as_bytes()).expect("a line")[0].old.is_none());
    }

    #[test]
    fn anything_else_is_refused() {
        for line in ["main", "refs/heads/main abc refs/heads/main def", "a b c d"] {
            assert!(RefUpdate::of_pre_push(line.as_bytes()).is_err(), "{line}");
            assert!(RefUpdate::of_pre_receive(line.as_bytes()).is_err(), "{line}");
        }
        assert!(RefUpdate::of_update("refs/heads/main", "x", ZERO).is_err());
    }
}
