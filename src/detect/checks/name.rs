//! Names of variables, keys and parameters: `api_key` names a secret, `token_url` and `tokenizer` do not.

use crate::location::ByteSpan;

/// How much of a name is looked at on either side of the keyword, in bytes.
const NAME_BYTES: usize = 64;

/// Last words of names that speak about a secret without being one.
const OTHER_ENDINGS: &[&str] = &[
    "account",
    "action",
    "algorithm",
    "alias",
    "arn",
    "attempts",
    "attribute",
    "attr",
    "backend",
    "button",
    "cache",
    "callback",
    "changed",
    "charset",
    "check",
    "class",
    "column",
    "confirmation",
    "confirm",
    "count",
    "counter",
    "created",
    "date",
    "desc",
    "description",
    "dialog",
    "digest",
    "dir",
    "directory",
    "duration",
    "enabled",
    "endpoint",
    "env",
    "error",
    "event",
    "exp",
    "expiration",
    "expired",
    "expires",
    "expiry",
    "exists",
    "expression",
    "factory",
    "field",
    "file",
    "filename",
    "filter",
    "fingerprint",
    "form",
    "format",
    "func",
    "function",
    "generator",
    "grant",
    "group",
    "handler",
    "hash",
    "hashed",
    "hasher",
    "header",
    "headers",
    "help",
    "hint",
    "host",
    "icon",
    "id",
    "ids",
    "index",
    "info",
    "input",
    "interval",
    "invalid",
    "issuer",
    "key_id",
    "kind",
    "label",
    "labels",
    "len",
    "length",
    "lifetime",
    "limit",
    "link",
    "list",
    "location",
    "manager",
    "max",
    "max_age",
    "message",
    "metadata",
    "method",
    "min",
    "mode",
    "model",
    "msg",
    "name",
    "names",
    "nonce",
    "nopasswd",
    "ns",
    "owner",
    "page",
    "param",
    "parameter",
    "parser",
    "path",
    "pattern",
    "phrase_label",
    "placeholder",
    "plugin",
    "policy",
    "position",
    "prefix",
    "prompt",
    "property",
    "provider",
    "ref",
    "regex",
    "regexp",
    "required",
    "reset",
    "resource",
    "response",
    "role",
    "rule",
    "rules",
    "schema",
    "scheme",
    "scope",
    "scopes",
    "selector",
    "separator",
    "server",
    "service",
    "sep",
    "size",
    "source",
    "span",
    "status",
    "store",
    "strategy",
    "strength",
    "style",
    "suffix",
    "table",
    "template",
    "text",
    "time",
    "timeout",
    "title",
    "tooltip",
    "ttl",
    "type",
    "types",
    "uri",
    "url",
    "urls",
    "usage",
    "user",
    "username",
    "validator",
    "valid",
    "var",
    "variable",
    "version",
    "visible",
    "warning",
    "widget",
];
/// First words that make a name one of an action, a state or a text.
const OTHER_BEGINNINGS: &[&str] = &[
    "change",
    "check",
    "confirm",
    "create",
    "delete",
    "enter",
    "forgot",
    "forgotten",
    "get",
    "has",
    "hide",
    "incorrect",
    "invalid",
    "is",
    "lost",
    "missing",
    "new_password_label",
    "next",
    "no",
    "page",
    "parse",
    "primary",
    "public",
    "remove",
    "require",
    "requires",
    "reset",
    "retype",
    "set",
    "show",
    "sync",
    "toggle",
    "update",
    "validate",
    "verify",
    "weak",
    "wrong",
    "csrf_field",
    "foreign",
    "continuation",
];

/// Whether the name around the keyword at `keyword` names a secret.
pub(crate) fn names_a_secret(bytes: &[u8], keyword: ByteSpan) -> bool {
    let start = bytes[keyword.start.saturating_sub(NAME_BYTES)..keyword.start]
        .iter()
        .rposition(|byte| !is_name_byte(*byte))
        .map_or(keyword.start.saturating_sub(NAME_BYTES), |at| {
            keyword.start.saturating_sub(NAME_BYTES) + at + 1
        });
    let limit = (keyword.end + NAME_BYTES).min(bytes.len());
    let end = bytes[keyword.end..limit]
        .iter()
        .position(|byte| !is_name_byte(*byte))
        .map_or(limit, |at| keyword.end + at);
    // The keyword ends a word: `tokens` and `password1` go on, `tokenizer` is another word.
    let rest = &bytes[keyword.end..end];
    let continues = match rest {
        [b's', next, ..] => next.is_ascii_lowercase(),
        [b's'] => false,
        [next, ..] => next.is_ascii_lowercase() && bytes[keyword.end - 1].is_ascii_lowercase(),
        [] => false,
    };
    if continues {
        return false;
    }
    let words = words(&bytes[start..end]);
    let is_other =
        |word: Option<&String>, list: &[&str]| word.is_some_and(|word| list.contains(&word.as_str()));
    !is_other(words.last(), OTHER_ENDINGS) && !is_other(words.first(), OTHER_BEGINNINGS)
}

/// Whether a value made of words speaks of secrets: `my-secret-token`, `NewPassword`.
pub(crate) fn mentions_secrets(value: &[u8]) -> bool {
    let lower = value.to_ascii_lowercase();
    let has = |word: &[u8]| memchr::memmem::find(&lower, word).is_some();
    [
        b"password".as_slice(),
        b"passwd",
        b"passwort",
        b"secret",
        b"token",
        b"apikey",
        b"api_key",
        b"api-key",
        b"credential",
    ]
    .iter()
    .any(|word| has(word))
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)
}

/// The words of a name in lower case, split at separators and at the humps of camel case. Trailing numbers are no words.
fn words(name: &[u8]) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut before = b' ';
    for &byte in name {
        let hump = byte.is_ascii_uppercase() && before.is_ascii_lowercase();
        if (!byte.is_ascii_alphabetic() || hump) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if byte.is_ascii_alphabetic() {
            word.push(char::from(byte.to_ascii_lowercase()));
        }
        before = byte;
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_secret(name: &str, keyword: &str) -> bool {
        let lower = name.to_ascii_lowercase();
        let at = lower.find(keyword).expect("the name holds the keyword");
        names_a_secret(name.as_bytes(), ByteSpan::new(at, at + keyword.len()))
    }

    #[test]
    fn names_of_secrets() {
        for name in [
            "password",
            "DB_PASSWORD",
            "dbPassword",
            "password1",
            "PASSWORD_PROD",
            "passwords",
            "user.password",
        ] {
            assert!(is_secret(name, "password"), "{name}");
        }
        for name in ["authToken", "x-auth-token", "GITHUB_TOKEN", "tokens"] {
            assert!(is_secret(name, "token"), "{name}");
        }
    }

    #[test]
    fn names_about_secrets() {
        for name in
            ["password_field", "passwordHash", "forgotPassword", "reset_password", "PASSWORD_HELP_TEXT"]
        {
            assert!(!is_secret(name, "password"), "{name}");
        }
        for name in ["tokenizer", "token_url", "tokenUrl", "next_page_token", "public_token", "tokenize"] {
            assert!(!is_secret(name, "token"), "{name}");
        }
    }
}
