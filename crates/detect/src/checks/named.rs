//! The name in front of a value that only its provider's name tells; the pattern is made in `rules::named`.

/// Words that say that a value is secret.
const WORDS: &[&[u8]] = &[
    b"key",
    b"token",
    b"secret",
    b"passw",
    b"pwd",
    b"credential",
    b"auth",
    b"pat",
    b"bearer",
    b"license",
    b"certificate",
    b"webhook",
    b"dsn",
];
/// What follows such a word where the value is none: `key_id`, `tokenUrl`, `keyboard`, `secret_sha256`.
const OTHER_THINGS_OF_IT: &[&[u8]] = &[
    b"id",
    b"name",
    b"url",
    b"uri",
    b"hash",
    b"sha",
    b"md5",
    b"digest",
    b"checksum",
    b"fingerprint",
    b"path",
    b"file",
    b"arn",
    b"type",
    b"length",
    b"size",
    b"version",
    b"prefix",
    b"expir",
    b"board",
    b"word",
    b"iz",
    b"created",
    b"count",
];
/// What stands in front of it where the value is public.
const PUBLIC: &[&[u8]] = &[b"public", b"publishable", b"foreign", b"cache", b"sort", b"site"];

/// Whether the name that begins at `start` begins a word, and speaks of a secret up to `value`, where the value begins.
pub(crate) fn names_a_secret(bytes: &[u8], start: usize, value: usize) -> bool {
    let name = bytes.get(start..value).unwrap_or_default();
    begins_a_word(bytes, start) && speaks_of_a_secret(&name.to_ascii_lowercase())
}

/// `DATADOG`, `my_datadog` and `myDatadog` do, `xdatadog` does not.
pub(crate) fn begins_a_word(bytes: &[u8], start: usize) -> bool {
    let before = start.checked_sub(1).and_then(|at| bytes.get(at)).copied().unwrap_or(b' ');
    let first = bytes.get(start).copied().unwrap_or(b' ');
    // A letter may also end an escape: `\\nDATADOG_API_KEY`.
    let is_escape = start >= 2 && bytes[start - 2] == b'\\';
    is_escape || !before.is_ascii_alphabetic() || (before.is_ascii_lowercase() && first.is_ascii_uppercase())
}

fn speaks_of_a_secret(name: &[u8]) -> bool {
    let last = WORDS.iter().filter_map(|word| Some((memchr::memmem::rfind(name, word)?, word.len()))).max();
    let Some((at, length)) = last else {
        return true;
    };
    let is_join = |byte: &u8| b"_-. ".contains(byte);
    let behind = &name[at + length..];
    let behind = &behind[behind.iter().take_while(|byte| is_join(byte)).count()..];
    let before = &name[..at];
    let before = &before[..before.iter().rposition(|byte| !is_join(byte)).map_or(0, |last| last + 1)];
    !OTHER_THINGS_OF_IT.iter().any(|other| behind.starts_with(other))
        && !PUBLIC.iter().any(|public| before.ends_with(public))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> bool {
        let start = text.to_ascii_lowercase().find("acme").expect("the provider");
        names_a_secret(text.as_bytes(), start, text.len())
    }

    #[test]
    fn names_begin_words() {
        for text in ["ACME_API_KEY=", "my_acme_key: ", "myAcmeKey = ", "X-Acme-Token: ", "\\nACME_TOKEN="] {
            assert!(names(text), "{text}");
        }
        for text in ["pacme_api_key = ", "THEACME_KEY="] {
            assert!(!names(text), "{text}");
        }
    }

    #[test]
    fn things_about_a_secret_are_none() {
        for text in [
            "acme_key_id=",
            "ACME_TOKEN_URL=",
            "acmeKeySha256: ",
            "acmeKeyboard = ",
            "acme_public_key=",
            "acmeSiteKey: ",
        ] {
            assert!(!names(text), "{text}");
        }
        for text in
            ["acme_key_2=", "acme = Client(api_key=", "ACME_PASSWORD=", "acme_secret_key = os.getenv(\"K\", "]
        {
            assert!(names(text), "{text}");
        }
    }
}
