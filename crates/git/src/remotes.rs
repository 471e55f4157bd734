//! What references say: what a remote is known to have, and what is checked out.

use bstr::{BStr, BString, ByteSlice};
use gix::remote::Direction;

use keysieve_model::provenance::ObjectId;

use super::references::{Listed, Reference};
use super::reftable::Target;
use super::{Repository, object_id};

impl Repository {
    /// What the remote is known to have: its remote-tracking references. `remote` is its name or address, `url` the address to
    /// which a push goes, where that is known. Of a remote that was never fetched from nothing is known, whatever others have:
    /// what one remote has may be new to all who read another.
    #[must_use]
    pub fn known_to(&self, remote: &BStr, url: Option<&BStr>) -> Vec<ObjectId> {
        let git = self.git.to_thread_local();
        let patterns: Vec<BString> = remotes_at(&git, remote, url)
            .iter()
            .flat_map(|remote| remote.refspecs(Direction::Fetch))
            .filter_map(|spec| spec.to_ref().local().map(ToOwned::to_owned))
            .collect();
        // A mirror's references are the local ones: they say nothing about what the remote has.
        let tracking = self.references().into_iter().filter(|(name, _)| name.starts_with(b"refs/remotes/"));
        let of_remote =
            tracking.filter(|(name, _)| patterns.iter().any(|pattern| matches_pattern(pattern, name)));
        of_remote.map(|(_, id)| id).collect()
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

    /// The address of the remote that the repository comes from, `origin` or else the first by name, as it may be shown: as a URL
    /// where it is none, and without user, password and query.
    #[must_use]
    pub fn remote_url(&self) -> Option<BString> {
        let git = self.git.to_thread_local();
        let names = git.remote_names();
        let name = names.iter().find(|name| name.as_bytes() == b"origin").or(names.iter().next())?;
        let remote = git.try_find_remote_without_url_rewrite(name.as_bstr())?.ok()?;
        Some(shown_url(remote.url(Direction::Fetch)?.to_bstring().as_bstr()))
    }

    /// The branch that is checked out, and its commit.
    #[must_use]
    pub fn head(&self) -> (Option<BString>, Option<ObjectId>) {
        let (branch, commit) = self.refs().head();
        (branch, commit.map(|id| object_id(&id)))
    }
}

/// The remotes whose references say what is at the address to which a push to `name_or_url` goes.
fn remotes_at<'a>(git: &'a gix::Repository, name_or_url: &BStr, url: Option<&BStr>) -> Vec<gix::Remote<'a>> {
    let find = |name: &BStr| {
        git.try_find_remote_without_url_rewrite(name)?.ok().filter(|found| found.name().is_some())
    };
    let named = find(name_or_url);
    let configured = |remote: &gix::Remote<'_>, direction| remote.url(direction).map(gix::Url::to_bstring);
    let fetched =
        |remote: &gix::Remote<'_>| configured(remote, Direction::Fetch).map(|url| place_of(url.as_bstr()));
    let pushed = named.as_ref().and_then(|remote| configured(remote, Direction::Push));
    let target = url.map(ToOwned::to_owned).or(pushed.clone()).unwrap_or_else(|| name_or_url.to_owned());
    let target = place_of(target.as_bstr());
    let all = git.remote_names();
    let mut at_target: Vec<gix::Remote<'a>> = all
        .iter()
        .filter_map(|name| find(name.as_ref()))
        .filter(|remote| fetched(remote).as_ref() == Some(&target))
        .collect();
    // The user may call an address by a short name (`url.*.insteadOf`): one that is pushed to where it is fetched from stays one.
    if at_target.is_empty() {
        let is_one =
            |remote: &gix::Remote<'_>| pushed.as_ref().map(|url| place_of(url.as_bstr())) == fetched(remote);
        at_target.extend(named.filter(is_one));
    }
    at_target
}

/// What an address names, however it is reached: `https://me@example.org/a/b.git` and `git@example.org:a/b` are one place.
fn place_of(url: &BStr) -> BString {
    let (is_remote, rest) = match url.split_once_str("://") {
        Some((_, rest)) => (true, rest),
        None => (false, url.as_bytes()),
    };
    let host_end = rest.iter().position(|&byte| byte == b'/').unwrap_or(rest.len());
    let (host, path) = rest.split_at(host_end);
    let host = host.rsplit_once_str("@").map_or(host, |(_, host)| host);
    // A port says which server answers, not which repository it has; in `host:path` there is none.
    let (host, path): (&[u8], Vec<u8>) = match host.split_once_str(":") {
        Some((host, _)) if is_remote => (host, path.to_owned()),
        Some((host, start)) => (host, [b"/", start, path].concat()),
        None => (host, path.to_owned()),
    };
    let path = path.trim_end_with(|end| end == '/');
    let path = path.strip_suffix(b".git").unwrap_or(path).trim_end_with(|end| end == '/');
    [&host.to_ascii_lowercase()[..], b"/", path.trim_start_with(|start| start == '/')].concat().into()
}

