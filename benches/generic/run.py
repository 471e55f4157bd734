#!/usr/bin/env python3
"""Measures the generic rules: precision and recall on lines of code with credentials, and with what only looks like them.

    python3 benches/generic/run.py [--binary target/release/keysieve] [--half tune|held|both] [--show missed|false]

The lines are templates (templates/*.txt), so that no secret stands in the repository: a seeded generator fills their slots.
A line of such a file is one of

    @ path                 where the snippets below lie
    + shape | template     holds the credential that {{*slot}} stands for
    - shape | template     holds none
    # comment

with `¶` for a line end and {{slot}} for a value out of VALUES; anything else in braces is text. Two halves, by a hash of the
template: rules are tuned by looking at `tune`; `held` says how they do on what nobody looked at.

Needs Python 3.9 or later; nothing but the standard library. The same seed gives the same files everywhere.
"""

import argparse
import base64
import hashlib
import json
import random
import re
import string
import subprocess
import sys
import tempfile
import uuid
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SAMPLES = {"+": 2, "-": 4}
SLOT = re.compile(r"\{\{(\*?)(\w+)\}\}")

WORDS = """amber anchor apple arrow autumn badger beacon bridge canyon castle cedar cherry circle cloud cobalt copper coral
crystal dragon eagle ember falcon forest fountain galaxy garden glacier granite harbor hazel horizon island jasmine jungle
lagoon lantern lemon lotus magnet maple marble meadow mercury meteor mirror mountain nebula ocean olive orange orchid otter
panda pepper phoenix pilot planet prairie quartz rabbit raven ribbon river rocket saffron sapphire shadow silver spider
sparrow spring summer sunset thunder tiger timber topaz tulip turtle valley velvet violet walnut willow window winter
wizard yellow zebra zephyr""".split()
USERS = "admin deploy root app worker backup svc alice bob carol dave reader jenkins api webapp postgres ubuntu".split()
PASSWORD_NAMES = """password passwd pwd db_password db_pass admin_password root_password smtp_password mysql_password user_pass
redis_password ftp_pass ssh_passphrase login_password keystore_password ldap_bind_password service_pwd mail_passwd""".split()
SECRET_NAMES = """api_key auth_token access_token secret client_secret secret_key app_secret signing_key encryption_key
webhook_secret session_secret refresh_token bot_token consumer_secret api_token private_token jwt_secret access_key
cookie_secret api_secret token""".split()
SIGNS = "!#%&*+-_=?^~.,:"


def camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


