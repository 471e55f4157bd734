//! What joins a name to a value: `=`, a call, a pair of `name` and `value`, or nothing at all.

use bstr::ByteSlice;

use keysieve_model::location::ByteSpan;

use super::comparison::{is_compared, may_be_asked_for};
use super::composition::{has_letters_and_digits, is_wordy};
use super::name::{Subject, is_name_byte, subject};

/// How far in front of a name is looked for what it stands in, in bytes.
pub(super) const BEFORE_NAME_BYTES: usize = 64;

/// From how many bytes on a value may have been made by a machine.
const MACHINE_MADE_BYTES: usize = 16;

/// How a value is joined to its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Link {
    /// `name = value`, `name: value`, `<name>value<`, `"name", "value": "value"`.
    Assignment,
    /// `os.environ.get("name") or value`, `${name:-value}`.
    Fallback,
    /// `put("name", value)`, `setName(value)`.
    Argument,
    /// `if name == value`, `name.equals(value)`, `strcmp(name, value)`: who knows the value gets in.
    Comparison,
    /// `--name value`, `login user name value`, `name value` on a line of its own, `name "value"`.
    Adjacent,
}

/// Functions that take a name and then the value that it gets, in lower case.
const SETTERS: &[&[u8]] = &[
    b"get",
    b"getenv",
    b"setdefault",
    b"setenv",
    b"put",
    b"putenv",
    b"set",
    b"setitem",
    b"setproperty",
    b"setvalue",
    b"define",
    b"fetch",
    b"env",
    b"config",
    b"add",
    b"addheader",
    b"add_header",
    b"setrequestproperty",
    b"setrequestheader",
    b"header",
    b"append",
    b"string",
    b"stringvar",
    b"setenvironmentvariable",
    b"getordefault",
    b"get_or_default",
    b"getproperty",
    b"set_var",
    b"str",
    b"setheader",
    b"set_header",
    b"type",
    b"fill",
    b"fill_in",
    b"param",
    b"attr",
    b"queryparam",
    b"field",
    b"setstring",
    b"buildconfigfield",
    b"property",
    b"getenvordefault",
    b"env_or",
    b"envor",
    b"env_default",
    b"add_argument",
    b"option",
    b"withenv",
    b"with_env",
    b"data",
    b"addparameter",
    b"formparam",
    b"setcookie",
    b"cookie",
    b"insert",
];

/// How the quoted value at `secret` is joined to `name`; `None` where it is not: in a list, in a call that only mentions it.
pub(crate) fn of_quoted(bytes: &[u8], name: ByteSpan, secret: ByteSpan) -> Option<Link> {
    // `Test2::Event::Pass`, a module, but `App::Application.config.secret_token`.
    if bytes[..name.start].ends_with(b"::") && !name.of(bytes).contains(&b'.') {
        return None;
    }
    let connector = ByteSpan::new(name.end, secret.start).of(bytes);
    let connector = &connector[array_size(connector)..];
    let closing = connector.iter().take_while(|byte| b"\\\"'`)]".contains(byte)).count();
    let is_closed =
        connector[..closing].iter().any(|byte| b"\"'`".contains(byte)) || connector.starts_with(b"&");
    let is_looked_up = connector[..closing].iter().any(|byte| b")]".contains(byte));
    let rest = connector[closing..].trim_ascii_start();
    // `['password' => ['first' => ...`: what stands there is a name itself.
    if is_followed_by_value(bytes, secret) {
        return None;
    }
    if is_compared(bytes, name, rest, is_closed && !is_looked_up) {
        return may_be_asked_for(bytes, name, secret.of(bytes)).then_some(Link::Comparison);
    }
    match rest.first() {
        // `get("password"), "x"`: the call ends before the comma.
        Some(b',') if connector[..closing].contains(&b')') => None,
        // `set_password("service", user, password)`: what is set comes last.
        Some(b'(') if goes_on(bytes, secret) && !is_machine_made(secret.of(bytes)) => None,
        Some(b'(') => calls_a_setter(name.of(bytes)).then_some(Link::Argument),
        Some(b',') if holds_value_key(rest) => Some(Link::Assignment),
        // `define("forms/password", ["validator"], ...)`, the modules that one needs.
        Some(b',') if rest[1..].trim_ascii_start().starts_with(b"[") => None,
        Some(b',') => (is_set_symbol(bytes, name, secret)
            || is_argument_of_a_setter(bytes, name)
            || is_macro(bytes, name)
            || (is_first_of_a_pair(bytes, name) && is_given_to(name.of(bytes), secret.of(bytes))))
        .then_some(Link::Argument),
        // `'password' or 'port'`, but `config['password'] or 'x'`.
        Some(b'|' | b'?') if is_closed && !is_looked_up => None,
        Some(b'|' | b'?') => Some(Link::Fallback),
        // `user, password = "me", "value"`, but `words = "a", "b"`.
        Some(b'=' | b':') if ends_with_comma(rest) => {
            before(bytes, name).trim_ascii_end().ends_with(b",").then_some(Link::Assignment)
        }
        // `userpass = ("alice", "value")`: the user comes first.
        Some(b'=' | b':' | b'>') if begins_a_tuple(bytes, rest, secret) => None,
        Some(b'=' | b':' | b'&' | b'>') => Some(Link::Assignment),
        Some(b'.') => Some(Link::Argument),
        // R: `password <- "value"`.
        Some(b'<') => Some(Link::Assignment),
        // `var password string = "value"` of Go, `Dim password As String = "value"` of Visual Basic.
        Some(b's' | b'a' | b'A') if memchr::memchr(b'=', rest).is_some() => Some(Link::Assignment),
        Some(b'{') => Some(if holds_value_key(rest) { Link::Assignment } else { Link::Fallback }),
        _ if holds_value_key(rest) => Some(Link::Assignment),
        // In prose: `password` or `salt`.
        _ if rest.len() > 2 && rest[..2].eq_ignore_ascii_case(b"or") => {
            (!rest.ends_with(b"`") && (is_looked_up || !is_closed)).then_some(Link::Fallback)
        }
        // A name in quotes and a value in quotes with nothing between them are two strings.
        _ if is_closed => None,
        _ if before(bytes, name).trim_ascii_end().ends_with(b"define") => Some(Link::Assignment),
        _ => may_stand_beside(name.of(bytes), secret.of(bytes)).then_some(Link::Adjacent),
    }
}

