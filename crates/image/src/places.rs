//! Where in the images a thing lies that was found in an entry, and what became of it in later layers.

use std::collections::BTreeMap;
use std::sync::Arc;

use bstr::{BStr, BString, ByteSlice};

use keysieve_model::coverage::Read;
use keysieve_model::finding::{ImagePlace, LayerPlace, LayerRemoval};
use keysieve_model::provenance::Provenance;

use super::entries::{FILE_SYSTEM, Stored};
use super::layout::{Image, Layout};
use super::selection::Chosen;

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
    /// Things to know that are neither findings nor gaps.
    notices: Vec<String>,
    read: Read,
}

impl Images {
    pub(super) fn new(stored: Vec<Stored>, layout: Layout, chosen: Chosen, read: Read) -> Self {
        let Layout { images, mut notices, .. } = layout;
        let is_selected = chosen.images.len() < images.len();
        let mut images: Vec<Option<Image>> = images.into_iter().map(Some).collect();
        let (images, skipped) = chosen
            .images
            .iter()
            .filter_map(|&(at, skipped)| Some((images.get_mut(at)?.take()?, skipped)))
            .unzip();
        notices.extend(chosen.notices);
        let by_name = stored.iter().enumerate().map(|(at, entry)| (entry.name.clone(), at)).collect();
        Self { stored, images, skipped, by_name, is_selected, notices, read }
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
                    let (path, removal) = match path {
                        Some(path) => {
                            let (path, removal) = self.live_name(image, position, at, path);
                            (Some(path), removal)
                        }
                        None => (None, None),
                    };
                    places.push(ImagePlace {
                        image: image.shown(),
                        document: None,
                        path,
                        field: field.cloned(),
                        layer: Some(self.layer_place(image, position)),
                        step: None,
                        removal,
                        identity: image.identity(),
                    });
                }
            }
            let is_layer = image.layers.iter().any(|layer| layer.entry == Some(at));
            if image.documents.contains(&at) && !is_layer {
                places.push(ImagePlace {
                    image: image.shown(),
                    document: Some(entry.clone()),
                    path: None,
                    step: field.filter(|_| image.config == Some(at)).and_then(|field| step(image, field)),
                    field: field.cloned(),
                    layer: None,
                    removal: None,
                    identity: image.identity(),
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
                step: None,
                removal: None,
                identity: Arc::default(),
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

    /// Whether it is of an entry that only images and layers have that are left out.
    pub(super) fn leaves_out(&self, entry: &BStr) -> bool {
        let Some(&at) = self.by_name.get(entry) else { return false };
        let is_kept = self.images.iter().zip(&self.skipped).any(|(image, &skipped)| {
            image.documents.contains(&at)
                || image.layers.iter().skip(skipped).any(|layer| layer.entry == Some(at))
        });
        let is_skipped =
            self.images.iter().any(|image| image.layers.iter().any(|layer| layer.entry == Some(at)));
        !is_kept && (is_skipped || self.is_selected)
    }

    /// The entry to which a text about an unread thing belongs: `ENTRY`, `ENTRY: path` or `ENTRY!member`.
    pub(super) fn entry_of<'t>(&self, what: &'t BStr) -> Option<&'t BStr> {
        let ends = what.find_iter(b": ").chain(what.find_iter(b"!")).chain([what.len()]);
        ends.map(|end| what[..end].as_bstr()).find(|name| self.by_name.contains_key(*name))
    }

    /// `layer 3 of app:1 (COPY . .): usr/x` for `ENTRY: usr/x`, where the entry is a layer of an image.
    pub(super) fn told_by_layer(&self, entry: &BStr, what: &BStr) -> BString {
        let Some(&at) = self.by_name.get(entry) else { return what.to_owned() };
        let found = self.images.iter().find_map(|image| {
            let position = image.layers.iter().position(|layer| layer.entry == Some(at))?;
            // A file system by itself has no other layers.
            (self.stored[at].name != FILE_SYSTEM).then_some((image, position))
        });
        let Some((image, position)) = found else { return what.to_owned() };
        let mut told = format!("layer {} of {}", position + 1, image.shown()).into_bytes();
        match &image.layers[position].instruction {
            // Whole: of a part nobody could say whether it is one of a secret.
            Some(instruction) => told.extend([b" (", instruction.as_slice(), b")"].concat()),
            None => told.extend(format!(" ({})", image.layers[position].digest).bytes()),
        }
        told.extend_from_slice(&what[entry.len()..]);
        told.into()
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

    /// A name of the file that no later layer takes away, where it has one, or its own and what became of that.
    fn live_name(
        &self,
        image: &Image,
        position: usize,
        entry: usize,
        path: &BString,
    ) -> (BString, Option<LayerRemoval>) {
        let removal = self.removal(image, position, path.as_bstr());
        let log = self.stored[entry].log.as_ref().filter(|_| removal.is_some());
        let mut links = log.into_iter().flat_map(|log| log.links_to(path));
        match links.find(|link| self.removal(image, position, link.as_bstr()).is_none()) {
            Some(link) => (link.clone(), None),
            None => (path.clone(), removal),
        }
    }

    /// What the first later layer that touches the path does to it.
    fn removal(&self, image: &Image, position: usize, path: &BStr) -> Option<LayerRemoval> {
        image.layers.iter().enumerate().skip(position + 1).find_map(|(later, layer)| {
            let removal = self.stored[layer.entry?].log.as_ref()?.removal(path)?;
            Some(LayerRemoval { removal, layer: self.layer_place(image, later) })
        })
    }
}

/// The step of the history that a field such as `history[3].created_by` is of.
fn step(image: &Image, field: &BString) -> Option<BString> {
    let number = field.strip_prefix(b"history[")?.split(|&byte| byte == b']').next()?;
    let number: usize = number.to_str().ok()?.parse().ok()?;
    image.steps.get(number).filter(|step| !step.is_empty()).cloned()
}
