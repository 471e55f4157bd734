//! # keysieve: architecture
//!
//! Finds leaked secrets in git histories, working trees, container images and `.env` files.
//!
//! ```text
//! source -> chunk (bytes + provenance) -> detect (prefilter -> rules -> checks) -> match
//!        -> judge (with its places) -> finding -> suppress -> report
//! ```
//!
//! | module | what it does | what it may use |
//! |---|---|---|
//! | [`chunk`], [`provenance`], [`location`], [`finding`], [`replacement`], [`coverage`] | the nouns | each other, [`rules::RuleId`] |
//! | [`rules`] | what to look for: `patterns.yaml`, compiled in, and users' rule files | nothing |
//! | [`sources`] | where bytes come from: git, work trees, standard input, images; what lies in archives in any of them | the nouns |
//! | [`detect`] | rules and bytes -> matches | rules, the nouns |
//! | [`judge`] | a match's evidence and its place -> severity and confidence | detect's evidence, rules |
//! | [`proof`] | runs rules' own examples and counter-examples | detect, judge, rules |
//! | [`suppress`] | baseline, markers, configuration: only removes | findings, rules |
//! | [`globs`] | patterns of paths, as git and Docker read them | nothing |
//! | [`dotenv`] | which files hold environments, what keeps them in or out of git, images and packages, what to do; how they are read, what their values are | the nouns, globs, detect's checks |
//! | [`ci`] | what a CI system says of its run -> what is to be scanned | nothing |
//! | [`hook`] | scripts in a hooks directory: written, taken away, told | nothing |
//! | `redaction` | masks secrets that stand in names too | findings, coverage |
//! | [`scan`] | joins the stages, owns the thread pool | everything |
//! | [`report`] | findings -> bytes, one file a format; saved results -> other formats | findings, rules, redaction |
//!
//! The binary (`main`, `cli`) is the only code that knows arguments, the terminal and exit codes.
//!
//! # Invariants
//!
//! - Nothing here opens a socket or runs a program, and nothing writes a path but the report that the user asked for, and
//!   [`hook`], which writes over and removes its own scripts only. (`keysieve hook install` asks git where its hooks are, and
//!   `keysieve ci --fetch` has git fetch what is missing; `keysieve env` writes ignore files and examples when it is told
//!   to. All that is in the binary.)
//! - Sources never see a rule; detection never sees a path. A blob may lie at many paths or at none.
//! - Detection is pure, and a match depends only on the bytes within [`chunk::CONTEXT_BYTES`] of its keyword: the findings
//!   are the same on any number of threads and however a file is cut into chunks.
//! - What could not be read is an [`coverage::Unread`], never a silence; a run with one is not complete.
//! - A [`finding::Secret`] prints as a mark. Only [`report`] shows its bytes, and only when asked to.
//! - A value that is swept for ([`scan::sweep`]) is told by its name and never shown, and nothing of it is written anywhere.
//! - The bytes scanned are hostile: no panic, no allocation for a size that is only claimed, no recursion over their
//!   structure.

pub use keysieve_model::{chunk, coverage, finding, location, provenance, replacement};
pub use keysieve_paths as globs;
pub use keysieve_rules as rules;

pub mod ci;
pub mod hook;
pub mod judge;
pub mod proof;
mod redaction;
pub mod report;
pub mod scan;
pub mod suppress;
