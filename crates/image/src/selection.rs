//! Which images and layers are asked for, and what need not be read for that.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use bstr::ByteSlice;

use keysieve_model::chunk::{Chunk, Searched, Visitor};
use keysieve_model::coverage::Unread;

use super::layout::{About, Image, Layer};
use super::places::Images;
use super::{Base, Error, Selection};

/// The images that are asked for.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    /// Their numbers, each with how many of its lowest layers are left out.
    pub(super) images: Vec<(usize, usize)>,
    /// The sentence about what is left out.
    pub(super) notices: Vec<String>,
}

impl Chosen {
    /// `base_ids` are the diff ids of the base image, where the selection names one.
    pub(super) fn new(
        images: &[Image],
        selection: &Selection,
        base_ids: Option<&[String]>,
    ) -> Result<Self, Error> {
        let chosen = select_image((0..images.len()).collect(), images, selection.image.as_deref())?;
        let chosen = select_platform(chosen, images, selection.platform.as_deref())?;
        let mut new = Self { images: chosen.into_iter().map(|at| (at, 0)).collect(), notices: Vec::new() };
        if let Some(base) = &selection.base {
            new.skip_base(images, base, base_ids)?;
        }
        Ok(new)
    }

    /// The entries that no chosen image needs, of so many.
    pub(super) fn left_out(&self, images: &[Image], entries: usize) -> BTreeSet<usize> {
        let layers = |image: &Image, from: usize| -> Vec<usize> {
            image.layers.iter().skip(from).filter_map(|layer| layer.entry).collect()
        };
        let mut needed = BTreeSet::new();
        for &(at, skipped) in &self.images {
            needed.extend(layers(&images[at], skipped));
            needed.extend(&images[at].documents);
        }
        let unwanted: BTreeSet<usize> = match self.images.len() < images.len() {
            true => (0..entries).collect(),
            // Nothing but layers of a base is left out.
            false => images.iter().flat_map(|image| layers(image, 0)).collect(),
        };
        unwanted.difference(&needed).copied().collect()
    }

    /// Whether a gap counts.
    pub(super) fn counts(&self, about: &About, selection: &Selection) -> bool {
        match about {
            About::All => true,
            About::Image(image) => self.images.iter().any(|(at, _)| at == image),
            About::Layer(image, position) => {
                self.images.iter().any(|(at, skipped)| at == image && position >= skipped)
            }
            About::Named { digest, name, platform } => {
                let is_other_platform = selection.platform.as_ref().zip(platform.as_ref());
                let is_other_platform =
                    is_other_platform.is_some_and(|(wanted, platform)| !is_platform(platform, wanted));
                let is_other_image = selection.image.as_ref().is_some_and(|wanted| {
                    !name.iter().any(|name| is_name(name, wanted)) && !is_digest(digest, wanted)
                });
                !is_other_platform && !is_other_image
            }
        }
    }

    fn skip_base(&mut self, images: &[Image], base: &Base, base_ids: Option<&[String]>) -> Result<(), Error> {
        let mut is_known = false;
        // The number of layers of an image that has only those of its base.
        let mut all: Option<usize> = None;
        for (at, skipped) in &mut self.images {
            let image = &images[*at];
            let count = match base {
                Base::Layers(count) => Some(*count),
                Base::Digest(digest) => {
                    let is_meant =
                        |layer: &Layer| layer.digest == *digest || layer.diff_id.as_ref() == Some(digest);
                    image.layers.iter().position(is_meant).map(|at| at + 1)
                }
                Base::Image(_) => base_ids
                    .filter(|ids| {
                        let own = image.layers.iter().map(|layer| layer.diff_id.as_deref());
                        ids.len() <= image.layers.len()
                            && own.zip(ids.iter()).all(|(own, id)| own == Some(id))
                    })
                    .map(<[String]>::len),
            };
            let Some(count) = count else { continue };
            let length = image.layers.len();
            if count > 0 && count >= length {
                all = all.max(Some(length));
                continue;
            }
            is_known = true;
            *skipped = count;
            let layers = if count == 1 { "layer" } else { "layers" };
            self.notices.push(format!("{count} {layers} of the base of {} left out", image.shown()));
        }
        if is_known {
            return Ok(());
        }
        let (base, none) = match base {
            Base::Layers(count) => (count.to_string(), "there is no image"),
            Base::Digest(digest) => (digest.clone(), "no image here has this layer"),
            Base::Image(path) => (path.display().to_string(), "no image here builds on it"),
        };
        let whose = if self.images.len() == 1 { "the image has" } else { "the images have" };
        let why = match all {
            Some(1) => format!("{whose} only 1 layer, and nothing would be left to read"),
            Some(length) => format!("{whose} only {length} layers, and nothing would be left to read"),
            None => none.to_owned(),
        };
        Err(Error::NoBase { base, why })
    }
}

