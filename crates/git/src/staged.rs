//! The index as a tree of directories: what the next commit will hold, without writing any object.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use bstr::ByteSlice;
use gix::hash::Kind as HashKind;
use gix::index::entry::{Flags, Mode};
use gix::index::extension::Tree as CachedTree;

use keysieve_model::coverage::Unread;

use super::index_file;
use super::tree_diff::{Directory, Node};

/// Reads the index file at `path`; no file is an empty index. The first directory is the root.
pub(super) fn directories(path: &Path, hash: HashKind) -> Result<Vec<Arc<Directory>>, Unread> {
    let index = index_file::read(path, hash)?;
    let mut builder = Builder { directories: vec![Directory::default()], by_path: HashMap::new() };
    builder.by_path.insert(Vec::new(), 0);
    for entry in index.entries() {
        // A file that is to be added some day has no content yet.
        if entry.mode.is_submodule() || entry.flags.contains(Flags::INTENT_TO_ADD) {
            continue;
        }
        let node = if entry.mode == Mode::DIR { Node::Tree(entry.id) } else { Node::Blob(entry.id) };
        let path = entry.path(&index);
        builder.add(path.trim_end_with(|last| last == '/'), node);
    }
    if let Some(cached) = index.tree() {
        builder.note_trees(cached);
    }
    Ok(builder.directories.into_iter().map(Arc::new).collect())
}

struct Builder {
    directories: Vec<Directory>,
    by_path: HashMap<Vec<u8>, u32>,
}

impl Builder {
    fn add(&mut self, path: &[u8], node: Node) {
        let (parent, name) = split(path);
        let parent = self.directory(parent);
        self.directories[parent as usize].push(name, node);
    }

    /// The directory at `path`, made with those above it where it is new. Without recursion: paths can be deep.
    fn directory(&mut self, path: &[u8]) -> u32 {
        let mut missing = Vec::new();
        let mut at = path;
        let mut parent = loop {
            if let Some(&known) = self.by_path.get(at) {
                break known;
            }
            missing.push(at);
            at = split(at).0;
        };
        for path in missing.into_iter().rev() {
            let new = self.directories.len() as u32;
            self.directories.push(Directory::default());
            self.directories[parent as usize].push(split(path).1, Node::Staged(new));
            self.by_path.insert(path.to_vec(), new);
            parent = new;
        }
        parent
    }

    /// Takes over which directories are the same as a tree: git keeps that up to date in the index.
    fn note_trees(&mut self, root: &CachedTree) {
        let mut next: Vec<(Vec<u8>, &CachedTree)> = vec![(Vec::new(), root)];
        while let Some((path, tree)) = next.pop() {
            if let (Some(_), Some(&at)) = (tree.num_entries, self.by_path.get(&path)) {
                self.directories[at as usize].same_as = Some(tree.id);
            }
            for child in &tree.children {
                let mut below = path.clone();
                if !below.is_empty() {
                    below.push(b'/');
                }
                below.extend_from_slice(&child.name);
                next.push((below, child));
            }
        }
    }
}

/// A path's directory and name.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.rfind_byte(b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (b"", path),
    }
}
