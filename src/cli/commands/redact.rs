//! `keysieve redact [FILE...]`

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use keysieve::run::Sweep;
use keysieve::run::redact::{Mark, Redaction, Redactor, Release};

use crate::cli::args::Redact;
use crate::cli::config::rules;
use crate::cli::exit_code::ExitStatus;
use crate::cli::output::{error, say};
use crate::cli::written::{Readers, Scratch};

/// The bytes that are read at once from a stream, where they come slowly, and from a file.
const PIECE_BYTES: usize = 64 << 10;
const FILE_PIECE_BYTES: usize = 8 << 20;
/// The most pieces of a stream that wait and are searched in one go.
const MAX_PIECES: usize = 64;

/// The number of secrets that were replaced, by rule.
type Counts = BTreeMap<String, u64>;

pub(crate) fn run(asked: &Redact) -> anyhow::Result<ExitStatus> {
    let redaction = redaction(asked)?;
    redaction.left_out().iter().try_for_each(|line| say(line))?;
    let hold = Duration::from_millis(asked.hold.into());
    let stdin = [PathBuf::from("-")];
    let files = if asked.files.is_empty() { &stdin[..] } else { &asked.files };
    let (mut counts, mut status) = (Counts::new(), ExitStatus::Clean);
    for file in files {
        let redacted = match (is_stdin(file), asked.in_place) {
            (true, true) => Err(anyhow!(
                "`-` is standard input, which cannot be rewritten in place (a file named `-` is `./-`)"
            )),
            (true, false) => redact_stdin(&redaction, hold),
            (false, false) => print_file(&redaction, file),
            (false, true) => rewrite(&redaction, file),
        };
        match redacted {
            Ok(found) => {
                for (rule, count) in found {
                    *counts.entry(rule).or_default() += count;
                }
            }
            // Whoever reads the output has gone: that needs no message, but not all was written.
            Err(why) if is_broken_pipe(&why) => return Ok(ExitStatus::Trouble),
            Err(why) => {
                error(&why);
                status = ExitStatus::Trouble;
            }
        }
    }
    if asked.verbose {
        say(&summary(&counts))?;
    }
    Ok(status)
}

fn redaction(asked: &Redact) -> anyhow::Result<Redaction> {
    let mark = asked.with.as_ref().map(|text| Mark::text(text).context("--with")).transpose()?;
    let mut sweep = None;
    for file in &asked.values {
        if is_stdin(file) {
            bail!("--values names a file here, since standard input may be what is redacted");
        }
        sweep.get_or_insert_with(Sweep::with_weak_values).add_file(file)?;
    }
    Ok(Redaction::new(rules(&asked.rules)?, sweep, mark.unwrap_or_default())?)
}

fn is_stdin(file: &Path) -> bool {
    file == Path::new("-")
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let kind = error.downcast_ref::<WriteError>().map(|error| error.0.kind());
    kind == Some(io::ErrorKind::BrokenPipe)
}

/// Why standard output cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to standard output: {0}")]
struct WriteError(io::Error);

fn summary(counts: &Counts) -> String {
    let total: u64 = counts.values().sum();
    let by_rule: Vec<String> = counts.iter().map(|(rule, count)| format!("{count} {rule}")).collect();
    match total {
        0 => "no secret was found".to_owned(),
        1 => format!("1 secret was replaced: {}", by_rule.join(", ")),
        _ => format!("{total} secrets were replaced: {}", by_rule.join(", ")),
    }
}

fn counts_of(redactor: &Redactor) -> Counts {
    redactor.counts().into_iter().map(|(rule, count)| (rule.to_owned(), count)).collect()
}

/// Writes to standard output what is ready.
fn print(redactor: &mut Redactor, release: Release) -> anyhow::Result<()> {
    let mut ready = Vec::new();
    redactor.release(release, &mut ready);
    let mut out = io::stdout().lock();
    out.write_all(&ready).and_then(|()| out.flush()).map_err(WriteError)?;
    Ok(())
}

/// A message from the reader of a stream: bytes, or why there are no more of them. Its end is the end of the channel.
type Piece = io::Result<Vec<u8>>;

/// Redacts a stream of which the bytes may come slowly: what is held back for too long is written all the same.
fn redact_stdin(redaction: &Redaction, hold: Duration) -> anyhow::Result<Counts> {
    let (sender, pieces) = sync_channel(MAX_PIECES);
    thread::Builder::new()
        .name("standard input".to_owned())
        .spawn(move || read_pieces(&mut io::stdin().lock(), &sender))
        .context("cannot start a thread")?;
    let mut redactor = redaction.redactor(None);
    // The number of bytes that had come, and when.
    let mut arrivals: VecDeque<(u64, Instant)> = VecDeque::new();
    let failure = loop {
        while arrivals.front().is_some_and(|(received, _)| *received <= redactor.released()) {
            arrivals.pop_front();
        }
        let oldest = arrivals.front().map(|(_, at)| *at + hold);
        match next(&pieces, oldest) {
            Ok(Ok(piece)) => {
                redactor.push(&piece);
                // A fast stream is searched in large parts.
                let failure = pieces.try_iter().take(MAX_PIECES).find_map(|piece| match piece {
                    Ok(piece) => {
                        redactor.push(&piece);
                        None
                    }
                    Err(failure) => Some(failure),
                });
                arrivals.push_back((redactor.received(), Instant::now()));
                print(&mut redactor, Release::Settled)?;
                if failure.is_some() {
                    break failure;
                }
            }
            Ok(Err(failure)) => break Some(failure),
            Err(RecvTimeoutError::Disconnected) => break None,
            Err(RecvTimeoutError::Timeout) => {
                let now = Instant::now();
                let aged = arrivals.iter().rev().find(|(_, at)| *at + hold <= now);
                match (aged, arrivals.back()) {
                    (Some(aged), Some(last)) if aged == last => print(&mut redactor, Release::All)?,
                    (Some((received, _)), _) => {
                        let received = *received;
                        print(&mut redactor, Release::Aged(received))?;
                        // What is still held back waits for more, or for silence.
                        arrivals.retain(|(other, _)| *other > received);
                    }
                    _ => {}
                }
            }
        }
    };
    print(&mut redactor, Release::Rest)?;
    match failure {
        Some(failure) => Err(anyhow!("cannot read standard input: {failure}")),
        None => Ok(counts_of(&redactor)),
    }
}

