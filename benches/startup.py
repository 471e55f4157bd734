#!/usr/bin/env python3
"""How long `keysieve scan .` takes on a small repository, beside `git status` in the same run: medians, in turns.

    python3 benches/startup.py [--runs 50]

Builds keysieve (release) and makes the repository in a scratch directory. Needs git and Python 3.9 or later.
"""

import argparse
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def small_repository(path: Path) -> None:
    """Twenty files of code, committed."""
    git = ["git", "-C", str(path), "-c", "user.name=A", "-c", "user.email=a@example.com"]
    subprocess.run(["git", "init", "--quiet", str(path)], check=True)
    for number in range(20):
        lines = [f"def function_{line}(value):\n    return value + {line * number}\n" for line in range(100)]
        (path / f"module_{number}.py").write_text("\n".join(lines))
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "--quiet", "--message", "Begin"], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=50)
    args = parser.parse_args()
    subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=ROOT, check=True)
    commands = {
        "keysieve scan .": [str(ROOT / "target" / "release" / "keysieve"), "scan", "."],
        "git status": ["git", "status"],
    }
    seconds = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as scratch:
        small_repository(Path(scratch))
        for _ in range(args.runs):
            for name, command in commands.items():
                start = time.perf_counter()
                subprocess.run(command, cwd=scratch, check=True, stdout=subprocess.DEVNULL)
                seconds[name].append(time.perf_counter() - start)
    for name, measured in seconds.items():
        print(f"{name:16} {statistics.median(measured) * 1000:6.1f} ms (median of {args.runs})")


if __name__ == "__main__":
    main()
