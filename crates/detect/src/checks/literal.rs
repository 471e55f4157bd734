//! Whether a value is written out, or only stands for one: a template, a call, a look-up, a path, prose.

use super::words::reads_like_words;

/// Signs of a value that is filled in elsewhere.
const TEMPLATE_SIGNS: &[&[u8]] = &[
    b"${", b"$(", b"{{", b"}}", b"<%", b"%>", b"%(", b"#{", b"@{", b"[[", b"]]", b"\\(", b"()", b"::",
    b"===", b"!==",
];
/// Endings of names of files that hold no value themselves.
const FILE_ENDINGS: &[&[u8]] = &[
    b"sh", b"c", b"h", b"py", b"js", b"ts", b"go", b"rs", b"rb", b"php", b"java", b"json", b"yml", b"yaml",
    b"toml", b"xml", b"html", b"md", b"txt", b"cfg", b"conf", b"ini", b"pem", b"key", b"crt", b"cer", b"p12",
    b"jks", b"log", b"css", b"svg", b"png", b"war", b"jar", b"zip", b"gz", b"tgz", b"tar", b"whl", b"exe",
    b"bin", b"csv", b"sql", b"db", b"pdf", b"gif", b"jpg", b"jpeg", b"bak", b"tfstate", b"tmpl", b"j2",
    b"vue", b"tsx", b"jsx", b"deb", b"rpm", b"so", b"dll", b"xz", b"bz2", b"zst",
];
/// Names that languages have for "no value" and "a value of this type", and for where values are kept; what packages are built for.
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
    b"allow",
    b"deny",
    b"warn",
    b"forbid",
    b"fail",
    b"failed",
    b"skip",
    b"pass",
    b"error",
    b"return",
    b"this",
    b"nopass",
    b"nopassword",
    b"void",
    b"function",
    b"number",
    b"async",
    b"await",
    b"typeof",
    b"class",
    b"self",
    b"auto",
    b"ask",
    b"prompt",
    b"enabled",
    b"disabled",
    b"define",
    b"undef",
    b"amd64",
    b"arm64",
    b"armhf",
    b"i386",
    b"noarch",
    b"x86_64",
    b"md5",
    b"sha1",
    b"sha256",
    b"sha512",
    b"bcrypt",
    b"argon2",
    b"argon2id",
    b"pbkdf2",
    b"base64",
    b"utf8",
    b"utf-8",
    b"enable",
    b"disable",
    b"enforce",
    b"changed",
    b"confirmed",
    b"nullable",
    b"digest",
    b"hashed",
    b"repeated",
    b"pending",
    b"skipped",
    b"succeeded",
    b"passed",
    b"auto-generate",
    b"xyes",
    b"xno",
];

/// Signs of regular expressions and globs.
const PATTERN_SIGNS: &[&[u8]] =
    &[b"(?", b".*", b".+", b"[a-", b"[A-", b"[0-", b"[^", b"\\d", b"\\w", b"/**", b"{8,", b"{6,"];
/// Beginnings that say what the rest is: a checksum, a reference to a store, something encrypted.
const REFERENCE_PREFIXES: &[&[u8]] = &[
    b"sha1:",
    b"sha256:",
    b"sha512:",
    b"sha1-",
    b"sha256-",
    b"sha384-",
    b"sha512-",
    b"md5:",
    b"arn:",
    b"vault:",
    b"ssm:",
    b"op:",
    b"secretref:",
    b"secret:",
    b"ref:",
    b"env:",
    b"file:",
    b"keyring:",
    b"classpath:",
    b"data:",
    b"urn:",
    b"enc(",
    b"enc[",
    b"{cipher}",
    b"{aes}",
    b"$ansible_vault",
    b"{{",
    b"projects/",
    b"process.env",
    b"os.environ",
    b"mailto:",
    b"bearer ",
    b"uuid=",
    b"pkcs11:",
    b"ssh-rsa ",
    b"ssh-ed25519 ",
    b"aaaab3nza",
    b"aaaac3nza",
    b"aaaae2vjz",
    b"pk_",
    b"__",
    b"--",
    // Rules of validation: `required_without:id`.
    b"required_",
    // Colours and other functions of CSS.
    b"rgb(",
    b"rgba(",
    b"hsl(",
    b"var(",
    b"url(",
    // The tags of fields in Go's protocol buffers: `bytes,2,opt,name=password`.
    b"bytes,",
    b"varint,",
];
/// What Django, passlib and others write in front of a password's hash.
const HASH_SCHEMES: &[&[u8]] =
    &[b"md5", b"sha1", b"sha256", b"crypt", b"bcrypt", b"scrypt", b"argon2", b"pbkdf2", b"pbkdf2_sha256"];
