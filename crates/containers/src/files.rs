//! Single files that were chosen before.

use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use bstr::BString;
use rayon::prelude::*;

use keysieve_model::chunk::Visitor;
use keysieve_model::coverage::{Read, Unread};
use keysieve_model::provenance::Provenance;

use super::archive::{HandOver, Tally, visit_stream};
use super::worktree::too_large;
use keysieve_model::chunk::Source;

/// A file to be read.
#[derive(Debug, Clone)]
pub struct ChosenFile {
    /// Where it is.
    pub path: PathBuf,
    /// What reports call it.
    pub shown: BString,
    /// Whether git ignores it.
    pub ignored: bool,
}

/// Files to be read.
#[derive(Debug, Clone, Default)]
pub struct Files {
    /// The files.
    pub files: Vec<ChosenFile>,
    /// Larger ones are named as unread.
    pub max_file_bytes: Option<u64>,
}

impl Files {
    fn open(&self, file: &ChosenFile) -> std::io::Result<File> {
        let opened = File::open(&file.path)?;
        let metadata = opened.metadata()?;
        match self.max_file_bytes {
            _ if !metadata.is_file() => Err(std::io::Error::other("it is no regular file any more")),
            Some(limit) if metadata.len() > limit => Err(std::io::Error::other(too_large(metadata.len()))),
            _ => Ok(opened),
        }
    }
}

impl Source for Files {
    fn visit_chunks<V: Visitor>(&self, visitor: &V) -> Read {
        let (count, tally) = (AtomicU64::new(0), Tally::default());
        rayon::scope(|scope| {
            self.files.par_iter().for_each(|file| match self.open(file) {
                Ok(mut opened) => {
                    count.fetch_add(1, Ordering::Relaxed);
                    let hand_over = HandOver::new(visitor, &tally, Some(scope));
                    let provenance = Provenance::File { path: file.shown.clone(), ignored: file.ignored };
                    visit_stream(&mut opened, provenance, hand_over);
                }
                Err(error) => visitor.unread(Unread::new(file.shown.clone(), error.to_string())),
            });
        });
        Read { files: count.into_inner(), bytes: tally.bytes(), ..Read::default() }
    }
}
