//! Values that stand where a secret would: `changeme`, `xxxx`, `your-key-here`, `1234567890abcdef`.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use keysieve_rules::Kind;

use super::words::{reads_like_words, words};

const STANDARD: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

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
    b"v4lue",
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
    // "Password" in other languages: a label.
    b"salasana",
    b"wachtwoord",
    b"kennwort",
    b"contrasena",
    b"contrase\xc3\xb1a",
    b"senha",
    b"lozinka",
    b"heslo",
    b"haslo",
    b"has\xc5\x82o",
    b"parola",
    b"losenord",
    b"l\xc3\xb6senord",
    b"adgangskode",
    b"kodeord",
    b"passord",
    b"jelszo",
    b"jelsz\xc3\xb3",
    b"sifre",
    b"\xc5\x9fifre",
    b"tiger",
    b"sekrit",
    b"xyzzy",
    b"anonymous",
    b"anonymous@",
    b"-anonymous@",
    b"nobody",
    b"changethat",
    b"weak",
    b"short",
    b"p@ss",
    b"p@ss:word",
    b"changeit",
    b"passw0rd",
    b"p@ssw0rd",
    b"p@ssword",
    b"p%40ssword",
    b"p4ssw0rd",
    b"pa$$word",
    b"pa55word",
    b"welcome",
    b"keyboard cat",
    b"hoge",
    b"fuga",
    b"text",
    b"type",
    // What GitHub and others take for a password beside a token, <https://docs.github.com/rest/authentication>.
    b"x-oauth-basic",
    b"x-token-auth",
    // The end of what AWS signs, <https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html>.
    b"aws4_request",
    b"name",
    b"email",
    b"required",
    b"optional",
    b"asdf",
    b"asdfgh",
    b"qwertyuiop",
    b"qwer1234",
    b"1q2w3e4r",
    b"opensesame",
    b"swordfish",
    b"masterkey",
    b"toor",
    b"minioadmin",
    b"elastic",
    b"mongo",
    b"mongodb",
    b"grafana",
    b"docker",
    b"vagrant",
    b"jenkins",
    b"tomcat",
    b"ubuntu",
    b"wordpress",
    b"database_password_here",
    b"password_here",
    b"censored",
    b"masked",
    b"filtered",
    b"encrypted",
];
/// Values that standards and documentation publish as examples, in lower case.
const PUBLISHED_EXAMPLES: &[&[u8]] = &[
    // RFC 6749, RFC 5849 and RFC 6750.
    b"2yotnfzfejr1zcsicmwpaa",
    b"tgzv3jokf0xg5qx2tlkwia",
    b"czzcagrsa3f0mzpnwdfmqmf0m2jw",
    b"splxlobezqqybys6wxsbia",
    b"kd94hf93k423kf44",
    b"nnch734d00sl2jdk",
    b"pfkkdhi9sl3r4s00",
    b"0685bd9184jfhq22",
    b"ad180jjd733klru7",
    b"h480djs93hd8",
    b"mf_9.b5f-4.1jqm",
    b"hfdp7dh39dks9884",
    b"wojio9a2w5mfwdgidvzbtsmk%2fpy%3d",
    b"byt5cmsgcbgudfhobymefcx6bsw%3d",
    b"djosjkdkjsd8743243%2fjdk33kly%3d",
    // RFC 7617 and RFC 6455.
    b"qwxhzgrpbjpvcgvuihnlc2ftzq==",
    b"dghlihnhbxbszsbub25jzq==",
    // The secret in nearly every text on one-time passwords, "Hello!" and four bytes.
    b"jbswy3dpehpk3pxp",
];
/// The first eight bytes of the MD5, SHA-1 and SHA-256 of nothing, `password`, `admin`, `test`, `foo`, `secret` and `123456`.
#[rustfmt::skip]
const PUBLISHED_DIGESTS: &[&[u8]] = &[
    b"d41d8cd98f00b204", b"5f4dcc3b5aa765d6", b"21232f297a57a5a7", b"098f6bcd4621d373", b"acbd18db4cc2f85c", b"5ebe2294ecd0e0f0",
    b"e10adc3949ba59ab", b"da39a3ee5e6b4b0d", b"5baa61e4c9b93f3f", b"d033e22ae348aeb5", b"a94a8fe5ccb19ba6", b"0beec7b5ea3f0fdb",
    b"e5e9fa1ba31ecd1a", b"7c4a8d09ca3762af", b"e3b0c44298fc1c14", b"5e884898da280471", b"8c6976e5b5410415", b"9f86d081884c7d65",
    b"2c26b46b68ffc68f", b"2bb80d537b1da3e3", b"8d969eef6ecad3c2",
];
/// Words of which made-up values are put together, in lower case: `my-secret-token`, `test_password_1`.
#[rustfmt::skip]
const DUMMY_WORDS: &[&str] = &[
    "a", "abc", "access", "account", "add", "admin", "an", "api", "apikey", "auth", "bar", "baz", "change", "client", "code",
    "correct", "cred", "credential", "credentials", "db", "default", "demo", "dev", "development", "dummy", "enter", "example", "fake",
    "foo", "for", "from", "generated", "ghp", "go", "goes", "guest", "hello", "here", "id", "incorrect", "insecure", "insert", "invalid",
    "is", "it", "jwt", "key", "local", "login", "me", "mock", "my", "name", "new", "no", "none", "not", "null", "of", "old", "one",
    "only", "pass", "passphrase", "password", "passwd", "paste", "pk", "place", "placeholder", "postgres", "private", "prod", "production",
    "public", "put", "pw", "pwd", "random", "real", "redacted", "replace", "root", "sample", "secret", "session", "set", "sk", "some",
    "something", "string", "strong", "stub", "super", "temp", "test", "tester", "testing", "tests", "that", "the", "this", "to",
    "token", "two", "unsafe", "user", "username", "valid", "value", "very", "world", "word", "wrong", "with", "xxx", "xxxx", "you", "your",
];
/// Those of [`DUMMY_VALUES`] and [`DUMMY_WORDS`] that are accounts, programs or weak passwords: with a number behind them they are
/// what people log in with, `admin123`.
#[rustfmt::skip]
const ACCOUNTS: &[&str] = &[
    "admin", "administrator", "db", "demo", "docker", "elastic", "grafana", "guest", "hunter", "jenkins",
    "letmein", "local", "minioadmin", "mongo", "mongodb", "mysql", "p@ssw0rd", "p@ssword", "p4ssw0rd", "passw0rd", "postgres",
    "qwerty", "rabbitmq", "redis", "root", "tiger", "tomcat", "toor", "ubuntu", "vagrant", "welcome", "wordpress",
];
/// How many letters behind a made-up value are a number that makes it look less so: `password123`.
const COUNTERS: &[&str] =
    &["", "0", "1", "2", "3", "01", "12", "123", "1234", "12345", "123456", "!", "1!", "123!"];
