//! What was typed; nothing is resolved here.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::LazyLock;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Parser, Subcommand, ValueEnum};

/// Finds leaked secrets in all of a git repository's history, in working trees and in .env files.
#[derive(Debug, Parser)]
#[command(name = "keysieve", version = VERSION.as_str(), max_term_width = 100, after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The program's version and that of its rules.
static VERSION: LazyLock<String> =
    LazyLock::new(|| format!("{} (rules {})", env!("CARGO_PKG_VERSION"), keysieve_builtin::VERSION));

const EXAMPLES: &str = "\
Examples:
  keysieve audit                    every secret ever committed to the repository you stand in
  keysieve audit ~/src/app --format json -o report.json
  keysieve scan src config .env     files and folders as they are now
  git diff | keysieve scan -        standard input
  app | keysieve redact             a log without its secrets
  keysieve image app:1.0            container images
  keysieve env                      is .env safe
  keysieve diff main..HEAD          what a branch brings
  keysieve ci                       what a pull request or push brings, in CI
  keysieve report results.jsonl --format html -o report.html    another format of saved results
  keysieve compare old.jsonl new.jsonl    what is new, and what was fixed
  keysieve rules list               what is looked for

Exit codes:
  0  all of it was read, and nothing was found
  1  secrets were found
  2  an error, or something could not be read (findings or not)

Secrets are never shown, unless you ask with --show-secrets. Nothing leaves your machine.";

