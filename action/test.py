#!/usr/bin/env python3
"""Runs the action's script as a runner would: variables, the event, and files for outputs, summary and environment; releases come
from a folder that is served on this machine, wheels from a folder.

    python3 action/test.py path/to/keysieve [path/to/folder/with/wheel]

Needs bash, git, curl and Python 3.9 or later; on Windows, Git's bash.
"""

import hashlib
import http.server
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import unittest
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BINARY = Path(sys.argv[1]).resolve()
WHEELS = Path(sys.argv[2]).resolve() if len(sys.argv) > 2 else None
VERSION = next(
    line.split('"')[1] for line in (ROOT / "Cargo.toml").read_text().splitlines() if line.startswith("version = ")
)
SYSTEM = {"Linux": "Linux", "Darwin": "macOS", "Windows": "Windows"}[platform.system()]
ARCHITECTURE = {"x86_64": "X64", "amd64": "X64", "arm64": "ARM64", "aarch64": "ARM64"}[platform.machine().lower()]
TARGET = {"X64": "x86_64", "ARM64": "aarch64"}[ARCHITECTURE] + {
    "Linux": "-unknown-linux-musl",
    "macOS": "-apple-darwin",
    "Windows": "-pc-windows-msvc",
}[SYSTEM]
ARCHIVE = f"keysieve-{TARGET}.tar.gz"
EXE = ".exe" if SYSTEM == "Windows" else ""
# On Windows another `bash` on the path may be that of a Linux beside it.
BASH = str(Path(os.environ.get("ProgramFiles", "")) / "Git/bin/bash.exe") if SYSTEM == "Windows" else "bash"


def token(seed: int) -> str:
    """A GitHub token with a valid checksum, made up anew in each run of the tests."""
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    body = "".join(digits[byte % 62] for byte in hashlib.sha256(str(seed).encode()).digest()[:30])
    value, checksum = zlib.crc32(body.encode()), ""
    for _ in range(6):
        value, digit = divmod(value, 62)
        checksum = digits[digit] + checksum
    return "gh" + "p_" + body + checksum


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Scratch:
    """A runner's folders, a release, and a repository with a secret on the branch `topic`."""

    def __init__(self) -> None:
        self.dir = Path(tempfile.mkdtemp(prefix="keysieve-action-"))
        self.origin = self.dir / "origin"
        self.git(self.dir, "init", "--quiet", "-b", "main", str(self.origin))
        self.base = self.commit("a.py", "a = 1\n")
        self.git(self.origin, "checkout", "--quiet", "-b", "topic")
        self.secret = token(1)
        self.commit("b.py", "b = 1\n")
        self.middle = self.commit("src/b.py", f'import os\nTOKEN = "{self.secret}"\n')
        self.head = self.commit("src/b.py", "import os\n")
        self.git(self.origin, "tag", "--annotate", "-m", "Release", "v1")
        self.release = self.dir / "releases" / f"v{VERSION}"
        self.release.mkdir(parents=True)
        folder = self.dir / f"keysieve-{TARGET}"
        folder.mkdir()
        shutil.copy2(BINARY, folder / f"keysieve{EXE}")
        with tarfile.open(self.release / ARCHIVE, "w:gz") as archive:
            archive.add(folder, folder.name)
        self.list_checksums()
        self.bin = self.dir / "bin"
        self.bin.mkdir()

        handler = lambda *args: Quiet(*args, directory=str(self.dir / "releases"))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def list_checksums(self) -> None:
        digest = hashlib.sha256((self.release / ARCHIVE).read_bytes()).hexdigest()
        (self.release / "SHA256SUMS").write_text(f"{digest}  {ARCHIVE}\n")

    def git(self, folder: Path, *arguments: str) -> str:
        identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "core.autocrlf=false"]
        command = ["git", "-C", str(folder), *identity, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, path: str, text: str) -> str:
        file = self.origin / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        self.git(self.origin, "add", "--all")
        self.git(self.origin, "commit", "--quiet", "-m", f"Write {path}")
        return self.git(self.origin, "rev-parse", "HEAD")

    def checkout(self, *options: str) -> Path:
        """A checkout as actions/checkout makes it."""
        folder = Path(tempfile.mkdtemp(dir=self.dir)) / "work"
        self.git(self.dir, "clone", "--quiet", *options, self.origin.as_uri(), str(folder))
        return folder

    def run(self, work: Path, name: str = "push", event: object = None, **variables: str) -> "Run":
        temp = Path(tempfile.mkdtemp(dir=self.dir))
        files = {key: temp / key.lower() for key in ["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_ENV"]}
        for file in files.values():
            file.write_text("")
        (temp / "event.json").write_text(json.dumps(event or {}))
        (temp / "runner").mkdir()
        keep = ["PATH", "SYSTEMROOT", "ProgramFiles", "TEMP", "TMP", "HOME", "USERPROFILE", "COMSPEC", "PATHEXT"]
        environment = {key: os.environ[key] for key in keep if key in os.environ}
        environment["PATH"] = os.pathsep.join([str(self.bin), environment["PATH"]])
        environment |= {key: str(file) for key, file in files.items()}
        environment |= {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": name,
            "GITHUB_EVENT_PATH": str(temp / "event.json"),
            "GITHUB_REPOSITORY": "someone/something",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_ACTION_PATH": str(ROOT),
            "RUNNER_OS": SYSTEM,
            "RUNNER_ARCH": ARCHITECTURE,
            "RUNNER_TEMP": str(temp / "runner"),
            "KEYSIEVE_REPOSITORY": "owner/keysieve",
            "KEYSIEVE_RELEASES": f"http://127.0.0.1:{self.server.server_port}",
            # No package index is asked.
            "PIP_NO_INDEX": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }
        environment |= variables
        script = [BASH, str(ROOT / "action" / "run.sh")]
        done = subprocess.run(script, cwd=work, env=environment, capture_output=True, text=True, timeout=300)
        return Run(done, {key: file.read_text(encoding="utf-8") for key, file in files.items()})


