//! What a value is given to: the name in front of it, and how that is written.

use keysieve_model::location::ByteSpan;
use keysieve_model::replacement::Assignee;
use keysieve_rules::Check;

use super::checks::Candidate;
use super::checks::name::is_name_byte;

/// How far in front of keyword and secret is looked, in bytes.
const LOOK_BACK_BYTES: usize = 64;
/// How far behind a secret the end of its literal is looked for, in bytes.
const LOOK_AHEAD_BYTES: usize = 64;
/// Letters that stand in front of string literals: `b"..."`, `f'...'`.
const STRING_PREFIXES: &[u8] = b"bBrRfFuU";

/// What the secret is given to; `None` where nothing in front of it names it.
pub(super) fn assignee(candidate: &Candidate<'_>) -> Option<Assignee> {
    let Candidate { bytes, secret, .. } = *candidate;
    let start = candidate.keyword.start.min(secret.start).saturating_sub(LOOK_BACK_BYTES);
    let literal = literal_start(bytes, start, secret);
    let looked_up = literal.and_then(|literal| looked_up(bytes, start, literal));
    let lead = literal.and_then(|literal| Lead::before(bytes, start, literal));
    let text = |span: ByteSpan| String::from_utf8_lossy(span.of(bytes)).into_owned();
    match (told_name(candidate), looked_up) {
        // `os.environ.get("NAME", "value")`: the look-up itself gives way.
        (Some(Told::Whole(name)), _) | (None, Some(name)) => {
            Some(Assignee { name: text(name), lead: String::new() })
        }
        (Some(Told::Around(name)), _) => {
            Some(Assignee { name: text(name), lead: lead.map(|lead| text(lead.whole)).unwrap_or_default() })
        }
        (None, None) => lead.map(|lead| Assignee { name: text(lead.name), lead: text(lead.whole) }),
    }
}

/// A name that the rule knows.
enum Told {
    /// That of a variable whose look-up holds the value.
    Whole(ByteSpan),
    /// The identifier around the keyword.
    Around(ByteSpan),
}

fn told_name(candidate: &Candidate<'_>) -> Option<Told> {
    let checks = &candidate.rule.checks;
    match candidate.name {
        _ if !checks.contains(&Check::SecretName) => None,
        Some(name) => Some(Told::Whole(name)),
        None => Some(Told::Around(candidate.name_span())),
    }
}

/// Where the literal begins that the secret makes up: at its quote, or at a bare value; a URL with the secret in it counts too.
fn literal_start(bytes: &[u8], start: usize, secret: ByteSpan) -> Option<usize> {
    let before = &bytes[start..secret.start];
    let inner = before.iter().rev().take_while(|byte| !ends_run(**byte)).count();
    let run = ByteSpan::new(secret.start - inner, secret.start);
    if inner > 0 && memchr::memmem::find(run.of(bytes), b"://").is_none() {
        return None;
    }
    let Some(&quote @ (b'"' | b'\'' | b'`')) = run.start.checked_sub(1).and_then(|at| bytes.get(at)) else {
        return Some(run.start).filter(|_| inner > 0 || run.start > start);
    };
    let behind = &bytes[secret.end..(secret.end + LOOK_AHEAD_BYTES).min(bytes.len())];
    let closing = behind.iter().position(|byte| byte.is_ascii_whitespace() || b"\"'`".contains(byte))?;
    let is_whole = behind[closing] == quote && (inner > 0 || closing == 0);
    let opening = run.start - 1;
    let letters =
        bytes[start..opening].iter().rev().take_while(|byte| STRING_PREFIXES.contains(byte)).count();
    let has_prefix =
        letters <= 2 && bytes[start..opening - letters].last().is_some_and(|byte| !is_name_byte(*byte));
    is_whole.then_some(if has_prefix { opening - letters } else { opening })
}