/// What is asked of images besides scanning them.
#[derive(Debug, Subcommand)]
pub(crate) enum ImageCommand {
    /// List an image's layers: number, digest, size as stored, and the instruction that made each.
    Layers {
        /// An image's archive or folder, `-` for standard input, or an image's name.
        image: OsString,
        /// Only the image with this name or digest, where there are several.
        #[arg(long = "image", value_name = "NAME")]
        name: Option<String>,
        /// Only images for this platform, such as linux/arm64.
        #[arg(long, value_name = "PLATFORM")]
        platform: Option<String>,
    },
}

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
  keysieve audit --sweep              has a value of a local .env file got out?
  keysieve audit --format jsonl | jq 'select(.exposure == \"pushed\")'")]
    Audit {
        /// The repository, or a directory inside its work tree.
        #[arg(default_value = ".")]
        repo: PathBuf,
        /// Report only what the history of this revision holds (a branch, tag or commit).
        #[arg(long, value_name = "REVISION")]
        rev: Option<String>,
        /// Look for the secret values of the work tree's .env files, ignored ones too, in everything that is read.
        ///
        /// Literally, in base64, escaped for URLs and for JSON. What is found is told by the variable's name. Uses no cache.
        #[arg(long)]
        sweep: bool,
        #[command(flatten)]
        values: ValuesArgs,
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
  gh api 'repos/{owner}/{repo}/issues?state=all' --paginate \\
    --jq '.[] | {url: .html_url, text: .body}' | keysieve scan --documents -
  kubectl get cm -o yaml | keysieve scan -")]
    Scan {
        /// Files and folders; `-` is standard input.
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// Read documents: a line is a JSON object with `text` or `base64`, a `url` or an `id`, and, if known, `author` and `time`.
        ///
        /// A finding's place is the document's url, or else its id. A line that is no such document is named by its number; the
        /// others are read all the same, and the exit code is 2.
        #[arg(long)]
        documents: bool,
        #[command(flatten)]
        values: ValuesArgs,
        #[command(flatten)]
        common: Common,
    },
    /// Replace the secrets in standard input or in files.
    ///
    /// Everything else stays as it is, byte for byte. A line is written as soon as nothing that may follow can make it part of a
    /// secret, and at the latest when it is 200 ms old (--hold) or after 64 KiB; a private key that has begun waits for silence.
    /// Markers, baselines and .keysieve.yaml keep no secret in. Archives are not opened.
    #[command(after_help = "\
Examples:
  app 2>&1 | keysieve redact >>app.log
  keysieve redact --values .env <build.log
  keysieve redact notes.md >clean.md
  keysieve redact --in-place build.log deploy.log

Exit codes:
  0  all of it was written
  2  an error, or something could not be read or written")]
    Redact(Redact),
    /// Scan container images: every file of every layer, deleted ones too, and the configuration.
    ///
    /// Reads what `docker save`, podman, skopeo, buildah, crane and containerd write: Docker and OCI archives, OCI layout
    /// folders, skopeo's `dir:` folders, bare layers and `docker export` file systems, compressed or not. Unpacks nothing to disk.
    ///
    /// An image's name is handed to the tool that has it: `docker save`, `podman save`, or `skopeo copy` into a temporary folder,
    /// with your credentials. keysieve itself opens no connection.
    #[command(subcommand_negates_reqs = true, args_conflicts_with_subcommands = true)]
    #[command(after_help = "\
Examples:
  keysieve image app:1.0                        from Docker, Podman or its registry, whichever has it
  keysieve image docker://ghcr.io/org/app:1.0   from the registry
  docker save app:1.0 | keysieve image -
  keysieve image app.tar --skip-base 4          leave out the base image's layers
  keysieve image oci-folder --platform linux/arm64
  keysieve image layers app.tar                 number, digest, size and instruction of each layer")]
    Image {
        #[command(subcommand)]
        command: Option<ImageCommand>,
        /// An image's archive or folder, `-` for standard input, or an image's name.
        ///
        /// Names may begin with docker://, docker-daemon:, containers-storage:, oci:, oci-archive:, docker-archive: or dir:.
        #[arg(required = true)]
        image: Option<OsString>,
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
        values: ValuesArgs,
        #[command(flatten)]
        common: Common,
    },
    /// Tell the state of .env files: is it safe, what decides that, and what to do.
    ///
    /// Looks at every dotenv-like file of the working tree, the index and all of history: whether git tracks, ignores or once
    /// committed it, whether a Dockerfile copies it into an image, a package takes it along, or others can read it; and
    /// whether there are secrets in it. Works outside of repositories too.
    #[command(after_help = "\
Examples:
  keysieve env                        the repository you stand in
  keysieve env -v                     what is fine, too
  keysieve env --fix                  add the missing lines to .gitignore and .dockerignore
  keysieve env --write-example        write .env.example: the variables of .env, without values

Exit codes:
  0  no .env file exposes a secret
  1  some do
  2  an error, or something could not be read")]
    Env(EnvArgs),
    /// Scan what a range of commits, or the index, has new.
    ///
    /// Each commit is compared with its parents, merges too. A secret counts where the versions of its file in the parents did not
    /// have it, also where a later commit of the range took it out again. Messages and authors are read too.
    #[command(after_help = "\
Examples:
  keysieve diff main..HEAD            the commits of HEAD that main has not
  keysieve diff origin/main...HEAD    the same, and the two must have a commit in common
  keysieve diff --staged              what the next commit would bring
  keysieve diff --since '2 weeks ago'")]
    Diff {
        /// BASE..HEAD, BASE...HEAD, or BASE alone.
        #[arg(value_name = "RANGE", required_unless_present_any = ["staged", "since"])]
        range: Option<String>,
        /// What is staged, against HEAD.
        #[arg(long, conflicts_with_all = ["range", "since"])]
        staged: bool,
        /// The commits of HEAD from this date on: 2024-03-01, yesterday, '2 weeks ago'.
        #[arg(long, value_name = "DATE", conflicts_with = "range")]
        since: Option<String>,
        /// The repository, or a directory inside its work tree.
        #[arg(long, value_name = "DIR", default_value = ".")]
        repo: PathBuf,
        #[command(flatten)]
        values: ValuesArgs,
        #[command(flatten)]
        common: Common,
    },
    /// Scan what a CI run is about: a pull request, a push, a new branch, or everything.
    ///
    /// Takes the range from the variables of GitHub Actions (and Gitea's and Forgejo's), GitLab CI, Bitbucket Pipelines, Azure
    /// Pipelines, CircleCI or Jenkins, and says which it took and why. Where a system does not say what was there before, more is
    /// read, never less. Configuration and baseline are taken from the base, so that nobody allows their own secrets in them.
    #[command(after_help = "\
Examples:
  keysieve ci                              in a checkout that has all of the history
  keysieve ci --fetch                      in a shallow one: git fetches what is missing
  keysieve ci --base origin/main           where nothing is known of the CI system
  keysieve ci --outputs \"$GITHUB_OUTPUT\"   for steps that come after")]
    Ci(Ci),
    /// Keep a list of secrets that are known and no longer reported.
    Baseline {
        #[command(subcommand)]
        command: BaselineCommand,
    },
    /// Stop secrets before they are pushed or committed.
    Hook {
        #[command(subcommand)]
        command: HookCommand,
    },
    /// Say why something was found, or was not.
    ///
    /// Tells each keyword near it, what its rules made of it, which check said no, what was weighed, and what keeps it out of reports.
    #[command(after_help = "\
