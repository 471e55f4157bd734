//! Whether a value is written out, or only stands for one: a template, a call, a look-up, a path, prose.

/// Signs of a value that is filled in elsewhere.
const TEMPLATE_SIGNS: &[&[u8]] =
    &[b"${", b"$(", b"{{", b"}}", b"<%", b"%>", b"%(", b"#{", b"@{", b"[[", b"]]", b"\\(", b"()", b"::"];
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
    !is_template(value) && !is_reference(value) && !is_location(value) && !is_code_word(value)
}

fn is_template(value: &[u8]) -> bool {
    let (Some(first), Some(last)) = (value.first(), value.last()) else {
        return true;
    };
    value.iter().any(u8::is_ascii_whitespace)
        || TEMPLATE_SIGNS.iter().any(|sign| memchr::memmem::find(value, sign).is_some())
        || (*first == b'$' && value[1..].iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_'))
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

/// Paths, URLs without a password, e-mail addresses' domains.
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
        || (memchr::memmem::find(value, b"://").is_some())
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
            "config->token",
        ] {
            assert!(!is_literal(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn written_out_values_are_literals() {
        for value in ["hunter2-x", "Tr0ub4dor&3", "correcthorse", "a.b1c.2d", "pa$$word1", "wJ/alr+XU"] {
            assert!(is_literal(value.as_bytes()), "{value}");
        }
    }
}