/// `set :secret, 'v'`: a symbol of Ruby, and what is given to it; a word is a label.
fn is_set_symbol(bytes: &[u8], name: ByteSpan, secret: ByteSpan) -> bool {
    let before = &bytes[..name.start];
    before.ends_with(b":")
        && !before.ends_with(b"::")
        && bytes.get(name.end) == Some(&b',')
        && has_letters_and_digits(secret.of(bytes))
}

/// Whether `pass` as a field without quotes, with a word for its value, is a turn or a verdict, `{pass: "shadow"}`, rather than what a
/// user logs in with: no user is named before it.
pub(crate) fn may_be_a_pass(bytes: &[u8], name: ByteSpan, secret: ByteSpan) -> bool {
    const USERS: &[&[u8]] = &[
        b"user", b"login", b"log in", b"auth", b"mail", b"account", b"host", b"name", b"smtp", b"db", b"uid",
    ];
    let is_field = name.of(bytes) == b"pass" && bytes.get(name.end) == Some(&b':');
    if !is_field || !secret.of(bytes).iter().all(u8::is_ascii_alphabetic) {
        return false;
    }
    let start = name.start.saturating_sub(BEFORE_NAME_BYTES);
    let near = bytes[start..name.start].to_ascii_lowercase();
    !USERS.iter().any(|user| memchr::memmem::find(&near, user).is_some())
}

/// Whether the quoted text at `secret` is given a value.
fn is_followed_by_value(bytes: &[u8], secret: ByteSpan) -> bool {
    let rest = &bytes[secret.end.min(bytes.len())..];
    let rest = &rest[..rest.len().min(BEFORE_NAME_BYTES)];
    let Some((b'"' | b'\'', behind)) = rest.split_first() else { return false };
    behind.trim_ascii_start().starts_with(b"=>")
}

/// The length in bytes of an array's brackets at the start of `connector`: `pass[] = "value"`, `key[16] = "value"`.
fn array_size(connector: &[u8]) -> usize {
    let Some(rest) = connector.strip_prefix(b"[") else { return 0 };
    let size = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    if rest.get(size) == Some(&b']') { size + 2 } else { 0 }
}