class Values:
    """The values of slots, drawn from one generator of random numbers."""

    def __init__(self, rng: random.Random):
        self.rng = rng

    def of(self, slot: str):
        """The value; none where `slot` is no slot but the code's own braces."""
        if slot in vars(Values) and slot != "of":
            return getattr(self, slot)()
        sized = re.fullmatch(r"([a-z0-9]+?)_?(\d+)", slot)
        maker = sized and getattr(self, f"sized_{sized[1]}", None)
        return maker(int(sized[2])) if maker else None

    def chars(self, alphabet: str, length: int) -> str:
        return "".join(self.rng.choice(alphabet) for _ in range(length))

    def mixed(self, alphabet: str, length: int) -> str:
        """Letters and digits both."""
        while True:
            text = self.chars(alphabet, length)
            if re.search("[a-zA-Z]", text) and re.search("[0-9]", text):
                return text

    # Passwords.

    def pw(self) -> str:
        word, other = self.rng.choice(WORDS), self.rng.choice(WORDS)
        number = str(self.rng.choice([self.rng.randrange(10, 100), self.rng.randrange(1990, 2026)]))
        sign = self.rng.choice("!@#%&*?.-_+")
        style = self.rng.randrange(8)
        return [
            word.capitalize() + number + sign,
            word + number,
            word.capitalize() + sign + number,
            self.mixed(string.ascii_letters + string.digits, self.rng.randrange(8, 17)),
            self.mixed(string.ascii_lowercase + string.digits, self.rng.randrange(8, 13)),
            self.mixed(string.ascii_letters + string.digits + SIGNS, self.rng.randrange(9, 18)),
            (word + other).replace("a", "4").replace("e", "3").replace("o", "0").replace("i", "1") + number,
            self.rng.choice(["Passw0rd", "Adm1n", "P4ss", "Welc0me", "s3cret", "Root"]) + sign + number + word[:2],
        ][style]

    def pw_url(self) -> str:
        return re.sub(r"[@:/?#\[\]%&+]", "x", self.pw())

    def pw_sh(self) -> str:
        return re.sub(r"[^A-Za-z0-9_.+-]", "x", self.pw())

    def pw_short(self) -> str:
        word = self.rng.choice([word for word in WORDS if len(word) <= 5])
        return [
            lambda: word + str(self.rng.randrange(1, 99)),
            lambda: self.mixed(string.ascii_lowercase + string.digits, self.rng.randrange(5, 8)),
            lambda: self.mixed(string.ascii_letters + string.digits, self.rng.randrange(4, 8)),
            lambda: self.chars(string.ascii_lowercase, self.rng.randrange(5, 8)),
            lambda: word[:3] + self.rng.choice("!@#") + str(self.rng.randrange(10, 99)),
            lambda: self.chars(string.digits[1:], 2) + word,
        ][self.rng.randrange(6)]()

    def pw_letters(self) -> str:
        word, other = self.rng.choice(WORDS), self.rng.choice(WORDS)
        return [
            lambda: word + other,
            lambda: word.capitalize() + other.capitalize(),
            lambda: self.chars(string.ascii_lowercase, self.rng.randrange(8, 13)),
            lambda: self.chars(string.ascii_letters, self.rng.randrange(8, 13)),
        ][self.rng.randrange(4)]()

    # Keys and tokens.

    def sized_tok(self, length: int) -> str:
        return self.mixed(string.ascii_letters + string.digits, length)

    def sized_hex(self, length: int) -> str:
        return self.mixed("0123456789abcdef", length)

    def sized_key(self, length: int) -> str:
        return self.chars(string.ascii_lowercase + string.digits + "!@#$%^&*(-_=+)", length)

    def key50_bare(self) -> str:
        return self.mixed(string.ascii_lowercase + string.digits + "!@%^*-_=+", 50)

    def key64(self) -> str:
        return self.chars(string.ascii_letters + string.digits + "!@#$%^&*()-_[]{}<>~`+=,.;:/?| ", 64).strip() + "x"

    def base32(self) -> str:
        return self.mixed(string.ascii_uppercase + "234567", 16)

    def uuid(self) -> str:
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    def sized_b64(self, length: int) -> str:
        return base64.b64encode(self.rng.randbytes(length)).decode()[:length]

    def b64_44(self) -> str:
        return base64.b64encode(self.rng.randbytes(32)).decode()

    def b64u_32(self) -> str:
        return base64.urlsafe_b64encode(self.rng.randbytes(32)).decode()

    def b64pw(self) -> str:
        return base64.b64encode(self.pw().encode()).decode()

    def b64tok(self) -> str:
        return base64.b64encode(self.sized_tok(32).encode()).decode()

    def b64up(self) -> str:
        return base64.b64encode(f"{self.user()}:{self.pw()}".encode()).decode()

    def b64docker(self) -> str:
        return base64.b64encode(json.dumps({"auths": {self.host(): {"auth": self.b64up()}}}).encode()).decode()

    # Hashes of passwords, behind the scheme that the template writes.

    def apr(self) -> str:
        return self.sized_tok(8) + "$" + self.sized_tok(22)

    def bcrypt(self) -> str:
        return self.sized_tok(53)

    def crypt6(self) -> str:
        return self.sized_tok(8) + "$" + self.sized_tok(86)

    # What stands around them.

    def word(self) -> str:
        return self.rng.choice(WORDS)

    def w(self) -> str:
        return self.rng.choice(["word", "short", "wrong", "passe"])

    def d(self) -> str:
        """A digit: what only looks like a credential in a template is none in the repository either."""
        return self.rng.choice(string.digits[1:])

    def Word(self) -> str:
        return self.word().capitalize()

    def WORD(self) -> str:
        return self.word().upper()

    def user(self) -> str:
        return self.rng.choice(USERS)

    def host(self) -> str:
        return self.word() + self.rng.choice([".internal", ".net", ".io", "-prod.local", ".de"])

    def int(self) -> str:
        return str(self.rng.randrange(10, 60000))

    def pw_snake(self) -> str:
        return self.rng.choice(PASSWORD_NAMES)

    def PW_UPPER(self) -> str:
        return self.pw_snake().upper()

    def pwCamel(self) -> str:
        return camel(self.pw_snake())

    def PwPascal(self) -> str:
        name = self.pwCamel()
        return name[0].upper() + name[1:]

    def tok_snake(self) -> str:
        return self.rng.choice(SECRET_NAMES)

    def TOK_UPPER(self) -> str:
        return self.tok_snake().upper()

    def tokCamel(self) -> str:
        return camel(self.tok_snake())


@dataclass
class Snippet:
    """A filled template, in a file of its own."""

    half: str
    label: str
    shape: str
    language: str
    path: str
    text: str
    secrets: list


LANGUAGES = {
    "py": "Python", "js": "JavaScript", "ts": "TypeScript", "go": "Go", "java": "Java", "properties": "properties",
    "yml": "YAML", "yaml": "YAML", "xml": "XML", "cs": "C#", "json": "JSON", "php": "PHP", "rb": "Ruby", "sh": "shell",
    "ini": "INI", "conf": "INI", "toml": "TOML", "tf": "HCL", "tfvars": "HCL", "sql": "SQL", "md": "Markdown", "rs": "Rust",
    "kt": "Kotlin", "swift": "Swift", "c": "C", "pm": "Perl", "ps1": "PowerShell", "html": "HTML", "log": "log",
    "ipynb": "notebook", "env": ".env",
}


