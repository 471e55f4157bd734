//! What an image was asked for by: a path, a name, or one with its transport in front as skopeo and podman write it
//! (<https://github.com/containers/image/blob/main/docs/containers-transports.5.md>).

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

/// The place in which an image is looked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reference {
    /// `-`
    Stdin,
    /// A file or folder, and which of the images in it.
    File { path: PathBuf, image: Option<String> },
    /// One that a tool has to get.
    Named { store: Store, name: String },
}

/// Who has an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Store {
    /// Whoever knows the name.
    Any,
    /// Docker's daemon.
    Docker,
    /// The store of podman and buildah.
    Containers,
    /// A registry.
    Registry,
}

/// The endings of names that are meant as files, there or not.
const ARCHIVES: &[&str] = &[".tar", ".tar.gz", ".tgz", ".tar.zst", ".tar.xz", ".tar.bz2"];

impl Reference {
    /// A path that is there is that file, whatever else it may be read as.
    pub(super) fn parse(text: &OsStr) -> anyhow::Result<Self> {
        if text == "-" {
            return Ok(Self::Stdin);
        }
        let file = || Self::File { path: text.into(), image: None };
        if Path::new(text).symlink_metadata().is_ok() {
            return Ok(file());
        }
        let Some(text) = text.to_str() else { return Ok(file()) };
        if let Some(reference) = Self::with_transport(text)? {
            return Ok(reference);
        }
        let is_path =
            text.starts_with(['/', '.', '~']) || ARCHIVES.iter().any(|ending| text.ends_with(ending));
        match is_path {
            true => Ok(file()),
            false => Self::named(Store::Any, text),
        }
    }

    fn with_transport(text: &str) -> anyhow::Result<Option<Self>> {
        let Some((transport, rest)) = text.split_once(':') else { return Ok(None) };
        Ok(Some(match (transport, rest.strip_prefix("//")) {
            ("docker", Some(name)) => Self::named(Store::Registry, name)?,
            ("http" | "https", Some(_)) => {
                bail!("{text}: an image's name has no scheme; write docker://NAME")
            }
            ("docker-daemon", _) => Self::named(Store::Docker, rest)?,
            ("containers-storage", _) => Self::named(Store::Containers, rest)?,
            ("oci" | "oci-archive" | "docker-archive", _) => Self::part_of_file(rest)?,
            ("dir", _) => Self::File { path: rest.into(), image: None },
            _ => return Ok(None),
        }))
    }

    /// `PATH` or `PATH:IMAGE`
    fn part_of_file(text: &str) -> anyhow::Result<Self> {
        let whole = Path::new(text).symlink_metadata().is_ok();
        let (path, image) = match text.split_once(':') {
            Some((path, image)) if !whole && !image.is_empty() => (path, Some(image.to_owned())),
            _ => (text, None),
        };
        if image.as_ref().is_some_and(|image| image.starts_with('@')) {
            bail!("{text}: images are not selected by their number here; use --image NAME");
        }
        Ok(Self::File { path: path.into(), image })
    }

    /// A name is handed to tools, so that nothing may be in it that these could take for anything else.
    fn named(store: Store, name: &str) -> anyhow::Result<Self> {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/:@+[]".contains(&byte);
        if name.is_empty() || name.starts_with('-') || !name.bytes().all(is_part) {
            let why = format!("{name}: there is no such file, and it cannot be an image's name");
            return Err(std::io::Error::from(std::io::ErrorKind::NotFound)).context(why);
        }
        Ok(Self::Named { store, name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Reference {
        Reference::parse(OsStr::new(text)).expect("a reference")
    }

    #[test]
    fn names_and_paths_are_told_apart() {
        let named = |store, name: &str| Reference::Named { store, name: name.to_owned() };
        let file = |path: &str, image: Option<&str>| Reference::File {
            path: path.into(),
            image: image.map(str::to_owned),
        };
        for (text, expected) in [
            ("-", Reference::Stdin),
            ("Cargo.toml", file("Cargo.toml", None)),
            ("app:1", named(Store::Any, "app:1")),
            ("docker.io/library/python:3", named(Store::Any, "docker.io/library/python:3")),
            ("localhost:5000/app@sha256:00", named(Store::Any, "localhost:5000/app@sha256:00")),
            ("docker://ghcr.io/a/b:1", named(Store::Registry, "ghcr.io/a/b:1")),
            ("docker-daemon:app:1", named(Store::Docker, "app:1")),
            ("containers-storage:localhost/app", named(Store::Containers, "localhost/app")),
            ("oci:folder:tag", file("folder", Some("tag"))),
            ("oci-archive:a.tar", file("a.tar", None)),
            ("docker-archive:a.tar:app:1", file("a.tar", Some("app:1"))),
            ("dir:a:b", file("a:b", None)),
            ("missing.tar.gz", file("missing.tar.gz", None)),
            ("./missing", file("./missing", None)),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }

    #[test]
    fn what_a_tool_could_misread_is_refused() {
        for text in [
            "-v",
            "docker://-v",
            "containers-storage:-v",
            "a b",
            "a;b",
            "a\nb",
            "$(a)",
            "https://a/b",
            "",
            "docker://",
        ] {
            assert!(Reference::parse(OsStr::new(text)).is_err(), "{text}");
        }
    }
}