/// Whether `word` is in a list, in any case.
pub(crate) fn is_in(list: &[&[u8]], word: &[u8]) -> bool {
    list.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// `-define(PASSWORD, "value")`, a macro of Erlang.
fn is_macro(bytes: &[u8], name: ByteSpan) -> bool {
    before(bytes, name).trim_ascii_end().ends_with(b"-define(")
}

/// Whether the value at `secret` is the first of two in parentheses, and no machine made it.
fn begins_a_tuple(bytes: &[u8], connector: &[u8], secret: ByteSpan) -> bool {
    let opened = connector.iter().rposition(|byte| !b"\\\"'`".contains(byte) && !byte.is_ascii_alphabetic());
    let is_tuple = opened.is_some_and(|at| {
        connector[at] == b'('
            && !connector[..at].last().is_some_and(|byte| is_name_byte(*byte) || *byte == b'>')
    });
    let rest = &bytes[secret.end.min(bytes.len())..];
    let rest = rest[..rest.len().min(BEFORE_NAME_BYTES)].trim_ascii_start();
    let behind = rest.get(1..).unwrap_or_default().trim_ascii_start();
    let next = behind.strip_prefix(b",").map(<[u8]>::trim_ascii_start);
    let goes_on = next.is_some_and(|next| matches!(next.first(), Some(b'"' | b'\'' | b'`')));
    is_tuple && goes_on && !is_machine_made(secret.of(bytes))
}

/// Whether another argument follows the quoted value at `secret`.
fn goes_on(bytes: &[u8], secret: ByteSpan) -> bool {
    let rest = &bytes[secret.end.min(bytes.len())..];
    let rest = &rest[..rest.len().min(BEFORE_NAME_BYTES)];
    let next = rest.iter().find(|byte| !byte.is_ascii_whitespace() && !b"\\\"'`".contains(byte));
    next == Some(&b',')
}

/// How the bare value at `secret` is joined to `name`.
pub(crate) fn of_bare(bytes: &[u8], name: ByteSpan, secret: ByteSpan) -> Option<Link> {
    let connector = ByteSpan::new(name.end, secret.start).of(bytes);
    let sign = connector.iter().find(|byte| !byte.is_ascii_whitespace() && !b"\\\"'`]".contains(byte));
    let before = before(bytes, name);
    let value = secret.of(bytes);
    // `type == "password"==x`, the picture of a build's state.
    if matches!(value, [b'=', ..]) || memchr::memmem::find(before, b".svg?").is_some() {
        return None;
    }
    // `https://deploy-token:value@host/path`: the user of a URL.
    let is_user = memchr::memmem::rfind(before, b"://").is_some_and(|at| !before[at + 3..].contains(&b'/'));
    if is_user && connector == b":" && value.contains(&b'@') {
        return None;
    }
    // `user:token:v2`, a name with parts; `ALL:!PSK:!SRP`, suites of ciphers.
    if connector == b":" && (before.ends_with(b":") || before.ends_with(b"!")) {
        return None;
    }
    // `PASS: name`, the verdict on a test; `PASSWORD=` and another variable on the next line, or behind a blank.
    let is_word = is_wordy(value) || value.iter().any(|byte| b"/:".contains(byte));
    let is_verdict = (is_word || stands_among_verdicts(bytes, name, secret))
        && name.of(bytes) == b"PASS"
        && connector.trim_ascii_start().starts_with(b":")
        && before.is_empty();
    let is_empty = connector.starts_with(b"=")
        && (connector.contains(&b'\n') || (connector.ends_with(b" ") && is_assignment(value)));
    // `$password = NewPassword`, an expression wherever names begin so; `instead pass :params`.
    let is_expression = before.ends_with(b"$") && connector.trim_ascii() == b"=" && connector != b"=";
    let is_verb = name.of(bytes) == b"pass" && connector == b" :" && is_wordy(value);
    if is_verdict || is_empty || is_expression || is_verb {
        return None;
    }
    match sign {
        None if connector.is_empty() || !may_stand_beside(name.of(bytes), value) => None,
        None if is_directive(before) => Some(Link::Assignment),
        None if is_flag(name.of(bytes)) || names_user(before) => Some(Link::Adjacent),
        None => (before.trim_ascii().is_empty() && ends_line(bytes, secret.end)).then_some(Link::Adjacent),
        // `${NAME:?message}`
        Some(_) if before.ends_with(b"${") => (value.first() != Some(&b'?')).then_some(Link::Fallback),
        Some(b'>') => {
            let is_named = connector.starts_with(b">") || names_an_element(before) || is_no_word(value);
            (is_named && matches!(bytes.get(secret.end), Some(b'<' | b']'))).then_some(Link::Assignment)
        }
        // `<key>password</key> <string>value</string>`, but not two elements of a list.
        Some(b'<') => (names_an_entry(connector) || is_no_word(value)).then_some(Link::Assignment),
        // `${name:-value}` stands in braces, `a:-b` is something else.
        Some(b':') if connector.starts_with(b":-") => None,
        Some(_) => Some(Link::Assignment),
    }
}

/// Whether the line before or the next one is a verdict on a test too.
fn stands_among_verdicts(bytes: &[u8], name: ByteSpan, secret: ByteSpan) -> bool {
    const VERDICTS: &[&[u8]] =
        &[b"PASS", b"FAIL", b"XFAIL", b"XPASS", b"SKIP", b"UNSUPPORTED", b"UNTESTED", b"ok"];
    let is_verdict = |line: &[u8]| {
        VERDICTS.contains(&line.split(|&byte| byte == b':').next().unwrap_or_default().trim_ascii())
    };
    let before = &bytes[name.start.saturating_sub(BEFORE_NAME_BYTES)..name.start];
    let behind = &bytes[secret.end.min(bytes.len())..];
    let behind = &behind[..behind.len().min(BEFORE_NAME_BYTES)];
    before.split(|&byte| byte == b'\n').rev().nth(1).is_some_and(is_verdict)
        || behind.split(|&byte| byte == b'\n').nth(1).is_some_and(is_verdict)
}

/// Whether `value` is no piece of a text that stands in an element: letters and digits that read like nothing.
fn is_no_word(value: &[u8]) -> bool {
    has_letters_and_digits(value) && !is_wordy(value)
}

/// `NAME=value`.
fn is_assignment(value: &[u8]) -> bool {
    let name = value.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    name > 1
        && name + 1 < value.len()
        && value[name] == b'='
        && value[..name].iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
        && (is_wordy(&value[..name]) || value[..name].iter().all(u8::is_ascii_uppercase))
}

/// Whether what stands in front of a name in quotes is an attribute for names: `<add key="password">`, not `<a class="password">`.
fn names_an_element(before: &[u8]) -> bool {
    let attribute =
        before.trim_ascii_end().strip_suffix(b"\"").or_else(|| before.trim_ascii_end().strip_suffix(b"'"));
    let attribute = attribute.and_then(|start| start.trim_ascii_end().strip_suffix(b"=")).unwrap_or_default();
    let ends_with = |end: &[u8]| {
        attribute.len() >= end.len() && attribute[attribute.len() - end.len()..].eq_ignore_ascii_case(end)
    };
    ends_with(b"name") || ends_with(b"key")
}

/// Whether the element that `connector` closes is one for names, and the one that it opens another: `</key>\n<string>`.
fn names_an_entry(connector: &[u8]) -> bool {
    const NAMES: &[&[u8]] = &[
        b"key",
        b"name",
        b"string",
        b"param-name",
        b"env-entry-name",
        b"parameter",
        b"option",
        b"dt",
        b"th",
    ];
    let elements: Vec<&[u8]> = connector
        .split(|byte| b"<>/".contains(byte))
        .map(<[u8]>::trim_ascii)
        .filter(|part| !part.is_empty())
        .collect();
    matches!(elements[..], [closed, opened] if closed != opened && is_in(NAMES, closed))
}

/// Whether the bare value ends where it is cut, and is no piece of an expression or a sentence. `is_loose`: there is white
/// space in front of it, so white space behind it begins the next word of a sentence.
pub(crate) fn bare_value_ends(bytes: &[u8], secret: ByteSpan, is_loose: bool) -> bool {
    let is_in_braces =
        memchr::memchr(b'{', &bytes[secret.start.saturating_sub(BEFORE_NAME_BYTES)..secret.start]).is_some();
    let rest = &bytes[secret.end.min(bytes.len())..];
    // `:py:data:`, a role of reStructuredText.
    if secret.of(bytes).ends_with(b":") {
        return false;
    }
    // `passwd.master: backup's home directory`
    let possessed = rest.strip_prefix(b"'s").or_else(|| rest.strip_prefix("\u{2019}s".as_bytes()));
    if possessed.is_some_and(|rest| rest.first() == Some(&b' ')) {
        return false;
    }
    if rest.starts_with("\u{2019}".as_bytes()) || rest.starts_with("\u{201d}".as_bytes()) {
        return true;
    }
    match rest.first() {
        None | Some(b'\r' | b'\n' | b'"' | b'\'' | b'`' | b'}' | b';' | b'&' | b'\\') => true,
        Some(b' ' | b'\t') => {
            let ahead = &rest[..rest.len().min(BEFORE_NAME_BYTES)];
            let next = ahead.iter().find(|byte| !b" \t".contains(byte));
            let word = ahead.trim_ascii_start();
            !is_loose
                || matches!(next, None | Some(b'\r' | b'\n' | b'#' | b';' | b'|' | b'}'))
                || COMMENT_ENDS.iter().any(|end| word.starts_with(end))
        }
        // `KeePass: pairing, and all that`, but `{user: me, password: value, x: 1}`.
        Some(b',') => !is_loose || is_in_braces || !matches!(rest.get(1), Some(b' ')),
        // `</password>`, `<br>`, but not `<placeholder>`, a part of the value that is filled in.
        Some(b'<') => rest.get(1) == Some(&b'/') || rest.starts_with(b"<br"),
        Some(b']') => rest.starts_with(b"]]>"),
        Some(b')' | b'|') => !is_loose,
        Some(_) => false,
    }
}

/// The part of a bare value that is one: all of it where name and value make up their line or their string, else as far as
/// the next sign that separates values.
pub(crate) fn bare_value(bytes: &[u8], name: ByteSpan, secret: ByteSpan) -> ByteSpan {
    let secret = without_next_field(bytes, secret);
    // `equivalent to ‘--password=STRING’.`
    let secret = match secret.of(bytes).find("\u{2019}").or_else(|| secret.of(bytes).find("\u{201d}")) {
        Some(at) if at > 0 => ByteSpan::new(secret.start, secret.start + at),
        _ => secret,
    };
    let Some(at) = secret.of(bytes).iter().position(|byte| b",;&|".contains(byte)) else {
        return secret;
    };
    let before = before(bytes, name);
    let is_line = ends_line(bytes, secret.end)
        && before
            .iter()
            .all(|byte| byte.is_ascii_whitespace() || byte.is_ascii_uppercase() || b"-#".contains(byte));
    let is_string = before.last().is_some_and(|quote| {
        b"\"'`".contains(quote) && bytes.get(secret.end) == Some(quote) && !secret.of(bytes).contains(&b'=')
    });
    let is_last = secret.start + at + 1 == secret.end;
    if (is_line || is_string) && !is_last { secret } else { ByteSpan::new(secret.start, secret.start + at) }
}

/// The value without the fields of a form that follow it: `v&name=w`.
fn without_next_field(bytes: &[u8], secret: ByteSpan) -> ByteSpan {
    let value = secret.of(bytes);
    let is_field = |at: &usize| {
        let rest = &value[at + 1..];
        let length =
            rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"_.-[]%".contains(byte)).count();
        length >= 2 && rest[0].is_ascii_alphabetic() && rest.get(length) == Some(&b'=')
    };
    let end = memchr::memchr_iter(b'&', value).filter(|at| *at > 0).find(is_field);
    end.map_or(secret, |end| ByteSpan::new(secret.start, secret.start + end))
}