/// The length from which on a value full of signs is taken for what Django makes, in bytes.
const MIN_SIGNED_KEY_BYTES: usize = 40;

/// Whether `value` is a literal.
pub(crate) fn is_literal(value: &[u8]) -> bool {
    // Spring Security's mark of a password that is not hashed.
    let value = value.strip_prefix(b"{noop}").unwrap_or(value);
    if is_pattern(value) || value.ends_with(b"(") || is_password_hash(value) {
        return false;
    }
    if is_key_with_signs(value) || is_app_password(value) {
        return true;
    }
    !is_template(value)
        && !is_stored_elsewhere(value)
        && !is_list_of_options(value)
        && !is_date(value)
        && !is_number(value)
        && !is_account_address(value)
        && !is_public_prefix(value)
        && !is_escaped(value)
        && !is_reference(value)
        && !is_location(value)
        && !is_code_word(value)
        && !is_code_between_literals(value)
        && !begins_a_sum(value)
        && !has_blanks_of_markup(value)
}

/// `'+params["password"]+'`: what is quoted is the code between two literals.
fn begins_a_sum(value: &[u8]) -> bool {
    match value {
        [b'\'' | b'"', rest @ ..] => rest.trim_ascii_start().starts_with(b"+"),
        _ => false,
    }
}

/// Whether markup writes white space in it: `one&#9;two`.
fn has_blanks_of_markup(value: &[u8]) -> bool {
    const BLANKS: &[&[u8]] = &[b"&#9;", b"&#10;", b"&#13;", b"&#32;", b"&#xA;", b"&#xa;", b"&nbsp;"];
    memchr::memchr(b'&', value).is_some()
        && BLANKS.iter().any(|blank| memchr::memmem::find(value, blank).is_some())
}

/// Whether `value`, which is data and no code, is filled in by whoever reads it: `${NAME}`, `{{ name }}`, `<name>`, `@NAME@`.
pub fn is_filled_in(value: &[u8]) -> bool {
    const SIGNS: &[&[u8]] = &[b"${", b"$(", b"{{", b"<%", b"%(", b"#{", b"@{"];
    const BRACKETS: &[(u8, u8)] = &[(b'<', b'>'), (b'[', b']'), (b'{', b'}'), (b'%', b'%'), (b'@', b'@')];
    let is_in = |&(open, close): &(u8, u8)| {
        value.len() > 2 && value.first() == Some(&open) && value.last() == Some(&close)
    };
    SIGNS.iter().any(|sign| memchr::memmem::find(value, sign).is_some())
        || (BRACKETS.iter().any(is_in) && reads_like_words(value))
        || matches!(value, [b'_', b'_', .., b'_', b'_'])
}

/// Whether `value`, which is data and no code, says where something is, or nothing secret at all: a path, a URL, a date, `true`, a
/// hash.
pub fn is_elsewhere(value: &[u8]) -> bool {
    is_stored_elsewhere(value)
        || is_location(value)
        || is_code_word(value)
        || is_date(value)
        || is_password_hash(value)
}

/// A key of random letters, digits and signs: what looks like a template in it is there by chance.
fn is_key_with_signs(value: &[u8]) -> bool {
    let signs = value.iter().filter(|byte| byte.is_ascii_punctuation());
    value.len() >= MIN_SIGNED_KEY_BYTES
        && value.iter().all(u8::is_ascii_graphic)
        && value.iter().any(u8::is_ascii_digit)
        && signs.clone().count() * 10 >= value.len()
        && signs.clone().filter(|byte| !b"./_-:&=;,\"'<>[]{}".contains(byte)).count() * 16 >= value.len()
        && !reads_like_words(value)
}