/// How much may stand in front of a monotonous part that makes the whole a dummy, in bytes.
const LONGEST_HEAD_BYTES: usize = 12;
/// The longest pattern of which a value may be a repetition, in bytes.
const MAX_PERIOD: usize = 4;
/// The most digits in a made-up value of words.
const MAX_DUMMY_DIGITS: usize = 4;
/// The shortest and the longest base64 text that is decoded to see whether it holds a dummy, in bytes.
const MIN_BASE64_DUMMY_BYTES: usize = 6;
const MAX_BASE64_DUMMY_BYTES: usize = 128;
/// The fewest distinct characters of a real value of eight or more.
const MIN_DISTINCT: usize = 4;

/// Whether `body`, a secret without its public prefix, is made up. Values under a generic rule are also held against a list
/// of dummies.
pub fn is_placeholder(body: &[u8], kind: Kind) -> bool {
    let lower = body.to_ascii_lowercase();
    // Long values hold short runs by chance, a private key's base64 for one: only the start of those is looked at.
    let start = &lower[..lower.len().min(200)];
    MADE_UP_PARTS.iter().any(|part| memchr::memmem::find(start, part).is_some())
        || is_monotonous(start)
        || (kind == Kind::Generic
            && (is_monotonous_inside(start)
                || is_published_digest(start)
                || memchr::memmem::find(start, b"***").is_some()
                || is_dummy(body)
                || is_marked(body)
                || is_label(body)
                || is_prose(body)
                || is_algorithm(body)
                || is_dummy_in_base64(body)
                || PUBLISHED_EXAMPLES.contains(&lower.as_slice())
                || memchr::memmem::find(start, b"...").is_some()))
}

