#!/usr/bin/env python3
"""What the number of rules costs: audits of a repository with all rules, and with 60 of them, in turns.

    python3 benches/rules.py path/to/repository [--runs 5] [--rules 60]

The 60 are the first of `keysieve rules list`, and in another row the first 54 and the generic rules, whose names are everywhere and
which any set has. Prints medians of the time that one processor works, and each row's ratio to that of all rules. Audits use one
thread and no cache.

Needs Python 3.9 or later; nothing but the standard library.
"""

import argparse
import resource
import statistics
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = ROOT / "target" / "release" / "keysieve"


def worked() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def audit(program: Path, repository: Path, configuration: Path) -> float:
    before = worked()
    command = [program, "audit", repository, "--no-cache", "--quiet", "-j1", "--config", configuration]
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    if ended.returncode not in (0, 1):
        raise SystemExit(ended.stderr)
    return worked() - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("repository", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--rules", type=int, default=60)
    parser.add_argument("--program", type=Path, help="a keysieve that is built already")
    args = parser.parse_args()
    if args.program is None:
        subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=ROOT, check=True)
    program = args.program or PROGRAM
    listed = subprocess.run([program, "rules", "list"], check=True, capture_output=True, text=True).stdout
    # The last line counts them.
    ids = [line.split()[0] for line in listed.splitlines()[:-1]]
    generic = [name for name in ids if name.startswith("generic-")]
    sets = {
        f"all {len(ids)} rules": ids,
        f"the first {args.rules}": ids[:args.rules],
        f"the first {args.rules - len(generic)} and the generic ones": ids[:args.rules - len(generic)] + generic,
    }
    with tempfile.TemporaryDirectory() as scratch:
        seconds: dict[str, list[float]] = {name: [] for name in sets}
        for number, kept in enumerate(sets.values()):
            off = ", ".join(name for name in ids if name not in kept)
            (Path(scratch) / f"{number}.yaml").write_text(f"schema: 1\nrules: {{off: [{off}]}}\n")
        for _ in range(args.runs):
            for number, name in enumerate(sets):
                seconds[name].append(audit(program, args.repository, Path(scratch) / f"{number}.yaml"))
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    whole = next(iter(medians.values()))
    for name, median in medians.items():
        print(f"{name:40} {median:6.2f} s   all rules take {whole / median:.2f} times that")


if __name__ == "__main__":
    main()
