//! Where in the images a thing lies that was found in an entry, and what became of it in later layers.

use std::collections::{BTreeMap, BTreeSet};

use bstr::{BStr, BString, ByteSlice};

use keysieve_model::coverage::Read;
use keysieve_model::finding::{ImagePlace, LayerPlace, LayerRemoval};
use keysieve_model::provenance::Provenance;

use super::entries::Stored;
use super::layout::{Image, Layout};
use super::{Base, Error, Selection};

/// Images after they were read.
#[derive(Debug)]
pub struct Images {
    stored: Vec<Stored>,
    images: Vec<Image>,
    /// How many of each image's lowest layers are left out.
    skipped: Vec<usize>,
    by_name: BTreeMap<BString, usize>,
    /// Whether what no image names is left out.
    is_selected: bool,
    /// What some image names that is left out, and no other.
    notices: Vec<String>,
    read: Read,
}

impl Images {
    pub(super) fn new(
        stored: Vec<Stored>,
        layout: Layout,
        selection: &Selection,
        base_ids: Option<&[String]>,
        read: Read,
    ) -> Result<Self, Error> {
        let Layout { images, notices, .. } = layout;
        let all = images.len();
        let images = select_image(images, selection.image.as_deref())?;
        let images = select_platform(images, selection.platform.as_deref())?;
        let by_name = stored.iter().enumerate().map(|(at, entry)| (entry.name.clone(), at)).collect();
        let is_selected = images.len() < all;
        let mut new =
            Self { stored, skipped: vec![0; images.len()], images, by_name, is_selected, notices, read };
        if let Some(base) = &selection.base {
            new.skip_base(base, base_ids)?;
        }
        Ok(new)
    }

    /// What was read.
    #[must_use]
    pub fn read(&self) -> Read {
        self.read
    }

    /// Things to know that are neither findings nor gaps.
    #[must_use]
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// The places of what was found: one for each image that has the layer or document. None for what is left out.
    #[must_use]
    pub fn places(&self, provenance: &Provenance) -> Vec<ImagePlace> {
        let (entry, path, field) = match provenance {
            Provenance::Image { entry, path } => (entry, path.as_ref(), None),
            Provenance::ImageText { entry, field } => (entry, None, Some(field)),
            _ => return Vec::new(),
        };
        let Some(&at) = self.by_name.get(entry) else { return Vec::new() };
        let mut places = Vec::new();
        for (image, &skipped) in self.images.iter().zip(&self.skipped) {
            for (position, layer) in image.layers.iter().enumerate() {
                if layer.entry == Some(at) && position >= skipped {
                    places.push(ImagePlace {
                        image: image.shown(),
                        document: None,
                        path: path.cloned(),
                        field: field.cloned(),
                        layer: Some(self.layer_place(image, position)),
                        removal: path.and_then(|path| self.removal(image, position, path.as_bstr())),
                    });
                }
            }
            let is_layer = image.layers.iter().any(|layer| layer.entry == Some(at));
            if image.documents.contains(&at) && !is_layer {
                places.push(ImagePlace {
                    image: image.shown(),
                    document: Some(entry.clone()),
                    path: None,
                    field: field.cloned(),
                    layer: None,
                    removal: None,
                });
            }
        }
        let is_named = self.images.iter().any(|image| {
            image.documents.contains(&at) || image.layers.iter().any(|layer| layer.entry == Some(at))
        });
        if places.is_empty() && !is_named && !self.is_selected {
            places.push(ImagePlace {
                image: "(named by no image)".into(),
                document: Some(entry.clone()),
                path: path.cloned(),
                field: field.cloned(),
                layer: None,
                removal: None,
            });
        }
        places
    }

    /// The files whose names were watched for, with one place each.
    #[must_use]
    pub fn watched(&self) -> Vec<ImagePlace> {
        let watched = self.stored.iter().flat_map(|entry| {
            let paths = entry.log.iter().flat_map(|log| &log.watched);
            paths.filter_map(|path| {
                let file = Provenance::Image { entry: entry.name.clone(), path: Some(path.clone()) };
                self.places(&file).into_iter().next()
            })
        });
        watched.collect()
    }

    fn layer_place(&self, image: &Image, position: usize) -> LayerPlace {
        let layer = &image.layers[position];
        LayerPlace {
            digest: layer.digest.clone(),
            diff_id: layer.diff_id.clone(),
            position: position + 1,
            layers: image.layers.len(),
            instruction: layer.instruction.clone(),
        }
    }

    /// What the first later layer that touches the path does to it.
    fn removal(&self, image: &Image, position: usize, path: &BStr) -> Option<LayerRemoval> {
        image.layers.iter().enumerate().skip(position + 1).find_map(|(later, layer)| {
            let removal = self.stored[layer.entry?].log.as_ref()?.removal(path)?;
            Some(LayerRemoval { removal, layer: self.layer_place(image, later) })
        })
    }

    fn skip_base(&mut self, base: &Base, base_ids: Option<&[String]>) -> Result<(), Error> {
        let mut is_known = false;
        for (image, skipped) in self.images.iter().zip(&mut self.skipped) {
            let count = match base {
                Base::Layers(count) => Some((*count).min(image.layers.len())),
                Base::Digest(digest) => {
                    let is_meant = |layer: &super::layout::Layer| {
                        layer.digest == *digest || layer.diff_id.as_ref() == Some(digest)
                    };
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
            is_known = true;
            *skipped = count;
            let layers = if count == 1 { "layer" } else { "layers" };
            self.notices.push(format!("{count} {layers} of the base of {} left out", image.shown()));
        }
        if is_known {
            return Ok(());
        }
        let (base, why) = match base {
            Base::Layers(count) => (count.to_string(), "there is no image"),
            Base::Digest(digest) => (digest.clone(), "no image here has this layer"),
            Base::Image(path) => (path.display().to_string(), "no image here builds on it"),
        };
        Err(Error::NoBase { base, why })
    }
}

fn select_image(images: Vec<Image>, wanted: Option<&str>) -> Result<Vec<Image>, Error> {
    let Some(wanted) = wanted else { return Ok(images) };
    let is_meant = |image: &Image| {
        let is_name = |name: &String| {
            name == wanted
                || name.strip_suffix(":latest") == Some(wanted)
                || name.ends_with(&format!("/{wanted}"))
        };
        let hex = image.digest.strip_prefix("sha256:").unwrap_or(&image.digest);
        image.names.iter().any(is_name)
            || image.digest == wanted
            || (wanted.len() >= 12 && hex.starts_with(wanted))
    };
    let known = || list(images.iter().map(|image| image.shown().to_string()));
    if images.iter().any(is_meant) {
        return Ok(images.into_iter().filter(|image| is_meant(image)).collect());
    }
    Err(Error::NoSuchImage { wanted: wanted.to_owned(), known: known() })
}

fn select_platform(images: Vec<Image>, wanted: Option<&str>) -> Result<Vec<Image>, Error> {
    let Some(wanted) = wanted else { return Ok(images) };
    let is_meant = |image: &Image| {
        image.platform.as_deref().is_some_and(|platform| {
            platform == wanted || platform.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('/'))
        })
    };
    if images.iter().any(is_meant) {
        return Ok(images.into_iter().filter(|image| is_meant(image)).collect());
    }
    let known = list(images.iter().filter_map(|image| image.platform.clone()));
    Err(Error::NoSuchPlatform { wanted: wanted.to_owned(), known })
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