Examples:
  keysieve explain src/settings.py:12
  keysieve explain src/settings.py:12 --rev v2.0
  keysieve explain github-pat
  keysieve explain 3f2a9c01           a finding, by the beginning of its fingerprint")]
    Explain(Explain),
    /// Turn saved results into another format.
    ///
    /// Reads what `--format jsonl` or `json` wrote, and ends with the exit code of the run that wrote it. Results without an end
    /// are those of a run that was cut off: they are told, and the exit code is 2. Reports of gitleaks (JSON), trufflehog (JSON
    /// Lines), detect-secrets (a baseline), kingfisher (JSON) and SARIF are read too.
    #[command(after_help = "\
Examples:
  keysieve report results.jsonl --format html -o report.html
  keysieve report results.jsonl --format sarif -o keysieve.sarif --also markdown=summary.md
  keysieve report friday.jsonl --since monday.jsonl
  keysieve audit --format jsonl | keysieve report -")]
    Report(Report),
    /// Compare two saved results: what is new, fixed, still there.
    ///
    /// Writes text, JSON, HTML or Markdown. Findings are matched by fingerprint, else by rule and place, so that a baseline in
    /// between, which changes fingerprints, makes nothing new. Reports of gitleaks, trufflehog, detect-secrets and kingfisher, and
    /// SARIF, are read too.
    #[command(after_help = "\
Examples:
  keysieve compare monday.jsonl friday.jsonl
  keysieve compare monday.jsonl friday.jsonl --format markdown -o changes.md
  keysieve audit --format jsonl | keysieve compare monday.jsonl -

Exit codes:
  0  nothing is new
  1  something is new, or is back
  2  an error, or the later run did not read everything")]
    Compare(Compare),
    /// Show and check rules.
    Rules {
        #[command(subcommand)]
        command: RulesCommand,
    },
    /// Print a shell's completions.
    #[command(after_help = "\
