//! JSON web tokens: <https://www.rfc-editor.org/rfc/rfc7519>.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

/// The longest issuer that is told, in bytes.
const MAX_ISSUER_BYTES: usize = 100;
const SECONDS_A_DAY: i64 = 24 * 60 * 60;
/// Up to how many seconds a token holds that nobody can use by the time that it is read in a file.
const MAX_SHORT_SECONDS: f64 = 10.0 * 60.0;

/// Whether `token` is `header.claims.signature` with a header that names an algorithm and claims that are an object.
pub(crate) fn is_token(token: &[u8]) -> bool {
    claims(token).is_some()
}

/// Whether everybody may have `token`: an example of documentation, the key of anonymous users, or one that was over minutes after it
/// was made, which whoever reads it now comes too late for.
pub(crate) fn is_public(token: &[u8]) -> bool {
    token.starts_with(b"eyJ")
        && claims(token)
            .is_some_and(|claims| is_example(&claims) || is_anonymous(&claims) || is_short(&claims))
}

/// The tokens of jwt.io, of RFC 7519, of the manuals of libraries, and of Supabase on one's own machine.
fn is_example(claims: &Map<String, Value>) -> bool {
    let is = |name: &str, value: &str| claims.get(name).and_then(Value::as_str) == Some(value);
    let is_alone =
        claims.keys().all(|name| ["some", "foo", "hello", "iat", "exp", "nbf"].contains(&name.as_str()));
    (is("sub", "1234567890") && (is("name", "John Doe") || is("name", "Jane Doe")))
        || (is("iss", "joe") && claims.get("exp").and_then(Value::as_i64) == Some(1_300_819_380))
        || is("iss", "supabase-demo")
        || (is_alone && (is("some", "payload") || is("foo", "bar") || is("hello", "world")))
}

/// The key of Supabase that pages are given, <https://supabase.com/docs/guides/api/api-keys>.
fn is_anonymous(claims: &Map<String, Value>) -> bool {
    let is = |name: &str, value: &str| claims.get(name).and_then(Value::as_str) == Some(value);
    is("role", "anon")
        && claims.get("iss").and_then(Value::as_str).is_none_or(|by| by.starts_with("supabase"))
}

/// `?jwt=` of a picture that GitHub shows holds for five minutes.
fn is_short(claims: &Map<String, Value>) -> bool {
    let time = |name: &str| claims.get(name).and_then(Value::as_f64);
    let from = time("nbf").or_else(|| time("iat"));
    from.zip(time("exp")).is_some_and(|(from, to)| (0.0..=MAX_SHORT_SECONDS).contains(&(to - from)))
}

/// Who issued the token, and until when it holds: what its claims say of both, in words.
pub(crate) fn note(token: &[u8]) -> Option<String> {
    let claims = claims(token)?;
    let is_short_text = |issuer: &&str| {
        issuer.len() <= MAX_ISSUER_BYTES && issuer.bytes().all(|byte| (b' '..=b'~').contains(&byte))
    };
    let issuer = claims.get("iss").and_then(Value::as_str).filter(is_short_text);
    let expiry = claims.get("exp").and_then(Value::as_f64).map(|seconds| date(seconds as i64));
    let issuer = issuer.map(|issuer| format!("issued by {issuer}"));
    let expiry = match expiry {
        Some(date) => format!("expires on {date}"),
        None => "does not expire".to_owned(),
    };
    Some(issuer.into_iter().chain([expiry]).collect::<Vec<_>>().join(", "))
}

fn claims(token: &[u8]) -> Option<Map<String, Value>> {
    let mut parts = token.split(|&byte| byte == b'.');
    let (header, claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
    let object = |part: &[u8]| match serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?) {
        Ok(Value::Object(object)) => Some(object),
        _ => None,
    };
    let names_algorithm = object(header)?.get("alg").is_some_and(Value::is_string);
    let claims = object(claims)?;
    (names_algorithm && !claims.is_empty() && !signature.is_empty()).then_some(claims)
}

/// The day, in UTC, of a time in seconds since 1970, as `2024-02-29`.
fn date(seconds: i64) -> String {
    // From days to a date, by the 400 years in which the calendar repeats:
    // https://howardhinnant.github.io/date_algorithms.html#civil_from_days
    let days = seconds.div_euclid(SECONDS_A_DAY) + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
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

    #[test]
    fn tokens_that_everybody_may_have_are_public() {
        let is_public = |claims: &str| is_public(&token(r#"{"alg":"HS256"}"#, claims));
        for claims in [
            r#"{"iss":"supabase","ref":"abcdefghijklmnopqrst","role":"anon","iat":1700000000,"exp":2015000000}"#,
            r#"{"iss":"supabase-demo","role":"service_role","exp":1983812996}"#,
            r#"{"sub":"1234567890","name":"John Doe","admin":true,"iat":1516239022}"#,
            r#"{"iss":"joe","exp":1300819380,"http://example.com/is_root":true}"#,
            r#"{"some":"payload"}"#,
            r#"{"foo":"bar","iat":1700000000}"#,
            r#"{"iss":"github.com","aud":"raw.githubusercontent.com","exp":1700000300,"nbf":1700000000}"#,
        ] {
            assert!(is_public(claims), "{claims}");
        }
        for claims in [
            r#"{"iss":"supabase","ref":"abcdefghijklmnopqrst","role":"service_role","iat":1700000000,"exp":2015000000}"#,
            r#"{"iss":"https://acme.example","role":"anon"}"#,
            r#"{"sub":"1234567890","name":"Ann"}"#,
            r#"{"foo":"bar","sub":"ann"}"#,
            r#"{"sub":"ann","iat":1700000000,"exp":1700003600}"#,
            r#"{"sub":"ann","iat":1700000000}"#,
        ] {
            assert!(!is_public(claims), "{claims}");
        }
        assert!(!super::is_public(b"eyJub3Q"));
    }

    #[test]
    fn issuer_and_expiry_are_told() {
        let note = |claims: &str| note(&token(r#"{"alg":"HS256"}"#, claims)).expect("a token");
        assert_eq!(
            note(r#"{"iss":"https://acme.example","exp":1709164800}"#),
            "issued by https://acme.example, expires on 2024-02-29"
        );
        assert_eq!(note(r#"{"sub":"1"}"#), "does not expire");
        assert_eq!(note(r#"{"exp":951782399.9}"#), "expires on 2000-02-28");
        assert_eq!(note(r#"{"exp":-1}"#), "expires on 1969-12-31");
        assert!(note(r#"{"exp":1e300}"#).starts_with("expires on "));
    }
}
