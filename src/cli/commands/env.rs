//! `keysieve env [DIR]`

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use bstr::{BString, ByteSlice as _};
use keysieve::run::{Outcome, env_files_on_disk};
use keysieve_envfiles::contents::variable_names;
use keysieve_envfiles::{Addition, is_template_path};
use keysieve_git::Repository;
use keysieve_report::escaped;

use crate::cli::args::EnvArgs;
use crate::cli::config::{PolicySource, output_config, scan_config_at, shows_progress};
use crate::cli::exit_code::ExitStatus;
use crate::cli::output::{announce, finish, say};
use crate::cli::progress::Bar;
use crate::cli::values::{local_values, with_values};

/// The largest file whose variables are listed, in bytes.
const MAX_EXAMPLE_BYTES: u64 = 4 << 20;

pub(crate) fn run(args: &EnvArgs) -> anyhow::Result<ExitStatus> {
    let output = output_config(&args.common)?;
    let repository = Repository::open(&args.dir).ok();
    let policy = repository.as_ref().map_or(PolicySource::Nowhere, PolicySource::of);
    let config = scan_config_at(&args.common, policy, repository.as_ref())?;
    if args.write_example {
        return write_examples(&args.dir);
    }
    if args.sweep || !args.values.values.is_empty() {
        let local = repository.as_ref().map(local_values).transpose();
        let local = if args.sweep { Some(local?.unwrap_or(&args.dir)) } else { None };
        let config = with_values(config, &args.values, local, false)?;
        let progress = Bar::new(shows_progress(&args.common));
        let outcome = keysieve::run::env_sweep(&config, &args.dir, &progress)?;
        drop(progress);
        return finish(&outcome, &output);
    }
    let look = || {
        let progress = Bar::new(shows_progress(&args.common));
        keysieve::run::env(&config, &args.dir, &progress)
    };
    let mut outcome = look()?;
    if args.fix && fix(&outcome, args.yes)? {
        // What is told is how it is now.
        outcome = look()?;
    }
    finish(&outcome, &output)
}

/// Adds what is missing to ignore files. Returns whether it did.
fn fix(outcome: &Outcome, asks_nothing: bool) -> anyhow::Result<bool> {
    let mut lines: BTreeMap<&PathBuf, (&BString, Vec<&BString>)> = BTreeMap::new();
    let files = outcome.env_files.iter().filter(|file| file.severity().is_some());
    for Addition { file, target, line } in files.flat_map(|file| &file.additions) {
        let (_, lines) = lines.entry(target).or_insert_with(|| (file, Vec::new()));
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    if lines.is_empty() {
        say("no line is missing in .gitignore or .dockerignore files")?;
        return Ok(false);
    }
    for (file, lines) in lines.values() {
        lines.iter().try_for_each(|line| say(&format!("{}: + {}", escaped(file), escaped(line))))?;
    }
    if !asks_nothing && !agrees()? {
        say("nothing was written")?;
        return Ok(false);
    }
    for (target, (file, lines)) in lines {
        append(target, &lines).with_context(|| format!("cannot write to {}", escaped(file)))?;
    }
    Ok(true)
}

/// Asks on the terminal; elsewhere there is nobody to ask.
fn agrees() -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        bail!("nothing was written: there is no terminal to ask on; `--yes` writes without asking");
    }
    let mut error = io::stderr().lock();
    error
        .write_all(b"keysieve: write these lines? [y/N] ")
        .and_then(|()| error.flush())
        .context("cannot ask")?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).context("cannot read the answer")?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// Adds lines at the end of a file, which keeps its kind of line ends.
fn append(target: &Path, lines: &[&BString]) -> anyhow::Result<()> {
    let text = match fs::symlink_metadata(target) {
        Ok(metadata) if !metadata.is_file() => {
            bail!("it is no regular file, and git and Docker do not read it; put a file in its place")
        }
        Ok(_) => fs::read(target)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let end: &[u8] = if text.contains_str("\r\n") { b"\r\n" } else { b"\n" };
    let mut added: Vec<u8> = if text.is_empty() || text.ends_with(b"\n") { Vec::new() } else { end.to_vec() };
    lines.iter().for_each(|line| added.extend([line.as_slice(), end].concat()));
    OpenOptions::new().create(true).append(true).open(target)?.write_all(&added)?;
    Ok(())
}

/// Writes the variables of each environment file, without values, to a file beside it.
fn write_examples(dir: &Path) -> anyhow::Result<ExitStatus> {
    let mut status = ExitStatus::Clean;
    let mut written = 0;
    for file in env_files_on_disk(dir) {
        let name = file.as_os_str().as_encoded_bytes();
        // Only dotenv files have variables in lines.
        let is_dotenv = [".toml", ".json", ".yaml", ".yml", ".py", ".ini"]
            .iter()
            .all(|end| !name.ends_with(end.as_bytes()));
        if is_template_path(name) || !is_dotenv {
            continue;
        }
        let mut example = file.clone().into_os_string();
        example.push(".example");
        let example = PathBuf::from(example);
        let shown = escaped(example.as_os_str().as_encoded_bytes());
        match example_of(&file) {
            Ok(text) => match OpenOptions::new().create_new(true).write(true).open(&example) {
                Ok(mut new) => {
                    new.write_all(text.as_bytes()).with_context(|| format!("cannot write {shown}"))?;
                    announce(|out| {
                        let count = text.lines().count();
                        let variables = if count == 1 { "variable" } else { "variables" };
                        writeln!(out, "{shown}: {count} {variables}, without values")
                    })?;
                    written += 1;
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    announce(|out| writeln!(out, "{shown}: is there already, and stays as it is"))?;
                }
                Err(error) => return Err(error).with_context(|| format!("cannot write {shown}")),
            },
            Err(why) => {
                say(&format!("{}: {why}", escaped(name)))?;
                status = ExitStatus::Trouble;
            }
        }
    }
    if written == 0 {
        say("no example was written")?;
    }
    Ok(status)
}

/// The variables of a file, a line each.
fn example_of(file: &Path) -> Result<String, String> {
    let size = fs::metadata(file).map_err(|error| error.to_string())?.len();
    if size > MAX_EXAMPLE_BYTES {
        return Err(format!("it has {size} bytes, too many for a file of variables"));
    }
    let bytes = fs::read(file).map_err(|error| error.to_string())?;
    let names = variable_names(&bytes).map_err(|error| error.to_string())?;
    Ok(names.iter().map(|name| format!("{name}=\n")).collect())
}
