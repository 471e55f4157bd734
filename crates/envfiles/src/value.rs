//! What the value of an environment variable is: a placeholder, public, weak, or a secret.

use bstr::ByteSlice;

use keysieve_detect::checks::{composition, literal, name, placeholder, publishable, words};
use keysieve_detect::{Composition, Subject};
pub use keysieve_model::env_file::Judgement;
use keysieve_model::location::ByteSpan;
use keysieve_rules::Kind;

use super::parse::Variable;

/// The shortest password that is not guessed, in bytes, and the shortest of words.
const MIN_STRONG_BYTES: usize = 8;
const MIN_STRONG_WORDS_BYTES: usize = 16;
/// The shortest private key with what stands behind its first line's words, in bytes.
const MIN_KEY_BODY_BYTES: usize = 80;
/// The shortest token in a URL, in bytes.
const MIN_TOKEN_BYTES: usize = 20;
/// Words in names of what browsers are given on purpose.
const PUBLIC_WORDS: &[&[u8]] = &[b"public", b"publishable", b"anon", b"vite"];
/// Words in names of what looks random and is none: builds, and what clouds and shops number.
#[rustfmt::skip]
const OTHER_WORDS: &[&[u8]] = &[
    b"commit", b"revision", b"rev", b"build", b"release", b"tag",
    b"ami", b"bucket", b"buckets", b"chain", b"channel", b"channels", b"cluster", b"contract", b"contracts", b"dataset", b"distribution",
    b"hosts", b"measurement", b"merchant", b"plan", b"plans", b"price", b"prices", b"product", b"products", b"subnet",
    b"subnets", b"tenant", b"vpc",
];
/// Words of phrases that say how to get a value, or that it is to go.
const HINT_WORDS: &[&[u8]] = &[
    b"change",
    b"example",
    b"generate",
    b"generated",
    b"here",
    b"insecure",
    b"openssl",
    b"please",
    b"random",
    b"replace",
    b"update",
    b"updated",
];

/// Judges the value of the variable `name`.
#[must_use]
pub fn judge(name: &[u8], value: &[u8]) -> Judgement {
    let value = value.trim();
    if value.is_empty() || literal::is_filled_in(value) {
        return Judgement::Placeholder;
    }
    if has_word(name, PUBLIC_WORDS)
        || publishable::is_public_name(name)
        || publishable::is_encrypted(value)
        || publishable::is_public(value)
    {
        return Judgement::Public;
    }
    if let Some(part) = credential(value) {
        return judge_secret(part.name, part.span.of(value));
    }
    if is_url(value) {
        return if holds_token(value) { Judgement::Secret } else { Judgement::Public };
    }
    if name::subject(name).is_some() || is_key_block(value) {
        return judge_secret(name, value);
    }
    // Of a list a member has to look so.
    let looks_random = value.split(|byte| *byte == b',').any(is_random);
    if looks_random && !is_named_otherwise(name) && !is_uuid(value) && !literal::is_elsewhere(value) {
        return if placeholder::is_placeholder(value, Kind::Generic) {
            Judgement::Placeholder
        } else {
            Judgement::Secret
        };
    }
    Judgement::Public
}

/// Whether a variable's name, or the form of its value, says that a secret belongs there: that it looks random is not enough.
#[must_use]
pub fn is_named_secret(variable: &Variable) -> bool {
    name::subject(&variable.name).is_some()
        || variable
            .readings()
            .map(|reading| reading.expose().trim())
            .any(|value| is_key_block(value) || credential(value).is_some())
}

/// The part of a value that is the secret: the password of a URL or a connection string, or all of it.
#[must_use]
pub fn secret_part(value: &[u8]) -> ByteSpan {
    let long_enough = |part: &Credential<'_>| part.span.end - part.span.start >= MIN_STRONG_BYTES;
    credential(value).filter(long_enough).map_or(ByteSpan::new(0, value.len()), |part| part.span)
}

/// Whether the value says too little to be looked for: words, numbers, repetitions.
#[must_use]
pub fn is_common(value: &[u8]) -> bool {
    if is_key_block(value) {
        return false;
    }
    placeholder::is_placeholder(value, Kind::Generic)
        || placeholder::is_numbered_account(value)
        || composition::composition(value) == Composition::Digits
        || (composition::is_wordy(value) && value.len() < MIN_STRONG_WORDS_BYTES)
        || matches!(value, [first, rest @ ..] if rest.iter().all(|byte| byte == first))
}

/// Judges what stands where a secret belongs.
fn judge_secret(name: &[u8], value: &[u8]) -> Judgement {
    if is_key_block(value) {
        Judgement::Secret
    } else if value.is_empty() || literal::is_filled_in(value) || placeholder::says_replace(value) {
        Judgement::Placeholder
    } else if placeholder::is_placeholder(value, Kind::Generic) || name::repeats(name, value) {
        Judgement::Weak
    } else if is_random(value) {
        Judgement::Secret
    } else if literal::is_elsewhere(value) {
        Judgement::Public
    } else if value.len() < MIN_STRONG_BYTES || is_common(value) || is_hint(value) {
        Judgement::Weak
    } else {
        Judgement::Secret
    }
}

