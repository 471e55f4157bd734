//! Integration tests: the binary on repositories and folders that the tests build themselves. These have symbolic links, modes,
//! sockets and hooks in shell, so that Windows has only the library's tests, and those of the action.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a panic in a test or its helpers is the report"
)]

mod agreement;
mod architecture;
mod archives;
mod bad_input;
mod cache;
mod carriers;
mod choosing;
mod ci;
mod comparing;
mod completions;
mod corruption;
mod documents;
mod env_files;
mod env_states;
mod explain;
mod fixture;
#[allow(dead_code, reason = "shared with the fuzz targets")]
mod forge;
mod history;
mod hostile_files;
mod ignore_rules;
mod image_names;
mod images;
mod install;
mod metadata;
mod names_and_values;
mod output;
mod packing;
mod pdf;
mod publishable;
mod push;
mod quiet;
mod range;
mod readme;
mod redact;
mod reftables;
mod regression;
mod remedies;
mod reports;
mod repositories;
mod rules_cli;
mod schema;
mod secrets;
mod server;
mod sweep;
mod weighing;
mod worktree;
mod zips;
