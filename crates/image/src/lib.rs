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
mod selection;

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use bstr::BString;

use keysieve_model::chunk::Visitor;
use keysieve_model::coverage::{Read, Unread};

use keysieve_containers::archive::{HandOver, Tally};

use self::entries::{Entries, Opened, Walk};
use self::layout::Layout;
pub use self::places::Images;
use self::selection::{Chosen, Withheld};

/// Where an image comes from.
pub enum Input {
    /// A file or folder.
    Path(PathBuf),
    /// A stream, and what to call it.
    Stream(Box<dyn std::io::Read + Send>, String),
}

impl Input {
    /// Standard input.
    #[must_use]
    pub fn stdin() -> Self {
        Self::Stream(Box::new(std::io::stdin()), "standard input".to_owned())
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => f.debug_tuple("Path").field(path).finish(),
            Self::Stream(_, name) => f.debug_tuple("Stream").field(name).finish(),
        }
    }
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

impl Selection {
    fn is_everything(&self) -> bool {
        *self == Self::default()
    }
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
        why: String,
    },
}

/// Reads the selected images of `input`; every blob once. Files for whose paths `is_watched` says yes are noted.
///
/// Of a folder or an archive that is not compressed, the documents are read first, and what no selected image has is not opened.
/// A stream is read to its end, since its manifest may come last; gaps in what is not selected do not count.
///
/// # Errors
///
/// When there is no image, or none that is selected; what cannot be read on the way goes to `visitor`.
pub fn read<V: Visitor>(
    input: Input,
    selection: &Selection,
    is_watched: fn(&[u8]) -> bool,
    visitor: &V,
) -> Result<Images, Error> {
    let mut opened = Opened::new(input)?;
    let base_ids = match &selection.base {
        Some(Base::Image(path)) => Some(diff_ids_of(path)?),
        _ => None,
    };
    let left_out = match selection.is_everything() || matches!(opened, Opened::Stream(..)) {
        true => BTreeSet::new(),
        false => left_out(&mut opened, selection, base_ids.as_deref())?,
    };
    let tally = Tally::default();
    let walk = Walk { is_watched, documents_only: false, left_out };
    let entries = Entries::default();
    let withheld = Withheld::new(visitor);
    rayon::in_place_scope(|scope| {
        entries::visit(&mut opened, &walk, &entries, &withheld, &tally, Some(scope))
    })?;
    understand(entries, &tally, selection, base_ids.as_deref(), &withheld)
}

/// The names of the entries that no selected image has, by the documents alone.
fn left_out(
    opened: &mut Opened,
    selection: &Selection,
    base_ids: Option<&[String]>,
) -> Result<BTreeSet<BString>, Error> {
    let stored = documents_of(opened)?;
    let (layout, _) = Layout::of(&stored);
    match Chosen::new(&layout.images, selection, base_ids) {
        Ok(chosen) => {
            // Documents are small, and others may lead to them.
            let left_out = chosen.left_out(&layout.images, stored.len()).into_iter();
            let left_out = left_out.filter(|&at| stored[at].document.is_none());
            Ok(left_out.map(|at| stored[at].name.clone()).collect())
        }
        // The digest may be one that only reading the layers gives.
        Err(Error::NoBase { .. }) => Ok(BTreeSet::new()),
        Err(error) => Err(error),
    }
}

/// The entries of an image, of which only the documents are read.
fn documents_of(opened: &mut Opened) -> Result<Vec<entries::Stored>, Error> {
    let tally = Tally::default();
    let walk = Walk { is_watched: |_| false, documents_only: true, left_out: BTreeSet::new() };
    let entries = Entries::default();
    entries::visit(opened, &walk, &entries, &Deaf, &tally, None)?;
    Ok(entries.into_stored())
}