Examples:
  keysieve completions bash >~/.local/share/bash-completion/completions/keysieve
  keysieve completions fish >~/.config/fish/completions/keysieve.fish")]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write those of all commands to a folder.
    Man {
        /// A folder for the pages, such as ~/.local/share/man/man1.
        dir: Option<PathBuf>,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Redact {
    /// Files to print without their secrets; `-`, and no file at all, is standard input.
    pub(crate) files: Vec<PathBuf>,
    /// Rewrite the files instead of printing them. Refuses symbolic links, and files that have several names.
    #[arg(long, requires = "files")]
    pub(crate) in_place: bool,
    /// Write this for each secret instead of the rule's name and the secret's end.
    #[arg(long, value_name = "TEXT")]
    pub(crate) with: Option<String>,
    /// Replace the values in this file as well, dotenv or a value a line, weak ones too. May be given more than once.
    #[arg(long, value_name = "FILE")]
    pub(crate) values: Vec<PathBuf>,
    /// Add the rules of this file, YAML or TOML; may be given more than once. A rule with a built-in rule's id replaces it.
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Vec<PathBuf>,
    /// Write a line that is older than this, in milliseconds, and all that is held back after as long a silence.
    #[arg(long, value_name = "MS", default_value_t = 200)]
    pub(crate) hold: u32,
    /// Say on standard error how many secrets were replaced.
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Ci {
    /// Scan the commits that HEAD has and this revision has not, whatever the CI system says.
    #[arg(long, value_name = "REVISION")]
    pub(crate) base: Option<String>,
    /// Take this revision instead of HEAD.
    #[arg(long, value_name = "REVISION", requires = "base")]
    pub(crate) head: Option<String>,
    /// Let `git fetch origin` get the commits that are missing; the one thing here that uses the network.
    #[arg(long)]
    pub(crate) fetch: bool,
    /// The repository, or a directory inside its work tree.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) repo: PathBuf,
    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BaselineCommand {
    /// Make a baseline of all that an audit finds now.
    Create {
        #[command(flatten)]
        what: BaselineArgs,
    },
    /// Carry over what another scanner's baseline or ignore file names, and say what cannot be.
    ///
    /// Reads .gitleaksignore (and betterleaks' file of the same form), a gitleaks report in JSON, and .secrets.baseline.
    Import {
        /// The file.
        file: PathBuf,
        #[command(flatten)]
        what: BaselineArgs,
    },
    /// Add what an audit finds now, and take out what matches nothing any more.
    Update {
        /// Add the finding with this fingerprint only, and take nothing out; may be given more than once.
        #[arg(long, value_name = "FINGERPRINT")]
        only: Vec<String>,
        #[command(flatten)]
        what: BaselineArgs,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct EnvArgs {
    /// The repository, a directory inside its work tree, or any other directory.
    #[arg(default_value = ".")]
    pub(crate) dir: PathBuf,
    /// Add the lines that are missing to .gitignore and .dockerignore files. Shows them first, and asks on a terminal.
    #[arg(long)]
    pub(crate) fix: bool,
    /// Write NAME.example beside each .env file: its variables with empty values. Overwrites nothing.
    #[arg(long)]
    pub(crate) write_example: bool,
    /// Ask nothing.
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Look for the secret values of the .env files in all that an audit reads, and tell where they are besides.
    #[arg(long, conflicts_with_all = ["fix", "write_example"])]
    pub(crate) sweep: bool,
    #[command(flatten)]
    pub(crate) values: ValuesArgs,
    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Debug, clap::Args)]
#[command(mut_arg("format", |format| format.value_parser(formats(&["text"]))))]
#[command(mut_arg("output", |output| output.hide(true)), mut_arg("also", |also| also.hide(true)))]
pub(crate) struct Explain {
    /// A finding's fingerprint or the beginning of it, a rule's id, or FILE:LINE.
    #[arg(value_name = "FINDING|RULE|FILE:LINE")]
    pub(crate) what: String,
    /// FILE:LINE as this revision has it; the path counts from the top of the repository then.
    #[arg(long, value_name = "REVISION")]
    pub(crate) rev: Option<String>,
    /// The repository, or a directory inside its work tree.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) repo: PathBuf,
    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Debug, clap::Args)]
#[command(mut_arg("format", |format| format.value_parser(formats(&["text", "json", "markdown", "html"]))))]
pub(crate) struct Compare {
    /// The file with the earlier results; `-` is standard input.
    pub(crate) old: PathBuf,
    /// The file with the later results; `-` is standard input.
    pub(crate) new: PathBuf,
    #[command(flatten)]
    pub(crate) results: ResultsArgs,
    /// List what is still there, too.
    #[arg(short, long, conflicts_with = "quiet")]
    pub(crate) verbose: bool,
    /// Write what changed and the verdict only.
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Report {
    /// The file with the results; `-` is standard input.
    pub(crate) file: PathBuf,
    /// Write what changed since these earlier results, as `keysieve compare` does.
    #[arg(long, value_name = "OLD")]
    pub(crate) since: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) results: ResultsArgs,
    /// Show secrets in full, where the file has them. Mind who sees the output.
    #[arg(long)]
    pub(crate) show_secrets: bool,
    /// List every place of every finding, and how to fix it.
    #[arg(short, long, conflicts_with = "quiet")]
    pub(crate) verbose: bool,
    /// Write the findings and the verdict only.
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct BaselineArgs {
    /// The repository, or a directory inside its work tree.
    #[arg(default_value = ".")]
    pub(crate) repo: PathBuf,
    /// Why these are known, for those who read the file.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) reason: String,
    /// From this day on the new entries are not honoured.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) expires: Option<String>,
    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant, reason = "one is made in a run")]
pub(crate) enum HookCommand {
    /// Put the hook in place, beside one that is there.
    ///
    /// A hook that is there is renamed and run after keysieve's, with the same arguments and standard input; its exit code counts.
    #[command(after_help = "\
Examples:
  keysieve hook install               stop pushes of this repository that would expose a secret
  keysieve hook install --pre-commit  and commits of staged secrets
  keysieve hook install --global      in all your repositories (sets core.hooksPath)
  keysieve hook install --print husky what to write where a tool manages the hooks")]
    Install {
        /// Install the pre-commit hook too.
        #[arg(long)]
        pre_commit: bool,
        /// For all repositories of this user.
        #[arg(long)]
        global: bool,
        /// Install nothing; print what a tool that manages hooks needs.
        #[arg(long, value_enum, value_name = "TOOL")]
        print: Option<HookTool>,
        /// The repository.
        #[arg(long, value_name = "DIR", default_value = ".")]
        repo: PathBuf,
    },
    /// Take the hooks away, and put back what was there before.
    Uninstall {
        /// Those for all repositories of this user.
        #[arg(long)]
        global: bool,
        /// The repository.
        #[arg(long, value_name = "DIR", default_value = ".")]
        repo: PathBuf,
    },
    /// Tell which hooks git runs here.
    Status {
        /// Push a made-up secret through the hook into a scratch remote, and see that it is stopped.
        #[arg(long)]
        self_test: bool,
        /// The repository.
        #[arg(long, value_name = "DIR", default_value = ".")]
        repo: PathBuf,
    },
    /// Do the work of a hook; git, or a tool that manages hooks, starts this.
    Run {
        #[command(subcommand)]
        hook: HookRun,
    },
}

/// Tools that manage hooks.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum HookTool {
    /// <https://typicode.github.io/husky>
    Husky,
    /// <https://lefthook.dev>
    Lefthook,
    /// <https://pre-commit.com>
    PreCommit,
}

#[derive(Debug, Subcommand)]
pub(crate) enum HookRun {
    /// Stop a push that would expose a secret. Reads git's lines on standard input.
    PrePush {
        /// The remote's name.
        remote: Option<OsString>,
        /// The remote's address.
        url: Option<OsString>,
        #[command(flatten)]
        common: Common,
    },
    /// Stop a commit of a staged secret.
    PreCommit {
        #[command(flatten)]
        common: Common,
    },
    /// On a server: refuse a push that brings a secret. Reads git's lines on standard input.
    PreReceive {
        #[command(flatten)]
        common: Common,
    },
    /// On a server: refuse one reference of a push.
    Update {
        /// The reference.
        name: String,
        /// What it names.
        old: String,
        /// What it is to name.
        new: String,
        #[command(flatten)]
        common: Common,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// List the rules, a line each.
    List {
        /// Only rules of this provider; where none has this name, those of each that has it in its own.
        #[arg(long, value_name = "NAME")]
        provider: Option<String>,
        /// Only rules of this kind.
        #[arg(long, value_name = "KIND")]
        kind: Option<KindArg>,
        /// How the list is written.
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: ListFormatArg,
        /// Add the rules of this file, YAML or TOML; may be given more than once.
        #[arg(long, value_name = "FILE")]
        rules: Vec<PathBuf>,
    },
    /// Show one rule whole.
    Show {
        /// The rule's id, as `rules list` and findings have it.
        id: String,
        /// Add the rules of this file, YAML or TOML; may be given more than once.
        #[arg(long, value_name = "FILE")]
        rules: Vec<PathBuf>,
    },
    /// Check rule files and configurations without scanning anything.
    Check {
        /// Rule files, YAML or TOML, and configurations named .keysieve.yaml; the one in this directory where none is named.
        #[arg(default_value = ".keysieve.yaml")]
        files: Vec<PathBuf>,
    },
}

/// What to look for besides what the rules say.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct ValuesArgs {
    /// Look for the values in this file as well, dotenv or a value a line; `-` is standard input. May be given more than once.
    ///
    /// What is found is told by the variable's name, or by the line. No value is shown or kept.
    #[arg(long, value_name = "FILE")]
    pub(crate) values: Vec<PathBuf>,
}

/// How and where results are written.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ResultsArgs {
    /// How results are written.
    #[arg(long, value_enum, default_value_t = FormatArg::Text)]
    pub(crate) format: FormatArg,
    /// Write results to this file instead of standard output.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Write them in another format to a file besides, such as sarif=keysieve.sarif; may be given more than once.
    #[arg(long, value_name = "FORMAT=FILE", value_parser = parse_also)]
    pub(crate) also: Vec<(FormatArg, PathBuf)>,
    /// When to use colours.
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = ColourArg::Auto)]
    pub(crate) color: ColourArg,
}