/// Whether the text in front of the value at `secret` in its line, as far as one may look, opens a string that is not closed
/// there: what stands in the string is data in code as well.
pub(crate) fn is_in_string(bytes: &[u8], name: ByteSpan, secret: ByteSpan) -> bool {
    let before = before(bytes, name);
    if matches!(before.last(), Some(b';' | b'&' | b'?')) {
        return true;
    }
    let connector = ByteSpan::new(name.end, secret.start).of(bytes);
    // The quote in front of a name in quotes opens the name.
    let is_quoted = matches!((before.last(), connector.first()), (Some(open), Some(close)) if open == close);
    let text = [before, connector].concat();
    [b'"', b'\'', b'`'].iter().any(|quote| {
        let opened = text.iter().filter(|byte| *byte == quote).count();
        // A name that ends with its string: `{"invalid password": Error}`.
        opened % 2 == 1 && (is_quoted || connector.first() != Some(quote))
    })
}

/// What stands in front of `name` in its line, as far as one may look.
pub(super) fn before(bytes: &[u8], name: ByteSpan) -> &[u8] {
    let text = &bytes[name.start.saturating_sub(BEFORE_NAME_BYTES)..name.start];
    let start = memchr::memrchr2(b'\n', b'\r', text).map_or(0, |at| at + 1);
    &text[start..]
}