def language(path: str) -> str:
    name = path.rsplit("/", 1)[-1]
    if name == "Dockerfile":
        return "Dockerfile"
    return LANGUAGES.get(name.rsplit(".", 1)[-1], "other") if name != "package-lock.json" else "lock file"


def fill(template: str, values: Values):
    secrets = []

    def value(slot):
        text = values.of(slot[2])
        if text is None:
            return slot[0]
        if slot[1]:
            secrets.append(text)
        return text

    return SLOT.sub(value, template).replace("¶", "\n"), secrets


def snippets():
    for file in sorted((HERE / "templates").glob("*.txt")):
        path = file.stem
        for line in file.read_text().splitlines():
            if line.startswith("@ "):
                path = line[2:]
                continue
            if not line.startswith(("+ ", "- ")):
                continue
            label, (shape, template) = line[0], line[2:].split(" | ", 1)
            digest = hashlib.sha256(f"{path}\0{label}\0{template}".encode()).digest()
            for number in range(SAMPLES[label]):
                values = Values(random.Random(digest + bytes([number])))
                where, _ = fill(path, values)
                text, secrets = fill(template, values)
                half = "tune" if digest[0] % 2 == 0 else "held"
                yield Snippet(half, label, shape, language(path), where, text, secrets)


def findings(binary: str, folder: Path, confidence: str):
    """The secrets found, by the number of the snippet."""
    command = [binary, "scan", ".", "--format", "jsonl", "--show-secrets", "--min-confidence", confidence]
    output = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if output.returncode not in (0, 1):
        sys.exit(output.stderr + output.stdout[-2000:])
    found = defaultdict(list)
    for line in output.stdout.splitlines():
        finding = json.loads(line)
        for place in finding.get("places", []):
            number = int(re.search(r"(?:^|/)s(\d+)/", place["path"])[1])
            found[number].append((finding["secret"], finding["rule"]))
    return found


def is_hit(secret: str, snippet: Snippet) -> bool:
    return any(value in secret or (secret in value and len(secret) * 5 >= len(value) * 3) for value in snippet.secrets)


def table(title: str, key, rows):
    print(f"\n{title:14} {'real':>6} {'found':>6} {'recall':>7} {'clean':>6} {'false':>6} {'precision':>10}")
    groups = defaultdict(lambda: [0, 0, 0, 0])
    for snippet, hit in rows:
        for name in {key(snippet), "all"}:
            count = groups[name]
            if snippet.label == "+":
                count[0] += 1
                count[1] += hit
            else:
                count[2] += 1
                count[3] += hit
    for name, (real, found, clean, false) in sorted(groups.items(), key=lambda item: (item[0] == "all", item[0])):
        recall = f"{found / real:7.1%}" if real else "      -"
        precision = f"{found / (found + false):10.1%}" if found + false else "         -"
        print(f"{name:14} {real:6} {found:6} {recall} {clean:6} {false:6} {precision}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=str(ROOT / "target" / "release" / "keysieve"))
    parser.add_argument("--half", choices=["tune", "held", "both"], default="both")
    parser.add_argument("--show", choices=["missed", "false"], help="print the lines of `tune` that went wrong")
    parser.add_argument("--by", choices=["language", "shape", "all"], default="language")
    parser.add_argument("--min-confidence", default="medium")
    options = parser.parse_args()
    everything = list(snippets())
    with tempfile.TemporaryDirectory(prefix="keysieve-") as home:
        folder = Path(home)
        for number, snippet in enumerate(everything):
            file = folder / f"s{number}" / snippet.path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(snippet.text + "\n")
        found = findings(str(Path(options.binary).resolve()), folder, options.min_confidence)
    rows = []
    for number, snippet in enumerate(everything):
        secrets = found.get(number, [])
        hit = any(is_hit(secret, snippet) for secret, _ in secrets) if snippet.label == "+" else bool(secrets)
        rows.append((snippet, hit))
        wrong = {"missed": snippet.label == "+" and not hit, "false": snippet.label == "-" and hit}
        if options.show and snippet.half == "tune" and wrong[options.show]:
            print(f"{snippet.path:32} {snippet.text!r}  {secrets or ''}")
    for half in ["tune", "held"]:
        if options.half in (half, "both"):
            mine = [(snippet, hit) for snippet, hit in rows if snippet.half == half]
            key = {"language": lambda s: s.language, "shape": lambda s: s.shape, "all": lambda s: "all"}[options.by]
            table(f"{half}, by {options.by}" if options.by != "all" else half, key, mine)


if __name__ == "__main__":
    main()
