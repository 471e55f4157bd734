//! Integration tests: the binary on repositories and folders that the tests build themselves.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a panic in a test or its helpers is the report"
)]

mod bad_input;
mod env_files;
mod fixture;
mod history;
mod install;
mod metadata;
mod output;
mod push;
mod quiet;
mod range;
mod readme;
mod regression;
mod rules_cli;
mod secrets;
mod server;
mod worktree;
