#!/usr/bin/env python3
"""Counts which letter follows which in the words of this project, and prints the table of `crates/detect/src/checks/words.rs`.

    python3 benches/generic/letters.py
"""

import collections
import math
import re
import string
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILES = [*ROOT.glob("src/**/*.rs"), *ROOT.glob("crates/**/*.rs"), *ROOT.glob("tests/**/*.rs"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
# What a pair that does not occur counts.
UNSEEN = 0.15

text = " ".join(file.read_text() for file in FILES)
names = (word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", text) if len(word) > 2)
pairs, firsts = collections.Counter(), collections.Counter()
for word, count in collections.Counter(names).items():
    # A frequent word says little more about letters than a rare one.
    weight = 1 + math.log2(count)
    for first, second in zip(word, word[1:]):
        pairs[first + second] += weight
        firsts[first] += weight
for first in string.ascii_lowercase:
    total = firsts[first] + 26 * UNSEEN
    shares = ((pairs[first + second] + UNSEEN) / total * 26 for second in string.ascii_lowercase)
    row = "".join(str(max(0, min(9, round(math.log2(share) + 5)))) for share in shares)
    print(f'    *b"{row}",')