/// Options of every command that scans.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Common {
    #[command(flatten)]
    pub(crate) results: ResultsArgs,
    /// How many threads to use; 0 takes one a core.
    #[arg(short = 'j', long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=256))]
    pub(crate) threads: u16,
    /// Add the rules of this file, YAML or TOML; may be given more than once. A rule with a built-in rule's id replaces it.
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Vec<PathBuf>,
    /// Take this file instead of the repository's .keysieve.yaml.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Exit code 1 only for findings that are at least this bad; the others are shown. Goes before what the configuration says.
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub(crate) fail_on: Option<FailOnArg>,
    /// Look for what this rule finds only; may be given more than once. States of .env files are reported all the same, and fail
    /// only where this rule finds a secret in the file.
    #[arg(long, value_name = "RULE")]
    pub(crate) only_rule: Vec<String>,
    /// Leave out findings at paths like this, a pattern as in .gitignore; may be given more than once. States of .env files there
    /// are reported all the same, and do not fail.
    #[arg(long, value_name = "PATTERN")]
    pub(crate) exclude: Vec<String>,
    /// Take known secrets from this baseline instead of the repository's .keysieve-baseline.yaml.
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// List what is not reported, and why.
    #[arg(long)]
    pub(crate) show_suppressed: bool,
    /// List every place of every finding and how to fix it, and .env files that are fine.
    #[arg(short, long)]
    pub(crate) verbose: bool,
    /// Leave out findings that are less sure than this.
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = ConfidenceArg::Medium)]
    pub(crate) min_confidence: ConfidenceArg,
    /// Show secrets in full. Mind who sees the output.
    #[arg(long)]
    pub(crate) show_secrets: bool,
    /// Read everything anew, and keep nothing in the git directory for the next audit.
    #[arg(long)]
    pub(crate) no_cache: bool,
    /// Scan every version of a file whole, to check that deriving scans changes nothing.
    #[arg(long, hide = true)]
    pub(crate) scan_whole: bool,
    /// Append lines such as `findings=2` to this file: what a CI system reads as a step's outputs.
    #[arg(long, value_name = "FILE")]
    pub(crate) outputs: Option<PathBuf>,
    /// Show no progress, and in text only findings, what was not read, and the verdict.
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
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Annotations of GitHub Actions.
    Github,
    /// GitLab's secret detection report.
    Gitlab,
    /// JUnit XML: a failed test a finding.
    Junit,
    /// A row a place, for spreadsheets.
    Csv,
    /// A summary for a page or a comment.
    Markdown,
    /// A page to look into, print and pass on: one file, which loads nothing.
    Html,
}

