#!/usr/bin/env python3
"""How long a push waits for its pre-push hook: keysieve beside what other scanners offer for the same commits.

    python3 benches/push/run.py --celery PATH --git PATH [--runs 15] [--peers gitleaks,betterleaks] [--peers-dir DIR]

CELERY and GIT are clones of celery/celery and git/git, bare ones or mirrors; nothing is written to them. Four pushes are made up
in a scratch directory:

- small: one commit of a repository of twenty files;
- git/git: one commit of a clone that has a remote-tracking reference for each reference of GIT;
- celery, 1,000 commits: the last of the default branch, of which the remote has all but about a thousand commits;
- celery, first push: the same to a remote that has nothing.

keysieve is called as git calls it, `keysieve hook run pre-push` with git's line on standard input. The others have no pre-push
hook: gitleaks gets the exact range (`--log-opts=OLD..NEW`), betterleaks its hook for servers (`--pre-receive`); for a first push
both read the whole repository. Builds keysieve (release). The peers are installed from PyPI, or found below --peers-dir. Each
command runs once a round; the table gives medians of wall time in milliseconds.

Needs Linux, git and Python 3.9 or later; nothing but the standard library.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benches" / "peers"))
from run import install  # noqa: E402

NOTHING = "0" * 40


def git(repository: Path, *arguments: str, **options) -> str:
    command = ["git", "-C", str(repository), "-c", "user.name=A", "-c", "user.email=a@example.com", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **options).stdout.strip()


class Push:
    """What is pushed: the repository, and what git would say to the hook."""

    def __init__(self, repository: Path, old: str, new: str):
        self.repository, self.old, self.new = repository, old, new
        self.commits = int(git(repository, "rev-list", "--count", new, *([] if old == NOTHING else [f"^{old}"])))

    def command(self, scanner: str, program: Path):
        """The command and its standard input."""
        if scanner == "keysieve":
            line = f"refs/heads/topic {self.new} refs/heads/topic {NOTHING}\n"
            if self.old != NOTHING:
                line = f"refs/heads/main {self.new} refs/heads/main {self.old}\n"
            return [program, "hook", "run", "pre-push", "origin", "https://example.com/r.git"], line
        everything = self.old == NOTHING
        if scanner == "gitleaks":
            which = [] if everything else [f"--log-opts={self.old}..{self.new}"]
            return [program, "git", "--no-banner", "--log-level", "error", *which], ""
        which, line = ([], "") if everything else (["--pre-receive"], f"{self.old} {self.new} refs/heads/main\n")
        return [program, "git", "--no-banner", "--silent", "--log-level", "error", *which], line


def with_one_more_commit(repository: Path) -> tuple[str, str]:
    """Commits one changed file to HEAD of a repository without a work tree; its parent and the commit."""
    old = git(repository, "rev-parse", "HEAD")
    environment = {**os.environ, "GIT_INDEX_FILE": str(repository / "scratch-index")}
    git(repository, "read-tree", "HEAD", env=environment)
    blob = git(repository, "hash-object", "-w", "--stdin", input="import os\n\nlimit = int(os.environ['LIMIT'])\n")
    git(repository, "update-index", "--add", "--cacheinfo", f"100644,{blob},settings.py", env=environment)
    tree = git(repository, "write-tree", "--missing-ok", env=environment)
    return old, git(repository, "commit-tree", tree, "-p", old, "-m", "Read the limit from the environment")


def small(scratch: Path) -> Push:
    repository = scratch / "small"
    subprocess.run(["git", "init", "--quiet", str(repository)], check=True)
    for number in range(20):
        lines = [f"def function_{line}(value):\n    return value + {line * number}\n" for line in range(100)]
        (repository / f"module_{number}.py").write_text("\n".join(lines))
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--message", "Begin")
    old = git(repository, "rev-parse", "HEAD")
    git(repository, "update-ref", "refs/remotes/origin/main", old)
    git(repository, "config", "remote.origin.url", "https://example.com/r.git")
    git(repository, "config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*")
    (repository / "module_0.py").write_text("def function(value):\n    return value\n")
    git(repository, "commit", "--quiet", "--all", "--message", "Simplify")
    return Push(repository, old, git(repository, "rev-parse", "HEAD"))


def copied(source: Path, target: Path) -> Path:
    """A bare repository with the same objects in files of its own, and no reference but a detached HEAD."""
    subprocess.run(["git", "init", "--quiet", "--bare", str(target)], check=True)
    objects = git(source, "rev-parse", "--path-format=absolute", "--git-path", "objects")
    subprocess.run(["cp", "-r", "--no-preserve=mode", f"{objects}/pack", str(target / "objects")], check=True)
    git(target, "update-ref", "--no-deref", "HEAD", git(source, "rev-parse", "HEAD"))
    git(target, "config", "remote.origin.url", "https://example.com/r.git")
    git(target, "config", "remote.origin.fetch", "+refs/*:refs/remotes/origin/*")
    return target


def many_references(scratch: Path, source: Path) -> Push:
    repository = copied(source, scratch / "git")
    references = git(source, "for-each-ref", "--format=%(objectname) %(refname)")
    lines = [line.split(" ", 1) for line in references.splitlines()]
    updates = "".join(f"create refs/remotes/origin/{name.removeprefix('refs/')} {id}\n" for id, name in lines)
    git(repository, "update-ref", "--stdin", input=updates)
    git(repository, "pack-refs", "--all")
    return Push(repository, *with_one_more_commit(repository))


def thousand_commits(scratch: Path, source: Path) -> Push:
    repository = copied(source, scratch / "thousand")
    new = git(repository, "rev-parse", "HEAD")
    for old in git(repository, "rev-list", "--first-parent", new).splitlines():
        push = Push(repository, old, new)
        if push.commits >= 1000:
            break
    git(repository, "update-ref", "refs/remotes/origin/main", push.old)
    git(repository, "update-ref", "refs/heads/main", new)
    return push


def first_push(scratch: Path, source: Path) -> Push:
    repository = copied(source, scratch / "first")
    new = git(repository, "rev-parse", "HEAD")
    git(repository, "update-ref", "refs/heads/main", new)
    return Push(repository, NOTHING, new)


def measure(command, standard_input: str, repository: Path) -> tuple[float, int]:
    start = time.perf_counter()
    run = subprocess.run([str(part) for part in command], cwd=repository, input=standard_input.encode(),
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return (time.perf_counter() - start) * 1000, run.returncode


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--celery", type=Path, required=True)
    parser.add_argument("--git", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--peers", default="gitleaks,betterleaks")
    parser.add_argument("--peers-dir", type=Path, help="where the peers' virtual environments lie already")
    parser.add_argument("--keysieve", type=Path, help="a program that is built already")
    args = parser.parse_args()
    if args.keysieve is None:
        subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=ROOT, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    programs = {"keysieve": args.keysieve or target / "release" / "keysieve"}
    for peer in filter(None, args.peers.split(",")):
        programs[peer] = args.peers_dir.resolve() / peer / "bin" / peer if args.peers_dir else install(peer)
    with tempfile.TemporaryDirectory() as scratch:
        celery, scratch = args.celery.resolve(), Path(scratch)
        pushes = {
            "small repository, 1 commit": small(scratch),
            "git/git, 1 commit": many_references(scratch, args.git.resolve()),
            "celery, 1,000 commits": thousand_commits(scratch, celery),
            "celery, first push": first_push(scratch, celery),
        }
        times = {(push, scanner): [] for push in pushes for scanner in programs}
        codes = {}
        for _ in range(args.runs):
            for push, scanner in times:
                command, line = pushes[push].command(scanner, programs[scanner])
                taken, codes[push, scanner] = measure(command, line, pushes[push].repository)
                times[push, scanner].append(taken)
            print(".", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
    print(f"Medians of {args.runs} in ms, exit code behind; {os.cpu_count()} cores, {platform.machine()}, "
          f"{time.strftime('%Y-%m-%d')}\n")
    print(f"| push | commits | {' | '.join(programs)} |")
    print(f"|---|---:|{'---:|' * len(programs)}")
    for name, push in pushes.items():
        cells = [f"{statistics.median(times[name, scanner]):.1f} ({codes[name, scanner]})" for scanner in programs]
        print(f"| {name} | {push.commits:,} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
