//! Puts hooks beside whatever hook is there, and takes them away again. A hook that was there is renamed, and still run.
//!
//! What is written are small scripts for `sh`, the one that comes with Git for Windows included. Only files that carry
//! [`MARK`] are ever written over or removed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Stands in each script that is keysieve's own.
const MARK: &str = "# keysieve hook script";
/// What is put behind the name of a hook that was there before.
const KEPT: &str = ".before-keysieve";
/// The hooks of git that a directory for all repositories has to pass on: with `core.hooksPath` a repository's own are not run.
const PASSED_ON: &[&str] = &[
    "applypatch-msg",
    "pre-applypatch",
    "post-applypatch",
    "pre-commit",
    "pre-merge-commit",
    "prepare-commit-msg",
    "commit-msg",
    "post-commit",
    "pre-rebase",
    "post-checkout",
    "post-merge",
    "pre-push",
    "pre-receive",
    "update",
    "proc-receive",
    "post-receive",
    "post-update",
    "reference-transaction",
    "push-to-checkout",
    "pre-auto-gc",
    "post-rewrite",
    "sendemail-validate",
];

/// A hook that keysieve can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    /// Before a push.
    PrePush,
    /// Before a commit.
    PreCommit,
}

impl Hook {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::PrePush, Self::PreCommit];

    /// The name of its file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PrePush => "pre-push",
            Self::PreCommit => "pre-commit",
        }
    }
}

/// Whose hooks a directory holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// One repository's.
    Repository,
    /// Those of all repositories of a user, in a directory made for it.
    User,
}

/// What a hook's file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// There is none.
    Absent,
    /// It is somebody else's.
    Foreign,
    /// It is keysieve's.
    Installed {
        /// Whether git will run it.
        is_executable: bool,
        /// The hook that was there before, and is run after it.
        kept: Option<PathBuf>,
        /// The program that it starts.
        program: PathBuf,
    },
    /// It is keysieve's, and does nothing but run a repository's own hook.
    PassesOn,
}

/// Why a hook cannot be changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// There are two hooks of others, one kept from before.
    #[error(
        "{hook} is not keysieve's, and {kept} is kept from an earlier installation: put the two together, or remove one, \
         then install again"
    )]
    TwoHooks {
        /// The hook that is there.
        hook: String,
        /// The one that was kept.
        kept: String,
    },
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Installed,
    /// It was there already, and is up to date now.
    Updated,
    /// It is new, and the one that was there is kept and run after it.
    Chained,
    /// It was taken away.
    Removed,
    /// It was taken away, and the one that was there before is back.
    Restored,
    /// There was nothing of keysieve's to take away.
    Untouched,
}

/// Writes the hook into the directory `dir`. `program` is the keysieve that it starts, as an absolute path.
///
/// # Errors
///
/// When a file cannot be written, or there is no telling which of two hooks is to be run.
pub fn install(dir: &Path, hook: Hook, owner: Owner, program: &Path) -> Result<Change, Error> {
    let (file, kept) = files(dir, hook.name());
    let change = match state(dir, hook)? {
        State::Absent => Change::Installed,
        State::Installed { .. } => Change::Updated,
        State::PassesOn => Change::Installed,
        State::Foreign if exists(&kept) => {
            let (hook, kept) = (file.display().to_string(), kept.display().to_string());
            return Err(Error::TwoHooks { hook, kept });
        }
        State::Foreign => {
            fs::rename(&file, &kept).map_err(|source| io_error(&file, source))?;
            Change::Chained
        }
    };
    write(&file, &script(hook, owner, program))?;
    Ok(change)
}

/// Writes the scripts that pass other hooks on to a repository's own, where the directory has none of that name.
///
/// # Errors
///
/// When a file cannot be written.
pub fn install_passing_on(dir: &Path) -> Result<(), Error> {
    for name in PASSED_ON {
        let (file, _) = files(dir, name);
        if !exists(&file) {
            write(&file, &passing_on(name))?;
        }
    }
    Ok(())
}

/// Takes the hook away, and puts back what was there before.
///
/// # Errors
///
/// When a file cannot be changed.
pub fn uninstall(dir: &Path, hook: Hook) -> Result<Change, Error> {
    let (file, kept) = files(dir, hook.name());
    if !matches!(state(dir, hook)?, State::Installed { .. }) {
        return Ok(Change::Untouched);
    }
    fs::remove_file(&file).map_err(|source| io_error(&file, source))?;
    if !exists(&kept) {
        return Ok(Change::Removed);
    }
    fs::rename(&kept, &file).map_err(|source| io_error(&kept, source))?;
    Ok(Change::Restored)
}

/// Takes away the scripts that only pass on; returns whether the directory is left empty, and was removed.
///
/// # Errors
///
/// When a file cannot be changed.
pub fn uninstall_passing_on(dir: &Path) -> Result<bool, Error> {
    for name in PASSED_ON {
        let (file, _) = files(dir, name);
        if state_of(&file, None)? == State::PassesOn {
            fs::remove_file(&file).map_err(|source| io_error(&file, source))?;
        }
    }
    Ok(fs::remove_dir(dir).is_ok())
}

