//! Whether a value is written out, or only stands for one: a template, a call, a look-up, a path, prose.

/// Signs of a value that is filled in elsewhere.
const TEMPLATE_SIGNS: &[&[u8]] =
    &[b"${", b"$(", b"{{", b"}}", b"<%", b"%>", b"%(", b"#{", b"@{", b"[[", b"]]", b"\\(", b"()", b"::"];
/// Endings of names of files that hold no value themselves.
const FILE_ENDINGS: &[&[u8]] = &[
    b"sh", b"c", b"h", b"py", b"js", b"ts", b"go", b"rs", b"rb", b"php", b"java", b"json", b"yml", b"yaml",
    b"toml", b"xml", b"html", b"md", b"txt", b"cfg", b"conf", b"ini", b"pem", b"key", b"crt", b"cer", b"p12",
    b"jks", b"log", b"css", b"svg", b"png",
];
/// Names that languages have for "no value" and "a value of this type", and for where values are kept.
const CODE_WORDS: &[&[u8]] = &[
    b"none",
    b"null",
    b"nil",
    b"true",
    b"false",
    b"undefined",
    b"string",
    b"str",
    b"bytes",
    b"int",
    b"integer",
    b"bool",
    b"boolean",
    b"object",
    b"optional",
    b"required",
    b"default",
    b"empty",
    b"any",
    b"char",
    b"varchar",
];

/// Whether `value` is a literal.
pub(crate) fn is_literal(value: &[u8]) -> bool {
    !is_template(value)
        && !is_reference(value)
        && !is_location(value)
        && !is_code_word(value)
        && !is_password_hash(value)
        && !is_code_between_literals(value)
}

fn is_template(value: &[u8]) -> bool {
    let (Some(first), Some(last)) = (value.first(), value.last()) else {
        return true;
    };
    value.iter().any(u8::is_ascii_whitespace)
        || TEMPLATE_SIGNS.iter().any(|sign| memchr::memmem::find(value, sign).is_some())
        || (*first == b'$'
            && value.get(1).is_some_and(|byte| byte.is_ascii_alphabetic() || b"_({[".contains(byte)))
        || matches!((first, last), (b'<', b'>') | (b'{', b'}') | (b'%', b'%') | (b'[', b']') | (b'(', b')'))
        || value.windows(2).any(|pair| pair[0] == b'%' && matches!(pair[1], b's' | b'd' | b'r' | b'v' | b'@'))
        || (memchr::memchr(b'{', value).is_some() && memchr::memchr(b'}', value).is_some())
}

/// `self.password`, `settings.SECRET_KEY`, `config->token`, `DB_PASSWORD`: names joined by dots, arrows or underscores.
fn is_reference(value: &[u8]) -> bool {
    let is_name = |part: &[u8]| {
        part.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
            && part.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
    };
    let has_joint =
        value.iter().any(|byte| b"._".contains(byte)) || memchr::memmem::find(value, b"->").is_some();
    has_joint
        && value
            .split(|byte| b".-".contains(byte))
            .map(|part| part.strip_prefix(b">").unwrap_or(part))
            .all(is_name)
}

/// Paths, file names, URLs, e-mail addresses.
fn is_location(value: &[u8]) -> bool {
    let starts =
        |prefix: &[u8]| value.len() >= prefix.len() && value[..prefix.len()].eq_ignore_ascii_case(prefix);
    let inner_slash = value.iter().skip(1).any(|&byte| byte == b'/');
    starts(b"http:")
        || starts(b"https:")
        || starts(b"file:")
        || starts(b"./")
        || starts(b"../")
        || starts(b"~/")
        || starts(b"\\\\")
        || (starts(b"/") && (inner_slash || value.iter().all(|byte| !byte.is_ascii_digit())))
        || memchr::memmem::find(value, b"://").is_some()
        || is_file_name(value)
        || is_mail_address(value)
}

/// Names joined by `/`, `-` and `_`, with an ending that files have.
fn is_file_name(value: &[u8]) -> bool {
    split_at_last(value, b'.').is_some_and(|(stem, ending)| {
        FILE_ENDINGS.contains(&ending)
            && stem.iter().all(|byte| byte.is_ascii_alphanumeric() || b"/-_.".contains(byte))
    })
}

/// `$2b$12$...`, `pbkdf2_sha256$...`: a password's hash in crypt's or Django's form, which is not the password.
fn is_password_hash(value: &[u8]) -> bool {
    let mut parts = value.split(|&byte| byte == b'$');
    let first = parts.next().unwrap_or_default();
    let is_scheme = |part: &[u8]| {
        !part.is_empty()
            && part
                .iter()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(byte))
    };
    let scheme = if first.is_empty() { parts.next().unwrap_or_default() } else { first };
    is_scheme(scheme) && value.len() >= 24 && parts.count() >= 2
}

/// What lies between the end of one literal and the start of the next: `),x.call(`.
fn is_code_between_literals(value: &[u8]) -> bool {
    matches!(value.first(), Some(b')' | b',' | b';')) && value.iter().any(|byte| b"(=.".contains(byte))
}

/// `name@host`, both of letters: passwords that hold an `@` hold digits or other signs too.
fn is_mail_address(value: &[u8]) -> bool {
    let is_name =
        |part: &[u8]| !part.is_empty() && part.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'.');
    split_at_last(value, b'@').is_some_and(|(name, host)| is_name(name) && is_name(host))
}

/// What stands before and behind the last `separator`.
fn split_at_last(value: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = memchr::memrchr(separator, value)?;
    Some((&value[..at], &value[at + 1..]))
}

fn is_code_word(value: &[u8]) -> bool {
    CODE_WORDS.iter().any(|word| value.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_elsewhere_is_no_literal() {
        for value in [
            "${DB_PASSWORD}",
            "$PASSWORD",
            "{{ password }}",
            "<password>",
            "%s",
            "%(password)s",
            "{password}",
            "None",
            "self.password",
            "settings.SECRET_KEY",
            "DB_PASSWORD",
            "get_token()",
            "/run/secrets/db",
            "https://a.b/c",
            "a sentence of words",
            "process.env.TOKEN",
            "t0410-partial-clone.sh",
            "apache@localhost",
            "$config{",
            "$2b$12$abcdefghijklmnopqrstuv",
            "),v?l.call(",
            "config->token",
        ] {
            assert!(!is_literal(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn written_out_values_are_literals() {
        for value in [
            "hunter2-x",
            "Tr0ub4dor&3",
            "correcthorse",
            "a.b1c.2d",
            "pa$$word1",
            "wJ/alr+XU",
            "P@ssw0rd.x",
            "pa$5$x",
        ] {
            assert!(is_literal(value.as_bytes()), "{value}");
        }
    }
}
