//! What an image's documents say: which images there are, of which layers they are made, and by which instructions. Documents
//! are hostile: each is looked at once, and each name is looked up among what was read, never on disk.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bstr::{BStr, BString, ByteSlice};
use serde_json::Value;

use keysieve_model::coverage::Unread;
use keysieve_model::finding::ImageIdentity;

use super::config::Config;
use super::entries::{FILE_SYSTEM, Stored, by_name};
use super::{normal, unread};

/// The most documents that lead to an image, and the most images.
const MAX_DOCUMENTS: usize = 10_000;

/// What is in an image's files.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub(super) images: Vec<Image>,
    /// The documents that were understood, by their entries.
    pub(super) documents: BTreeMap<usize, Value>,
    /// Things to know that are no gaps.
    pub(super) notices: Vec<String>,
}

/// An image for one platform.
#[derive(Debug, Default)]
pub(super) struct Image {
    /// Its names and tags, sorted.
    pub(super) names: BTreeSet<String>,
    /// Such as `linux/arm64/v8`.
    pub(super) platform: Option<String>,
    /// The digest of its manifest, or of its configuration.
    pub(super) digest: String,
    /// The documents that belong to it.
    pub(super) documents: BTreeSet<usize>,
    /// From the lowest to the highest.
    pub(super) layers: Vec<Layer>,
    /// The configuration's entry.
    pub(super) config: Option<usize>,
    /// The digest of its manifest, where it has one.
    pub(super) manifest: Option<String>,
    /// The digest of its configuration.
    pub(super) config_digest: Option<String>,
    /// The steps of its history.
    pub(super) steps: Vec<BString>,
    /// Whether it says something about another image.
    pub(super) is_attestation: bool,
}

/// A layer of an image.
#[derive(Debug)]
pub(super) struct Layer {
    /// Absent where it is not there.
    pub(super) entry: Option<usize>,
    /// `sha256:` and the digest of its bytes as they are stored.
    pub(super) digest: String,
    /// The digest of its bytes unpacked, as the configuration has it.
    pub(super) diff_id: Option<String>,
    /// The instruction that made it, where the configuration tells.
    pub(super) instruction: Option<BString>,
}

impl Image {
    /// What to call it.
    pub(super) fn shown(&self) -> BString {
        let name = match self.names.iter().next() {
            Some(name) if self.names.len() > 1 => format!("{name} (and {} more tags)", self.names.len() - 1),
            Some(name) => name.clone(),
            None => self.digest.chars().take("sha256:".len() + 12).collect(),
        };
        match &self.platform {
            Some(platform) if self.is_attestation => format!("attestation of {name} for {platform}").into(),
            None if self.is_attestation => format!("attestation of {name}").into(),
            Some(platform) => format!("{name} ({platform})").into(),
            None => name.into(),
        }
    }
}

/// Something that the documents name and that is not as they say.
#[derive(Debug)]
pub(super) struct Gap {
    pub(super) unread: Unread,
    pub(super) about: About,
}

/// Which images a gap concerns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum About {
    /// All.
    #[default]
    All,
    /// The one with this number.
    Image(usize),
    /// The layer in this place, from 0, of the image with this number.
    Layer(usize, usize),
    /// One that an index names, and that may not be there.
    Named { digest: String, name: Option<String>, platform: Option<String> },
}

impl Image {
    /// What tells it from others.
    pub(super) fn identity(&self) -> Arc<ImageIdentity> {
        Arc::new(ImageIdentity {
            tags: self
                .names
                .iter()
                .filter(|name| *name != FILE_SYSTEM)
                .map(|name| name.as_str().into())
                .collect(),
            platform: self.platform.clone(),
            manifest: self.manifest.clone(),
            config: self.config_digest.clone(),
        })
    }
}

/// Builds a layout.
struct Builder<'s> {
    stored: &'s [Stored],
    names: BTreeMap<&'s BStr, usize>,
    by_digest: BTreeMap<&'s str, usize>,
    layout: Layout,
    gaps: Vec<Gap>,
    /// What the next gap is about.
    about: About,
    /// Digests that were followed.
    visited: BTreeSet<String>,
}

/// A document to follow, and what is said of it where it is named.
struct Named {
    entry: usize,
    name: Option<String>,
    platform: Option<String>,
    is_attestation: bool,
    /// The documents that led here.
    trail: BTreeSet<usize>,
}