/// What the hook's file in `dir` is.
///
/// # Errors
///
/// When it is there and cannot be read.
pub fn state(dir: &Path, hook: Hook) -> Result<State, Error> {
    let (file, kept) = files(dir, hook.name());
    state_of(&file, Some(kept))
}

fn state_of(file: &Path, kept: Option<PathBuf>) -> Result<State, Error> {
    if !exists(file) {
        return Ok(State::Absent);
    }
    let content = match fs::read(file) {
        Ok(content) => content,
        // A link that leads nowhere.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(State::Foreign),
        Err(error) => return Err(io_error(file, error)),
    };
    let content = String::from_utf8_lossy(&content);
    let Some(line) = content.lines().nth(1).filter(|line| line.starts_with(MARK)) else {
        return Ok(State::Foreign);
    };
    if line.ends_with("passes on") {
        return Ok(State::PassesOn);
    }
    let program = content.lines().find_map(|line| line.strip_prefix("keysieve='")?.strip_suffix('\''));
    Ok(State::Installed {
        is_executable: is_executable(file),
        kept: kept.filter(|kept| exists(kept)),
        program: program.map(|path| path.replace("'\\''", "'")).unwrap_or_default().into(),
    })
}

/// The hook's file, and where one that was there before is kept.
fn files(dir: &Path, name: &str) -> (PathBuf, PathBuf) {
    (dir.join(name), dir.join(format!("{name}{KEPT}")))
}

fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

fn io_error(path: &Path, source: io::Error) -> Error {
    Error::Io { path: path.display().to_string(), source }
}

/// The script that runs keysieve, and then the hook that was there before.
fn script(hook: Hook, owner: Owner, program: &Path) -> String {
    let name = hook.name();
    let program = program.display().to_string();
    let program = if cfg!(windows) { program.replace('\\', "/") } else { program };
    let program = program.replace('\'', "'\\''");
    let next = match owner {
        Owner::Repository => format!("next=${{0%/*}}/{name}{KEPT}"),
        Owner::User => format!(
            "next=${{0%/*}}/{name}{KEPT}\n[ -x \"$next\" ] || next=$(git rev-parse --git-common-dir)/hooks/{name}"
        ),
    };
    let way_round = match hook {
        Hook::PrePush => "git push --no-verify",
        Hook::PreCommit => "git commit --no-verify",
    };
    // Standard input can be read once only: where two want it, it is kept. A dot guards the line breaks at its end.
    let (keep, give) = match hook {
        Hook::PrePush => {
            ("lines=$(cat; echo .)\nlines=${lines%.}\ngive() { printf '%s' \"$lines\"; }\n", "give | ")
        }
        Hook::PreCommit => ("", ""),
    };
    format!(
        "\
#!/bin/sh
{MARK} 1: `keysieve hook uninstall` takes it away
keysieve='{program}'
{next}
# A self-test is about this hook alone.
[ -z \"${{KEYSIEVE_SELF_TEST:-}}\" ] || next=
[ -x \"$keysieve\" ] || keysieve=keysieve
case \"${{KEYSIEVE_SKIP:-0}}\" in
0)
    if ! command -v \"$keysieve\" >/dev/null 2>&1; then
        echo 'keysieve: the program cannot be found, so nothing was read. Install it, or let this one through: {way_round}' >&2
        exit 2
    fi
    [ -x \"$next\" ] || exec \"$keysieve\" hook run {name} \"$@\"
    {keep_indented}{give}\"$keysieve\" hook run {name} \"$@\" || exit $?
    ;;
*)
    echo 'keysieve: skipped: KEYSIEVE_SKIP is set; nothing was read' >&2
    [ -x \"$next\" ] || exit 0
    {keep_indented}    ;;
esac
{give}\"$next\" \"$@\"
",
        keep_indented = keep.replace('\n', "\n    "),
    )
}

/// The script that does nothing but run a repository's own hook.
fn passing_on(name: &str) -> String {
    format!(
        "\
#!/bin/sh
{MARK} 1: passes on
# core.hooksPath hides the repository's own hooks.
next=$(git rev-parse --git-common-dir)/hooks/{name}
[ ! -x \"$next\" ] || exec \"$next\" \"$@\"
"
    )
}

/// Writes a script in one step: a hook is never half there.
fn write(file: &Path, content: &str) -> Result<(), Error> {
    let dir = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(dir).map_err(|source| io_error(dir, source))?;
    let new = file.with_extension(format!("keysieve-{}", std::process::id()));
    fs::write(&new, content)
        .and_then(|()| make_executable(&new))
        .and_then(|()| fs::rename(&new, file))
        .map_err(|source| {
            // It may not have come that far.
            let _ = fs::remove_file(&new);
            io_error(file, source)
        })
}

#[cfg(unix)]
fn make_executable(file: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(file, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn make_executable(_file: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(_file: &Path) -> bool {
    true
}
