//! The nouns that the stages hand on: what is read and where it is from, what is found in it, what was not read. They know each
//! other and how rules are named, nothing else.

pub mod chunk;
pub mod coverage;
pub mod finding;
pub mod location;
pub mod provenance;
pub mod replacement;
pub mod sync;
