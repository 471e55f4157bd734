//! Bytes on disk and on standard input, and what lies in archives and documents in any of them: compressed files, tar and zip
//! archives, PDF files, packs of git. Hands chunks to a [`Visitor`](keysieve_model::chunk::Visitor) and says what it could not
//! read. Knows no rule.

pub mod archive;
pub mod delta;
pub mod documents;
pub mod files;
pub mod stdin;
pub mod worktree;