/// A layer of an image, as its documents describe it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerSummary {
    /// The image's name and platform.
    pub image: BString,
    /// From 1, the lowest first.
    pub position: usize,
    /// The digest of its bytes as they are stored.
    pub digest: String,
    /// The digest of its bytes unpacked.
    pub diff_id: Option<String>,
    /// Its bytes as they are stored; `None` where it is not there.
    pub bytes: Option<u64>,
    /// The instruction that made it.
    pub instruction: Option<BString>,
}

/// The layers of the selected images, from the documents alone.
///
/// # Errors
///
/// When there is no image, or none that is selected.
pub fn layers(input: Input, selection: &Selection) -> Result<Vec<LayerSummary>, Error> {
    let mut opened = Opened::new(input)?;
    let stored = documents_of(&mut opened)?;
    let (layout, _) = Layout::of(&stored);
    if layout.images.is_empty() {
        let path = opened.shown();
        return Err(Error::NoImage { path, why: "it has no manifest that can be read" });
    }
    let chosen = Chosen::new(&layout.images, selection, None)?;
    let layers = chosen.images.iter().flat_map(|&(at, _)| {
        let image = &layout.images[at];
        image.layers.iter().enumerate().map(|(position, layer)| LayerSummary {
            image: image.shown(),
            position: position + 1,
            digest: layer.digest.clone(),
            diff_id: layer.diff_id.clone(),
            bytes: layer.entry.map(|entry| stored[entry].bytes),
            instruction: layer.instruction.clone(),
        })
    });
    Ok(layers.collect())
}

/// Reads an image as from standard input.
#[cfg(any(fuzzing, test))]
pub(crate) fn read_bytes<V: Visitor>(mut content: &[u8], visitor: &V) -> Result<Images, Error> {
    let (tally, entries) = (Tally::default(), Entries::default());
    let walk = Walk { is_watched: |_| true, documents_only: false, left_out: BTreeSet::new() };
    let withheld = Withheld::new(visitor);
    entries::visit_stream(&mut content, &walk, &entries, &withheld, &tally)?;
    understand(entries, &tally, &Selection::default(), None, &withheld)
}

/// What the documents among the entries say, after their texts were handed over.
fn understand<V: Visitor>(
    entries: Entries,
    tally: &Tally,
    selection: &Selection,
    base_ids: Option<&[String]>,
    visitor: &Withheld<'_, V>,
) -> Result<Images, Error> {
    let stored = entries.into_stored();
    let (layout, gaps) = Layout::of(&stored);
    let chosen = Chosen::new(&layout.images, selection, base_ids)?;
    let gaps = gaps.into_iter().filter(|gap| chosen.counts(&gap.about, selection));
    gaps.for_each(|gap| visitor.unread(gap.unread));
    let tally_texts = Tally::default();
    let mut hand_over = HandOver::new(visitor, &tally_texts, None);
    config::hand_over_texts(&stored, &layout, &mut hand_over);
    hand_over.flush();
    let mut read = Read { bytes: tally.bytes() + tally_texts.bytes(), ..Read::default() };
    for entry in &stored {
        read.files += entry.log.as_ref().map_or(0, |log| log.files_read);
        read.layers += u64::from(entry.log.is_some());
    }
    let images = Images::new(stored, layout, chosen, read);
    visitor.release(&images);
    Ok(images)
}

/// The diff ids of the image in `path`, whose layers are not read.
fn diff_ids_of(path: &Path) -> Result<Vec<String>, Error> {
    let stored = documents_of(&mut Opened::new(Input::Path(path.to_owned()))?)?;
    let (layout, _) = Layout::of(&stored);
    let image = layout.images.into_iter().find(|image| !image.is_attestation);
    let ids: Option<Vec<String>> =
        image.and_then(|image| image.layers.into_iter().map(|layer| layer.diff_id).collect());
    ids.filter(|ids| !ids.is_empty()).ok_or_else(|| Error::NoBase {
        base: path.display().to_string(),
        why: "it is no image whose configuration names its layers".to_owned(),
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
