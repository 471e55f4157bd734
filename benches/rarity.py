#!/usr/bin/env python3
"""Counts how rare bytes are in source code, behind one another: the tables of crates/detect/src/rarity.rs.

    python3 benches/rarity.py FOLDER:EXTENSION,...[:MEGABYTES] ...

Prints how rare each class of bytes is alone, then a row for each class with how rare each is behind it, in bits as one
hexadecimal digit. Bytes are folded as the search folds them, with bit 5 set.
"""

import math
import random
import sys
from pathlib import Path

LETTERS = [[byte] for byte in range(ord("a"), ord("z") + 1)]
SIGNS = [[byte] for byte in b" \x7f*-./:=\"'(),"]
DIGITS = list(range(ord("0"), ord("9") + 1))
CLASSES = [*LETTERS, DIGITS, *SIGNS]
MOST_OF_A_FILE = 200_000


def texts(folder, extensions, most):
    files = sorted(path for path in Path(folder).rglob("*") if path.suffix[1:] in extensions and path.is_file())
    random.Random(1).shuffle(files)
    read = 0
    for path in files:
        text = path.read_bytes()[:MOST_OF_A_FILE]
        read += len(text)
        yield text
        if read > most:
            return


def bits(share):
    return format(min(15, round(-math.log2(share))), "x")


def main():
    class_of = [len(CLASSES)] * 256
    for number, members in enumerate(CLASSES):
        for byte in members:
            class_of[byte] = number
    table = bytes(class_of[byte | 0x20] for byte in range(256))
    size = len(CLASSES) + 1
    pairs = [[0] * size for _ in range(size)]
    for source in sys.argv[1:]:
        folder, extensions, *most = source.split(":")
        for text in texts(folder, set(extensions.split(",")), float(most[0] if most else 15) * 1e6):
            classes = text.translate(table)
            for first, second in zip(classes, classes[1:]):
                pairs[first][second] += 1
    total = sum(map(sum, pairs))
    print("".join(bits((sum(row) + 1) / (total + size)) for row in pairs))
    for row in pairs:
        print("".join(bits((count + 1) / (sum(row) + size)) for count in row))


if __name__ == "__main__":
    main()
