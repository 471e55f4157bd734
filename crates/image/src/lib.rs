//! Container images, as files: what `docker save`, skopeo, buildah, podman, crane and containerd write, and bare file systems.
//! Needs no daemon and no root, and writes nothing.
//!
//! An image is a set of blobs, and documents that name them. Each blob is read once, whatever names it and in whatever order they
//! come ([`entries`]); what the documents say of it ([`layout`], [`config`]) is looked up afterwards, for what was found. That is
//! why a stream whose manifest comes last is read like any other, and why a broken document costs no layer.

mod config;
mod entries;
#[cfg(any(fuzzing, test))]
#[doc(hidden)]
pub mod fuzzing;
mod layout;
mod log;
mod places;

use std::path::{Path, PathBuf};

use bstr::BString;

use keysieve_model::chunk::Visitor;
use keysieve_model::coverage::{Read, Unread};

use keysieve_containers::archive::{HandOver, Tally};

use self::entries::{Entries, Walk};
pub use self::places::Images;

/// Where an image comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A file or folder.
    Path(PathBuf),
    /// Standard input.
    Stdin,
}

/// Layers to leave out: those of a base image, which somebody else answers for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// So many of the lowest layers.
    Layers(usize),
    /// The layer with this digest or diff id, and those below it.
    Digest(String),
    /// The layers of another image.
    Image(PathBuf),
}

/// What of the images is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// An image by name, or by the beginning of its digest.
    pub image: Option<String>,
    /// A platform such as `linux/arm64`.
    pub platform: Option<String>,
    /// Layers to leave out.
    pub base: Option<Base>,
}

/// Why an image cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be opened.
    #[error("{path}: {why}")]
    Open {
        /// What was asked for.
        path: String,
        /// What the system said.
        why: String,
    },
    /// It is something else.
    #[error("{path}: no image: {why}; use `keysieve scan {path}` to scan plain files")]
    NoImage {
        /// What was asked for.
        path: String,
        /// What is missing.
        why: &'static str,
    },
    /// No image is selected.
    #[error("there is no image `{wanted}` here; there are: {known}")]
    NoSuchImage {
        /// What was asked for.
        wanted: String,
        /// What is there.
        known: String,
    },
    /// No platform is selected.
    #[error("there is no image for the platform `{wanted}` here; there are: {known}")]
    NoSuchPlatform {
        /// What was asked for.
        wanted: String,
        /// What is there.
        known: String,
    },
    /// The base is none.
    #[error("--skip-base {base}: {why}")]
    NoBase {
        /// What was asked for.
        base: String,
        /// Why nothing can be left out for it.
        why: &'static str,
    },
}

/// Reads the images of `input` whole; every blob once. Files for whose paths `is_watched` says yes are noted.
///
/// # Errors
///
/// When there is no image, or none that is selected; what cannot be read on the way goes to `visitor`.
pub fn read<V: Visitor>(
    input: &Input,
    selection: &Selection,
    is_watched: fn(&[u8]) -> bool,
    visitor: &V,
) -> Result<Images, Error> {
    let tally = Tally::default();
    let walk = Walk { is_watched, documents_only: false };
    let entries = Entries::default();
    rayon::in_place_scope(|scope| entries::visit(input, &walk, &entries, visitor, &tally, Some(scope)))?;
    understand(entries, &tally, selection, visitor)
}

/// Reads an image as from standard input.
#[cfg(any(fuzzing, test))]
pub(crate) fn read_bytes<V: Visitor>(mut content: &[u8], visitor: &V) -> Result<Images, Error> {
    let (tally, entries) = (Tally::default(), Entries::default());
    let walk = Walk { is_watched: |_| true, documents_only: false };
    entries::visit_stream(&mut content, &walk, &entries, visitor, &tally)?;
    understand(entries, &tally, &Selection::default(), visitor)
}

/// What the documents among the entries say, after their texts were handed over.
fn understand<V: Visitor>(
    entries: Entries,
    tally: &Tally,
    selection: &Selection,
    visitor: &V,
) -> Result<Images, Error> {
    let stored = entries.into_stored();
    let (layout, gaps) = layout::Layout::of(&stored);
    gaps.into_iter().for_each(|gap| visitor.unread(gap));
    let tally_texts = Tally::default();
    let mut hand_over = HandOver::new(visitor, &tally_texts, None);
    config::hand_over_texts(&stored, &layout, &mut hand_over);
    hand_over.flush();
    let mut read = Read { bytes: tally.bytes() + tally_texts.bytes(), ..Read::default() };
    for entry in &stored {
        read.files += entry.log.as_ref().map_or(0, |log| log.files_read);
        read.layers += u64::from(entry.log.is_some());
    }
    let base_ids = match &selection.base {
        Some(Base::Image(path)) => Some(diff_ids_of(path)?),
        _ => None,
    };
    Images::new(stored, layout, selection, base_ids.as_deref(), read)
}

/// The diff ids of the image in `path`, whose layers are not read.
fn diff_ids_of(path: &Path) -> Result<Vec<String>, Error> {
    let tally = Tally::default();
    let walk = Walk { is_watched: |_| false, documents_only: true };
    let entries = Entries::default();
    entries::visit(&Input::Path(path.to_owned()), &walk, &entries, &Deaf, &tally, None)?;
    let (layout, _) = layout::Layout::of(&entries.into_stored());
    let image = layout.images.into_iter().find(|image| !image.is_attestation);
    let ids: Option<Vec<String>> =
        image.and_then(|image| image.layers.into_iter().map(|layer| layer.diff_id).collect());
    ids.filter(|ids| !ids.is_empty()).ok_or_else(|| Error::NoBase {
        base: path.display().to_string(),
        why: "it is no image whose configuration names its layers",
    })
}

/// A visitor for what is not searched.
struct Deaf;

impl Visitor for Deaf {
    type Memo = ();

    fn chunk(
        &self,
        _: &keysieve_model::chunk::Chunk<'_>,
        _: Option<&()>,
    ) -> keysieve_model::chunk::Searched<()> {
        keysieve_model::chunk::Searched { memo: (), is_clean: true }
    }

    fn unread(&self, _: Unread) {}

    fn skipped(&self, _: Unread) {}
}

/// A path in an image without what tools put in front of it.
fn normal(name: &[u8]) -> &[u8] {
    let mut name = name;
    while let Some(rest) = name.strip_prefix(b"./").or_else(|| name.strip_prefix(b"/")) {
        name = rest;
    }
    name.strip_suffix(b"/").unwrap_or(name)
}

/// What is said of a thing in an image.
fn unread(what: impl Into<BString>, why: impl Into<String>) -> Unread {
    Unread::new(what, why)
}
