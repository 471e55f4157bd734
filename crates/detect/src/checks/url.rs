//! Passwords in the user information of URLs: `scheme://user:password@host`,
//! <https://www.rfc-editor.org/rfc/rfc3986#section-3.2.1>.

use keysieve_model::location::ByteSpan;
use keysieve_rules::Kind;

use super::literal::is_literal;
use super::placeholder::is_placeholder;

/// Whether the password at `secret`, in the URL whose `://` lies at `separator`, is more than a dummy.
pub(crate) fn is_password(bytes: &[u8], separator: ByteSpan, secret: ByteSpan) -> bool {
    let user = ByteSpan::new(separator.end, secret.start.saturating_sub(1)).of(bytes);
    let password = secret.of(bytes);
    let has_scheme =
        separator.start.checked_sub(1).and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_alphanumeric);
    has_scheme
        && !password.eq_ignore_ascii_case(user)
        && is_literal(password)
        && password.is_ascii()
        && !is_dummy_in_escapes(password)
        && !is_dummy_with_signs(password)
        && !password.iter().all(|byte| b"*.-_xX".contains(byte))
        && !(password.iter().all(u8::is_ascii_lowercase) && is_reserved_host(&bytes[secret.end..]))
}

/// Whether the host behind `@` is one that documentation has to itself: <https://www.rfc-editor.org/rfc/rfc2606>. A word is no
/// password there; anything else may have been copied from where it is one.
fn is_reserved_host(rest: &[u8]) -> bool {
    const RESERVED: &[&[u8]] = &[b"example.com", b"example.org", b"example.net", b"example"];
    const MAX_HOST_BYTES: usize = 253;
    let rest = rest.strip_prefix(b"@").unwrap_or(rest);
    // Manual pages write `example\&.org`.
    let host: Vec<u8> = rest
        .iter()
        .take(MAX_HOST_BYTES)
        .take_while(|byte| byte.is_ascii_alphanumeric() || b"-.\\&".contains(byte))
        .filter(|byte| !b"\\&".contains(byte))
        .map(u8::to_ascii_lowercase)
        .collect();
    RESERVED.iter().any(|reserved| {
        host.strip_suffix(*reserved).is_some_and(|before| before.is_empty() || before.ends_with(b"."))
    })
}

/// `p%40ssword`: a dummy that shows how signs are written in a URL.
fn is_dummy_in_escapes(password: &[u8]) -> bool {
    let plain = unescaped(password);
    plain != password && (is_placeholder(&plain, Kind::Generic) || !is_literal(&plain))
}

/// `text` with its percent escapes decoded.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        let escaped = (byte == b'%')
            .then(|| {
                tail.get(..2)
                    .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok())
            })
            .flatten();
        plain.push(escaped.unwrap_or(byte));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    plain
}

/// `pass~word`, `pass%23pass`: a dummy that shows which signs a URL may hold.
fn is_dummy_with_signs(password: &[u8]) -> bool {
    let signs = |byte: &u8| if byte.is_ascii_alphanumeric() { *byte } else { b'-' };
    let plain: Vec<u8> = unescaped(password).iter().map(signs).collect();
    plain != password && is_placeholder(&plain, Kind::Generic)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_found(url: &str) -> bool {
        let separator = url.find("://").expect("a URL");
        let at = url.rfind('@').expect("user information");
        let colon = url[..at].rfind(':').expect("a password");
        is_password(url.as_bytes(), ByteSpan::new(separator, separator + 3), ByteSpan::new(colon + 1, at))
    }

    #[test]
    fn dummies_and_templates_are_no_passwords() {
        assert!(is_found(&["postgresql+psycopg2://app:", "s3cr-t9@db/app"].concat()));
        assert!(!is_found("amqp://guest:guest@localhost//"));
        assert!(!is_found("redis://user:${REDIS_PASSWORD}@host"));
        assert!(!is_found("redis://user:********@host"));
        assert!(!is_found("mysql://user:%s@host"));
        assert!(!is_found("http://user:p%40ss%3Aword@host"));
        assert!(!is_found("http://user:%c3%89t%C3%A9@host"));
        assert!(!is_found("http://user:foo%40bar@host"));
        assert!(!is_found("https://apt:debian@example\\&.org/debian"));
        assert!(
            !is_found("https://apt:debian@deb.example.org/")
                && is_found(&["https://apt:", "debian@example.dev/"].concat())
        );
        assert!(is_found(&["http://user:tR7", "hvd9x@db.example.org"].concat()));
        assert!(!is_found("http://user:pass~word@host") && !is_found("http://user:pass%23pass@host"));
        assert!(is_found(&["http://user:tR7", "%40hvd9x@host"].concat()));
    }
}
