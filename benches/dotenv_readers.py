#!/usr/bin/env python3
"""Holds the table of `crates/envfiles/src/parse.rs` against the two programs that it speaks of.

    python3 -m venv venv && venv/bin/pip install python-dotenv && npm install --prefix venv dotenv@17
    venv/bin/python benches/dotenv_readers.py venv/node_modules/dotenv

Prints each row on which a program disagrees, and how many there are.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from dotenv.parser import parse_stream
from dotenv.variables import parse_variables

SOURCE = Path(__file__).resolve().parents[1] / "src" / "dotenv" / "parse.rs"
TEXT = r'"((?:\\.|[^"\\])*)"'
NODE = "console.log(JSON.stringify(require(process.argv[1]).parse(require('fs').readFileSync(process.argv[2], 'utf8'))))"


def unescaped(text: str) -> str:
    text = re.sub(r"\\u\{([0-9a-f]+)\}", lambda found: chr(int(found[1], 16)), text)
    return re.sub(r"\\(.)", lambda found: {"n": "\n", "r": "\r", "t": "\t"}.get(found[1], found[1]), text)


def rows():
    table = SOURCE.read_text().split("const TABLE")[1].split("\n    ];")[0]
    for line in table.splitlines():
        found = re.fullmatch(rf"\s*\({TEXT}, &\[(.*?)\], &\[(.*)\]\),", line)
        if found:
            pairs = [[(unescaped(name), unescaped(value)) for name, value in re.findall(rf"\({TEXT}, {TEXT}\)", part)]
                     for part in found.groups()[1:]]
            yield unescaped(found[1]), *pairs


def python(file: str):
    values = {}
    with open(file, encoding="utf-8") as stream:
        for binding in parse_stream(stream):
            if binding.key is not None and binding.value is not None:
                value = "".join(atom.resolve(values) for atom in parse_variables(binding.value))
                values[binding.key] = value
                yield binding.key, value


def node(package: str, file: str):
    command = ["node", "-e", NODE, str(Path(package).resolve()), file]
    return json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


def main() -> None:
    count = wrong = 0
    for text, expected_python, expected_node in rows():
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            for name, found, expected in [
                ("python-dotenv", list(python(file.name)), expected_python),
                ("dotenv", node(sys.argv[1], file.name), dict(expected_node)),
            ]:
                if found != expected:
                    wrong += 1
                    print(f"{name} reads {text!r} as {found}, the table says {expected}")
        count += 1
    print(f"{count} rows, {wrong} wrong")


if __name__ == "__main__":
    main()
