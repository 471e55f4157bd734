//! What references say: what a remote is known to have, and what is checked out.

use bstr::{BStr, BString, ByteSlice};

use keysieve_model::provenance::ObjectId;

use super::references::{Listed, Reference};
use super::reftable::Target;
use super::{Repository, object_id};

impl Repository {
    /// What the remote, given by its name or address, is known to have: its remote-tracking references. Of a remote that was never fetched from nothing is
    /// known; then it is what any remote has.
    #[must_use]
    pub fn known_to(&self, remote: &BStr) -> Vec<ObjectId> {
        let git = self.git.to_thread_local();
        let patterns: Vec<BString> = named_remote(&git, remote)
            .iter()
            .flat_map(|remote| remote.refspecs(gix::remote::Direction::Fetch))
            .filter_map(|spec| spec.to_ref().local().map(ToOwned::to_owned))
            .collect();
        // A mirror's references are the local ones: they say nothing about what the remote has.
        let tracking: Vec<(BString, ObjectId)> =
            self.references().into_iter().filter(|(name, _)| name.starts_with(b"refs/remotes/")).collect();
        let is_of_remote = |name: &BString| patterns.iter().any(|pattern| matches_pattern(pattern, name));
        let of_remote: Vec<ObjectId> =
            tracking.iter().filter(|(name, _)| is_of_remote(name)).map(|(_, id)| *id).collect();
        if of_remote.is_empty() { tracking.into_iter().map(|(_, id)| id).collect() } else { of_remote }
    }

    /// All references with what they name; those that cannot be read are left out.
    #[must_use]
    pub fn references(&self) -> Vec<(BString, ObjectId)> {
        let Listed { references, .. } = self.refs().list();
        let named = references.into_iter().filter_map(|Reference { name, target }| match target {
            Target::Object(id) => Some((name, object_id(&id))),
            Target::Symbolic(_) => None,
        });
        named.collect()
    }

    /// The branch that a clone took for the remote's default one, without `refs/heads/`.
    #[must_use]
    pub fn default_branch(&self, remote: &str) -> Option<String> {
        let prefix = format!("refs/remotes/{remote}/");
        match self.refs().find(format!("{prefix}HEAD").as_str().into())? {
            Target::Symbolic(name) => name.to_string().strip_prefix(&prefix).map(str::to_owned),
            Target::Object(_) => None,
        }
    }

    /// The branch that is checked out, and its commit.
    #[must_use]
    pub fn head(&self) -> (Option<BString>, Option<ObjectId>) {
        let (branch, commit) = self.refs().head();
        (branch, commit.map(|id| object_id(&id)))
    }
}

/// The remote of this name, or with this address.
fn named_remote<'a>(git: &'a gix::Repository, name_or_url: &BStr) -> Option<gix::Remote<'a>> {
    let find = |name: &BStr| {
        git.try_find_remote_without_url_rewrite(name)?.ok().filter(|found| found.name().is_some())
    };
    find(name_or_url).or_else(|| {
        let has_url = |remote: &gix::Remote<'_>| {
            let directions = [gix::remote::Direction::Push, gix::remote::Direction::Fetch];
            directions
                .iter()
                .filter_map(|&direction| remote.url(direction))
                .any(|url| url.to_bstring() == name_or_url)
        };
        git.remote_names().iter().filter_map(|name| find(name.as_ref())).find(has_url)
    })
}

/// Whether `name` matches a refspec's side, in which one `*` stands for anything.
fn matches_pattern(pattern: &[u8], name: &[u8]) -> bool {
    match pattern.split_once_str("*") {
        Some((before, after)) => {
            name.len() >= before.len() + after.len() && name.starts_with(before) && name.ends_with(after)
        }
        None => pattern == name,
    }
}
