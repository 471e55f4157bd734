//! What was typed; nothing is resolved here.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// Finds leaked secrets in all of a git repository's history, in working trees and in .env files.
#[derive(Debug, Parser)]
#[command(name = "keysieve", version, max_term_width = 100, after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  keysieve audit                    every secret ever committed to the repository you stand in
  keysieve audit ~/src/app --format json -o report.json
  keysieve scan src config .env     files and folders as they are now
  git diff | keysieve scan -        standard input
  docker save app | keysieve image -    container images
  keysieve rules list               what is looked for

Exit codes:
  0  all of it was read, and nothing was found
  1  secrets were found
  2  an error, or something could not be read (findings or not)

Secrets are never shown, unless you ask with --show-secrets. Nothing leaves your machine.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Audit a repository: all objects, commit and tag texts, the working tree, .env files.
    ///
    /// Reads every object of the database once, whether a branch leads to it or not: all packs and loose objects, alternates,
    /// stashes, notes, reflogs. Commit and tag messages, authors, branch names and .git/config are read too. For each secret it
    /// says where it was first committed, whether HEAD still has it, and whether a remote has it.
    #[command(after_help = "\
Examples:
  keysieve audit                      the repository you stand in
  keysieve audit path/to/bare.git     bare repositories and linked work trees too
  keysieve audit --rev v2.0           only what the history of v2.0 holds
  keysieve audit --format jsonl | jq 'select(.exposure == \"pushed\")'")]
    Audit {
        /// The repository, or a directory inside its work tree.
        #[arg(default_value = ".")]
        repo: PathBuf,
        /// Report only what the history of this revision holds (a branch, tag or commit).
        #[arg(long, value_name = "REVISION")]
        rev: Option<String>,
        #[command(flatten)]
        common: Common,
    },
    /// Scan files, folders or standard input.
    ///
    /// Inside a git repository .gitignore is honoured, but for .env files, which are always read. Binary and large files are
    /// read too. Symbolic links are not followed.
    #[command(after_help = "\
Examples:
  keysieve scan .
  keysieve scan src/settings.py .env
  kubectl get cm -o yaml | keysieve scan -")]
    Scan {
        /// Files and folders; `-` is standard input.
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        #[command(flatten)]
        common: Common,
    },
    /// Scan container images: every file of every layer, deleted ones too, and the configuration.
    ///
    /// Reads what `docker save`, podman, skopeo, buildah, crane and containerd write: Docker and OCI archives, OCI layout
    /// folders, skopeo's `dir:` folders, bare layers and `docker export` file systems, compressed or not. Needs no daemon and no
    /// root, and unpacks nothing to disk.
    #[command(after_help = "\
Examples:
  docker save app:1.0 | keysieve image -
  keysieve image app.tar --skip-base 4          leave out the base image's layers
  keysieve image oci-folder --platform linux/arm64
  podman save --format oci-archive app | keysieve image - --format json")]
    Image {
        /// An image's archive or folder; `-` is standard input.
        image: PathBuf,
        /// Only the image with this name or digest, where there are several.
        #[arg(long = "image", value_name = "NAME")]
        name: Option<String>,
        /// Only images for this platform, such as linux/arm64.
        #[arg(long, value_name = "PLATFORM")]
        platform: Option<String>,
        /// Leave out layers of a base image: the N lowest, those up to the layer with this DIGEST, or those of another IMAGE file.
        #[arg(long, value_name = "N|DIGEST|IMAGE")]
        skip_base: Option<String>,
        #[command(flatten)]
        common: Common,
    },
    /// Show and check rules.
    Rules {
        #[command(subcommand)]
        command: RulesCommand,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// List the rules, a line each.
    List {
        /// Add the rules of this YAML file; may be given more than once.
        #[arg(long, value_name = "FILE")]
        rules: Vec<PathBuf>,
    },
    /// Show one rule whole.
    Show {
        /// The rule's id, as `rules list` and findings have it.
        id: String,
        /// Add the rules of this YAML file; may be given more than once.
        #[arg(long, value_name = "FILE")]
        rules: Vec<PathBuf>,
    },
    /// Check rule files without scanning anything.
    Check {
        /// YAML files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

/// Options of every command that scans.
#[derive(Debug, clap::Args)]
pub(crate) struct Common {
    /// How results are written.
    #[arg(long, value_enum, default_value_t = FormatArg::Text)]
    pub(crate) format: FormatArg,
    /// Write results to this file instead of standard output.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// How many threads to use; 0 takes one a core.
    #[arg(short = 'j', long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=256))]
    pub(crate) threads: u16,
    /// Add the rules of this YAML file; may be given more than once. A rule with a built-in rule's id replaces it.
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Vec<PathBuf>,
    /// Leave out findings that are less sure than this.
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = ConfidenceArg::Medium)]
    pub(crate) min_confidence: ConfidenceArg,
    /// Show secrets in full. Mind who sees the output.
    #[arg(long)]
    pub(crate) show_secrets: bool,
    /// When to use colours.
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = ColourArg::Auto)]
    pub(crate) color: ColourArg,
    /// Read everything anew, and keep nothing in the git directory for the next audit.
    #[arg(long)]
    pub(crate) no_cache: bool,
    /// Scan every version of a file whole, to check that deriving scans changes nothing.
    #[arg(long, hide = true)]
    pub(crate) scan_whole: bool,
    /// Show no progress.
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum FormatArg {
    /// For people.
    Text,
    /// One JSON document.
    Json,
    /// An object a line: findings, then a summary.
    Jsonl,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ConfidenceArg {
    /// Everything.
    Low,
    /// Probably real, and surer.
    Medium,
    /// What can hardly be anything else.
    High,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ColourArg {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}
