//! The nouns that the stages hand on: what is read and where it is from, what is found in it, what was not read. They know each
//! other and how rules are named, nothing else.

pub mod about;
pub mod chunk;
pub mod coverage;
pub mod env_file;
pub mod finding;
pub mod location;
pub mod outcome;
pub mod provenance;
pub mod redaction;
pub mod replacement;
pub mod suppressed;
pub mod sync;
pub mod texts;