class Run:
    def __init__(self, done: subprocess.CompletedProcess, files: dict) -> None:
        self.code, self.log = done.returncode, done.stdout + done.stderr
        self.summary, self.environment = files["GITHUB_STEP_SUMMARY"], files["GITHUB_ENV"]
        self.outputs = dict(line.split("=", 1) for line in files["GITHUB_OUTPUT"].splitlines())
        # What the runner takes for a command: not what stands between `stop-commands` and the word that ends it.
        self.commands, word = [], None
        for line in done.stdout.splitlines():
            if word is None and line.startswith("::stop-commands::"):
                word = line.removeprefix("::stop-commands::")
            elif word is not None and line == f"::{word}::":
                word = None
            elif word is None and line.startswith("::"):
                self.commands.append(line)


class Action(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.scratch = Scratch()
        cls.pull_request = {
            "number": 1,
            "pull_request": {
                "number": 1,
                "base": {"sha": cls.scratch.base, "ref": "main"},
                "head": {"sha": cls.scratch.head, "ref": "topic"},
            },
            "repository": {"default_branch": "main"},
        }
        cls.push = {
            "ref": "refs/heads/topic",
            "before": cls.scratch.base,
            "after": cls.scratch.head,
            "repository": {"default_branch": "main"},
        }

    @classmethod
    def tearDownClass(cls) -> None:
        cls.scratch.close()

    def assert_found(self, run: Run, findings: int = 1) -> None:
        self.assertEqual(run.code, 1 if findings else 0, run.log)
        self.assertEqual(run.outputs["exit-code"], str(run.code))
        self.assertEqual(run.outputs["findings"], str(findings), run.log)
        self.assertEqual(run.outputs["complete"], "true")
        self.assertEqual(run.environment, "")
        self.assertNotIn(self.scratch.secret, run.log + run.summary)
        self.assertTrue(run.summary.strip(), "a summary")
        sarif = json.loads(Path(run.outputs["sarif-file"]).read_text(encoding="utf-8"))
        self.assertEqual(sarif["version"], "2.1.0")
        self.assertEqual(len(sarif["runs"][0]["results"]), findings)
        self.assertNotIn(self.scratch.secret, json.dumps(sarif))

    def assert_failed(self, run: Run, *parts: str) -> None:
        self.assertEqual(run.code, 2, run.log)
        self.assertEqual((run.outputs["exit-code"], run.outputs["complete"]), ("2", "false"))
        self.assertTrue([line for line in run.commands if line.startswith("::error ")], run.log)
        for part in parts:
            self.assertIn(part, run.log)

    def test_each_event_in_a_shallow_checkout(self) -> None:
        created = self.push | {"before": "0" * 40, "created": True}
        tag = created | {"ref": "refs/tags/v1", "after": self.scratch.git(self.scratch.origin, "rev-parse", "v1")}
        group = {"merge_group": {"base_sha": self.scratch.base, "head_sha": self.scratch.head}}
        gone = self.push | {"before": "4" * 40, "forced": True}
        for name, branch, event in [
            ("pull_request", "main", self.pull_request),
            ("pull_request_target", "main", self.pull_request),
            ("merge_group", "topic", group),
            ("push", "topic", self.push),
            ("push", "topic", created),
            ("push", "topic", gone),
            ("push", "v1", tag),
            ("schedule", "main", {}),
            ("workflow_dispatch", "main", {}),
            ("release", "main", {}),
        ]:
            with self.subTest(name=name, event=event):
                work = self.scratch.checkout("--depth", "1", "--branch", branch)
                run = self.scratch.run(work, name, event)
                self.assert_found(run)
                annotation, end = run.commands
                self.assertRegex(annotation, r"^::error file=src/b\.py,line=2,")
                self.assertRegex(end, r"^::notice .*1 secret")
                if name != "push" and "pull_request" in event or "merge_group" in event:
                    self.assertEqual(run.outputs["base"], self.scratch.base)
                    self.assertEqual(run.outputs["head"], self.scratch.head)

    def test_a_pull_request_from_a_fork(self) -> None:
        # Its commits are in no branch of the repository.
        origin = self.scratch.origin
        self.scratch.git(origin, "checkout", "--quiet", "--detach", "main")
        head = self.scratch.commit("src/b.py", f'\nTOKEN = "{self.scratch.secret}"\n')
        self.scratch.git(origin, "update-ref", "refs/pull/2/head", head)
        self.scratch.git(origin, "checkout", "--quiet", "topic")
        request = self.pull_request["pull_request"] | {"number": 2, "head": {"sha": head, "ref": "main"}}
        event = self.pull_request | {"number": 2, "pull_request": request}
        for name in ["pull_request", "pull_request_target"]:
            run = self.scratch.run(self.scratch.checkout("--depth", "1", "--branch", "main"), name, event)
            self.assert_found(run)
            self.assertEqual((run.outputs["base"], run.outputs["head"]), (self.scratch.base, head))

    def test_a_deleted_branch(self) -> None:
        # The runner checks out the default branch then.
        event = self.push | {"after": "0" * 40, "deleted": True}
        run = self.scratch.run(self.scratch.checkout("--depth", "1", "--branch", "main"), "push", event)
        self.assert_found(run, findings=0)
        self.assertIn("a push that deletes topic", run.summary)

    def test_an_image(self) -> None:
        work = self.scratch.checkout()
        (work / "token.txt").write_text(self.scratch.secret)
        with tarfile.open(work / "image.tar", "w") as archive:
            archive.add(work / "token.txt", "app/token.txt")
        run = self.scratch.run(work, KEYSIEVE_MODE="image", KEYSIEVE_PATH="image.tar")
        self.assert_found(run)
        self.assertIn("app/token.txt", run.summary)

    def test_a_baseline(self) -> None:
        work = self.scratch.checkout("--branch", "topic")
        subprocess.run([str(BINARY), "baseline", "create", "--reason", "known"], cwd=work, check=True, capture_output=True)
        for name in [".keysieve-baseline.yaml", ".keysieve-salt"]:
            (work / name).rename(work.parent / name)
        baseline = {"KEYSIEVE_BASELINE": str(work.parent / ".keysieve-baseline.yaml")}
        self.assert_found(self.scratch.run(work, "pull_request", self.pull_request, **baseline), findings=0)

    def test_a_range_audit_and_scan(self) -> None:
        work = self.scratch.checkout()
        self.assert_found(
            self.scratch.run(work, KEYSIEVE_MODE="range", KEYSIEVE_BASE="origin/main", KEYSIEVE_HEAD="origin/topic")
        )
        self.assert_found(
            self.scratch.run(
                work, KEYSIEVE_MODE="range", KEYSIEVE_BASE=self.scratch.middle, KEYSIEVE_HEAD="origin/topic"
            ),
            findings=0,
        )
        self.assert_found(self.scratch.run(work, KEYSIEVE_MODE="audit"))
        self.assert_found(self.scratch.run(work, KEYSIEVE_MODE="scan"), findings=0)
        folder = work / "a folder; echo"
        folder.mkdir()
        (folder / "-x.py").write_text(f'TOKEN = "{self.scratch.secret}"\n')
        self.assert_found(self.scratch.run(work, KEYSIEVE_MODE="scan", KEYSIEVE_PATH="a folder; echo"))
        self.assert_found(self.scratch.run(folder, KEYSIEVE_MODE="scan", KEYSIEVE_PATH="-x.py"))

    def test_severity_arguments_and_files(self) -> None:
        work = self.scratch.checkout("--branch", "topic")
        (work / "p.py").write_text('password = "' + "tR7hvd" + '9QmX2"\n')
        scan = {"KEYSIEVE_MODE": "scan", "KEYSIEVE_PATH": "p.py"}
        self.assertEqual(self.scratch.run(work, **scan, KEYSIEVE_FAIL_ON="high").code, 1)
        run = self.scratch.run(work, **scan, KEYSIEVE_FAIL_ON="critical")
        self.assertEqual((run.code, run.outputs["findings"]), (0, "1"), run.log)
        run = self.scratch.run(work, **scan, KEYSIEVE_FAIL_ON="never")
        self.assertEqual((run.code, run.outputs["findings"]), (0, "1"), run.log)
        run = self.scratch.run(work, **scan, KEYSIEVE_ARGS="--min-confidence high  -j 1")
        self.assertEqual(run.outputs["findings"], "0", run.log)
        (work / "of ours.yaml").write_text("schema: 1\nrules: {off: [generic-password]}\n")
        run = self.scratch.run(work, **scan, KEYSIEVE_ARGS="--config\nof ours.yaml\n")
        self.assertEqual(run.outputs["findings"], "0", run.log)
        run = self.scratch.run(work, **scan, KEYSIEVE_CONFIG="of ours.yaml", KEYSIEVE_SARIF_FILE="out 100%.sarif")
        self.assertEqual((run.outputs["findings"], run.outputs["sarif-file"]), ("0", "out 100%.sarif"))
        self.assertTrue((work / "out 100%.sarif").is_file())
        # In a pull request it is taken from the base, which does not have it.
        run = self.scratch.run(work, "pull_request", self.pull_request, KEYSIEVE_CONFIG="of ours.yaml")
        self.assert_failed(run, "there is no such file in")

    def test_what_could_not_be_read_fails(self) -> None:
        work = self.scratch.checkout("--depth", "1", "--branch", "topic")
        run = self.scratch.run(work, KEYSIEVE_MODE="audit")
        self.assert_failed(run, "could not read everything")
        self.assertEqual(run.outputs["findings"], "0")
        self.assertTrue(Path(run.outputs["sarif-file"]).is_file())
        self.assertIn("shallow", run.summary)

    def test_inputs_that_make_no_sense(self) -> None:
        work = self.scratch.checkout()
        for variables, part in [
            ({"KEYSIEVE_MODE": "everything"}, "has to be auto, range"),
            ({"KEYSIEVE_MODE": "range"}, "base is not given"),
            ({"KEYSIEVE_HEAD": "main"}, "head is given without base"),
            ({"KEYSIEVE_MODE": "scan", "KEYSIEVE_BASE": "main"}, "has no use for"),
            ({"KEYSIEVE_VERSION": "../../x"}, "has to be a release"),
            ({"KEYSIEVE_FAIL_ON": "sometimes"}, "sometimes"),
            ({"KEYSIEVE_BASE": "no\nsuch::error::x"}, "could not begin: keysieve: --base, as --base says: no"),
        ]:
            with self.subTest(variables=variables):
                self.assert_failed(self.scratch.run(work, **variables), part)

    def test_what_is_printed_gives_the_runner_no_commands(self) -> None:
        work = self.scratch.checkout("--branch", "topic")
        folder = work / "hostile"
        folder.mkdir()
        name = "::error::x.py" if SYSTEM != "Windows" else "%0A##[error]x.py"
        (folder / name).write_text(f'TOKEN = "{self.scratch.secret}"\n')
        run = self.scratch.run(folder, KEYSIEVE_MODE="scan")
        self.assert_found(run)
        self.assertEqual([line.split()[0] for line in run.commands], ["::error", "::notice"], run.log)

    def test_a_release_that_is_not_what_it_should_be(self) -> None:
        work, archive = self.scratch.checkout(), self.scratch.release / ARCHIVE
        sound = archive.read_bytes()
        try:
            archive.write_bytes(sound + b"x")
            self.assert_failed(self.scratch.run(work), "the checksum of")
            (self.scratch.release / "SHA256SUMS").write_text("00  other.tar.gz\n")
            self.assert_failed(self.scratch.run(work), "do not list")
        finally:
            archive.write_bytes(sound)
            self.scratch.list_checksums()

    def test_the_attestation_counts_where_gh_can(self) -> None:
        work, gh = self.scratch.checkout("--branch", "topic"), self.scratch.bin / "gh"
        scan = {"KEYSIEVE_MODE": "scan", "KEYSIEVE_GH_TOKEN": "of the job"}
        try:
            log = self.scratch.dir / "gh.log"
            gh.write_text(f'#!/bin/sh\necho "$GH_TOKEN: $*" >>"{log.as_posix()}"\n')
            gh.chmod(0o755)
            run = self.scratch.run(work, **scan)
            self.assertEqual(run.code, 0, run.log)
            self.assertIn(f"of the job: attestation verify {ARCHIVE} --repo owner/keysieve", log.read_text())
            gh.write_text('#!/bin/sh\ncase "$*" in *--help) exit 0 ;; esac\necho "no attestation" >&2\nexit 1\n')
            self.assert_failed(self.scratch.run(work, **scan), "cannot be verified", "no attestation")
            run = self.scratch.run(work, **scan, KEYSIEVE_SKIP_ATTESTATION="1")
            self.assertEqual(run.code, 0, run.log)
            run = self.scratch.run(work, KEYSIEVE_MODE="scan")
            self.assertIn("the attestation is not verified", run.log)
        finally:
            gh.unlink()

    def test_without_a_release_the_wheel_is_taken(self) -> None:
        work = self.scratch.checkout("--branch", "topic")
        nowhere = {"KEYSIEVE_MODE": "audit", "KEYSIEVE_RELEASES": "http://127.0.0.1:9"}
        self.assert_failed(self.scratch.run(work, **nowhere), "can be had neither")
        self.assert_failed(self.scratch.run(work, KEYSIEVE_VERSION="9.9.9"), "can be had neither")
        if WHEELS is None:
            self.skipTest("no wheel was given")
        run = self.scratch.run(work, **nowhere, PIP_FIND_LINKS=str(WHEELS))
        self.assert_found(run)
        self.assertIn("from the Python package index", run.log)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
