#!/usr/bin/env python3
"""Measures how much memory an audit takes: of a repository, or of one made to be hard on memory.

    python3 benches/memory.py path/to/repository
    python3 benches/memory.py --made chain [--versions 50] [--megabytes 100]

`--made` writes a pack of many versions of one large file and audits that: each version a delta on the one before (`chain`),
all on the first (`star`), or two on each (`tree`). Prints the peak of anonymous memory (RssAnon: what the program itself
took; mapped pack files are not in it), of all resident memory, and the time.

Needs Linux, git, and Python 3.9 or later; nothing but the standard library.
"""

import argparse
import hashlib
import random
import struct
import subprocess
import tempfile
import time
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BLOB, OFS_DELTA = 3, 6


def size(number: int) -> bytes:
    """A size as deltas have it: seven bits a byte, the lowest first."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out + bytes([number]))


def header(kind: int, length: int) -> bytes:
    first, length = kind << 4 | length & 0xF, length >> 4
    return bytes([first | 0x80]) + size(length) if length else bytes([first])


def distance(number: int) -> bytes:
    """How far before it the base of a delta begins."""
    out = [number & 0x7F]
    while number := number >> 7:
        number -= 1
        out.append(number & 0x7F | 0x80)
    return bytes(reversed(out))


def delta(length: int, at: int, line: bytes) -> bytes:
    """Writes `line` over what the base has at `at`, and copies the rest."""
    out = bytearray(size(length) + size(length))
    copies = [(0, at), (at + len(line), length)]
    for position, (start, end) in enumerate(copies):
        while start < end:
            count = min(end - start, 0xFFFFFF)
            out += bytes([0xFF]) + struct.pack("<I", start) + struct.pack("<I", count)[:3]
            start += count
        if position == 0:
            out += bytes([len(line)]) + line
    return bytes(out)


def make(repository: Path, shape: str, versions: int, megabytes: int) -> None:
    subprocess.run(["git", "init", "--quiet", "--bare", repository], check=True)
    chance = random.Random(7)
    words = [bytes(chance.choices(b"abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 9))) for _ in range(5000)]
    text = b" ".join(chance.choices(words, k=200_000)) + b"\n"
    length = megabytes * 1_000_000
    text = (text * (length // len(text) + 1))[:length]
    pack = bytearray(b"PACK" + struct.pack(">II", 2, versions))
    starts = [len(pack)]
    pack += header(BLOB, length) + zlib.compress(text, 1)
    for version in range(1, versions):
        base = {"chain": version - 1, "star": 0, "tree": (version - 1) // 2}[shape]
        line = f"\nversion {version} of many\n".encode()
        change = delta(length, chance.randrange(length - 100), line)
        starts.append(len(pack))
        pack += header(OFS_DELTA, len(change)) + distance(starts[-1] - starts[base]) + zlib.compress(change)
    pack += hashlib.sha1(pack).digest()
    subprocess.run(["git", "-C", repository, "index-pack", "--stdin"], input=pack, check=True,
                   stdout=subprocess.DEVNULL)


def audit(repository: Path) -> None:
    subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=ROOT, check=True)
    program = ROOT / "target" / "release" / "keysieve"
    start = time.monotonic()
    process = subprocess.Popen([program, "audit", repository, "--quiet", "--no-cache"], stdout=subprocess.PIPE, text=True)
    peaks = {"RssAnon": 0, "VmHWM": 0}
    while process.poll() is None:
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
        except OSError:
            break
        for line in status.splitlines():
            name, _, value = line.partition(":")
            if name in peaks:
                peaks[name] = max(peaks[name], int(value.split()[0]))
        time.sleep(0.01)
    output = process.communicate()[0].splitlines()
    print(f"{repository.name}: anonymous {peaks['RssAnon'] / 1000:.0f} MB, resident {peaks['VmHWM'] / 1000:.0f} MB, "
          f"{time.monotonic() - start:.1f} s, exit {process.returncode}")
    print("\n".join(line for line in output if line.startswith(("read:", "NOT READ"))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("repository", type=Path, nargs="?")
    parser.add_argument("--made", choices=["chain", "star", "tree"])
    parser.add_argument("--versions", type=int, default=50)
    parser.add_argument("--megabytes", type=int, default=100)
    args = parser.parse_args()
    if args.repository:
        audit(args.repository)
    if args.made:
        with tempfile.TemporaryDirectory() as scratch:
            repository = Path(scratch) / f"{args.made}-{args.versions}x{args.megabytes}MB"
            make(repository, args.made, args.versions, args.megabytes)
            audit(repository)


if __name__ == "__main__":
    main()