/// Whether `value` says itself that another belongs in its place: `your-key-here`, `xxxx`, `<token>`. Passwords that people do use,
/// `changeme` for one, do not.
pub fn says_replace(value: &[u8]) -> bool {
    const IN_USE: &[&[u8]] = &[
        b"changeme",
        b"change_me",
        b"change-me",
        b"changethis",
        b"abcdefgh",
        b"12345678",
        b"foobar",
        b"deadbeef",
    ];
    const WORDS: &[&[u8]] = &[b"here", b"todo", b"replace", b"insert", b"paste", b"your", b"my_", b"example"];
    let lower = value.to_ascii_lowercase();
    let has = |part: &&[u8]| memchr::memmem::find(&lower, part).is_some();
    let is_one_sign =
        value.len() > 2 && value.iter().all(|byte| *byte == value[0]) && !value[0].is_ascii_digit();
    is_one_sign
        || is_marked(value)
        || begins_with_a_task(value)
        || MADE_UP_PARTS.iter().filter(|part| !IN_USE.contains(part)).any(has)
        || (is_dummy(value) && WORDS.iter().any(has))
}

/// A dummy, a counted one, or words that only dummies are made of.
fn is_dummy(value: &[u8]) -> bool {
    let lower = value.to_ascii_lowercase();
    let counted = |counter: &&str| {
        lower
            .strip_suffix(counter.as_bytes())
            .is_some_and(|value| DUMMY_VALUES.contains(&value) && (counter.is_empty() || !is_account(value)))
    };
    let is_dummy_word =
        |word: &[u8]| DUMMY_WORDS.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(word));
    let digits = lower.iter().filter(|byte| byte.is_ascii_digit()).count();
    let is_word_byte = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-. :/<>[]*".contains(byte);
    COUNTERS.iter().any(counted)
        || begins_with_a_task(value)
        || (digits <= MAX_DUMMY_DIGITS
            && lower.iter().all(is_word_byte)
            && words(value).next().is_some()
            && words(value).all(is_dummy_word)
            && (digits == 0 || !words(value).all(is_account)))
}

/// `admin123`: an account, a program or a weak password, and a number.
pub fn is_numbered_account(value: &[u8]) -> bool {
    let word = value.iter().take_while(|byte| !byte.is_ascii_digit()).count();
    let name = value[..word].strip_suffix(b"_").unwrap_or(&value[..word]);
    is_account(name) && (1..=MAX_DUMMY_DIGITS).contains(&(value.len() - word))
}

fn is_account(word: &[u8]) -> bool {
    ACCOUNTS.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(word))
}

/// `TODO_set_me_1`, `FIXME: later`: what somebody wrote down to do.
fn begins_with_a_task(value: &[u8]) -> bool {
    const TASKS: &[&[u8]] = &[b"todo", b"fixme", b"tbd"];
    let end = value.iter().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(value.len());
    TASKS.iter().any(|task| value[..end].eq_ignore_ascii_case(task))
        && value[end..].iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-. :!?".contains(byte))
        && (end == value.len() || reads_like_words(&value[end..]))
}

/// `###NAME###`, `@@NAME@@`, `%NAME%`, `__NAME__`, `<<NAME>>`: a name between equal marks, which something else is put in place of.
fn is_marked(value: &[u8]) -> bool {
    let Some(&open) = value.first() else { return false };
    let close = match open {
        b'<' => b'>',
        b'[' => b']',
        b'{' => b'}',
        b'(' => b')',
        _ => open,
    };
    let opened = value.iter().take_while(|byte| **byte == open).count();
    let closed = value.iter().rev().take_while(|byte| **byte == close).count();
    if !open.is_ascii_punctuation() || opened != closed || opened + closed >= value.len() {
        return false;
    }
    let name = &value[opened..value.len() - closed];
    let is_constant =
        name.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_')
            && name.iter().filter(|byte| byte.is_ascii_uppercase()).count() >= 2;
    let is_name = name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-. ".contains(byte));
    // Between single signs other than these a password may well lie.
    let is_sure = opened >= 2 || b"@%<[{".contains(&open);
    (is_constant && (is_sure || name.contains(&b'_'))) || (is_name && is_sure && reads_like_words(name))
}

/// `Password:`, what stands in front of a field for it.
fn is_label(value: &[u8]) -> bool {
    let text = value.strip_suffix(b":").or_else(|| value.strip_suffix("：".as_bytes()));
    text.is_some_and(|text| {
        text.iter().all(|byte| byte.is_ascii_alphabetic() || b" -'().".contains(byte) || !byte.is_ascii())
    })
}

/// Letters of other scripts, not one of ASCII, and few digits: words for people.
fn is_prose(value: &[u8]) -> bool {
    const MAX_DIGITS_OF: usize = 4;
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    !value.is_ascii()
        && !value.iter().any(u8::is_ascii_alphabetic)
        && std::str::from_utf8(value).is_ok_and(|text| {
            let letters = text.chars().filter(|letter| letter.is_alphabetic()).count();
            letters > 0 && digits * MAX_DIGITS_OF <= letters
        })
}

