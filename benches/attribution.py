#!/usr/bin/env python3
"""Measures what it costs to say where findings came from: audits with a rule that finds what follows a word, against none.

    python3 benches/attribution.py path/to/repository [--runs 3] WORD...

For each word, what follows it on its line is a finding, in all versions of all files. Prints how many findings there are, in
how many versions and places, and the CPU time beyond that of the audit without them: matching, attribution and output
together. Choose words that are rare and common: for git/git for instance `ll_union_merge`, `read_mmblob`, `unlink_or_warn`.

Needs Linux, git, and Python 3.9 or later; nothing but the standard library.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RULE = """schema: 1
rules:
- id: word
  name: A word
  provider: Nobody
  kind: provider
  severity: low
  confidence: high
  keywords: [{word}]
  pattern: '{word}(?P<secret>[^\n]{{4,60}})'
  references: ['https://example.org']
  fix: Nothing.
  counter_examples: ['nothing']
"""


def audit(repository: Path, word: str):
    """CPU seconds of one audit; findings, versions and places of them."""
    with tempfile.TemporaryDirectory() as scratch:
        rules, report = Path(scratch) / "rules.yaml", Path(scratch) / "report.jsonl"
        rules.write_text(RULE.format(word=word))
        program = ROOT / "target" / "release" / "keysieve"
        command = [program, "audit", repository, "--no-cache", "--quiet", "--rules", rules, "--format", "jsonl", "-o", report]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, _, usage = os.wait4(process.pid, 0)
        found = [json.loads(line) for line in report.read_text().splitlines()]
    places = [place for finding in found if finding.get("rule") == "word" for place in finding["places"]
              if place["kind"] == "git"]
    count = sum(finding.get("rule") == "word" for finding in found)
    return usage.ru_utime + usage.ru_stime, count, sum(place["versions"] for place in places), len(places)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("repository", type=Path)
    parser.add_argument("words", nargs="+")
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=ROOT, check=True)
    words = ["no_such_word_anywhere", *args.words]
    runs = {word: [] for word in words}
    for _ in range(args.runs):
        for word in words:
            runs[word].append(audit(args.repository, word))
    base = statistics.median(run[0] for run in runs[words[0]])
    print(f"{args.repository.name}: medians of {args.runs}; {base:.2f} s of CPU without findings of the rule\n")
    print("| word | findings | versions | places | CPU s beyond that |")
    print("|---|---:|---:|---:|---:|")
    for word in args.words:
        _, findings, versions, places = runs[word][0]
        print(f"| `{word}` | {findings} | {versions} | {places} | {statistics.median(run[0] for run in runs[word]) - base:.2f} |")


if __name__ == "__main__":
    main()