/// Calls that look up a variable of the environment, by what stands in front of the bracket.
const LOOK_UPS: &[&[u8]] =
    &[b"environ.get", b"environ.setdefault", b"environ.pop", b"getenv", b"env", b"env.str", b"config"];

/// The variable whose look-up falls back to the literal: `os.environ.get("NAME", `, `env('NAME', default=`,
/// `process.env.NAME || `.
fn looked_up(bytes: &[u8], start: usize, literal: usize) -> Option<ByteSpan> {
    let text = bytes[start..literal].trim_ascii_end();
    let name_of = |text: &[u8]| {
        let length =
            text.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        ByteSpan::new(start + text.len() - length, start + text.len())
    };
    if let Some(text) = text.strip_suffix(b"||").or_else(|| text.strip_suffix(b"??")) {
        let name = name_of(text.trim_ascii_end());
        return bytes[start..name.start].ends_with(b"process.env.").then_some(name);
    }
    let text = text.strip_suffix(b"default=").unwrap_or(text).trim_ascii_end();
    let (quote @ (b'"' | b'\''), text) = text.strip_suffix(b",")?.trim_ascii_end().split_last()? else {
        return None;
    };
    let name = name_of(text);
    let call = bytes[start..name.start].strip_suffix(&[*quote])?.trim_ascii_end().strip_suffix(b"(")?;
    let is_look_up = |known: &&[u8]| {
        let before = call.strip_suffix(*known);
        before.is_some_and(|before| !before.last().is_some_and(|byte| is_name_byte(*byte) && *byte != b'.'))
    };
    LOOK_UPS.iter().any(is_look_up).then_some(name)
}

/// Whether a byte ends what may be one literal.
fn ends_run(byte: u8) -> bool {
    byte.is_ascii_whitespace() || b"\"'`=".contains(&byte)
}

/// A name and the sign behind it.
struct Lead {
    name: ByteSpan,
    /// From the name's opening quote or bracket to the value.
    whole: ByteSpan,
}

impl Lead {
    /// What leads to the value that begins at `literal`, in its line: `name = `, `"name": `, `config["name"] = `,
    /// `name: type = `.
    fn before(bytes: &[u8], start: usize, literal: usize) -> Option<Self> {
        let line = memchr::memrchr2(b'\n', b'\r', &bytes[start..literal]).map_or(start, |at| start + at + 1);
        let text = &bytes[line..literal];
        let text = without_sign(text.trim_ascii_end())?.trim_ascii_end();
        let text = without_type(text).unwrap_or(text);
        let closers = text.iter().rev().take_while(|byte| b"\"'`])".contains(byte)).count();
        let (text, closing) = text.split_at(text.len() - closers);
        let length = text.iter().rev().take_while(|byte| is_name_byte(**byte)).count();
        let name = ByteSpan::new(line + text.len() - length, line + text.len());
        let before = &text[..text.len() - length];
        // A name that is cut at the start of what is looked at is not known.
        let is_cut = before.is_empty() && line == start && start > 0;
        let opening = match closing {
            [] => 0,
            [quote @ (b'"' | b'\'' | b'`')] => usize::from(before.last() == Some(quote)),
            [quote @ (b'"' | b'\''), b']'] if before.ends_with(&[b'[', *quote]) => {
                2 + before[..before.len() - 2].iter().rev().take_while(|byte| is_name_byte(**byte)).count()
            }
            _ => return None,
        };
        let is_quoted = closing.is_empty() || opening > 0;
        let names = name.of(bytes).iter().any(u8::is_ascii_alphabetic);
        (!is_cut && names && is_quoted)
            .then(|| Self { name, whole: ByteSpan::new(name.start - opening, literal) })
    }
}

/// The text without the sign that ends it: `=`, `:`, `:=` or `=>`, and no comparison.
fn without_sign(text: &[u8]) -> Option<&[u8]> {
    let before = [b"=>".as_slice(), b":=", b"=", b":"].iter().find_map(|sign| text.strip_suffix(*sign))?;
    (!before.last().is_some_and(|byte| b"=!<>+~:-?".contains(byte))).then_some(before)
}