/// Hands over all but gaps, which wait until it is known which of them are about something that was asked for.
pub(super) struct Withheld<'v, V> {
    visitor: &'v V,
    unread: Mutex<Vec<Unread>>,
}

impl<'v, V: Visitor> Withheld<'v, V> {
    pub(super) fn new(visitor: &'v V) -> Self {
        Self { visitor, unread: Mutex::default() }
    }

    /// Hands over the gaps in what is not left out, by layer where they lie in one.
    pub(super) fn release(&self, images: &Images) {
        let unread = std::mem::take(&mut *self.unread.lock().unwrap_or_else(PoisonError::into_inner));
        for mut unread in unread {
            let entry = images.entry_of(unread.what.as_bstr()).map(ToOwned::to_owned);
            if let Some(entry) = entry {
                if images.leaves_out(entry.as_bstr()) {
                    continue;
                }
                unread.what = images.told_by_layer(entry.as_bstr(), unread.what.as_bstr());
            }
            self.visitor.unread(unread);
        }
    }
}

impl<V: Visitor> Visitor for Withheld<'_, V> {
    type Memo = V::Memo;

    fn chunk(&self, chunk: &Chunk<'_>, base: Option<&V::Memo>) -> Searched<V::Memo> {
        self.visitor.chunk(chunk, base)
    }

    fn unread(&self, unread: Unread) {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner).push(unread);
    }

    fn skipped(&self, skipped: Unread) {
        self.visitor.skipped(skipped);
    }
}

fn select_image(chosen: Vec<usize>, images: &[Image], wanted: Option<&str>) -> Result<Vec<usize>, Error> {
    let Some(wanted) = wanted else { return Ok(chosen) };
    let is_meant = |&at: &usize| {
        images[at].names.iter().any(|name| is_name(name, wanted)) || is_digest(&images[at].digest, wanted)
    };
    let meant: Vec<usize> = chosen.iter().copied().filter(is_meant).collect();
    if !meant.is_empty() {
        return Ok(meant);
    }
    let known = list(chosen.iter().map(|&at| images[at].shown().to_string()));
    Err(Error::NoSuchImage { wanted: wanted.to_owned(), known })
}

/// Whether an image of this name is the one that `wanted` names, with its registry and tag or without.
fn is_name(name: &str, wanted: &str) -> bool {
    let is = |name: &str| name == wanted || name.ends_with(&format!("/{wanted}"));
    is(name) || name.strip_suffix(":latest").is_some_and(is)
}

fn is_digest(digest: &str, wanted: &str) -> bool {
    const MIN_DIGITS: usize = 12;
    let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
    digest == wanted || (wanted.len() >= MIN_DIGITS && hex.starts_with(wanted))
}

fn select_platform(chosen: Vec<usize>, images: &[Image], wanted: Option<&str>) -> Result<Vec<usize>, Error> {
    let Some(wanted) = wanted else { return Ok(chosen) };
    let platform = |at: usize| images[at].platform.as_deref();
    let is_meant = |&at: &usize| platform(at).is_some_and(|platform| is_platform(platform, wanted));
    let meant: Vec<usize> = chosen.iter().copied().filter(is_meant).collect();
    if !meant.is_empty() {
        return Ok(meant);
    }
    let known = list(chosen.iter().filter_map(|&at| platform(at)).map(str::to_owned));
    Err(Error::NoSuchPlatform { wanted: wanted.to_owned(), known })
}

/// Whether `wanted` is this platform, with its variant or without.
fn is_platform(platform: &str, wanted: &str) -> bool {
    platform == wanted || platform.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('/'))
}

/// Names for a message, few of many.
fn list(names: impl Iterator<Item = String>) -> String {
    const MAX_NAMES: usize = 20;
    let names: BTreeSet<String> = names.collect();
    let mut shown: Vec<&str> = names.iter().map(String::as_str).take(MAX_NAMES).collect();
    if names.len() > MAX_NAMES {
        shown.push("...");
    }
    if shown.is_empty() { "none".to_owned() } else { shown.join(", ") }
}
