//! An object directory for one run after the other.

use std::fs;
use std::path::Path;
use std::sync::{LazyLock, Mutex};

use gix::hash::Kind as HashKind;
use keysieve_git::fuzzing::{Walked, walk};
use tempfile::TempDir;

use crate::forge::Files;

/// One directory a process; the lock keeps runs apart, and one thread is what makes them repeatable.
static DIR: LazyLock<Mutex<TempDir>> = LazyLock::new(|| {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread();
    pool.build_global().expect("the first pool");
    Mutex::new(tempfile::Builder::new().prefix("keysieve-fuzz-").tempdir().expect("a temporary directory"))
});

/// What is read of a pack and its index.
pub(crate) fn walk_files(files: &Files, hash: HashKind) -> Walked {
    let dir = DIR.lock().expect("a panic ends the process");
    write_pack(dir.path(), files);
    walk(dir.path(), hash)
}

/// Writes the pack of an object directory; the same names each time, so that there is nothing to clean up.
fn write_pack(objects: &Path, files: &Files) {
    let dir = objects.join("pack");
    fs::create_dir_all(&dir).expect("a directory");
    fs::write(dir.join("pack-0.pack"), &files.pack).expect("a file");
    fs::write(dir.join("pack-0.idx"), &files.index).expect("a file");
}
