//! Digests the sources that the program is built from, so that a cache of what one build read is not believed by another.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;

/// All that decides what is read and what is found in it: our own code, the rules, and by the lock file all that others wrote.
const SOURCES: &[&str] = &["src", "crates", "patterns.yaml", "patterns", "Cargo.lock"];

fn main() {
    println!("cargo::rustc-env=KEYSIEVE_SOURCES={:016x}", digest_of_sources());
}

fn digest_of_sources() -> u64 {
    let mut hasher = DefaultHasher::new();
    let mut paths: Vec<PathBuf> = Vec::new();
    for source in SOURCES {
        // In a published package the crates are elsewhere, and the lock file has their digests.
        if PathBuf::from(source).exists() {
            println!("cargo::rerun-if-changed={source}");
            paths.push(PathBuf::from(source));
        }
    }
    while let Some(path) = paths.pop() {
        path.hash(&mut hasher);
        if path.is_dir() {
            let entries = std::fs::read_dir(&path).into_iter().flatten().flatten();
            let first = paths.len();
            paths.extend(entries.map(|entry| entry.path()));
            paths[first..].sort();
        } else {
            std::fs::read(&path).unwrap_or_default().hash(&mut hasher);
        }
    }
    hasher.finish()
}