/// Whether nothing but the signs of a comment stands in front of `name` in its line.
pub(crate) fn begins_a_comment(bytes: &[u8], name: ByteSpan) -> bool {
    let start = before(bytes, name).trim_ascii();
    !start.is_empty() && start.iter().all(|byte| b"#/*;-".contains(byte))
}

/// Whether `name` stands in a comment, with words in front of it or none: `// before: password = v`, `REM set PASSWORD=v`.
pub(crate) fn is_in_comment(bytes: &[u8], name: ByteSpan) -> bool {
    const STARTS: &[&[u8]] =
        &[b"#", b"//", b"/*", b"* ", b"--", b"<!--", b";", b"rem ", b"::", b"{#", b"<%--", b"%"];
    const INNER: &[&[u8]] = &[b" //", b" # ", b" /*", b"<!--", b"\t#", b"\t//", b" -- "];
    let before = before(bytes, name).to_ascii_lowercase();
    let text = before.trim_ascii_start();
    let is_whole_line =
        name.start - before.len() == 0 || b"\r\n".contains(&bytes[name.start - before.len() - 1]);
    (is_whole_line && STARTS.iter().any(|start| text.starts_with(start)))
        || INNER.iter().any(|start| memchr::memmem::find(&before, start).is_some())
}

/// Whether the comment in which `at` lies ends there, or its line does.
pub(crate) fn ends_comment(bytes: &[u8], at: usize) -> bool {
    let rest = bytes[at.min(bytes.len())..].trim_ascii_start();
    ends_line(bytes, at) || COMMENT_ENDS.iter().any(|end| rest.starts_with(end))
}