/// A phrase that speaks of the secret instead of being it: `generate with openssl rand`, `this_password_is_insecure`.
fn is_hint(value: &[u8]) -> bool {
    composition::is_wordy(value) && (name::mentions_secrets(value) || has_word(value, HINT_WORDS))
}

/// A private key in PEM, in lines or with `\n` between them; its dashes are those of placeholders.
fn is_key_block(value: &[u8]) -> bool {
    let (begin, end) = (value.find(b"-----BEGIN "), value.find(b"PRIVATE KEY-----"));
    let body = begin.zip(end).filter(|(begin, end)| begin < end).map(|(_, end)| &value[end..]);
    body.is_some_and(|body| body.len() >= MIN_KEY_BODY_BYTES && composition::has_letters_and_digits(body))
}

/// Letters and digits as a machine mixes them.
fn is_random(value: &[u8]) -> bool {
    composition::fits(Subject::Key, value) && !value.iter().any(u8::is_ascii_whitespace)
}

fn has_word(name: &[u8], list: &[&[u8]]) -> bool {
    words::words(name).any(|word| list.iter().any(|known| known.eq_ignore_ascii_case(word)))
}

/// `AWS_ACCESS_KEY_ID` names half of a pair that nobody else should have; other ids are no secrets.
fn is_named_otherwise(name: &[u8]) -> bool {
    let is_key_id = name.to_ascii_lowercase().ends_with(b"key_id");
    !is_key_id && (name::names_other(name) || has_word(name, OTHER_WORDS))
}

fn is_uuid(value: &[u8]) -> bool {
    value.len() == 36
        && value.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// A password in a longer value, with what names it.
struct Credential<'a> {
    name: &'a [u8],
    span: ByteSpan,
}

/// The password of a URL, or of a connection string: `Server=db;Password=...`, `host=db password=...`.
fn credential(value: &[u8]) -> Option<Credential<'_>> {
    if is_key_block(value) { None } else { url_password(value).or_else(|| connection_password(value)) }
}

fn is_url(value: &[u8]) -> bool {
    value.find(b"://").is_some_and(|at| {
        at > 0 && value[..at].iter().all(|byte| byte.is_ascii_alphanumeric() || b"+-.:".contains(byte))
    })
}

fn url_password(value: &[u8]) -> Option<Credential<'_>> {
    let authority = value.find(b"://").filter(|_| is_url(value))? + 3;
    let rest = &value[authority..];
    let end = rest.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(rest.len());
    // A password that is not escaped may hold an `@`.
    let at = rest[..end].rfind_byte(b'@')?;
    let colon = rest[..at].find_byte(b':')?;
    let span = ByteSpan::new(authority + colon + 1, authority + at);
    (span.start < span.end).then_some(Credential { name: &rest[..colon], span })
}

fn connection_password(value: &[u8]) -> Option<Credential<'_>> {
    let separators: &[u8] = if value.contains(&b';') { b";" } else { b" " };
    let mut start = 0;
    let mut pairs = value.split(|byte| separators.contains(byte)).map(|pair| {
        let from = start;
        start += pair.len() + 1;
        (from, pair)
    });
    let is_list = value.iter().filter(|&&byte| byte == b'=').count() > 1;
    pairs.find_map(|(from, pair)| {
        let equals = pair.find_byte(b'=').filter(|_| is_list)?;
        let name = &pair[..equals];
        let is_password = name::subject(name) == Some(Subject::Password);
        let span = ByteSpan::new(from + equals + 1, from + pair.len());
        (is_password && span.start < span.end).then_some(Credential { name, span })
    })
}

