//! Where bytes come from. A source hands chunks to a [`Visitor`] and says what it could not read; it
//! never learns what a rule is.

mod archive;
pub mod files;
#[cfg(any(fuzzing, test))]
#[doc(hidden)]
pub mod fuzzing;
pub mod git;
pub mod image;
pub mod stdin;
pub mod worktree;

use crate::chunk::Visitor;
use crate::coverage::Read;

/// A place to read from.
pub trait Source {
    /// Hands every chunk to `visitor`, from any thread of the current pool, and what cannot be read too. Returns what was
    /// read.
    fn visit_chunks<V: Visitor>(&self, visitor: &V) -> Read;
}