/// What ends a comment before its line ends.
const COMMENT_ENDS: &[&[u8]] = &[b"*/", b"-->", b"#}", b"--%>"];

/// Whether nothing but blanks follows in the line.
pub(crate) fn ends_line(bytes: &[u8], at: usize) -> bool {
    let rest = &bytes[at.min(bytes.len())..];
    let blank = rest.iter().take(BEFORE_NAME_BYTES).take_while(|byte| b" \t".contains(byte)).count();
    matches!(rest.get(blank), None | Some(b'\r' | b'\n'))
}

/// Whether a comma stands in front of the quote that opens the value.
fn ends_with_comma(connector: &[u8]) -> bool {
    let end = connector.iter().rposition(|byte| !b"\\\"'` \t".contains(byte));
    end.is_some_and(|end| connector[end] == b',')
}

/// `value=`, `default:`, `with:` and the like, as the second half of a pair.
fn holds_value_key(text: &[u8]) -> bool {
    [b"value".as_slice(), b"default", b"content", b"with"]
        .iter()
        .any(|key| text.windows(key.len()).any(|part| part.eq_ignore_ascii_case(key)))
}

/// `setPassword(`, `.password(`: not `Password(`, `getToken(`, `token(`.
fn calls_a_setter(name: &[u8]) -> bool {
    let last = name.rsplit(|&byte| byte == b'.').next().unwrap_or_default();
    // `test.pass("...")`
    if last.eq_ignore_ascii_case(b"pass") {
        return false;
    }
    let is_setter = [b"set".as_slice(), b"with", b"use"]
        .iter()
        .any(|start| last.get(..start.len()).is_some_and(|there| there.eq_ignore_ascii_case(start)));
    is_setter || last.len() < name.len()
}

/// The name as the value's name: `set_password` sets `password`.
pub(crate) fn set_name(name: &[u8]) -> &[u8] {
    let last = name.rsplit(|&byte| byte == b'.').next().unwrap_or_default();
    match last.get(..3) {
        Some(start) if start.eq_ignore_ascii_case(b"set") => &last[3..],
        _ => last,
    }
}

/// Whether `name`, in quotes, is the first argument of a function that sets what it names.
fn is_argument_of_a_setter(bytes: &[u8], name: ByteSpan) -> bool {
    let before = before(bytes, name);
    let Some(call) = before.strip_suffix(b"\"").or_else(|| before.strip_suffix(b"'")) else {
        return false;
    };
    let call = call.strip_suffix(b"\\").unwrap_or(call).trim_ascii_end();
    let Some(function) = call.strip_suffix(b"(") else {
        // `["redis-server", "--requirepass", "value"]`
        return is_flag(name.of(bytes));
    };
    is_in(SETTERS, called_function(function))
}

/// The name of the function in front of whose parenthesis `text` ends: `set_var` of `env::set_var`, `get` of `x.get<string>`.
pub(super) fn called_function(text: &[u8]) -> &[u8] {
    let function = text.trim_ascii_end();
    let function = function
        .strip_suffix(b">")
        .map_or(function, |generic| memchr::memrchr(b'<', generic).map_or(generic, |at| &generic[..at]));
    let before = function.iter().rposition(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
    before.map_or(function, |at| &function[at + 1..])
}

/// Whether `name`, in quotes, comes first in a call, a tuple or a list in braces: `("X-Auth-Token", "value")`.
fn is_first_of_a_pair(bytes: &[u8], name: ByteSpan) -> bool {
    let before = before(bytes, name);
    let opened = before.strip_suffix(b"\"").or_else(|| before.strip_suffix(b"'"));
    opened.is_some_and(|opened| matches!(opened.trim_ascii_end().last(), Some(b'(' | b'{')))
}

/// Whether `value` is what a pair gives to `name`, and no other name: `("password", "x1y2z3")`, `("password", "last_login2")`.
fn is_given_to(name: &[u8], value: &[u8]) -> bool {
    let is_password = subject(name) == Some(Subject::Password) && !name.contains(&b'.');
    is_machine_made(value) || (is_password && has_letters_and_digits(value) && !is_wordy(value))
}

/// Whether `value` is long, of letters and digits, and reads like nothing: what a call only mentions is a word.
pub(super) fn is_machine_made(value: &[u8]) -> bool {
    value.len() >= MACHINE_MADE_BYTES && has_letters_and_digits(value) && !is_wordy(value)
}

/// Whether a value may stand behind `name` with nothing but white space between them: `pass` alone is a verb, options and
/// settings are what it passes, and `salt` is a program.
fn may_stand_beside(name: &[u8], value: &[u8]) -> bool {
    !name.eq_ignore_ascii_case(b"pass")
        && !name.eq_ignore_ascii_case(b"salt")
        && !value.starts_with(b"-")
        && !value.iter().any(|byte| b"=(".contains(byte))
}

/// `ENV DB_PASSWORD value`.
fn is_directive(before: &[u8]) -> bool {
    let last = before.trim_ascii_end().rsplit(u8::is_ascii_whitespace).next().unwrap_or_default();
    // `aws configure set NAME value`
    let is_setting = before.trim_ascii_end().ends_with(b" configure set");
    is_setting
        || [b"env".as_slice(), b"arg", b"setenv", b"-x", b"-gx"]
            .iter()
            .any(|word| last.eq_ignore_ascii_case(word))
}

/// `machine host login me password value`, `username me password value`.
fn names_user(before: &[u8]) -> bool {
    let words: Vec<&[u8]> = before.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect();
    let is_word =
        |word: &[u8], known: &[&str]| known.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(word));
    match words[..] {
        [first, ..] if is_word(first, &["machine", "default"]) => true,
        [first, _] => is_word(first, &["login", "user", "username", "auth-user-pass"]),
        [first] => is_word(first, &["enable", "auth-user-pass"]),
        _ => false,
    }
}