/// `abcd efgh ijkl mnop`: an app password as Google shows it, <https://support.google.com/accounts/answer/185833>.
fn is_app_password(value: &[u8]) -> bool {
    let is_group = |part: &[u8]| part.len() == 4 && part.iter().all(u8::is_ascii_lowercase);
    value.len() == 19 && value.split(|&byte| byte == b' ').all(is_group) && !reads_like_words(value)
}

/// A regular expression, a glob, a selector of CSS.
fn is_pattern(value: &[u8]) -> bool {
    let is_selector = matches!(value, [b'#' | b'.', first, ..] if first.is_ascii_alphabetic())
        && value[1..].iter().all(|byte| byte.is_ascii_alphabetic() || b"-_.#".contains(byte));
    is_selector || PATTERN_SIGNS.iter().any(|sign| memchr::memmem::find(value, sign).is_some())
}

/// `sha256:...`, `arn:aws:...`, `!vault`, `*anchor`, `@NAME@`.
fn is_stored_elsewhere(value: &[u8]) -> bool {
    let starts =
        |prefix: &&[u8]| value.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    let is_tag = matches!(value, [b'!' | b'*' | b'&', rest @ ..]
        if rest.iter().all(|byte| byte.is_ascii_lowercase() || b"_-".contains(byte)));
    let is_marked = matches!(value, [b'@', .., b'@'] | [b'_', b'_', .., b'_', b'_']);
    is_tag
        || is_marked
        || is_sealed(value)
        || is_ssh_public_key(value)
        || is_public_key(value)
        || value.ends_with(b"/aws4_request")
        || is_distinguished_name(value)
        || REFERENCE_PREFIXES.iter().any(starts)
}

/// The blob of an SSH public key: the length of its type's name, then the name, in base64.
fn is_ssh_public_key(value: &[u8]) -> bool {
    value.len() >= 60 && value.starts_with(b"AAAA") && matches!(value[4], b'A'..=b'K')
}

/// A public key in DER and base64: `SubjectPublicKeyInfo` of RSA, of a curve, of Ed25519; a compressed point of a curve.
fn is_public_key(value: &[u8]) -> bool {
    // The object identifiers of RSA and of curves as base64 shows them, with what stands behind them in public keys only.
    const SIGNS: &[&[u8]] = &[
        b"BgkqhkiG9w0BAQEFAAOC",
        b"MA0GCSqGSIb3DQEBAQUAA4G",
        b"MFkwEwYHKoZIzj0C",
        b"MHYwEAYHKoZIzj0C",
        b"MCowBQYDK2V",
    ];
    let start = &value[..value.len().min(40)];
    let is_point = value.strip_prefix(b"0x").is_some_and(|digits| {
        digits.len() == 66
            && matches!(digits, [b'0', b'2' | b'3', ..])
            && digits.iter().all(u8::is_ascii_hexdigit)
    });
    is_point || SIGNS.iter().any(|sign| memchr::memmem::find(start, sign).is_some())
}

/// `cn=admin,dc=host`, who somebody is for LDAP.
fn is_distinguished_name(value: &[u8]) -> bool {
    let starts = |part: &[u8]| {
        [b"cn=".as_slice(), b"uid=", b"ou=", b"dc="].iter().any(|start| part.starts_with(start))
    };
    value.contains(&b',') && value.split(|&byte| byte == b',').all(starts)
}

/// `NACL[...]`, `PKCS7[...]`: encrypted, as the name in front of the brackets says.
fn is_sealed(value: &[u8]) -> bool {
    let sealed = value.strip_suffix(b"]").and_then(|value| split_at_last(value, b'['));
    sealed.is_some_and(|(by, _)| {
        by.len() >= 3 && by.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    })
}

/// `%c3%89t%C3%A9`: what is mostly percent escapes tests how a URL is read.
fn is_escaped(value: &[u8]) -> bool {
    let is_escape = |part: &&[u8]| part[0] == b'%' && part[1..].iter().all(u8::is_ascii_hexdigit);
    let escapes = value.windows(3).filter(is_escape).count();
    escapes * 6 > value.len()
}

