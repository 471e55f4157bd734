#!/usr/bin/env python3
"""Measures what a sweep costs: audits of a repository with 1,000 made-up values to look for, and without, in turns.

    python3 benches/sweep.py path/to/repository [--runs 5] [--values 1000]

The values are keys of 20 to 60 characters, passwords with signs, and a few private keys. Prints the medians of the times that
pass, and of those that the processors work, which other programs on the machine disturb less; and their ratios. Both audits
read everything: a sweep uses no cache, so the other is told to use none.

Needs git, and Python 3.9 or later; nothing but the standard library.
"""

import argparse
import base64
import json
import random
import resource
import statistics
import string
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = ROOT / "target" / "release" / "keysieve"


def value(source: random.Random) -> str:
    kind = source.randrange(20)
    if kind == 0:
        body = base64.b64encode(source.randbytes(1200)).decode()
        return "\\n".join(["-----BEGIN " + "PRIVATE KEY-----", *(body[at:at + 64] for at in range(0, len(body), 64))])
    if kind < 5:
        return "".join(source.choices(string.ascii_letters + string.digits + "!%&/+=?@:", k=source.randint(12, 24)))
    alphabet = source.choice([string.ascii_letters + string.digits, "0123456789abcdef", string.ascii_letters + "-_"])
    return source.choice(["", "sk_", "prod-"]) + "".join(source.choices(alphabet, k=source.randint(20, 60)))


def worked() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def audit(program: Path, repository: Path, report: Path, *options) -> tuple[float, float]:
    command = [program, "audit", repository, "--no-cache", "--quiet", "--format", "jsonl", "-o", report, *options]
    start, before = time.perf_counter(), worked()
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start, worked() - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("repository", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--values", type=int, default=1000)
    parser.add_argument("--program", type=Path, help="a keysieve that is built already")
    args = parser.parse_args()
    if args.program is None:
        subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=ROOT, check=True)
    program = (args.program or PROGRAM).resolve()
    source = random.Random(1)
    with tempfile.TemporaryDirectory() as scratch:
        values, report = Path(scratch) / "values.env", Path(scratch) / "report.jsonl"
        values.write_text("".join(f"SECRET_{number}='{value(source)}'\n" for number in range(args.values)))
        without, with_sweep = [], []
        for _ in range(args.runs):
            without.append(audit(program, args.repository, report))
            with_sweep.append(audit(program, args.repository, report, "--values", values))
        summary = json.loads(report.read_text().splitlines()[-1])
    swept, read = summary["swept"], summary["read"]
    print(f"{args.repository}: {read['blobs']} blobs, {read['commits']} commits, complete: {summary['complete']}")
    print(f"{swept['values']} values looked for, {len(swept['left_out'])} left out; medians of {args.runs}")
    for kind, what in enumerate(["passed", "worked"]):
        first, second = (statistics.median(times[kind] for times in runs) for runs in (without, with_sweep))
        print(f"{what}: without {first:.3f} s, with {second:.3f} s: {second / first:.2f} times")


if __name__ == "__main__":
    main()