impl Layout {
    /// What the documents among `stored` say, and what they name that is not there.
    pub(super) fn of(stored: &[Stored]) -> (Self, Vec<Gap>) {
        let by_digest = stored
            .iter()
            .enumerate()
            .filter(|(_, entry)| entry.alias.is_none() && !entry.digest.is_empty())
            .map(|(at, entry)| (entry.digest.as_str(), at))
            .collect();
        let mut builder = Builder {
            stored,
            names: by_name(stored),
            by_digest,
            layout: Self::default(),
            gaps: Vec::new(),
            about: About::All,
            visited: BTreeSet::new(),
        };
        builder.build();
        (builder.layout, builder.gaps)
    }
}

impl Builder<'_> {
    fn build(&mut self) {
        if let Some(&entry) = self.names.get(FILE_SYSTEM.as_bytes().as_bstr()) {
            let digest = format!("sha256:{}", self.stored[entry].digest);
            let layer = Layer { entry: Some(entry), digest, diff_id: None, instruction: None };
            let names = BTreeSet::from([FILE_SYSTEM.to_owned()]);
            self.layout.images.push(Image { names, layers: vec![layer], ..Image::default() });
            return;
        }
        if let Some(entry) = self.find("manifest.json") {
            match self.document(entry) {
                Some(Value::Array(images)) => {
                    for image in images.iter().take(MAX_DOCUMENTS) {
                        self.about = About::Image(self.layout.images.len());
                        self.docker_image(entry, image);
                        self.about = About::All;
                    }
                }
                Some(_) => self.follow(Named::root(entry)),
                None => {}
            }
        }
        if let Some(entry) = self.find("index.json") {
            self.follow(Named::root(entry));
        }
        if self.layout.images.is_empty() {
            // Old archives of `docker save` have no manifest, and a stream may be cut off before it.
            self.gap(unread(
                "the image's manifest",
                "there is none that can be read; every layer that is there was read, but not by which image and in which order",
            ));
        }
    }

    fn gap(&mut self, unread: Unread) {
        self.gaps.push(Gap { unread, about: self.about.clone() });
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.names.get(normal(name.as_bytes()).as_bstr()).copied()
    }

    /// The entry with this digest, `None` where it is not there or no digest.
    fn blob(&self, digest: &str) -> Option<usize> {
        let (algorithm, hex) = digest.split_once(':')?;
        let is_digest = algorithm.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+._-".contains(&byte))
            && hex.len() >= 32
            && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_digest {
            return None;
        }
        let places = [
            format!("blobs/{algorithm}/{hex}"),
            hex.to_owned(),
            format!("{hex}.tar"),
            format!("{hex}.tar.gz"),
            format!("{hex}.json"),
            digest.to_owned(),
        ];
        places
            .iter()
            .find_map(|name| self.find(name))
            .or_else(|| self.by_digest.get(hex).copied().filter(|_| algorithm == "sha256"))
    }

    /// The document in this entry, where it can be understood.
    fn document(&mut self, entry: usize) -> Option<Value> {
        if let Some(known) = self.layout.documents.get(&entry) {
            return Some(known.clone());
        }
        let stored = &self.stored[entry];
        // Levels are limited by the parser.
        let parsed = match &stored.document {
            Some(bytes) => serde_json::from_slice::<Value>(bytes).map_err(|error| error.to_string()),
            None => Err("it is no JSON document, or a very large one".to_owned()),
        };
        match parsed {
            Ok(document) => {
                self.layout.documents.insert(entry, document.clone());
                Some(document)
            }
            Err(why) => {
                let why = format!("it cannot be understood ({why}); it was searched as text");
                self.gap(unread(stored.name.clone(), why));
                None
            }
        }
    }

    /// Says where an entry's bytes are not those of the digest that it was found by.
    fn verify(&mut self, entry: usize, digest: &str) {
        let stored = &self.stored[entry];
        if let Some(hex) = digest.strip_prefix("sha256:")
            && !stored.digest.is_empty()
            && !hex.eq_ignore_ascii_case(&stored.digest)
        {
            let why = format!(
                "it is named {digest} and its digest is sha256:{}: it is damaged or was changed; it was read all the same",
                stored.digest
            );
            self.gap(unread(stored.name.clone(), why));
        }
    }

    /// Follows an index or manifest to the images that it leads to. Without recursion, and each document once.
    fn follow(&mut self, root: Named) {
        let mut next = vec![root];
        while let Some(named) = next.pop() {
            let Some(document) = self.document(named.entry) else { continue };
            if self.layout.documents.len() > MAX_DOCUMENTS {
                let why =
                    format!("more than {MAX_DOCUMENTS} documents; the rest was searched, but not followed");
                self.gap(unread("the image's index", why));
                return;
            }
            if let Some(manifests) = document["manifests"].as_array() {
                for descriptor in manifests.iter().rev() {
                    next.extend(self.descriptor(descriptor, &named));
                }
            } else if document["layers"].is_array() || document["config"].is_object() {
                self.about = About::Image(self.layout.images.len());
                self.manifest(&document, named);
                self.about = About::All;
            } else if document["fsLayers"].is_array() {
                let why = "a manifest of the first schema, which says nothing of the order of layers; they were read";
                self.gap(unread(self.stored[named.entry].name.clone(), why));
            }
        }
    }

    fn descriptor(&mut self, descriptor: &Value, parent: &Named) -> Option<Named> {
        let digest = descriptor["digest"].as_str()?;
        let annotation = |key: &str| descriptor["annotations"][key].as_str().map(str::to_owned);
        let name = annotation("io.containerd.image.name")
            .or_else(|| annotation("org.opencontainers.image.ref.name"))
            .or_else(|| parent.name.clone());
        // The same may be named twice, by two tags.
        if !self.visited.insert(digest.to_owned()) {
            let known = self.layout.images.iter_mut().find(|image| image.digest == digest);
            if let (Some(known), Some(name)) = (known, name) {
                known.names.insert(name);
            }
            return None;
        }
        let is_attestation =
            descriptor["annotations"]["vnd.docker.reference.type"].as_str() == Some("attestation-manifest");
        let platform = platform(&descriptor["platform"]);
        self.about =
            About::Named { digest: digest.to_owned(), name: name.clone(), platform: platform.clone() };
        let Some(entry) = self.blob(digest) else {
            let of = platform.map(|platform| format!(" for {platform}")).unwrap_or_default();
            let why =
                "the index names it, and it is not there; pull or save this platform too (`--all-platforms`)";
            self.gap(unread(format!("image {digest}{of}"), why));
            self.about = About::All;
            return None;
        };
        self.verify(entry, digest);
        self.about = About::All;
        let mut trail = parent.trail.clone();
        trail.insert(parent.entry);
        Some(Named { entry, name, platform, is_attestation, trail })
    }

    fn manifest(&mut self, manifest: &Value, named: Named) {
        let digest = format!("sha256:{}", self.stored[named.entry].digest);
        let mut image = Image {
            names: named.name.into_iter().collect(),
            platform: named.platform,
            manifest: Some(digest.clone()),
            digest,
            documents: named.trail,
            is_attestation: named.is_attestation,
            ..Image::default()
        };
        image.documents.insert(named.entry);
        let descriptors = manifest["layers"].as_array().map(Vec::as_slice).unwrap_or_default();
        let config_digest = manifest["config"]["digest"].as_str().unwrap_or_default();
        let config = self.config(config_digest, &mut image, descriptors.len());
        if let Some(same) = self.layout.images.iter_mut().find(|other| {
            // `docker save` writes both of its layouts, for the same images.
            image.config.is_some() && other.config == image.config && !image.is_attestation
        }) {
            same.names.extend(image.names);
            same.documents.extend(image.documents);
            same.platform = same.platform.take().or(image.platform);
            same.manifest = same.manifest.take().or(image.manifest);
            return;
        }
        for (at, descriptor) in descriptors.iter().enumerate() {
            let digest = descriptor["digest"].as_str().unwrap_or("(no digest)").to_owned();
            let entry = self.blob(&digest);
            let media_type = descriptor["mediaType"].as_str().unwrap_or_default();
            self.about = About::Layer(self.layout.images.len(), at);
            match entry {
                Some(entry) => {
                    self.verify(entry, &digest);
                    self.check_layer(entry, &digest, media_type);
                }
                None => {
                    let urls = &descriptor["urls"];
                    let why = match urls[0].as_str() {
                        Some(url) => {
                            format!("it is not in the image: it lies at {url}; get it and scan it by itself")
                        }
                        None if media_type.contains("foreign") || media_type.contains("nondistributable") => {
                            "a foreign layer, which is not in the image; get it and scan it by itself"
                                .to_owned()
                        }
                        None => "the manifest names it, and it is not there; save the image again".to_owned(),
                    };
                    self.gap(unread(layer_name(at, &digest, &image), why));
                }
            }
            image.layers.push(config.layer(at, entry, digest));
        }
        self.layout.images.push(image);
    }

    /// Says where a layer is none.
    fn check_layer(&mut self, entry: usize, digest: &str, media_type: &str) {
        if self.stored[entry].log.is_some() || !media_type.contains("tar") {
            return;
        }
        let why = if media_type.contains("encrypted") {
            "the layer is encrypted; decrypt the image (`skopeo copy --decryption-key`) and scan that"
                .to_owned()
        } else if self.stored[entry].digest == EMPTY_LAYER {
            return;
        } else {
            format!(
                "no archive that can be read, though {media_type} says so; its bytes were searched as they are"
            )
        };
        self.gap(unread(format!("layer {digest}"), why));
    }

    /// One image of a `manifest.json` of `docker save`.
    fn docker_image(&mut self, entry: usize, image: &Value) {
        let tags = image["RepoTags"].as_array().map(Vec::as_slice).unwrap_or_default();
        let config_name = image["Config"].as_str().unwrap_or_default();
        let layers = image["Layers"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut found = Image {
            names: tags.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            documents: BTreeSet::from([entry]),
            ..Image::default()
        };
        let config = self.config(config_name, &mut found, layers.len());
        found.digest = found.config.map_or_else(
            || config_name.to_owned(),
            |config| format!("sha256:{}", self.stored[config].digest),
        );
        for (at, name) in layers.iter().enumerate() {
            let name = name.as_str().unwrap_or("(no name)");
            let entry = self.find(name);
            let digest = entry.and_then(|entry| self.stored[entry].known_digest());
            let mut layer = config.layer(at, entry, digest.clone().unwrap_or_default());
            if digest.is_none() {
                // Layers are stored as they are in these archives, nearly always.
                let diff_id = layer.diff_id.clone().filter(|_| entry.is_some());
                layer.digest = diff_id.unwrap_or_else(|| name.to_owned());
            }
            self.about = About::Layer(self.layout.images.len(), at);
            match entry {
                None => {
                    let why = "the manifest names it, and it is not there; save the image again";
                    self.gap(unread(layer_name(at, name, &found), why));
                }
                Some(entry) => {
                    if let Some(hex) = name.strip_prefix("blobs/sha256/") {
                        self.verify(entry, &format!("sha256:{hex}"));
                    } else if self.stored[entry].is_plain_tar
                        && let Some(diff_id) = &layer.diff_id
                    {
                        self.verify(entry, &diff_id.clone());
                    }
                    self.check_layer(entry, name, "tar");
                }
            }
            found.layers.push(layer);
        }
        self.layout.images.push(found);
    }

    /// The configuration of an image with this many layers, by its digest or its name.
    fn config(&mut self, name: &str, image: &mut Image, layers: usize) -> Config {
        let Some(entry) = self.blob(name).or_else(|| self.find(name)) else {
            let why = "the image's manifest names it, and it is not there; save the image again";
            self.gap(unread(format!("configuration {name}"), why));
            return Config::default();
        };
        if name.contains(':') {
            self.verify(entry, name);
        }
        image.config = Some(entry);
        image.documents.insert(entry);
        let Some(document) = self.document(entry) else { return Config::default() };
        let written = platform(&document);
        image.platform = image.platform.take().or(written);
        image.config_digest = self.stored[entry].known_digest();
        let config = Config::of(&document, layers);
        image.steps.clone_from(&config.steps);
        config
    }
}

/// The digest of 0 bytes, which some write as an empty layer.
const EMPTY_LAYER: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

impl Named {
    fn root(entry: usize) -> Self {
        Self { entry, name: None, platform: None, is_attestation: false, trail: BTreeSet::new() }
    }
}

/// `os/architecture`, with its variant, as far as they are known.
fn platform(value: &Value) -> Option<String> {
    let parts =
        ["os", "architecture", "variant"].map(|key| value[key].as_str().filter(|part| !part.is_empty()));
    let parts: Vec<&str> = parts.into_iter().flatten().collect();
    (parts.len() >= 2 && parts != ["unknown", "unknown"]).then(|| parts.join("/"))
}

fn layer_name(at: usize, name: &str, image: &Image) -> BString {
    format!("layer {} of {} ({name})", at + 1, image.shown()).into()
}
