//! # keysieve: architecture
//!
//! Finds leaked secrets in git histories, working trees, container images and `.env` files.
//!
//! ```text
//! source -> chunk (bytes + provenance) -> detect (prefilter -> rules -> checks) -> match
//!        -> judge (with its places) -> finding -> policy -> report
//! ```
//!
//! The stages are crates of one workspace, so that the compiler holds the boundaries between them. A test reads this table and
//! the manifests, and compares.
//!
//! | crate | what it does | crates of the project it may use |
//! |---|---|---|
//! | [`keysieve_sieve`] | where any of thousands of short texts begin | - |
//! | [`keysieve_rules`] | what to look for: rules as written and as the engine uses them | paths, sieve |
//! | [`keysieve_builtin`] | `patterns.yaml` and `patterns/`, compiled in | rules, sieve |
//! | [`keysieve_model`] | the nouns: chunk, provenance, place, finding, coverage, environment file, outcome | rules |
//! | [`keysieve_paths`] | patterns of paths, as git and Docker read them; the door to files that steer | - |
//! | [`keysieve_detect`] | rules and bytes -> matches: pure | model, rules, sieve |
//! | [`keysieve_containers`] | files, standard input, working trees, and what lies in archives | model, paths |
//! | [`keysieve_git`] | a repository's objects, its history, questions about both; the only user of `gix` | containers, model, paths |
//! | [`keysieve_image`] | container images: layouts, layers, configuration | containers, model |
//! | [`keysieve_envfiles`] | environment files: their state, how they are read, what their values are | detect, model, paths, rules |
//! | [`keysieve_report`] | findings -> bytes, one file a format; saved results -> other formats | model, rules |
//!
//! The crate `keysieve` joins them:
//!
//! | module | what it does |
//! |---|---|
//! | [`judge`] | a match's evidence and its place -> severity and confidence, or no finding |
//! | [`proof`] | runs the examples and counter-examples of rules through the whole engine |
//! | [`policy`] | baseline, markers, configuration: only removes findings |
//! | [`ci`] | what a CI system says of its run -> what is to be scanned |
//! | [`hook`] | writes and removes scripts in a hooks directory |
//! | [`run`] | joins the stages, owns the thread pool: the one module that sees them all |
//!
//! The binary (`main`, `cli`) is the only code that knows arguments, the terminal and exit codes.
//!
//! # Invariants
//!
//! - Nothing here opens a socket or runs a program, and nothing writes a path but the report that the user asked for, and
//!   [`hook`], which writes over and removes its own scripts only. (`keysieve hook install` asks git where its hooks are,
//!   `keysieve ci --fetch` has git fetch what is missing, and `keysieve env` writes ignore files and examples when asked to,
//!   `keysieve redact --in-place` writes files anew. All that is in the binary.)
//! - Sources never see a rule; detection never sees a path. A blob may lie at many paths or at none.
//! - Detection is pure, and a match depends only on the bytes within [`keysieve_rules::CONTEXT_BYTES`] of its keyword: the
//!   findings are the same on any number of threads and however a file is cut into chunks.
//! - Whatever could not be read is a [`keysieve_model::coverage::Unread`]; a run with one is not complete.
//! - A [`keysieve_model::finding::Secret`] prints as a mark. Only the reports show its bytes, and only when asked to.
//! - A value that is swept for ([`run::sweep`]) is shown by its name only, and nothing of it is written anywhere.
//! - The bytes scanned are hostile: no panic, no allocation for a size that is only claimed, no recursion over their
//!   structure.

pub mod ci;
pub mod hook;
pub mod judge;
pub mod policy;
pub mod proof;
pub mod run;
