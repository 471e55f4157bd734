//! JSON web tokens: <https://www.rfc-editor.org/rfc/rfc7519>.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// Whether `token` is `header.claims.signature` with a header that names an algorithm and claims that are an object.
pub(crate) fn is_token(token: &[u8]) -> bool {
    let mut parts = token.split(|&byte| byte == b'.');
    let (Some(header), Some(claims), Some(signature)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let object = |part: &[u8]| match serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?) {
        Ok(Value::Object(object)) => Some(object),
        _ => None,
    };
    object(header).is_some_and(|header| header.get("alg").is_some_and(Value::is_string))
        && object(claims).is_some_and(|claims| !claims.is_empty())
        && !signature.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str, claims: &str) -> Vec<u8> {
        format!("{}.{}.c2lnbmF0dXJl", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
            .into_bytes()
    }

    #[test]
    fn header_and_claims_must_decode() {
        assert!(is_token(&token(r#"{"alg":"HS256"}"#, r#"{"sub":"1"}"#)));
        assert!(!is_token(&token(r#"{"typ":"JWT"}"#, r#"{"sub":"1"}"#)), "no algorithm");
        assert!(!is_token(&token(r#"{"alg":"HS256"}"#, r#"{}"#)), "nothing claimed");
        assert!(!is_token(&token(r#"{"alg":"HS256"}"#, r#"{"sub":"#)), "cut claims");
        assert!(!is_token(b"eyJub3Q.eyJqc29u"), "two parts");
    }
}