/// The next piece; waits for it until `deadline`.
fn next(pieces: &Receiver<Piece>, deadline: Option<Instant>) -> Result<Piece, RecvTimeoutError> {
    match deadline {
        Some(deadline) => pieces.recv_timeout(deadline.saturating_duration_since(Instant::now())),
        None => pieces.recv().map_err(|_| RecvTimeoutError::Disconnected),
    }
}

/// Reads to the end of `input`, or until nobody waits for it.
fn read_pieces(input: &mut impl Read, pieces: &SyncSender<Piece>) {
    let mut buffer = vec![0; PIECE_BYTES];
    loop {
        let piece = match input.read(&mut buffer) {
            Ok(0) => return,
            Ok(length) => Ok(buffer[..length].to_vec()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        let is_last = piece.is_err();
        if pieces.send(piece).is_err() || is_last {
            return;
        }
    }
}

/// Hands what is ready of `file` to `write`, piece by piece.
fn redact_file(
    redactor: &mut Redactor,
    file: &mut File,
    path: &Path,
    mut write: impl FnMut(&mut Redactor, Release) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut buffer = vec![0; FILE_PIECE_BYTES];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return write(redactor, Release::Rest),
            Ok(length) => {
                redactor.push(&buffer[..length]);
                write(redactor, Release::Settled)?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error).with_context(|| cannot_read(path)),
        }
    }
}

fn cannot_read(path: &Path) -> String {
    format!("cannot read {}", path.display())
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write {}", path.display())
}

fn print_file(redaction: &Redaction, path: &Path) -> anyhow::Result<Counts> {
    let mut file = File::open(path).with_context(|| cannot_read(path))?;
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        bail!("{} is a folder; name files", path.display());
    }
    let mut redactor = redaction.redactor(Some(path));
    redact_file(&mut redactor, &mut file, path, print)?;
    Ok(counts_of(&redactor))
}

/// Writes the file anew beside itself and puts that in its place. A file without secrets is left alone.
fn rewrite(redaction: &Redaction, path: &Path) -> anyhow::Result<Counts> {
    let before = fs::symlink_metadata(path).with_context(|| cannot_read(path))?;
    if before.is_symlink() {
        bail!("{} is a symbolic link; name the file that it leads to", path.display());
    }
    if !before.is_file() {
        bail!("{} is not a regular file, so it cannot be rewritten in place", path.display());
    }
    if names(&before) > 1 {
        bail!(
            "{} has other names (hard links), under which the secrets would stay; remove those, or print the file and copy it",
            path.display()
        );
    }
    let mut file = File::open(path).with_context(|| cannot_read(path))?;
    let mut scratch = Scratch::beside(path, Readers::Owner).with_context(|| cannot_write(path))?;
    let mut redactor = redaction.redactor(Some(path));
    redact_file(&mut redactor, &mut file, path, |redactor, release| {
        let mut ready = Vec::new();
        redactor.release(release, &mut ready);
        scratch.file.write_all(&ready).with_context(|| cannot_write(&scratch.path))
    })?;
    let counts = counts_of(&redactor);
    if !counts.is_empty() {
        let now = fs::symlink_metadata(path).with_context(|| cannot_read(path))?;
        if !is_same(&before, &now) {
            bail!("{} was changed while it was read; run the command again", path.display());
        }
        place(scratch, path, &before).with_context(|| cannot_write(path))?;
    }
    Ok(counts)
}

/// Puts the file in the place of the one at `path`, with the owner and permissions that this had.
fn place(scratch: Scratch, path: &Path, before: &Metadata) -> io::Result<()> {
    set_owner(&scratch.file, before)?;
    scratch.file.set_permissions(before.permissions())?;
    scratch.file.sync_all()?;
    scratch.replace(path)
}

#[cfg(unix)]
fn names(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(metadata)
}

#[cfg(not(unix))]
fn names(_: &Metadata) -> u64 {
    1
}

/// Gives the file the owner and group that `before` has, where they differ.
#[cfg(unix)]
fn set_owner(file: &File, before: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let now = file.metadata()?;
    if (now.uid(), now.gid()) == (before.uid(), before.gid()) {
        return Ok(());
    }
    std::os::unix::fs::fchown(file, Some(before.uid()), Some(before.gid()))
}

#[cfg(not(unix))]
fn set_owner(_: &File, _: &Metadata) -> io::Result<()> {
    Ok(())
}

/// Whether it is the same file with the same content, as far as its metadata say.
fn is_same(before: &Metadata, now: &Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        if (before.dev(), before.ino()) != (now.dev(), now.ino()) {
            return false;
        }
    }
    (before.len(), before.modified().ok()) == (now.len(), now.modified().ok())
}