/// `2017-10-25T16:25:04.151`.
fn is_date(value: &[u8]) -> bool {
    let digits = |range: std::ops::Range<usize>| {
        value.get(range).is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    digits(0..4)
        && value.get(4) == Some(&b'-')
        && digits(5..7)
        && value.get(7) == Some(&b'-')
        && digits(8..10)
        && value[10..].iter().all(|byte| byte.is_ascii_digit() || b":.TtZz+- ".contains(byte))
}

/// `^0.2.1`, `>=1.10.3rc1`, `1337:1337`, `0x1F`: a version, ports, a constant.
fn is_number(value: &[u8]) -> bool {
    let operator = value.iter().take_while(|byte| b"^~<>=v".contains(byte)).count();
    let version = &value[operator..];
    let numbers = version
        .split(|&byte| byte == b'.')
        .take_while(|part| !part.is_empty() && part.len() <= 3 && part.iter().all(u8::is_ascii_digit));
    let is_port = |part: &[u8]| part.len() <= 5 && part.iter().all(u8::is_ascii_digit);
    let is_hex = |digits: &[u8]| digits.len() <= 8 && digits.iter().all(u8::is_ascii_hexdigit);
    let is_pair = value.iter().filter(|byte| **byte == b':').count() == 1;
    numbers.count() + usize::from(operator > 0) >= 3
        || (is_pair && value.split(|&byte| byte == b':').all(is_port))
        || value.strip_prefix(b"0x").is_some_and(is_hex)
}

/// `0x` and 40 hexadecimal digits: what an account or a coin is called by on a block chain. Keys are longer. And `0x` and 34 of them:
/// the answer to a challenge of CHAP, <https://www.rfc-editor.org/rfc/rfc2865#section-5.3>.
fn is_account_address(value: &[u8]) -> bool {
    value
        .strip_prefix(b"0x")
        .is_some_and(|digits| matches!(digits.len(), 34 | 40) && digits.iter().all(u8::is_ascii_hexdigit))
}

/// `n8n_api_`, `sk-live-`: what tokens begin with.
fn is_public_prefix(value: &[u8]) -> bool {
    value.len() <= 16
        && matches!(value, [first, .., b'_' | b'-'] if first.is_ascii_lowercase())
        && value.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(byte))
        && value[..value.len() - 1].iter().any(|byte| b"_-".contains(byte))
}

/// `required|string|confirmed`, `min:8`.
fn is_list_of_options(value: &[u8]) -> bool {
    const RULES: &[&[u8]] = &[b"min:", b"max:", b"between:", b"size:"];
    let is_number =
        |argument: &[u8]| argument.iter().all(|byte| byte.is_ascii_digit() || b",.".contains(byte));
    const FIRST: &[&[u8]] = &[b"required", b"confirmed", b"nullable", b"sometimes", b"string", b"bail"];
    let first = value.split(|&byte| byte == b'|').next().unwrap_or_default();
    if RULES.iter().any(|rule| value.strip_prefix(*rule).is_some_and(is_number))
        || (first.len() < value.len() && FIRST.contains(&first))
    {
        return true;
    }
    memchr::memchr(b'|', value).is_some()
        && value.split(|&byte| byte == b'|').all(|option| {
            option.len() >= 2
                && option.iter().all(|byte| byte.is_ascii_alphanumeric() || b":_-,".contains(byte))
        })
}

fn is_template(value: &[u8]) -> bool {
    let (Some(first), Some(last)) = (value.first(), value.last()) else {
        return true;
    };
    value.iter().any(u8::is_ascii_whitespace)
        || memchr::memmem::find(value, b"%20").is_some()
        || TEMPLATE_SIGNS.iter().any(|sign| memchr::memmem::find(value, sign).is_some())
        || (*first == b'$'
            && value.get(1).is_some_and(|byte| byte.is_ascii_alphabetic() || b"_({[".contains(byte)))
        || matches!((first, last), (b'<', b'>') | (b'{', b'}') | (b'%', b'%') | (b'[', b']') | (b'(', b')'))
        || holds_format_sign(value)
        || joins_variables(value)
        || (memchr::memchr(b'{', value).is_some() && memchr::memchr(b'}', value).is_some())
}

