//! Values that stand where a secret would: `changeme`, `xxxx`, `your-key-here`, `1234567890abcdef`.

use crate::rules::Kind;

/// Parts that only a made-up value has, in lower case. Random text of a token's length holds one of these with a
/// probability below one in a million.
const MADE_UP_PARTS: &[&[u8]] = &[
    b"example",
    b"placeholder",
    b"changeme",
    b"change_me",
    b"change-me",
    b"changethis",
    b"replaceme",
    b"replace_me",
    b"replace-me",
    b"insert_",
    b"insert-",
    b"your_",
    b"your-",
    b"yourkey",
    b"yourtoken",
    b"yourpass",
    b"yoursecret",
    b"redacted",
    b"dummy",
    b"xxxxx",
    b"*****",
    b".....",
    b"-----",
    b"_____",
    b"fixme",
    b"<token",
    b"<your",
    b"abcdefgh",
    b"12345678",
    b"deadbeef",
    b"foobar",
    // The storage emulator's account key, the same for everybody:
    // https://learn.microsoft.com/azure/storage/common/storage-connect-azurite#well-known-storage-account-and-key
    b"eby8vdm02xnocqfl",
];
/// Whole values that are dummies wherever a password is asked for, in lower case.
const DUMMY_VALUES: &[&[u8]] = &[
    b"admin",
    b"administrator",
    b"apikey",
    b"api_key",
    b"bar",
    b"baz",
    b"change",
    b"credential",
    b"credentials",
    b"default",
    b"demo",
    b"empty",
    b"fake",
    b"foo",
    b"guest",
    b"hidden",
    b"hunter2",
    b"invalid",
    b"key",
    b"letmein",
    b"login",
    b"mock",
    b"my_password",
    b"my_secret",
    b"mypass",
    b"mypassword",
    b"mysecret",
    b"mytoken",
    b"mysql",
    b"none",
    b"null",
    b"pass",
    b"passphrase",
    b"passwd",
    b"password",
    b"password1",
    b"password123",
    b"passwort",
    b"postgres",
    b"pwd",
    b"qwerty",
    b"rabbitmq",
    b"redis",
    b"root",
    b"sample",
    b"secret",
    b"secretkey",
    b"secret_key",
    b"string",
    b"supersecret",
    b"super_secret",
    b"super-secret",
    b"test",
    b"test123",
    b"test1234",
    b"testing",
    b"testpass",
    b"testpassword",
    b"token",
    b"todo",
    b"unknown",
    b"user",
    b"username",
    b"value",
    b"wrong",
    b"wrongpassword",
    b"1234",
    b"12345",
    b"123456",
    b"1234567",
    b"123456789",
    b"0000",
    b"abc123",
    b"abcd1234",
    b"tester",
    b"s3cr3t",
    b"sekret",
    b"thesecret",
    b"bad",
    b"badpassword",
];
/// The longest pattern of which a value may be a repetition, in bytes.
const MAX_PERIOD: usize = 4;
/// The fewest distinct characters of a real value of eight or more.
const MIN_DISTINCT: usize = 4;

/// Whether `body`, a secret without its public prefix, is made up. Values under a generic rule are also held against a list
/// of dummies.
pub(crate) fn is_placeholder(body: &[u8], kind: Kind) -> bool {
    let lower = body.to_ascii_lowercase();
    // Long values hold short runs by chance, a private key's base64 for one: only the start of those is looked at.
    let start = &lower[..lower.len().min(200)];
    MADE_UP_PARTS.iter().any(|part| memchr::memmem::find(start, part).is_some())
        || is_monotonous(start)
        || (kind == Kind::Generic && DUMMY_VALUES.contains(&lower.as_slice()))
}

/// Repetitions, sequences, and values of a few characters.
fn is_monotonous(value: &[u8]) -> bool {
    if value.len() < 4 {
        return true;
    }
    let mut seen = [false; 256];
    value.iter().for_each(|&byte| seen[usize::from(byte)] = true);
    let distinct = seen.iter().filter(|&&seen| seen).count();
    let steps = value.windows(2).filter(|pair| pair[1].wrapping_sub(pair[0]) <= 1).count();
    let repeats =
        |period: usize| value.len() >= 3 * period && value[period..] == value[..value.len() - period];
    distinct < MIN_DISTINCT.min(value.len() / 2)
        || steps * 10 >= value.len() * 7
        || (1..=MAX_PERIOD).any(repeats)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_values_are_told() {
        for value in [
            "AKIAIOSFODNN7EXAMPLE",
            "xxxxxxxxxxxxxxxx",
            "your-api-key-here",
            "0123456789abcdef",
            "abcabcabcabc",
            "aaaaaaaaaa",
        ] {
            assert!(is_placeholder(value.as_bytes(), Kind::Provider), "{value}");
        }
        for value in ["changeme", "password", "Secret", "guest"] {
            assert!(is_placeholder(value.as_bytes(), Kind::Generic), "{value}");
        }
    }

    #[test]
    fn values_that_somebody_may_use_are_not() {
        for value in ["Summer2019!", "tR7hvd9Q", "9f86d081884c7d65", "correct-horse-battery"] {
            assert!(!is_placeholder(value.as_bytes(), Kind::Generic), "{value}");
        }
    }
}
