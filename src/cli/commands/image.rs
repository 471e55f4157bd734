//! `keysieve image FILE|DIR|-`

use std::path::{Path, PathBuf};

use keysieve_git::Repository;
use keysieve_image::{Base, Input, Selection};

use crate::cli::args::{Common, ValuesArgs};
use crate::cli::config::{PolicySource, output_config, scan_config, shows_progress};
use crate::cli::exit_code::ExitStatus;
use crate::cli::output::finish;
use crate::cli::progress::Bar;
use crate::cli::values::with_values;

pub(crate) fn run(
    image: PathBuf,
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
    let selection = Selection { image: name, platform, base: skip_base.map(base) };
    let input = if image == Path::new("-") { Input::Stdin } else { Input::Path(image) };
    let config = with_values(config, values, None, matches!(input, Input::Stdin))?;
    let progress = Bar::new(shows_progress(common));
    let outcome = keysieve::run::scan_image(&config, &input, &selection, &progress)?;
    drop(progress);
    finish(&outcome, &output)
}

/// A number of layers, a digest, or a file.
fn base(text: String) -> Base {
    match text.parse() {
        Ok(count) => Base::Layers(count),
        Err(_) if text.starts_with("sha256:") || text.starts_with("sha512:") => Base::Digest(text),
        Err(_) => Base::Image(text.into()),
    }
}
