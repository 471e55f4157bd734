//! Shell completions and manual pages.

use std::process::Command;

use crate::fixture::Scratch;

#[test]
fn completions_name_commands_and_options() {
    let scratch = Scratch::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let run = scratch.keysieve(["completions", shell]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        for part in ["audit", "skip-base", "fail-on"] {
            assert!(run.stdout.contains(part), "no {part} for {shell}");
        }
    }
    assert_eq!(scratch.keysieve(["completions", "cmd.exe"]).code, 2);
}

#[test]
fn bash_completes() {
    let scratch = Scratch::new();
    scratch.write("keysieve.bash", scratch.keysieve(["completions", "bash"]).stdout);
    let script = "source keysieve.bash; COMP_WORDS=(keysieve au); COMP_CWORD=1; _keysieve keysieve au keysieve; echo ${COMPREPLY[*]}";
    // Where there is no bash, nothing can complete in it.
    let Ok(output) = Command::new("bash").args(["-c", script]).current_dir(scratch.path("")).output() else {
        eprintln!("left out: there is no bash");
        return;
    };
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "audit", "{output:?}");
}

#[test]
fn manual_pages_are_written_for_each_command() {
    let scratch = Scratch::new();
    let page = scratch.keysieve(["man"]);
    assert!(page.code == 0 && page.stdout.contains(".TH keysieve 1"), "{}", page.stdout);
    std::fs::create_dir(scratch.path("man1")).unwrap();
    assert_eq!(scratch.keysieve(["man", "man1"]).code, 0);
    for name in ["keysieve", "keysieve-audit", "keysieve-ci", "keysieve-hook-install"] {
        assert!(scratch.path(&format!("man1/{name}.1")).is_file(), "{name}");
    }
    let nowhere = scratch.keysieve(["man", "nowhere"]);
    assert!(nowhere.code == 2 && nowhere.stderr.contains("nowhere"), "{}", nowhere.stderr);
}
