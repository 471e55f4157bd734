//! `pre-receive` and `update` on a server: what is pushed lies in quarantine while they run.

use crate::fixture::{Repository, Scratch};
use crate::secrets::{github_pat, noise, token_line};

/// A server with this hook, and a repository that pushes to it and has none.
fn pair(scratch: &Scratch, hook: &str) -> (Repository, Repository) {
    let server = scratch.repository_with("server.git", &["--bare"]);
    let local = scratch.repository("local");
    local.git(["remote", "add", "origin", server.path_text()]);
    local.commit_file("a.py", "a = 1\n");
    local.git(["push", "--quiet", "origin", "main"]);
    server.set_hook(hook);
    (server, local)
}

fn refs(server: &Repository) -> Vec<String> {
    server.git(["for-each-ref", "--format=%(refname)"]).lines().map(str::to_owned).collect()
}

#[test]
fn a_secret_is_refused_and_a_clean_push_taken() {
    for (hook, seed) in [("pre-receive", 1200), ("update", 1210)] {
        let (scratch, secret) = (Scratch::new(), github_pat(seed));
        let (server, local) = pair(&scratch, hook);
        local.commit_file("b.py", "b = 1\n");
        let clean = local.push(&["origin", "main"]);
        assert_eq!(clean.code, 0, "{}", clean.stderr);
        assert!(clean.stderr.contains("remote: keysieve: no new secrets in 1 commit"), "{}", clean.stderr);
        local.commit_file("c.py", token_line(&secret));
        let refused = local.push(&["origin", "main", "main:second"]);
        assert_ne!(refused.code, 0);
        for part in ["remote: keysieve: push stopped: 1 new", "c.py:1:10", "hook declined"] {
            assert!(refused.stderr.contains(part), "no {part:?} in {}", refused.stderr);
        }
        assert_eq!(refs(&server), ["refs/heads/main"], "{hook}");
        local.git(["reset", "--quiet", "--hard", "HEAD~1"]);
        assert_eq!(local.push(&["origin", "main:second"]).code, 0);
        // Deletions pass, and what the server has is not new under another name.
        assert_eq!(local.push(&["origin", ":second"]).code, 0);
    }
}

#[test]
fn large_pushes_are_quarantined_as_packs() {
    let (scratch, secret) = (Scratch::new(), github_pat(1220));
    let (server, local) = pair(&scratch, "pre-receive");
    server.git(["config", "receive.unpackLimit", "1"]);
    for number in 0..5 {
        local.commit_file(&format!("f{number}.txt"), noise(number, 30));
    }
    assert_eq!(local.push(&["origin", "main"]).code, 0);
    local.commit_file("f0.txt", format!("{}{}", noise(0, 30), token_line(&secret)));
    let refused = local.push(&["origin", "main"]);
    assert_ne!(refused.code, 0, "{}", refused.stderr);
    assert!(refused.stderr.contains("f0.txt:31:10"), "{}", refused.stderr);
}

#[test]
fn annotated_tags_are_taken_and_their_texts_read() {
    for (hook, seed) in [("pre-receive", 1230), ("update", 1231)] {
        let scratch = Scratch::new();
        let (server, local) = pair(&scratch, hook);
        local.git(["tag", "--annotate", "-m", "Release", "v1"]);
        local.git(["tag", "--annotate", "-m", "Only a file", "file", "main:a.py"]);
        let taken = local.push(&["origin", "v1", "file"]);
        assert_eq!(taken.code, 0, "{}", taken.stderr);
        local.git(["tag", "--annotate", "-m", &format!("with {}", github_pat(seed)), "v2"]);
        assert_ne!(local.push(&["origin", "v2"]).code, 0);
        assert_eq!(refs(&server), ["refs/heads/main", "refs/tags/file", "refs/tags/v1"]);
    }
}

#[test]
fn the_pushers_environment_does_not_switch_it_off() {
    let (scratch, secret) = (Scratch::new(), github_pat(1221));
    let (server, local) = pair(&scratch, "pre-receive");
    local.commit_file("c.py", token_line(&secret));
    let mut command = local.command();
    command.args(["push", "origin", "main"]).env("KEYSIEVE_SKIP", "1");
    assert_ne!(crate::fixture::run(&mut command, b"").code, 0);
    assert_eq!(refs(&server), ["refs/heads/main"]);
}

#[test]
fn one_bad_reference_of_several_is_refused_alone_by_update() {
    let (scratch, secret) = (Scratch::new(), github_pat(1222));
    let (server, local) = pair(&scratch, "update");
    local.git(["checkout", "--quiet", "-b", "good"]);
    local.commit_file("b.py", "b = 1\n");
    local.git(["checkout", "--quiet", "-b", "bad", "main"]);
    local.commit_file("c.py", token_line(&secret));
    assert_ne!(local.push(&["origin", "good", "bad"]).code, 0);
    assert_eq!(refs(&server), ["refs/heads/good", "refs/heads/main"]);
}