/// `.$salt.`, what lies between two literals of PHP.
fn joins_variables(value: &[u8]) -> bool {
    matches!(value, [b'.', b'$', .., b'.' | b'[' | b'('] | [b'.', b' ', .., b'.'])
}

/// `%s`, `%d`, with no letter behind it; `%08x` alone.
fn holds_format_sign(value: &[u8]) -> bool {
    let is_format = matches!(value, [b'%', digits @ .., letter]
        if letter.is_ascii_alphabetic() && digits.iter().all(u8::is_ascii_digit));
    if is_format {
        return true;
    }
    memchr::memchr_iter(b'%', value).any(|at| {
        matches!(value.get(at + 1), Some(b's' | b'd' | b'r' | b'v' | b'@'))
            && value.get(at + 2).is_none_or(|next| !next.is_ascii_alphanumeric())
    })
}

/// `self.password`, `settings.SECRET_KEY`, `config->token`, `DB_PASSWORD`: names joined by dots, arrows or underscores.
fn is_reference(value: &[u8]) -> bool {
    is_dotted_name(value) || is_reversed_domain(value) || is_joined_name(value)
}

/// `com.github.project7.option`: a domain from its end, and what lies in it.
fn is_reversed_domain(value: &[u8]) -> bool {
    const TOP: &[&[u8]] = &[b"com", b"org", b"net", b"io", b"dev", b"edu", b"de", b"uk", b"fr"];
    let is_part = |part: &[u8]| {
        part.first().is_some_and(u8::is_ascii_lowercase)
            && part
                .iter()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(byte))
    };
    let mut parts = value.split(|&byte| byte == b'.');
    parts.next().is_some_and(|top| TOP.contains(&top)) && parts.clone().count() >= 2 && parts.all(is_part)
}

/// `django.contrib.auth.hashers.PBKDF2PasswordHasher`: at least two modules, whose names are words, and what lies in them.
fn is_dotted_name(value: &[u8]) -> bool {
    let Some((modules, name)) = split_at_last(value, b'.') else { return false };
    let is_module =
        |part: &[u8]| part.len() >= 2 && part.iter().all(|byte| byte.is_ascii_lowercase() || *byte == b'_');
    modules.contains(&b'.')
        && modules.split(|&byte| byte == b'.').all(is_module)
        && reads_like_words(modules)
        && name.first().is_some_and(u8::is_ascii_alphabetic)
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        && reads_like_words(name)
}

fn is_joined_name(value: &[u8]) -> bool {
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
        || starts(b"www.")
        || starts(b"file:")
        || starts(b"./")
        || starts(b"../")
        || starts(b"~/")
        || starts(b"\\\\")
        || (starts(b"/") && (inner_slash || value.iter().all(|byte| !byte.is_ascii_digit())))
        || memchr::memmem::find(value, b"://").is_some()
        || is_path_of_words(value)
        || is_package(value)
        || is_file_name(value)
        || is_mail_address(value)
}

/// `application/zip`, `oauth/token`.
fn is_path_of_words(value: &[u8]) -> bool {
    value.contains(&b'/')
        && value.iter().all(|byte| byte.is_ascii_lowercase() || b"/-_.+".contains(byte))
        && value.split(|&byte| byte == b'/').all(|part| part.len() >= 3)
        && reads_like_words(value)
}

/// `@scope/name`, a package of npm.
fn is_package(value: &[u8]) -> bool {
    let rest = value.strip_prefix(b"@").unwrap_or_default();
    let is_name = |part: &[u8]| {
        part.first().is_some_and(u8::is_ascii_lowercase)
            && part
                .iter()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(byte))
    };
    rest.iter().filter(|byte| **byte == b'/').count() == 1 && rest.split(|&byte| byte == b'/').all(is_name)
}

/// Names joined by `/`, `-` and `_`, with an ending that files have.
fn is_file_name(value: &[u8]) -> bool {
    split_at_last(value, b'.').is_some_and(|(stem, ending)| {
        FILE_ENDINGS.contains(&ending)
            && stem.iter().all(|byte| byte.is_ascii_alphanumeric() || b"/-_.:+".contains(byte))
    })
}