/// `RS256`, `A256GCM`, `aes-256-cbc`, `HmacSHA256`, `RSA-OAEP-256`: what encrypts, signs or hashes.
fn is_algorithm(value: &[u8]) -> bool {
    #[rustfmt::skip]
    const PARTS: &[&str] = &[
        "aes", "and", "aria", "argon", "bcrypt", "blake", "blowfish", "camellia", "cbc", "ccm", "cfb", "chacha", "ctr", "des", "dh",
        "dhe", "dsa", "ecb", "ecdh", "ecdhe", "ecdsa", "ecies", "ed", "eddsa", "encrypt", "encryption", "es", "gcm", "gcmkw", "gmac",
        "hkdf", "hmac", "hs", "keccak", "kw", "md", "mgf", "nopadding", "oaep", "oauth", "ofb", "padding", "pbe", "pbes", "pbkdf",
        "pkcs", "poly", "prime", "ps", "pss", "ripemd", "rs", "rsa", "salsa", "scrypt", "secp", "sha", "shake", "signature", "siv",
        "tls", "tripledes", "twofish", "whirlpool", "with", "xchacha", "xts",
    ];
    /// Parts of one letter, each with the number that makes it one.
    const SHORT: &[&str] = &["a128", "a192", "a256", "b", "id", "k1", "r1", "s", "v1", "x25519", "x448"];
    const SIZES: &[&str] = &[
        "1", "2", "3", "4", "5", "7", "8", "12", "15", "16", "20", "24", "25519", "32", "40", "48", "56",
        "64", "96", "112", "128", "160", "168", "192", "224", "239", "256", "384", "448", "512", "521",
        "1024", "1305", "2048", "3072", "4096", "8192",
    ];
    const MAX_BYTES: usize = 48;
    if value.len() > MAX_BYTES {
        return false;
    }
    let lower = value.to_ascii_lowercase();
    // What a part of the text leaves, where it begins with one; the longest first.
    let longest = |list: &[&str], text: &[u8]| {
        list.iter().filter(|part| text.starts_with(part.as_bytes())).map(|part| part.len()).max()
    };
    let (mut rest, mut parts) = (&lower[..], 0);
    while !rest.is_empty() {
        let is_digit = rest[0].is_ascii_digit();
        let length = if b"-_/+. ".contains(&rest[0]) {
            1
        } else if is_digit {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if digits > 0 && SIZES.iter().any(|size| size.as_bytes() == &rest[..digits]) {
                digits
            } else if rest.starts_with(b"3des") {
                parts += 1;
                4
            } else {
                return false;
            }
        } else if let Some(length) = longest(PARTS, rest) {
            parts += 1;
            length
        } else if let Some(length) = longest(SHORT, rest) {
            parts += usize::from(length > 2);
            length
        } else {
            return false;
        };
        rest = &rest[length..];
    }
    parts > 0
}

/// A dummy as a manifest of Kubernetes writes it, with the end of its line or without.
fn is_dummy_in_base64(value: &[u8]) -> bool {
    if value.len() > MAX_BASE64_DUMMY_BYTES || value.len() < MIN_BASE64_DUMMY_BYTES {
        return false;
    }
    let Ok(decoded) = STANDARD.decode(value) else { return false };
    let text = decoded.trim_ascii_end();
    let lower = text.to_ascii_lowercase();
    text.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ')
        && (is_dummy(text)
            || is_marked(text)
            || MADE_UP_PARTS.iter().any(|part| memchr::memmem::find(&lower, part).is_some()))
}

/// `abcd-efgh-ijkl`, `key-1234123412341234`: monotonous without its separators, or behind the last of them.
fn is_monotonous_inside(value: &[u8]) -> bool {
    let is_separator = |byte: &u8| b"-_ .:".contains(byte);
    if !value.iter().any(is_separator) {
        return false;
    }
    let joined: Vec<u8> = value.iter().copied().filter(|byte| !is_separator(byte)).collect();
    let last = value.rsplit(is_separator).next().unwrap_or_default();
    let is_short_before = value.len() - last.len() <= LONGEST_HEAD_BYTES;
    (joined.len() >= 8 && is_monotonous(&joined))
        || (is_short_before && last.len() >= 8 && is_monotonous(last))
}

