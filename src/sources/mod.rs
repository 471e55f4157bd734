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

pub use keysieve_model::chunk::Source;