/// `--password`, `-storepass`.
fn is_flag(name: &[u8]) -> bool {
    name.starts_with(b"-") && name.iter().all(|&byte| is_name_byte(byte)) && subject(name).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The spans of the name and of the value, between `^`.
    fn parts(marked: &str) -> (Vec<u8>, ByteSpan, ByteSpan) {
        let mut text = Vec::new();
        let mut marks = Vec::new();
        for byte in marked.bytes() {
            if byte == b'^' { marks.push(text.len()) } else { text.push(byte) }
        }
        (text, ByteSpan::new(marks[0], marks[1]), ByteSpan::new(marks[2], marks[3]))
    }

    fn quoted(marked: &str) -> Option<Link> {
        let (text, name, secret) = parts(marked);
        of_quoted(&text, name, secret)
    }

    fn bare(marked: &str) -> Option<Link> {
        let (text, name, secret) = parts(marked);
        of_bare(&text, name, secret)
    }

    #[test]
    fn assignments_of_many_languages() {
        for text in [
            "^password^ = \"^v^\"",
            "{\"^password^\": \"^v^\"}",
            "$db['^password^'] = '^v^'",
            "'^password^' => '^v^'",
            "var ^password^ string = \"^v^\"",
            "\"name\": \"^PASSWORD^\", \"value\": \"^v^\"",
            "name=\"^password^\" value=\"^v^\"",
            "{\\\"^password^\\\":\\\"^v^\\\"}",
            "&quot;^password^&quot;:&quot;^v^&quot;",
            "user, ^password^ = 'me', '^v^'",
        ] {
            assert_eq!(quoted(text), Some(Link::Assignment), "{text}");
        }
    }

    #[test]
    fn fallbacks_and_arguments() {
        assert_eq!(quoted("process.env.^SECRET^ || '^v^'"), Some(Link::Fallback));
        assert_eq!(quoted("get('^SECRET^') or '^v^'"), Some(Link::Fallback));
        assert_eq!(quoted("config['^SECRET^'] ?? '^v^'"), Some(Link::Fallback));
        for text in [
            "os.environ.get('^TOKEN^', '^v^')",
            "define( '^DB_PASSWORD^', '^v^' )",
            "props.put(\"^password^\", \"^v^\")",
            "user.^setPassword^(\"^v^\")",
            "x^.password^(\"^v^\")",
            "find(\"^password^\").send_keys(\"^v^\")",
        ] {
            assert_eq!(quoted(text), Some(Link::Argument), "{text}");
        }
        let made = "k9d7".repeat(5);
        assert_eq!(quoted(&format!("auth.^set_access_token^('^{made}^', secret)")), Some(Link::Argument));
        assert_eq!(quoted(&format!("('^oauth_token^', '^{made}^')")), Some(Link::Argument));
        assert_eq!(quoted(&format!("['^oauth_token^', '^{made}^']")), None);
    }

    #[test]
    fn lists_calls_and_two_strings_join_nothing() {
        for text in [
            "[\"^password^\", \"^v^\"]",
            "('^password^', '^v^')",
            "_(\"^password^\", \"^v^\")",
            "^getpass^(\"^v^\")",
            "^Token^(\"^v^\")",
            "\"^password^\" \"^v^\"",
            "^passwords^ = 'a', '^v^'",
            "x.get(\"^password^\"), \"^v^\"",
            "salt: ^salt^ '^v^' test.ping",
            "define(\"forms/^password^\",[\"^v^\"",
            "keyring.^set_password^('^v^', user, password)",
            "one of 'user', '^password^' or '^v^'",
            "x ? '^password^' ?? '^v^'",
        ] {
            assert_eq!(quoted(text), None, "{text}");
        }
    }

    #[test]
    fn bare_values_need_a_sign_or_a_command() {
        assert_eq!(bare("^password^=^v^"), Some(Link::Assignment));
        assert_eq!(bare("^password^: ^v^"), Some(Link::Assignment));
        assert_eq!(bare("${^DB_PASSWORD^:-^v^"), Some(Link::Fallback));
        assert_eq!(bare("ENV ^DB_PASSWORD^ ^v^"), Some(Link::Assignment));
        for text in
            ["run ^--password^ ^v^ x", "machine h login u ^password^ ^v^", "username u ^password^ ^v^"]
        {
            assert_eq!(bare(text), Some(Link::Adjacent), "{text}");
        }
        for text in
            ["the user name and ^password^ ^properties^", "^pass^ ^it^\n", "run ^--password^ ^--fast^"]
        {
            assert_eq!(bare(text), None, "{text}");
        }
        assert_eq!(bare("^requirepass^ ^v^\n"), Some(Link::Adjacent));
        assert_eq!(bare("^PASS^: ^size32-1b^\nPASS: x\n"), None);
        assert_eq!(bare("USER: app\n^PASS^: ^k9Xw2pLq^\n"), Some(Link::Assignment));
        assert_eq!(bare("${^DB_PASSWORD^:^?missing^}"), None);
        assert_eq!(bare("https://user+^deploy-token-3^:^v@host/path^"), None);
        assert_eq!(bare("<a href=\\\"^change-passwords.html^\\\">^Managing^ passwords</a>"), None);
        assert_eq!(bare("the ^password^ ^v^ of a user"), None);
    }

    #[test]
    fn bare_values_end_with_the_line_or_the_word() {
        let ends = |marked: &str, is_loose| {
            let at = marked.find('|').expect("a mark");
            bare_value_ends(marked.replacen('|', "", 1).as_bytes(), ByteSpan::new(0, at), is_loose)
        };
        assert!(ends("v1|\n", true) && ends("v1| # x", true) && ends("v1|", true));
        assert!(!ends("the| users password", true));
        assert!(!ends("backup|'s home directory", true) && ends("v1|'", true));
        assert!(!ends("pairing|, and all that", true) && ends("v1|,", true));
        assert!(ends("v1|</password>", true) && !ends("v1-|<token>", true));
        assert!(ends("v1| user=x", false) && ends("v1|&x=1", false));
        assert!(!ends("f|(x)", false) && !ends("a|[0]", false));
    }

    #[test]
    fn bare_values_end_at_separators_unless_they_fill_their_line() {
        let value = |marked: &str| {
            let (text, name, secret) = parts(marked);
            String::from_utf8_lossy(bare_value(&text, name, secret).of(&text)).into_owned()
        };
        assert_eq!(value("^password^ = ^K&Le,z9^\n"), "K&Le,z9");
        assert_eq!(value("- \"^PASS^=^Adm1n&89^\""), "Adm1n&89");
        assert_eq!(value("x?user=u&^password^=^v1&x=1^"), "v1");
        assert_eq!(value("\"Server=s;^Pwd^=^v1;^\""), "v1");
        assert_eq!(value("to ‘--http-^password^=^STRING’.^\n"), "STRING");
    }

    #[test]
    fn comments_are_told() {
        let is_comment = |text: &str| {
            let at = text.find("password").expect("a name");
            begins_a_comment(text.as_bytes(), ByteSpan::new(at, at + 8))
        };
        assert!(is_comment("x = 1\n  # password: v") && is_comment("// password = v"));
        assert!(!is_comment("  password: v") && !is_comment("# the password: v"));
    }

    #[test]
    fn what_stands_in_a_string_is_told() {
        let is_inside = |text: &str| {
            let at = text.find("password").expect("a name");
            let value = text.rfind('v').expect("a value");
            is_in_string(text.as_bytes(), ByteSpan::new(at, at + 8), ByteSpan::new(value, value + 1))
        };
        assert!(is_inside("connect(\"user=x password=v\")"));
        assert!(is_inside("\"{\\\"password\\\": v}\""));
        assert!(!is_inside("key[\"password\"] = v"));
        assert!(!is_inside("{\"no password\": v}"));
        assert!(!is_inside("connect(user='x', password=v)"));
    }
}