/// `$2b$12$...`, `pbkdf2_sha256$...`, `*94BD...`: a password's hash in the form of crypt, Django or MySQL, or the beginning of
/// one (`md5$$`), which is not the password.
fn is_password_hash(value: &[u8]) -> bool {
    let is_scheme_alone = value.strip_suffix(b"$").is_some_and(|scheme| {
        let scheme = scheme.strip_suffix(b"$").unwrap_or(scheme);
        HASH_SCHEMES.contains(&scheme)
    });
    const CRYPT_SCHEMES: &[&[u8]] =
        &[b"$1$", b"$2a$", b"$2b$", b"$2y$", b"$5$", b"$6$", b"$y$", b"$apr1$", b"$argon2"];
    if is_scheme_alone || is_mysql_hash(value) || CRYPT_SCHEMES.iter().any(|scheme| value.starts_with(scheme))
    {
        return true;
    }
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

fn is_mysql_hash(value: &[u8]) -> bool {
    value.len() == 41 && value[0] == b'*' && value[1..].iter().all(u8::is_ascii_hexdigit)
}

/// What lies between the end of one literal and the start of the next: `),x.call(`.
fn is_code_between_literals(value: &[u8]) -> bool {
    matches!(value.first(), Some(b')' | b',' | b';' | b'+' | b'}'))
        && value.iter().any(|byte| b"(=.{[".contains(byte))
        && value.iter().any(|byte| b"),:;".contains(byte))
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

/// `None`, `String?`, `string[]`, `NotAuthorizedException`.
fn is_code_word(value: &[u8]) -> bool {
    let end = value.iter().rposition(|byte| !b"?!;[]".contains(byte)).map_or(0, |last| last + 1);
    let value = &value[..end];
    let is_class =
        value.first().is_some_and(u8::is_ascii_uppercase) && value.iter().all(u8::is_ascii_alphabetic);
    if is_class && (value.ends_with(b"Exception") || value.ends_with(b"Error")) {
        return true;
    }
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
            "'+params[",
            "\" + user.password + \"",
            "skip&#9;k9Xw2&#9;m3Zt8",
            "$2b$12$abcdefghijklmnopqrstuv",
            "$6$rounds=656000$abcdefghijklmnop$ABCDEFGHIJKLMNOPQRSTUVWXYZ",
            "sha1$$",
            "*0123456789ABCDEF0123456789ABCDEF01234567",
            "PKCS7[MIIBeQYJKoZIhvcNAQcDoII]",
            "django.contrib.auth.hashers.PBKDF2PasswordHasher",
            "),v?l.call(",
            "config->token",
            "^(?=.*[A-Z]).{8,}$",
            "#password-field",
            "required|string|min:8",
            "sha256:9f86d081884c7d659a2feaa0",
            "arn:aws:secretsmanager:x",
            "!vault",
            "@DB_PASSWORD@",
            "2017-10-25T16:25:04.151",
            "%c3%89t%C3%A9",
            "<<key-(?:[0-9a-f]{64}-[0-9]{1,12}|[A-Za-z0-9_-]{20})>>",
            "crypto.sign(",
            "application/zip",
            "^0.2.1",
            "1337:1337",
            "0x01",
            "n8n_api_",
            "@scope/some-package",
            "www.example.org/a1",
            "String?",
            "NotAuthorizedException",
            "bytes,2,opt,name=password,proto3",
            ":t===",
            "+s[3]);break;case",
            ".$salt.",
            "$1$xyz",
            "com.github.project7.curve_type",
            "4.13+dfsg1-1+deb12u2_amd64.deb",
            "Root%20CA%20Certificates",
            "uuid=7f468c16;storage=user",
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
            "com.4Zx",
            "a.b1c.2d",
            "pa$$word1",
            "wJ/alr+XU",
            "P@ssw0rd.x",
            "pa$5$x",
            "k3!)x0(%(s9@h#v5^*z1=b-q7&w_n2+c8$j4m6l(p)0r5t9y",
            "qzxw jkvb wqpz hfgx",
            "10.2.3x",
            "{noop}tiger2019x",
            "trustno1_",
        ] {
            assert!(is_literal(value.as_bytes()), "{value}");
        }
    }
}
