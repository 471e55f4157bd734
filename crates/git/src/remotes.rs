//! What references say: what a remote is known to have, and what is checked out.

use bstr::{BStr, BString, ByteSlice};

use keysieve_model::provenance::ObjectId;

use super::Repository;

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
        let git = self.git.to_thread_local();
        let Ok(references) = git.references() else { return Vec::new() };
        let Ok(references) = references.all() else { return Vec::new() };
        let named = references.filter_map(Result::ok).filter_map(|reference| {
            let id = reference.try_id()?;
            Some((reference.name().as_bstr().to_owned(), ObjectId::from_bytes(id.as_bytes())))
        });
        named.collect()
    }

    /// The branch that a clone took for the remote's default one, without `refs/heads/`.
    #[must_use]
    pub fn default_branch(&self, remote: &str) -> Option<String> {
        let git = self.git.to_thread_local();
        let head = git.try_find_reference(&format!("refs/remotes/{remote}/HEAD")).ok()??;
        let target = head.target().try_name()?.as_bstr().to_string();
        target.strip_prefix(&format!("refs/remotes/{remote}/")).map(str::to_owned)
    }

    /// The branch that is checked out, and its commit.
    #[must_use]
    pub fn head(&self) -> (Option<BString>, Option<ObjectId>) {
        let git = self.git.to_thread_local();
        let branch = git.head_name().ok().flatten().map(|name| name.shorten().to_owned());
        let commit = git.head_id().ok().map(|id| ObjectId::from_bytes(id.as_bytes()));
        (branch, commit)
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
