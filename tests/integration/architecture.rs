//! The table of crates in the crate documentation is what the manifests say: a crate that uses another without leave fails here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

type Uses = BTreeMap<String, BTreeSet<String>>;

/// The crates of the workspace, and which of them each may use, by the documentation.
fn documented() -> Uses {
    let documentation = include_str!("../../src/lib.rs");
    let rows = documentation.lines().filter_map(|line| line.strip_prefix("//! | [`keysieve_"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let uses = cells[2].split(", ").filter(|name| *name != "-").map(str::to_owned).collect();
        (cells[0].trim_end_matches("`]").to_owned(), uses)
    })
    .collect()
}

/// The same by the manifests; dependencies of tests do not count.
fn declared() -> Uses {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates");
    let folders = fs::read_dir(crates).unwrap().map(|entry| entry.unwrap());
    folders
        .map(|folder| {
            let manifest = fs::read_to_string(folder.path().join("Cargo.toml")).unwrap();
            let sections = manifest.split("\n[").filter(|section| {
                section.starts_with("dependencies]") || section.starts_with("build-dependencies]")
            });
            let lines = sections.flat_map(str::lines).filter_map(|line| line.strip_prefix("keysieve-"));
            let uses = lines.map(|line| line.split('.').next().unwrap().to_owned()).collect();
            (folder.file_name().into_string().unwrap(), uses)
        })
        .collect()
}

#[test]
fn each_crate_uses_what_the_table_allows() {
    assert_eq!(declared(), documented());
}
