//! HTTP basic authentication: <https://www.rfc-editor.org/rfc/rfc7617>.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use keysieve_rules::Kind;

use super::placeholder::is_placeholder;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Whether `encoded` decodes to a printable `user:password` whose password is no dummy.
pub(crate) fn is_credentials(encoded: &[u8]) -> bool {
    let Ok(decoded) = LENIENT.decode(encoded) else {
        return false;
    };
    // `echo user:password | base64` encodes the line's end with them.
    let decoded = decoded.trim_ascii_end();
    let Some(colon) = memchr::memchr(b':', decoded) else {
        return false;
    };
    let password = &decoded[colon + 1..];
    decoded.iter().all(|byte| (b' '..=b'~').contains(byte))
        && password.len() >= 4
        && password != &decoded[..colon]
        && !is_placeholder(password, Kind::Generic)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &str) -> Vec<u8> {
        LENIENT.encode(text).into_bytes()
    }

    #[test]
    fn only_printable_credentials_count() {
        assert!(is_credentials(&encoded("deploy:tR7-hvd9")));
        assert!(
            is_credentials(&encoded("deploy:tR7-hvd9\n")) && is_credentials(&encoded("deploy:tR7-hvd9\r\n"))
        );
        assert!(!is_credentials(&encoded("user:password")), "a dummy");
        assert!(!is_credentials(&encoded("user:password\n")) && !is_credentials(&encoded("deploy:\n")));
        assert!(!is_credentials(&encoded("no colon here")));
        assert!(!is_credentials(b"authentication"));
    }
}