/// Repetitions, sequences, and values of a few characters.
fn is_monotonous(value: &[u8]) -> bool {
    if value.len() < 4 {
        return true;
    }
    let mut seen = [false; 256];
    value.iter().for_each(|&byte| seen[usize::from(byte)] = true);
    let distinct = seen.iter().filter(|&&seen| seen).count();
    // `abc123def456`: each run is a sequence of its own.
    let is_mixed = value.iter().any(u8::is_ascii_digit) && value.iter().any(u8::is_ascii_alphabetic);
    let climbs = value.windows(2).filter(|pair| pair[1].wrapping_sub(pair[0]) <= 1).count();
    let falls = value.windows(2).filter(|pair| pair[0].wrapping_sub(pair[1]) <= 1).count();
    let steps = climbs.max(falls);
    let repeats =
        |period: usize| value.len() >= 3 * period && value[period..] == value[..value.len() - period];
    distinct < MIN_DISTINCT.min(value.len() / 2)
        || steps * 10 >= (value.len() - usize::from(is_mixed)) * 7
        || (1..=MAX_PERIOD).any(repeats)
        || is_ladder(value)
}

/// `a1b2c3d4e5f6`: letters and digits that take turns, both in their order.
fn is_ladder(value: &[u8]) -> bool {
    let takes_turns = value.windows(2).all(|pair| pair[0].is_ascii_digit() != pair[1].is_ascii_digit());
    let climb = |pair: &[u8]| {
        pair[2] == pair[0] + 1 || (pair[0], pair[2]) == (b'9', b'0') || (pair[0], pair[2]) == (b'f', b'a')
    };
    value.len() >= 8
        && takes_turns
        && value.iter().all(u8::is_ascii_alphanumeric)
        && value.windows(3).filter(|pair| climb(pair)).count() * 8 >= (value.len() - 2) * 7
}

/// The digest of a word that documentation likes: `5f4dcc3b...` for `password`.
fn is_published_digest(value: &[u8]) -> bool {
    PUBLISHED_DIGESTS.iter().any(|digest| value.starts_with(digest))
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
        for value in [
            "changeme",
            "password",
            "Secret",
            "guest",
            "password123",
            "my-secret-token",
            "test_token_1",
            "some-api-key",
            "YWRtaW4=",
            "Test1234",
            "not-a-secret",
            "fakeToken2",
            "sk_test_123",
            "abc123def456",
            "a1b2c3d4e5f6a7b8",
            "fedcba9876543210",
            "9f86d081884c7d659a2feaa0",
            "abcd-efgh-ijkl-mnop",
            "key-1234123412341234",
            "sk-1****cdef",
            "###ORACLE_PWD###",
            "@@SYS_PWD@@",
            "%%DB_PASS_1%%",
            "@db.password@",
            "%DbPassword%",
            "__APP_SECRET_V2__",
            "<<api_token_2>>",
            "[[vault-token]]",
            "$DB_PASS_2$",
            "TODO_set_me_1",
            "FIXME-later2",
            "todo",
            "Password:",
            "パスワード：",
            "请输入您的密码",
            "パスワードは8文字",
            "Введите-пароль",
            "비밀번호를_입력하세요",
            "RS256",
            "A256GCM",
            "A128CBC-HS256",
            "RSA-OAEP-256",
            "ECDH-ES+A128KW",
            "aes-256-cbc",
            "HmacSHA256",
            "PBKDF2WithHmacSHA512",
            "oauth2",
            "secp256k1",
            "X25519",
            "Y2hhbmdlbWU=",
            "Y2hhbmdlbWUK",
            "c29tZS1hcGkta2V5Cg",
            "eW91ci1hcGkta2V5LWhlcmU=",
        ] {
            assert!(is_placeholder(value.as_bytes(), Kind::Generic), "{value}");
        }
    }

    #[test]
    fn values_that_somebody_may_use_are_not() {
        for value in [
            "Summer2019!",
            "tR7hvd9Q",
            "7f3c2a9be41d0586",
            "admin2019",
            "correct-horse-battery",
            "MyDog2019",
            "c3VtbWVyMjAxOSE=",
            "##Ab9xQ2##",
            "#Summer2019#",
            "%tR7hvd9Q%",
            "!Abc2019xyz!",
            "*k9Xw2pLq7*",
            "todo9Xw2pLq7",
            "señor2019",
            "пароль2019x",
            "пароль2019",
            "contraseña!9",
            "des1337",
            "aes9x2k7",
            "sha2019!",
            "a1b7c3x9",
        ] {
            assert!(!is_placeholder(value.as_bytes(), Kind::Generic), "{value}");
        }
    }
}
