//! `keysieve hook install|uninstall|status|run`

mod git;
mod run;
mod self_test;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use keysieve::hook::{self, Change, Hook, Owner, State};

use crate::cli::args::{HookCommand, HookTool};
use crate::cli::exit_code::ExitStatus;
use crate::cli::output::announce;

use self::git::HooksDir;

pub(crate) fn run(command: &HookCommand) -> anyhow::Result<ExitStatus> {
    match command {
        HookCommand::Run { hook } => return run::run(hook),
        HookCommand::Install { print: Some(tool), .. } => {
            let text = instructions(*tool);
            announce(|out| out.write_all(text.as_bytes()))?;
        }
        HookCommand::Install { pre_commit, global, print: None, repo } => {
            let hooks = if *pre_commit { &Hook::ALL[..] } else { &[Hook::PrePush] };
            install(hooks, *global, repo)?;
        }
        HookCommand::Uninstall { global, repo } => uninstall(*global, repo)?,
        HookCommand::Status { self_test, repo } => {
            let dir = git::hooks_dir(repo)?;
            status(&dir)?;
            if *self_test {
                let told = self_test::run(&dir.path)?;
                announce(|out| writeln!(out, "{told}"))?;
            }
        }
    }
    Ok(ExitStatus::Clean)
}

fn install(hooks: &[Hook], is_global: bool, repo: &Path) -> anyhow::Result<()> {
    let program = std::env::current_exe().context("cannot tell where keysieve itself is")?;
    let (dir, owner) = if is_global {
        let own = own_global_dir()?;
        match git::global_hooks_dir()? {
            // Somebody's own directory for all repositories: its other hooks are its owner's matter.
            Some(dir) if dir != own => (dir, Owner::User),
            _ => {
                hook::install_passing_on(&own)?;
                git::set_global_hooks_dir(&own)?;
                (own, Owner::User)
            }
        }
    } else {
        let HooksDir { path, is_husky, .. } = git::hooks_dir(repo)?;
        if is_husky {
            bail!(
                "{}: husky manages the hooks of this repository, and writes this directory anew; see \
                 `keysieve hook install --print husky`",
                path.display()
            );
        }
        (path, Owner::Repository)
    };
    for &hook in hooks {
        let change = hook::install(&dir, hook, owner, &program)?;
        say(&dir, hook, change)?;
    }
    Ok(())
}

fn uninstall(is_global: bool, repo: &Path) -> anyhow::Result<()> {
    let dir = if is_global {
        match git::global_hooks_dir()? {
            Some(dir) => dir,
            None => own_global_dir()?,
        }
    } else {
        git::hooks_dir(repo)?.path
    };
    for hook in Hook::ALL {
        say(&dir, hook, hook::uninstall(&dir, hook)?)?;
    }
    if is_global && dir == own_global_dir()? && hook::uninstall_passing_on(&dir)? {
        git::unset_global_hooks_dir()?;
    }
    Ok(())
}

fn say(dir: &Path, hook: Hook, change: Change) -> anyhow::Result<()> {
    let name = hook.name();
    let what = match change {
        Change::Installed => "installed",
        Change::Updated => "was installed already; it is up to date",
        Change::Chained => "installed; the hook that was there is kept, and run after it",
        Change::Removed => "removed",
        Change::Restored => "removed; the hook that was there before is back",
        Change::Untouched => "not installed; nothing to remove",
    };
    announce(|out| writeln!(out, "{name}: {what} ({})", dir.join(name).display()))
}

fn status(dir: &HooksDir) -> anyhow::Result<()> {
    let states: Vec<(Hook, State)> = Hook::ALL
        .into_iter()
        .map(|hook| hook::state(&dir.path, hook).map(|state| (hook, state)))
        .collect::<Result<_, _>>()?;
    announce(|out| {
        writeln!(
            out,
            "hooks       {}{}",
            dir.path.display(),
            dir.configured_in.as_deref().unwrap_or_default()
        )?;
        states.iter().try_for_each(|(hook, state)| write_state(out, *hook, state))
    })
}

fn write_state(out: &mut dyn Write, hook: Hook, state: &State) -> io::Result<()> {
    let told = match state {
        State::Absent => "not installed".to_owned(),
        State::PassesOn => "not installed; the repository's own hook is run".to_owned(),
        State::Foreign => {
            "another hook, without keysieve; `keysieve hook install` puts the two together".to_owned()
        }
        State::Installed { is_executable: false, .. } => {
            "installed, but not executable, so git does not run it; `keysieve hook install` mends it"
                .to_owned()
        }
        State::Installed { kept, program, .. } => {
            let missing = if program.is_file() { "" } else { " (not there; the one on the PATH is used)" };
            let next = kept.as_ref().and_then(|kept| kept.file_name()).map(|name| name.to_string_lossy());
            let next = next.map(|name| format!(", then {name}")).unwrap_or_default();
            format!("keysieve, {}{missing}{next}", program.display())
        }
    };
    writeln!(out, "{:<12}{told}", hook.name())
}

/// The directory for hooks of all repositories where the user has none.
fn own_global_dir() -> anyhow::Result<PathBuf> {
    let config = std::env::var_os("XDG_CONFIG_HOME").filter(|value| !value.is_empty()).map(PathBuf::from);
    let home =
        std::env::home_dir().filter(|home| !home.as_os_str().is_empty()).map(|home| home.join(".config"));
    let dir = config.or(home).context("there is no home directory to keep the hooks in: HOME is not set")?;
    Ok(dir.join("keysieve").join("hooks"))
}

/// What to write where a tool manages the hooks.
fn instructions(tool: HookTool) -> &'static str {
    match tool {
        HookTool::Husky => {
            "\
# .husky/pre-push
keysieve hook run pre-push \"$@\"

# .husky/pre-commit, if staged secrets are to be stopped too
keysieve hook run pre-commit
"
        }
        HookTool::Lefthook => {
            "\
# lefthook.yml
pre-push:
  commands:
    keysieve:
      run: keysieve hook run pre-push {1} {2}
      use_stdin: true
pre-commit:
  commands:
    keysieve:
      run: keysieve hook run pre-commit
"
        }
        HookTool::PreCommit => {
            "\
# .pre-commit-config.yaml, then: pre-commit install --hook-type pre-push --hook-type pre-commit
# pre-commit tells its hooks of the first reference of a push only; `keysieve hook install` reads them all.
repos:
  - repo: local
    hooks:
      - id: keysieve-push
        name: no new secrets in what is pushed
        entry: keysieve hook run pre-push
        language: system
        stages: [pre-push]
        always_run: true
        pass_filenames: false
      - id: keysieve
        name: no new secrets in what is staged
        entry: keysieve hook run pre-commit
        language: system
        stages: [pre-commit]
        always_run: true
        pass_filenames: false
"
        }
    }
}
