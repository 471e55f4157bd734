//! `keysieve scan PATH...|-`, `keysieve scan --documents FILE...|-`

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::bail;
use bstr::BString;
use keysieve_containers::documents::Input;
use keysieve_git::{Repository, folder_of};

use crate::cli::about::explain_command;
use crate::cli::args::{Common, ValuesArgs};
use crate::cli::config::{PolicySource, output_config, scan_config_at, shows_progress};
use crate::cli::exit_code::ExitStatus;
use crate::cli::output::finish;
use crate::cli::progress::Bar;
use crate::cli::values::with_values;

pub(crate) fn run(
    paths: Vec<PathBuf>,
    are_documents: bool,
    values: &ValuesArgs,
    common: &Common,
) -> anyhow::Result<ExitStatus> {
    let is_stdin = paths.iter().any(|path| path == Path::new("-"));
    if is_stdin && paths.len() > 1 {
        bail!(
            "`-` is standard input and stands alone; scan files in a call of their own (a file named `-` is `./-`)"
        );
    }
    let repository =
        if is_stdin { Repository::open(Path::new(".")).ok() } else { repository_of(&paths, common)? };
    let policy = repository.as_ref().map_or(PolicySource::Nowhere, PolicySource::of);
    let (config, output) = (scan_config_at(common, policy, repository.as_ref())?, output_config(common)?);
    let mut config = with_values(config, values, None, is_stdin)?;
    // No rule explains values that were looked for, and no place in a file is that of a document.
    if !is_stdin && !are_documents && values.values.is_empty() {
        config.about.explain = Some(explain_by_place(repository.as_ref(), common));
    }
    let progress = Bar::new(shows_progress(common));
    let outcome = if are_documents {
        let input = |path| if is_stdin { Input::Stdin } else { Input::File(path) };
        keysieve::run::scan_documents(&config, paths.into_iter().map(input).collect(), &progress)?
    } else if is_stdin {
        keysieve::run::scan_stdin(&config, &progress)?
    } else {
        keysieve::run::scan_paths(&config, paths, &progress)?
    };
    drop(progress);
    finish(&outcome, &output)
}

/// What explains a finding by its file and line, which needs no repository.
fn explain_by_place(repository: Option<&Repository>, common: &Common) -> BString {
    let top = |repository: &Repository| repository.top().canonicalize().ok();
    let here = Repository::open(Path::new(".")).ok();
    let other = repository.filter(|repository| here.as_ref().and_then(top) != top(repository));
    explain_command("FILE:LINE", other.map(Repository::top), common)
}

/// The repository in which all of `paths` lie, whose policy counts for them; `None` outside of repositories, where there is no
/// policy, and for several of which none has one.
fn repository_of(paths: &[PathBuf], common: &Common) -> anyhow::Result<Option<Repository>> {
    let folders: BTreeSet<&Path> =
        paths.iter().filter(|path| path.exists()).map(|path| folder_of(path)).collect();
    let mut tops: BTreeMap<Option<PathBuf>, Option<Repository>> = BTreeMap::new();
    for folder in folders {
        let repository = Repository::open(folder).ok();
        let top = repository.as_ref().map(Repository::top);
        let top = top.map(|top| top.canonicalize().unwrap_or_else(|_| top.to_owned()));
        tops.entry(top).or_insert(repository);
    }
    if tops.len() <= 1 {
        return Ok(tops.into_values().next().flatten());
    }
    for repository in tops.values().flatten() {
        if let Some(file) = PolicySource::of(repository).own_file(common)? {
            bail!(
                "the paths do not all lie in {}, whose {file} counts there alone; scan each repository in a call of its own, or \
                 name one policy for all by --config and --baseline",
                repository.top().display()
            );
        }
    }
    Ok(None)
}