/// An address, or a remote's name, as it may be shown: without user, password, query and fragment.
#[must_use]
pub fn without_credentials(address: &BStr) -> BString {
    let (scheme, rest) = match address.split_once_str("://") {
        Some((scheme, rest)) => ([scheme, b"://"].concat(), rest),
        // `user:password@host:path`
        None if is_user_with_password(address) => (Vec::new(), address.as_bytes()),
        None => return address.to_owned(),
    };
    let end = rest.iter().position(|byte| b"?#".contains(byte)).unwrap_or(rest.len());
    let (place, query) = rest.split_at(end);
    let host_end = place.iter().position(|&byte| byte == b'/').unwrap_or(place.len());
    let host = &place[..host_end];
    // What is no port behind a colon is the start of a password with a slash in it.
    let is_cut = host.rsplit_once_str(":").is_some_and(|(_, port)| {
        !host.contains(&b'@') && !port.iter().all(u8::is_ascii_digit) && !host.ends_with(b"]")
    });
    let user_end = if is_cut { place } else { host }.iter().rposition(|&byte| byte == b'@');
    let shown = &place[user_end.map_or(0, |at| at + 1)..];
    let query: &[u8] = if query.is_empty() { b"" } else { b"?..." };
    [scheme.as_slice(), shown, query].concat().into()
}

fn is_user_with_password(address: &BStr) -> bool {
    address.split_once_str("@").is_some_and(|(user, _)| user.contains(&b':') && !user.contains(&b'/'))
}

/// A remote's address as a URL that may be shown: `git@example.org:a/b` is `ssh://example.org/a/b`.
fn shown_url(address: &BStr) -> BString {
    let bare = without_credentials(address);
    if let Some((scheme, rest)) = bare.split_once_str("://") {
        let end = rest.find_byteset("?#").unwrap_or(rest.len());
        return [scheme, b"://", &rest[..end]].concat().into();
    }
    // A path may hold colons behind its first slash.
    match bare.split_once_str(":") {
        Some((host, path)) if !host.contains(&b'/') && host.len() > 1 => {
            let host = host.rsplit_once_str("@").map_or(host, |(_, host)| host);
            [b"ssh://", host, b"/", path.trim_start_with(|start| start == '/')].concat().into()
        }
        _ => bare,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_shown_without_credentials() {
        let shown = |address: &str| without_credentials(address.into()).to_string();
        assert_eq!(shown("https://me:some@word@example.org/a@b"), "https://example.org/a@b");
        assert_eq!(shown("git@example.org:a/b"), "git@example.org:a/b");
        assert_eq!(shown("me:word@example.org:a/b"), "example.org:a/b");
        assert_eq!(shown("HTTPS://some@example.org:8080/a"), "HTTPS://example.org:8080/a");
        assert_eq!(shown("https://me:some/word@example.org/a"), "https://example.org/a");
        assert_eq!(shown("https://example.org/a?token=word"), "https://example.org/a?...");
        assert_eq!(shown("ssh://[::1]/a@b"), "ssh://[::1]/a@b");
        assert_eq!(shown("../a:b/c@d"), "../a:b/c@d");
        assert_eq!(shown("origin"), "origin");
    }

    #[test]
    fn a_remote_is_shown_as_a_url_without_what_may_be_secret() {
        let shown = |address: &str| shown_url(address.into()).to_string();
        assert_eq!(shown("https://me:word@example.org/a/b.git?token=x#y"), "https://example.org/a/b.git");
        assert_eq!(shown("git@example.org:a/b.git"), "ssh://example.org/a/b.git");
        assert_eq!(shown("example.org:/a/b"), "ssh://example.org/a/b");
        for path in ["/srv/git/b.git", "../b", "./a:b", "C:/git/b"] {
            assert_eq!(shown(path), path);
        }
    }

    #[test]
    fn an_address_names_one_place_however_it_is_reached() {
        let same = [
            "https://example.org/a/b",
            "https://example.org/a/b.git",
            "https://me:token@EXAMPLE.org/a/b.git/",
            "ssh://git@example.org:22/a/b",
            "git@example.org:a/b.git",
            "git@example.org:/a/b.git",
        ];
        for url in same {
            assert_eq!(place_of(url.into()), "example.org/a/b", "{url}");
        }
        assert_eq!(place_of("/srv/git/b.git".into()), place_of("file:///srv/git/b".into()));
        for other in ["https://example.org/a/c", "https://example.com/a/b", "/a/b", "../b"] {
            assert_ne!(place_of(other.into()), "example.org/a/b", "{other}");
        }
    }
}