/// A format, of which help lists these alone. The others are refused with a reason, not as words that nobody knows.
fn formats(listed: &'static [&'static str]) -> impl TypedValueParser<Value = FormatArg> {
    let known = FormatArg::value_variants().iter().filter_map(ValueEnum::to_possible_value);
    let known = known.map(|value| {
        let is_listed = listed.contains(&value.get_name());
        value.hide(!is_listed)
    });
    PossibleValuesParser::new(known).try_map(|name| FormatArg::from_str(&name, false))
}

/// `FORMAT=FILE`
fn parse_also(text: &str) -> Result<(FormatArg, PathBuf), String> {
    let (format, file) = text.split_once('=').ok_or("write FORMAT=FILE, such as sarif=keysieve.sarif")?;
    let names = || FormatArg::value_variants().iter().filter_map(ValueEnum::to_possible_value);
    let parsed = FormatArg::from_str(format, false).map_err(|_| {
        let names: Vec<String> = names().map(|value| value.get_name().to_owned()).collect();
        format!("there is no format `{format}`; there are {}", names.join(", "))
    })?;
    if file.is_empty() {
        return Err(format!("name a file behind `{format}=`"));
    }
    Ok((parsed, PathBuf::from(file)))
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum KindArg {
    /// The secret's form, or the provider's name in front of it, says what it is.
    Provider,
    /// The secret's form says little: its name, syntax and path are weighed.
    Generic,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ListFormatArg {
    /// For people.
    Text,
    /// One JSON document with all that a rule says.
    Json,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum FailOnArg {
    /// Everything.
    Low,
    /// Medium, and worse.
    Medium,
    /// High, and worse.
    High,
    /// The worst only.
    Critical,
    /// Nothing: findings are shown, and only what was not read changes the exit code.
    Never,
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
