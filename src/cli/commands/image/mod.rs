//! `keysieve image FILE|DIR|NAME|-`

mod reference;
mod tool;

use std::ffi::OsStr;
use std::path::Path;

use anyhow::Context as _;
use keysieve_git::Repository;
use keysieve_image::{Base, Input, Selection};
use keysieve_report::escaped;

use self::reference::Reference;
use self::tool::{Fetched, Source};
use crate::cli::args::{Common, ValuesArgs};
use crate::cli::config::{PolicySource, output_config, scan_config, shows_progress};
use crate::cli::exit_code::ExitStatus;
use crate::cli::output::{finish, print, print_error, say};
use crate::cli::progress::Bar;
use crate::cli::values::with_values;

pub(crate) fn run(
    image: &OsStr,
    name: Option<String>,
    platform: Option<String>,
    skip_base: Option<String>,
    values: &ValuesArgs,
    common: &Common,
) -> anyhow::Result<ExitStatus> {
    // The repository in which the image is built has a say in what is known of it.
    let repository = Repository::open(Path::new(".")).ok();
    let policy = repository.as_ref().map_or(PolicySource::Nowhere, PolicySource::of);
    let (config, output) = (scan_config(common, policy)?, output_config(common)?);
    let reference = Reference::parse(image)?;
    let config = with_values(config, values, None, reference == Reference::Stdin)?;
    let selection = Selection { image: name, platform, base: skip_base.map(base) };
    with_image(reference, selection, |input, selection| {
        let progress = Bar::new(shows_progress(common));
        let outcome = keysieve::run::scan_image(&config, input, selection, &progress)?;
        drop(progress);
        finish(&outcome, &output)
    })
}

/// `keysieve image layers IMAGE`
pub(crate) fn layers(
    image: &OsStr,
    name: Option<String>,
    platform: Option<String>,
) -> anyhow::Result<ExitStatus> {
    let selection = Selection { image: name, platform, base: None };
    with_image(Reference::parse(image)?, selection, |input, selection| {
        let layers = keysieve_image::layers(input, selection)?;
        print(|out| {
            let mut image = None;
            for layer in &layers {
                if image != Some(&layer.image) {
                    let gap = if image.is_some() { "\n" } else { "" };
                    writeln!(out, "{gap}{}", escaped(&layer.image))?;
                    image = Some(&layer.image);
                }
                let size = layer.bytes.map_or_else(|| "not there".to_owned(), size);
                let instruction = layer.instruction.as_ref().map(|text| escaped(text)).unwrap_or_default();
                let line = format!(
                    "{:>4}  {}  {size:>9}  {instruction}",
                    layer.position,
                    escaped(layer.digest.as_bytes())
                );
                writeln!(out, "{}", line.trim_end())?;
            }
            Ok(())
        })
    })
}

/// Calls `read` with the image that is meant, wherever it is, and cleans up behind it.
fn with_image(
    reference: Reference,
    mut selection: Selection,
    read: impl FnOnce(Input, &Selection) -> anyhow::Result<ExitStatus>,
) -> anyhow::Result<ExitStatus> {
    let source = match reference {
        Reference::Stdin => return read(Input::stdin(), &selection),
        Reference::File { path, image } => {
            selection.image = selection.image.or(image);
            return read(Input::Path(path), &selection);
        }
        Reference::Named { store, name } => Source::of(store, &name, selection.platform.as_deref()),
    };
    let tool = match source {
        Source::Tool(tool) => tool,
        Source::Missing { why, lines } => {
            print_error(|out| {
                writeln!(out, "keysieve: {}; where a tool can get it, type", escaped(why.as_bytes()))?;
                lines.iter().try_for_each(|line| writeln!(out, "  {}", escaped(line.as_bytes())))
            })?;
            return Ok(ExitStatus::Trouble);
        }
    };
    say(&format!("reading the image from {tool}"))?;
    match tool.start()? {
        Fetched::Folder(folder) => {
            let status = read(Input::Path(folder.path().join(tool::LAYOUT)), &selection);
            folder.close().context("cannot remove the temporary folder of the image")?;
            status
        }
        Fetched::Stream(mut child) => {
            let stream = child.take_output()?;
            let status = read(Input::Stream(stream, tool.name().to_owned()), &selection);
            let ended = child.finish(status.is_err());
            match (status, ended) {
                // The error of the tool comes before the gaps that it caused.
                (_, Err(error)) => Err(error),
                (status, Ok(())) => status,
            }
        }
    }
}

/// A number of layers, a digest, or a file.
fn base(text: String) -> Base {
    match text.parse() {
        Ok(count) => Base::Layers(count),
        Err(_) if text.starts_with("sha256:") || text.starts_with("sha512:") => Base::Digest(text),
        Err(_) => Base::Image(text.into()),
    }
}

/// A number of bytes for people.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64;
    let mut unit = "B";
    for larger in UNITS {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = larger;
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") }
}
