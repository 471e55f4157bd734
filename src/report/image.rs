//! Places in container images, for people.

use std::io::{self, Write};

use bstr::{BStr, ByteSlice};

use crate::finding::{Container, Finding, ImagePlace, LayerPlace, Removal};

use super::escaped;

/// How much of an instruction is shown, in characters; heredocs can be long.
const MAX_INSTRUCTION: usize = 160;
/// How many digits of a digest tell layers apart, behind `sha256:`.
const DIGEST_DIGITS: usize = 12;

/// Writes a place; `at` is the rest of its path, the line and the column.
pub(super) fn write_place(out: &mut dyn Write, place: &ImagePlace, at: &str) -> io::Result<()> {
    match (&place.path, &place.field, &place.document) {
        (Some(path), ..) => writeln!(out, "  image    {}{at}", escaped(path))?,
        (None, Some(field), _) => writeln!(out, "  image    {} of the configuration", escaped(field))?,
        (None, None, Some(document)) => writeln!(out, "  image    {}{at}", escaped(document))?,
        (None, None, None) => writeln!(out, "  image    the layer itself{at}")?,
    }
    let layer = place.layer.as_ref().map(|layer| format!(", {}", layer_text(layer))).unwrap_or_default();
    writeln!(out, "           in {}{layer}", escaped(&place.image))?;
    if let Some(text) = removal_text(place) {
        writeln!(out, "           {text}")?;
    }
    Ok(())
}

/// `layer 3 of 5 sha256:0123456789ab (COPY . .)`
fn layer_text(layer: &LayerPlace) -> String {
    let digest: String = layer.digest.chars().take("sha256:".len() + DIGEST_DIGITS).collect();
    let made_by = layer.instruction.as_ref().map(|text| format!(" (`{}`)", shortened(text.as_bstr())));
    let (position, layers) = (layer.position, layer.layers);
    format!("layer {position} of {layers} {}{}", escaped(digest.as_bytes()), made_by.unwrap_or_default())
}

fn removal_text(place: &ImagePlace) -> Option<String> {
    let removal = place.removal.as_ref()?;
    let what = match removal.removal {
        Removal::Deleted => "deleted",
        Removal::Hidden => "hidden",
        Removal::Overwritten => "overwritten",
    };
    let by = removal.layer.instruction.as_ref().map(|text| format!(" (`{}`)", shortened(text.as_bstr())));
    let still = place.layer.as_ref().map(|layer| format!(", still readable in layer {}", layer.position));
    Some(format!(
        "{what} by layer {}{}{}",
        removal.layer.position,
        by.unwrap_or_default(),
        still.unwrap_or_default()
    ))
}

fn shortened(text: &BStr) -> String {
    let shown = escaped(text);
    if shown.chars().count() <= MAX_INSTRUCTION {
        return shown;
    }
    format!("{}...", shown.chars().take(MAX_INSTRUCTION).collect::<String>())
}

/// What to do about a secret in an image.
pub(super) fn advice(finding: &Finding) -> &'static str {
    let images = || {
        finding.places.iter().filter_map(|place| match &place.container {
            Container::Image(image) => Some(image),
            _ => None,
        })
    };
    let made_by = |word: &str| {
        images().any(|place| {
            let instruction = place.layer.as_ref().and_then(|layer| layer.instruction.as_ref());
            instruction.is_some_and(|text| text.starts_with(word.as_bytes()))
        })
    };
    if images().any(|place| place.field.is_some()) {
        "whoever can pull the image reads its configuration: rotate it; give it to a build with \
         `RUN --mount=type=secret`, to a container when it starts, and to neither with ENV or ARG"
    } else if made_by("RUN") {
        "whoever can pull the image has it, deleted or not: rotate it, and use `RUN --mount=type=secret`, which leaves \
         nothing in a layer, or a stage of its own that is not published"
    } else {
        "whoever can pull the image has it, deleted or not: rotate it, keep the file out with .dockerignore, and copy what is \
         needed only, from a stage that is not published"
    }
}

/// `is in the image app:1, layer 2 of 3 ...`
pub(super) fn env_file_text(place: &ImagePlace) -> String {
    let layer = place.layer.as_ref().map(|layer| format!(", {}", layer_text(layer))).unwrap_or_default();
    let removal = removal_text(place).map(|text| format!("; {text}")).unwrap_or_default();
    format!("is in the image {}{layer}{removal}", escaped(&place.image))
}
