//! Files that are written: whole or not at all. What is there stays as it is until the new content is complete.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Who may read a new file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Whom the system lets by default; those of the file that was there before.
    Usual,
    /// Its owner alone: secrets are in it.
    Owner,
}

/// Writes a file: under another name first, then renamed. A link is followed; a pipe or device is written to as it is.
pub(crate) fn write(
    path: &Path,
    readers: Readers,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let before = match fs::symlink_metadata(&target) {
        // A link that leads nowhere makes the file that it names.
        Ok(metadata) if metadata.is_symlink() => None,
        Ok(metadata) if !metadata.is_file() => {
            return write_all(OpenOptions::new().write(true).open(&target)?, content);
        }
        metadata => metadata.ok(),
    };
    if path.is_symlink() && before.is_none() {
        return write_all(created(OpenOptions::new().write(true).create(true), readers).open(path)?, content);
    }
    let scratch = match Scratch::beside(&target, readers) {
        Ok(scratch) => scratch,
        // The file may be written, and its folder not.
        Err(error) if error.kind() == ErrorKind::PermissionDenied && before.is_some() => {
            let file = OpenOptions::new().write(true).truncate(true).open(&target)?;
            return write_all(file, content);
        }
        Err(error) => return Err(error),
    };
    if let Some(before) = before.filter(|_| readers == Readers::Usual) {
        scratch.file.set_permissions(before.permissions())?;
    }
    write_all(&scratch.file, content)?;
    scratch.replace(&target)
}

/// A new file beside another one whose place it is to take; removed unless it took it.
pub(crate) struct Scratch {
    pub(crate) path: PathBuf,
    pub(crate) file: File,
    is_placed: bool,
}

impl Scratch {
    /// Makes the file.
    ///
    /// # Errors
    ///
    /// When the folder cannot be written to.
    pub(crate) fn beside(path: &Path, readers: Readers) -> io::Result<Self> {
        let path = scratch_of(path);
        let file = created(OpenOptions::new().write(true).create_new(true), readers).open(&path)?;
        Ok(Self { path, file, is_placed: false })
    }

    /// Puts it in the place of the file at `path`.
    ///
    /// # Errors
    ///
    /// When it cannot be renamed.
    pub(crate) fn replace(mut self, path: &Path) -> io::Result<()> {
        fs::rename(&self.path, path)?;
        self.is_placed = true;
        Ok(())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.is_placed {
            // Nothing is left to be done where it cannot be removed.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn write_all(file: impl Write, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut file = BufWriter::new(file);
    content(&mut file)?;
    file.flush()
}

/// Beside the file, so that it can be renamed.
fn scratch_of(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.tmp", std::process::id()));
    path.with_file_name(name)
}

#[cfg(unix)]
fn created(options: &mut OpenOptions, readers: Readers) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    match readers {
        Readers::Usual => options,
        Readers::Owner => options.mode(0o600),
    }
}

#[cfg(not(unix))]
fn created(options: &mut OpenOptions, _readers: Readers) -> &mut OpenOptions {
    options
}
