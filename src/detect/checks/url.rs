//! Passwords in the user information of URLs: `scheme://user:password@host`,
//! <https://www.rfc-editor.org/rfc/rfc3986#section-3.2.1>.

use crate::location::ByteSpan;

use super::literal::is_literal;

/// Whether the password at `secret`, in the URL whose `://` lies at `separator`, is more than a dummy.
pub(crate) fn is_password(bytes: &[u8], separator: ByteSpan, secret: ByteSpan) -> bool {
    let user = ByteSpan::new(separator.end, secret.start.saturating_sub(1)).of(bytes);
    let password = secret.of(bytes);
    let has_scheme =
        separator.start.checked_sub(1).and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_alphanumeric);
    has_scheme
        && !password.eq_ignore_ascii_case(user)
        && is_literal(password)
        && !password.iter().all(|byte| b"*.-_xX".contains(byte))
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
    }
}