/// `name` of `name: type`, as Python and TypeScript write it.
fn without_type(text: &[u8]) -> Option<&[u8]> {
    let at = memchr::memrchr(b':', text)?;
    let is_type = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.[]| ".contains(byte);
    (text.len() > at + 1 && text[at + 1..].iter().all(is_type)).then(|| text[..at].trim_ascii_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What leads to the value between `^`, and its name.
    fn lead(marked: &str) -> Option<(String, String)> {
        let marks: Vec<usize> = marked.match_indices('^').map(|(at, _)| at).collect();
        let text = marked.replace('^', "");
        let secret = ByteSpan::new(marks[0], marks[1] - 1);
        let found = Lead::before(text.as_bytes(), 0, literal_start(text.as_bytes(), 0, secret)?)?;
        let of = |span: ByteSpan| String::from_utf8_lossy(span.of(text.as_bytes())).into_owned();
        Some((of(found.name), of(found.whole)))
    }

    #[test]
    fn names_and_signs_lead_to_values() {
        for (marked, name, whole) in [
            ("DB_PASSWORD = \"^v^\"", "DB_PASSWORD", "DB_PASSWORD = "),
            ("connect(host='h', password='^v^')", "password", "password="),
            ("    api_key: str = b\"^v^\"", "api_key", "api_key: str = "),
            ("{\"user\": 1, \"password\": \"^v^\"}", "password", "\"password\": "),
            ("app.config['SECRET_KEY'] = '^v^'", "SECRET_KEY", "app.config['SECRET_KEY'] = "),
            ("  password: ^v^\n", "password", "password: "),
            ("ENV DB_PASSWORD=^v^", "DB_PASSWORD", "DB_PASSWORD="),
            ("url = \"postgres://me:^v^@host/db\"", "url", "url = "),
            ("DATABASE_URL=postgres://me:^v^@host/db", "DATABASE_URL", "DATABASE_URL="),
            ("const token = `^v^`;", "token", "token = "),
        ] {
            assert_eq!(lead(marked), Some((name.to_owned(), whole.to_owned())), "{marked}");
        }
    }

    #[test]
    fn a_look_up_names_the_variable_that_its_fallback_is_for() {
        for (marked, name) in [
            ("os.environ.get('REDIS_URL', 'redis://:^v^@cache/0')", Some("REDIS_URL")),
            ("os.getenv(\"REDIS_URL\", \"redis://u:^v^@cache/0\")", Some("REDIS_URL")),
            ("env('BROKER_URL', default='amqp://u:^v^@mq//')", Some("BROKER_URL")),
            ("process.env.REDIS_URL || 'redis://:^v^@cache/0'", Some("REDIS_URL")),
            ("open_env('REDIS_URL', 'redis://:^v^@cache/0')", None),
            ("x.get('REDIS_URL', 'redis://:^v^@cache/0')", None),
            ("url = 'redis://:^v^@cache/0'", None),
        ] {
            let at = marked.find('^').expect("a mark");
            let text = marked.replace('^', "");
            let literal = literal_start(text.as_bytes(), 0, ByteSpan::new(at, at + 1)).expect("a literal");
            let found = looked_up(text.as_bytes(), 0, literal).map(|name| name.of(text.as_bytes()).to_vec());
            assert_eq!(found, name.map(|name| name.as_bytes().to_vec()), "{marked}");
        }
    }

    #[test]
    fn what_is_more_than_a_name_and_a_sign_does_not() {
        for marked in [
            "login(\"me\", \"^v^\")",
            "headers = \"Authorization: Bearer ^v^\"",
            "if password == \"^v^\":",
            "x = \"a^v^b\"",
            "f(\"other secret\" = \"^v^\")",
            "${DB_PASSWORD:-^v^}",
            "\n\"^v^\"",
        ] {
            assert_eq!(lead(marked), None, "{marked}");
        }
    }
}