/// Whether a part of the URL's path or query is a token: `https://hooks.example/services/...`.
fn holds_token(url: &[u8]) -> bool {
    let behind_host = url.find(b"://").and_then(|at| Some(at + 3 + url[at + 3..].find_byte(b'/')?));
    let path = behind_host.map_or(&b""[..], |at| &url[at..]);
    path.split(|byte| b"/?&=#;".contains(byte))
        .any(|part| part.len() >= MIN_TOKEN_BYTES && is_random(part) && !is_uuid(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Letters and digits that no rule of English has, put together so that they are no secret of anybody.
    fn random() -> String {
        ["Zq8vT3k", "Wm5xR9n", "Bc2yL7d"].concat()
    }

    #[track_caller]
    fn assert_judged(expected: Judgement, cases: &[(&str, &str)]) {
        for (name, value) in cases {
            assert_eq!(judge(name.as_bytes(), value.as_bytes()), expected, "{name}={value}");
        }
    }

    #[test]
    fn placeholders() {
        assert_judged(
            Judgement::Placeholder,
            &[
                ("API_KEY", ""),
                ("API_KEY", "your-api-key-here"),
                ("API_KEY", "<token>"),
                ("API_KEY", "xxxxxxxxxxxx"),
                ("DB_PASSWORD", "${OTHER}"),
                ("DB_PASSWORD", "{{ password }}"),
                ("DATABASE_URL", "postgres://app:${DB_PASSWORD}@db/app"),
                ("SECRET_KEY", "replace_me"),
                ("DB_PASSWORD", "###DB_PASSWORD###"),
                ("API_KEY", "TODO_set_me_1"),
            ],
        );
    }

    #[test]
    fn public_values() {
        let (random, uuid) = (random(), "9f1c2d3e-4b5a-4678-9abc-def012345678");
        assert_judged(
            Judgement::Public,
            &[
                ("PORT", "8080"),
                ("DEBUG", "true"),
                ("DATABASE_URL", "postgres://db:5432/app"),
                ("BASE_URL", "https://example.com/a/b?c=d"),
                ("SECRET_KEY_FILE", "/run/secrets/key"),
                ("JWT_PRIVATE_KEY", "./keys/jwt.pem"),
                ("ADMIN_EMAIL", "ann@example.com"),
                ("LOG_LEVEL", "info"),
                ("APP_NAME", "my-app"),
                ("DB_PASSWORD", &["encrypted:BD", &random, &random, &random].concat()),
                (
                    "API_TOKEN",
                    &["ENC[AES256_GCM,data:", &random, ",iv:", &random, ",tag:", &random, ",type:str]"]
                        .concat(),
                ),
                ("ALGOLIA_SEARCH_KEY", &random),
                ("TENANT_ID", uuid),
                ("TENANT", uuid),
                ("GIT_SHA", "8a7f0c1d2e3b4a5968778695a4b3c2d1e0f98765"),
                ("CLIENT_ID", &random),
                ("NEXT_PUBLIC_MAPS_KEY", &random),
                ("TOKEN_URL", "https://example.com/token"),
                ("HOSTS", "a.example.com,b.example.com"),
                ("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]"),
                ("PASSWORD_HASHERS", "django.contrib.auth.hashers.PBKDF2PasswordHasher"),
                ("SUBNETS", "subnet-0a1b2c3d4e5f67890,subnet-0f9e8d7c6b5a43210"),
            ],
        );
    }

    #[test]
    fn weak_values() {
        assert_judged(
            Judgement::Weak,
            &[
                ("DB_PASSWORD", "changeme"),
                ("ADMIN_PASSWORD", "admin123"),
                ("DB_PASSWORD", "password"),
                ("DB_PASSWORD", "tigerlily"),
                ("DB_PASSWORD", "x7k"),
                ("PIN_CODE_PASSWORD", "83749283"),
                ("DATABASE_URL", "postgres://postgres:postgres@db/app"),
                ("SECRET_KEY", "insecure"),
                ("DASHBOARD_PASSWORD", "this_password_is_insecure_and_should_be_updated"),
                ("AUTH_SECRET", "generate with openssl rand -base64 32"),
            ],
        );
    }

    #[test]
    fn secrets() {
        let random = random();
        let url = format!("postgres://app:{random}@db:5432/app");
        let hook = format!("https://hooks.example.com/services/{random}");
        let connection = format!("Server=db;Database=app;User Id=app;Password={random}");
        assert_judged(
            Judgement::Secret,
            &[
                ("API_KEY", &random),
                ("ANYTHING", &random),
                ("CHANNEL_SECRET", &random),
                ("AWS_ACCESS_KEY_ID", &random),
                ("DATABASE_URL", &url),
                ("WEBHOOK_URL", &hook),
                ("CONNECTION", &connection),
                ("DB_PASSWORD", "Tr0ub4dor&3"),
                ("DB_PASSWORD", "correct horse battery"),
            ],
        );
        for (name, between) in [("JWT_PRIVATE_KEY", "\n"), ("GITHUB_APP", "\\n")] {
            let body = random.repeat(5);
            let block =
                [&["-----BEGIN RSA ", "PRIVATE KEY-----"].concat(), between, &body, between, "-----END"]
                    .concat();
            assert_judged(Judgement::Secret, &[(name, &block)]);
            assert!(!is_common(block.as_bytes()));
        }
        let part = |value: &str| secret_part(value.as_bytes()).of(value.as_bytes()).to_vec();
        for value in [&url, &connection, &random] {
            assert_eq!(part(value), random.as_bytes(), "of {value}");
        }
        assert_eq!(part(&hook), hook.as_bytes());
    }

    #[test]
    fn passwords_with_signs_in_urls_are_found_whole() {
        let value = "amqp://app:p@s!s+w0rd:Xk3v9Q@mq:5672/a@b";
        assert_eq!(secret_part(value.as_bytes()).of(value.as_bytes()), b"p@s!s+w0rd:Xk3v9Q");
    }
}
