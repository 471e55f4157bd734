//! Names of variables, keys and parameters: `api_key` names a secret, `token_url` and `tokenizer` do not.

use keysieve_model::location::ByteSpan;

use super::composition;
use super::words::words;

/// How much of a name is looked at on either side of the keyword, in bytes.
pub(crate) const NAME_BYTES: usize = 64;

/// From how many bytes on a random value outweighs a doubtful name, and one that is typed twice is a password.
const RANDOM_BYTES: usize = 20;
const TYPED_BYTES: usize = 8;
/// A product, which names no password.
const PRODUCT: &[u8] = b"1password";

/// What a name names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// What a person may have chosen: a password, a pass phrase.
    Password,
    /// What a machine made: a secret, a token, an API key.
    Secret,
    /// A `key` that may be that of a table, a map or a keyboard as well.
    Key,
}

/// Endings of words that name a password.
const PASSWORD_WORDS: &[&str] = &[
    "password",
    "passwords",
    "passwd",
    "passwds",
    "passphrase",
    "passcode",
    "passwort",
    "kennwort",
    "pwd",
    "pwds",
    "psswd",
    "rootpw",
    "bindpw",
    "requirepass",
    "masterauth",
    "psk",
];
/// Words that name a password, too short to be looked for at the end of others. `contrase` is what an identifier has of
/// `contraseña`.
const WHOLE_PASSWORD_WORDS: &[&str] = &[
    "pw",
    "pws",
    "psw",
    "contrase",
    "contrasena",
    "senha",
    "mdp",
    "passe",
    "haslo",
    "heslo",
    "parola",
    "sifre",
    "wachtwoord",
    "losenord",
    "motdepasse",
    "adgangskode",
    "kodeord",
    "passord",
    "salasana",
    "lozinka",
    "jelszo",
    "geslo",
    "slaptazodis",
    "parool",
    "matkhau",
    "khau",
    "sandi",
];
/// What a password is called in other languages and scripts, in small letters; compared with names that are not ASCII alone.
#[rustfmt::skip]
const NATIVE_PASSWORD_WORDS: &[&str] = &[
    "contrase\u{f1}a", "\u{15f}ifre", "has\u{142}o", "l\u{f6}senord", "jelsz\u{f3}", "slapta\u{17e}odis", "lykilor\u{f0}", "m\u{1ead}t kh\u{1ea9}u",
    "m\u{1ead}t_kh\u{1ea9}u", "m\u{1ead}tkh\u{1ea9}u", "пароль", "пароля", "парола", "лозинка", "κωδικός", "κωδικοσ", "συνθηματικό", "密码", "密碼", "口令",
    "パスワード", "パスフレーズ", "暗証番号", "비밀번호", "패스워드", "암호", "סיסמה", "סיסמא", "كلمة المرور", "كلمة_المرور", "كلمة السر",
    "رمز عبور", "رمز_عبور", "گذرواژه", "पासवर्ड", "পাসওয়ার্ড", "รหัสผ่าน", "கடவுச்சொல்", "գաղտնաբառ", "პაროლი",
];
/// What a secret that a machine made is called there.
const NATIVE_SECRET_WORDS: &[&str] =
    &["токен", "密钥", "密鑰", "令牌", "トークン", "シークレット", "秘密鍵", "토큰", "비밀키"];
/// Endings of words that name a secret that a machine made.
const SECRET_WORDS: &[&str] = &[
    "secret",
    "secrets",
    "credential",
    "credentials",
    "apikey",
    "apikeys",
    "salt",
    "pepper",
    "dockerconfigjson",
];
/// Words in front of `pass` that make it a way, a filter or a turn.
#[rustfmt::skip]
const OTHER_PASSES: &[&str] = &[
    "all", "any", "ask", "band", "bi", "by", "com", "compute", "depth", "did", "en", "encom", "first", "full", "get", "high", "kee",
    "last", "llvm", "low", "max", "mini", "multi", "next", "no", "nord", "num", "one", "opt", "over", "post", "pre", "previous",
    "proton", "render", "second", "shadow", "sin", "single", "sub", "sur", "tres", "two", "under", "z",
];
/// Words behind `pass` that make it a verb or a turn, besides those that end names of something else: `passThrough`, `pass_rate`.
#[rustfmt::skip]
const PASSED: &[&str] = &[
    "after", "all", "along", "always", "and", "any", "arg", "args", "arguments", "as", "attrs", "back", "band", "before", "both",
    "build", "by", "call", "config", "context", "count", "ctx", "data", "down", "each", "env", "environment", "event", "every",
    "except", "exit", "extra", "fail", "fd", "fds", "file", "filenames", "flags", "for", "from", "gradient", "headers",
    "if", "in", "into", "it", "kwargs", "mark", "marks", "message", "no", "not", "num", "number", "obj", "object", "of",
    "on", "once", "only", "option", "options", "opts", "or", "out", "over", "param", "params", "percent", "percentage", "phase",
    "plan", "props", "rate", "ratio", "ref", "request", "result", "results", "score", "self", "state", "stdin", "sync", "the",
    "this", "threshold", "through", "thru", "to", "types", "unless", "unused", "up", "variables",
    "vars", "when", "with", "without", "zero",
];
/// What stands in front of `passwd` in the names of programs and packages.
const OTHER_PASSWDS: &[&str] = &["base", "ch", "g", "gr", "mk", "no", "shadow", "yp"];
/// Words in front of `key` that make it one that opens something.
#[rustfmt::skip]
const KEY_QUALIFIERS: &[&str] = &[
    "access", "account", "admin", "aes", "api", "app", "application", "auth", "cipher", "client", "cookie",
    "crypt", "crypto", "decrypt", "decryption", "deploy", "encrypt", "encryption", "fernet", "hmac",
    "ingest", "integration", "jwt", "licence", "license", "logged", "master", "nonce", "preshared", "private", "rsa",
    "secret", "secure", "server", "service", "session", "shared", "sign", "signature", "signing", "ssl",
    "subscription", "symmetric", "validation", "webhook", "write",
];
/// Words in front of `key` that make it an index, a name, or half of a pair that is no secret.
#[rustfmt::skip]
const OTHER_KEYS: &[&str] = &[
    "alt", "arrow", "attribute", "cache", "class", "column", "composite", "context", "control", "ctrl", "dedup", "dict", "down",
    "enter", "escape", "etag", "field", "fingerprint", "foreign", "gpg", "hash", "idempotency", "index", "item", "keyboard",
    "label", "lang", "locale", "map", "message", "meta", "metadata", "next", "object", "option", "order", "page", "partition",
    "pgp", "press", "primary", "prop", "property", "pub", "public", "publishable", "routing", "row", "shift", "shortcut", "site",
    "sort", "tab", "table", "title", "trans", "translation", "type", "unique",
];
/// Words in front of `key` that mostly make it one of those, but for a long random value: `SEARCH_KEY`.
#[rustfmt::skip]
const DOUBTFUL_KEYS: &[&str] = &[
    "apt", "asset", "bucket", "config", "dataset", "delete", "event", "form", "function", "group", "host", "hot", "lookup", "node",
    "project", "query", "redis", "reg", "register", "registry", "release", "run", "s", "search", "socket", "sub", "tenant", "term",
    "tran", "tree", "turn", "up", "verification", "verify",
];
/// Words that end like `key` and are none.
#[rustfmt::skip]
const OTHER_KEY_WORDS: &[&str] = &[
    "donkey", "flunkey", "hockey", "hotkey", "jockey", "lackey", "latchkey", "lowkey", "malarkey",
    "mickey", "monkey", "onkey", "turkey", "turnkey", "whiskey",
];
/// Words in front of `token` that make it a piece of text, a place in a list, or a flag.
#[rustfmt::skip]
const OTHER_TOKENS: &[&str] = &[
    "action", "anti", "antiforgery", "authenticity", "backward", "bos", "cancel", "cancellation", "cls",
    "comment", "cont", "continuation", "creation", "csrf", "csrfmiddleware", "current", "cursor", "delimiter", "dkim", "empty", "end", "eos",
    "expected", "first", "forgery", "forward", "idempotency", "identifier", "injection", "keyword", "last",
    "lexer", "lifecycle", "literal", "lock", "marker", "mask", "matching", "newline", "next", "nonterminal", "number",
    "operator", "pad", "padding", "page", "pagination", "parser", "peek", "prev", "previous", "public",
    "punctuation", "replacement", "resume", "sep", "single", "skip", "special", "start", "stop",
    "string", "sync", "syntax", "unk", "unknown", "version", "whitespace", "xsrf", 
];
/// Words in front of `token` that mostly make it one of those, but for a long random value: `CLIENT_TOKEN`.
const DOUBTFUL_TOKENS: &[&str] = &["client", "image", "request"];
/// Of [`OTHER_BEGINNINGS`] and [`OTHER_ENDINGS`], those of names that may hold a password that is typed a second time:
/// `verifyPassword`, `password_confirmation`.
const REPEATING_BEGINNINGS: &[&str] = &["confirm", "retype", "verify"];
const REPEATING_ENDINGS: &[&str] = &["confirmation", "repeat", "verify"];
/// Endings of the names of files.
#[rustfmt::skip]
const FILE_ENDINGS: &[&str] = &[
    "c", "cpp", "cs", "css", "erb", "h", "hpp", "htm", "html", "java", "js", "json", "jsx", "kt", "md", "php", "png", "py", "rb",
    "rs", "scss", "sh", "svg", "swift", "ts", "tsx", "txt", "vue", "xml", "yaml", "yml",
];
/// Words that make a name one of something else wherever they stand in it.
#[rustfmt::skip]
const OTHER_ANYWHERE: &[&str] = &[
    "alg", "algorithm", "algorithms", "algs", "argon", "bcrypt", "checksum", "ciphertext", "crypted", "digest", "digests", "encrypted", "fingerprint", "hash", "hashed",
    "hashes", "md", "pbkdf", "placeholder", "pubkey", "publickey", "regex", "regexp", "scrypt", "sealed", "sha", "supported",
    "tokenizer", "tokenizers", "wrapped",
];
/// Last words of names that speak about a secret without being one.
#[rustfmt::skip]
const OTHER_ENDINGS: &[&str] = &[
    "account", "action", "addr", "address", "age", "ago", "algorithm", "alias", "allowed", "answer", "area",
    "args", "argument", "arguments", "arn", "at", "attempts", "attr", "attribute", "audience", "authentication",
    "authority", "backend", "based", "basename", "bearer", "behavior", "broker", "behaviour", "bits", "blob", "block", "book", "box",
    "button", "bytecount", "cache", "callback", "callback_url", "cells", "challenge", "changed",
    "changed_at", "char", "chars", "charset", "check", "checker", "cipher", "claim", "claims", "class",
    "cmd", "codec", "color", "column", "command", "complexity", "component", "condition", "configuration",
    "confirmation", "constraint", "container", "context", "control", "controller", "converter", "count",
    "counter", "created", "created_at", "creator", "criteria", "cursor", "data", "date", "days", "decoder", "decorator",
    "definition", "delay", "delimiter", "desc", "description", "detail", "details", "dialog", "dict",
    "digest", "dir", "directory", "dirname", "disabled", "display", "doc", "docs", "domain", "domains",
    "duration", "editor", "element", "elements", "enabled", "enc", "encoder", "encoding", "encrypted",
    "encryption", "endpoint", "entity", "entries", "entry", "enum", "env", "error", "escape", "event",
    "examples", "exception", "exists", "exp", "expiration", "expired", "expires", "expires_at", "expires_in", "expiring",
    "expiry", "expr", "expression", "extension", "extra", "extractor", "factory", "failed", "failure",
    "feature", "field", "fieldname", "fields", "file", "filename", "files", "filter", "finder",
    "fingerprint", "fix", "flag", "flags", "flow", "folder", "font", "form", "format", "found", "frequency",
    "from", "func", "function", "generator", "getter", "grammar", "grant", "group", "guard", "guid", "handler",
    "hash", "hashed", "hasher", "hashers", "header", "headers", "help", "helper", "helpers", "hint", "history", "hook",
    "hooks", "host", "hours", "icon", "id", "ids", "image", "img", "index", "indicator", "info", "init", "input",
    "inputs", "inspector", "instance", "interface", "interval", "invalid", "invalidation", "issuer", "item",
    "items", "iterator", "iv", "job", "keyboard", "keymap", "keyring", "kind", "label", "label_text",
    "labelled", "labels", "language", "last", "layer", "layout", "leeway", "len", "length", "lexer", "lib",
    "lifetime", "limit", "limiter", "line", "lines", "link", "list", "listener", "loader", "location",
    "lock", "log", "logger", "lookup", "loop", "manager", "map", "mapper", "mapping", "mark", "marker",
    "mask", "match", "matcher", "matches", "max", "maxlength", "mechanism", "message", "meta", "metadata",
    "method", "middleware", "min", "minlength", "minutes", "missing", "mixin", "modal", "mode", "model", "module",
    "monitor", "msg", "name", "names", "navigation", "nonce", "normalize", "notice", "notification", "ns", "num",
    "number", "object", "observer", "offset", "op", "operation", "operator", "option", "optional",
    "options", "order", "output", "owner", "package", "padding", "page", "pair", "panel", "param",
    "parameter", "params", "parent", "parsed", "parser", "parsing", "part", "parts", "path", "path_prefix",
    "pattern", "patterns", "permission", "permissions", "picker", "placeholder", "plugin", "point",
    "policy", "pool", "port", "position", "preference", "prefix", "prefixes", "preview", "printer",
    "procedure", "process", "processor", "profile", "prompt", "prop", "properties", "property", "props",
    "provided", "provider", "purpose", "query", "question", "queue", "quota", "range", "rate", "reader",
    "reason", "receiver", "recipient", "recovered", "recovery", "redirect", "reducer", "ref", "reference",
    "refresher", "regex", "regexp", "registry", "relation", "removed", "renewal", "repeat", "replacement",
    "report", "repository", "request", "requests", "require", "required", "requirement", "requirements", "reset",
    "resolver", "resource", "resources", "response", "restore", "result", "results", "retrieval", "retry",
    "return", "reuse", "role", "rotate", "rotation", "rotator", "route", "router", "row", "rule", "rules",
    "saved", "scanner", "schema", "scheme", "scope", "scopes", "screen", "seconds", "section", "segment", "select",
    "selector", "sent", "sep", "separator", "sequence", "serializer", "server", "service", "set", "setter",
    "settings", "setup", "sha", "shape", "shown", "signature", "since", "size", "slot", "sort", "source",
    "space", "span", "spec", "specification", "standard", "start", "state", "stats", "status", "stop",
    "stopper", "storage", "store", "strategy", "stream", "strength", "stringifier", "strings", "style",
    "subject", "subtitle", "success", "suffix", "suffixes", "support", "symbol", "syntax", "table", "tag",
    "tags", "target", "task", "template", "templates", "tester", "tests", "text", "time", "timeout",
    "title", "toggle", "tool", "tooltip", "topic", "tracker", "transform", "transformer", "translation",
    "tree", "trigger", "ttl", "tuple", "type", "types", "unit", "update", "updated", "updated_at",
    "updater", "upload", "uppercase", "uri", "url", "urls", "usage", "used", "user", "username", "uuid", "valid",
    "validate", "validated", "validation", "validations", "validator", "validators", "values", "var",
    "variable", "verification", "verified", "verifier", "verify", "version", "version_id", "versionid",
    "versions", "view", "viewer", "visibility", "visible", "vocab", "vocabulary", "warning", "weight",
    "weights", "widget", "window", "word", "words", "wrapper", "writer", "zone",
];
/// First words that make a name one of an action, a state or a text.
#[rustfmt::skip]
const OTHER_BEGINNINGS: &[&str] = &[
    "allow", "allowed", "assert", "auto", "bad", "can", "change", "check", "clear", "compare", "confirm", "contains",
    "correct", "count", "create", "decode", "delete", "did", "disable", "disallow", "does", "encode",
    "ensure", "enter", "escape", "expect", "expired", "extract", "fetch", "find", "forgot", "forgotten",
    "format", "generate", "get", "has", "hash", "hashed", "hide", "incorrect", "invalid", "invalidate",
    "is", "keep", "label", "list", "load", "lookup", "lost", "make", "mask", "match", "max", "min", "mismatch",
    "missing", "must", "need", "needs", "no", "normalize", "not", "notify", "num", "number", "on",
    "onclick", "optional", "parse", "peek", "prefix", "print", "prompt", "redirect", "refreshes", "refused",
    "register", "remove", "request", "require", "required", "requires", "resend", "reset", "retrieve",
    "return", "retype", "revoke", "rotate", "save", "scan", "select", "send", "should", "show", "skip",
    "split", "strip", "submit", "supports", "test_invalid", "title", "toggle", "tokenize", "trim", "try",
    "unexpected", "unknown", "unsupported", "update", "uses", "using", "validate", "validated", "verify",
    "wants", "was", "weak", "when", "without", "wrong",
];

/// The name around the keyword that begins at `keyword`.
pub(crate) fn around(bytes: &[u8], keyword: usize) -> ByteSpan {
    let first = keyword.saturating_sub(NAME_BYTES);
    let start = bytes[first..keyword]
        .iter()
        .rposition(|byte| !is_name_byte(*byte))
        .map_or(first, |at| first + at + 1);
    // `\nKEY`, a line of a text in a string: the letter belongs to the escape.
    let is_escaped =
        start > 0 && start < keyword && bytes[start - 1] == b'\\' && b"nrt".contains(&bytes[start]);
    let start = start + usize::from(is_escaped);
    let limit = (keyword + NAME_BYTES).min(bytes.len());
    let end =
        bytes[keyword..limit].iter().position(|byte| !is_name_byte(*byte)).map_or(limit, |at| keyword + at);
    ByteSpan::new(start, end)
}

/// What secret `name` names, if it does.
pub fn subject(name: &[u8]) -> Option<Subject> {
    match reading(name) {
        Reading::Secret(subject) => Some(subject),
        Reading::Doubtful(_) | Reading::Other => None,
    }
}

/// What secret `name` names that has this value: what the name leaves in doubt, a long random value decides.
pub(crate) fn subject_with(name: &[u8], value: &[u8]) -> Option<Subject> {
    match reading(name) {
        Reading::Secret(subject) => Some(subject),
        Reading::Doubtful(Subject::Password) => {
            let is_typed = value.len() >= TYPED_BYTES
                && composition::has_letters_and_digits(value)
                && !composition::is_wordy(value);
            is_typed.then_some(Subject::Password)
        }
        Reading::Doubtful(subject) => {
            // `S3Key`: a path.
            let is_random = value.len() >= RANDOM_BYTES
                && !value.ends_with(b"/")
                && !is_file(value)
                && composition::fits(Subject::Key, value);
            is_random.then_some(subject)
        }
        Reading::Other => None,
    }
}

/// What a name says by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// It names a secret.
    Secret(Subject),
    /// It names this secret, or something else that goes by the same words.
    Doubtful(Subject),
    /// It names something else, or nothing that is known.
    Other,
}

fn reading(name: &[u8]) -> Reading {
    let is_in = |word: Option<&[u8]>, list| word.is_some_and(|word| contains(list, word));
    if is_file(name) || is_file_of_passwords(name) {
        return Reading::Other;
    }
    if let Some(subject) = native_subject(name) {
        return Reading::Secret(subject);
    }
    let without_product;
    let name = match find_ignoring_case(name, PRODUCT) {
        Some(at) => {
            without_product = [&name[..at], b"_", &name[at + PRODUCT.len()..]].concat();
            &without_product[..]
        }
        None => name,
    };
    let all = words(name);
    let (first, last) = (all.clone().next(), all.clone().next_back());
    if all.clone().any(|word| contains(OTHER_ANYWHERE, word)) {
        return Reading::Other;
    }
    let begins_otherwise = is_in(first, OTHER_BEGINNINGS);
    let ends_otherwise = is_in(last, OTHER_ENDINGS) || is_in(last, REPEATING_ENDINGS);
    if (begins_otherwise && !is_in(first, REPEATING_BEGINNINGS))
        || (ends_otherwise && !is_in(last, REPEATING_ENDINGS))
    {
        return Reading::Other;
    }
    let is_repetition = begins_otherwise || ends_otherwise;
    let is_public = all.clone().any(|word| contains(&["public", "publishable"], word));
    let mut before: &[u8] = b"";
    let mut best = Reading::Other;
    for word in all {
        if before.eq_ignore_ascii_case(b"pass") && contains(PASSED, word) {
            return Reading::Other;
        }
        // `TLS_PSK_WITH_AES_128_CCM`, a cipher suite.
        if before.eq_ignore_ascii_case(b"psk") && word.eq_ignore_ascii_case(b"with") {
            return Reading::Other;
        }
        let (reading, may_be_public) = reading_of_word(before, word);
        // `publicResourceKey`: of a pair, the half that everybody may have.
        if is_public && may_be_public {
            return Reading::Other;
        }
        best = reading.unwrap_or(best);
        before = word;
    }
    match best {
        Reading::Secret(Subject::Password) if is_repetition => Reading::Doubtful(Subject::Password),
        _ if is_repetition => Reading::Other,
        best => best,
    }
}

/// What a name that is more than ASCII says in another language: `пароль_бд`, `数据库密码`.
fn native_subject(name: &[u8]) -> Option<Subject> {
    if name.is_ascii() {
        return None;
    }
    let lower = std::str::from_utf8(name).ok()?.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if has(NATIVE_PASSWORD_WORDS) {
        Some(Subject::Password)
    } else {
        has(NATIVE_SECRET_WORDS).then_some(Subject::Secret)
    }
}

/// Where `needle`, in small letters, begins in `text`.
fn find_ignoring_case(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len()).position(|part| part.eq_ignore_ascii_case(needle))
}

/// `src/AutowirePass.php`
fn is_file(name: &[u8]) -> bool {
    let ending = name.rsplit(|&byte| byte == b'.').next().unwrap_or_default();
    ending.len() < name.len() && contains(FILE_ENDINGS, ending)
}

/// `/etc/pam.d/passwd`, but not `/passwd:`, a flag.
fn is_file_of_passwords(name: &[u8]) -> bool {
    name.iter().skip(1).any(|&byte| byte == b'/')
        && words(name).any(|word| word.eq_ignore_ascii_case(b"passwd"))
}

/// Whether a word is no password under `name`: in few letters, `PW`, it may be a country's code, and `passwords` may be what holds
/// them.
pub(crate) fn wants_more_than_words(name: &[u8]) -> bool {
    words(name).all(|word| word.len() <= 3 && contains(WHOLE_PASSWORD_WORDS, word))
        || words(name).next_back().is_some_and(|word| word.eq_ignore_ascii_case(b"passwords"))
}

/// `accessKey`, half of a pair with a secret key.
pub(crate) fn is_access_key(name: &[u8]) -> bool {
    let letters: Vec<u8> =
        name.iter().filter(|byte| byte.is_ascii_alphabetic()).map(u8::to_ascii_lowercase).collect();
    let is_whole = |word: &&[u8]| memchr::memmem::find(&letters, word).is_some();
    letters.ends_with(b"accesskey")
        && ![b"secret".as_slice(), b"shared", b"account", b"storage"].iter().any(is_whole)
}

/// Whether `name` names something else than a secret, such as an address or an id.
pub fn names_other(name: &[u8]) -> bool {
    let is_other = |word: &[u8]| contains(OTHER_ANYWHERE, word);
    words(name).any(is_other) || words(name).next_back().is_some_and(|word| contains(OTHER_ENDINGS, word))
}

/// What `word` names behind `before`, and whether it is a key or a token, which may be public. `None`: it says nothing.
fn reading_of_word(before: &[u8], word: &[u8]) -> (Option<Reading>, bool) {
    let named = |subject| (Some(Reading::Secret(subject)), false);
    // `dbpass`: what the word begins with stands for the word before it.
    let split = |tail: &[u8]| {
        head(word, tail).map(|head| if head.is_empty() { (before, false) } else { (head, true) })
    };
    if let Some((before, _)) = split(b"passwd")
        && contains(OTHER_PASSWDS, before)
    {
        return (Some(Reading::Other), false);
    }
    if head(word, b"password").is_some_and(|head| head.eq_ignore_ascii_case(b"no")) {
        return (Some(Reading::Other), false);
    }
    if ends_with_any(PASSWORD_WORDS, word) || contains(WHOLE_PASSWORD_WORDS, word) {
        return named(Subject::Password);
    }
    if let Some((before, _)) = split(b"pass") {
        let is_other = contains(OTHER_PASSES, before);
        return (Some(if is_other { Reading::Other } else { Reading::Secret(Subject::Password) }), false);
    }
    if let Some((before, _)) = split(b"token").or_else(|| split(b"tokens")) {
        let reading = match (contains(OTHER_TOKENS, before), contains(DOUBTFUL_TOKENS, before)) {
            (true, _) => Reading::Other,
            (false, true) => Reading::Doubtful(Subject::Secret),
            (false, false) => Reading::Secret(Subject::Secret),
        };
        return (Some(reading), true);
    }
    if ends_with_any(SECRET_WORDS, word) {
        return named(Subject::Secret);
    }
    let Some((before, is_glued)) = split(b"key").or_else(|| split(b"keys")) else {
        return (None, false);
    };
    let singular = word.strip_suffix(b"s").or_else(|| word.strip_suffix(b"S")).unwrap_or(word);
    let reading = if contains(OTHER_KEY_WORDS, singular) {
        Reading::Other
    } else if is_one_of(KEY_QUALIFIERS, before, is_glued) {
        Reading::Secret(Subject::Secret)
    } else if is_one_of(OTHER_KEYS, before, is_glued) {
        Reading::Other
    } else if is_one_of(DOUBTFUL_KEYS, before, is_glued) {
        Reading::Doubtful(Subject::Key)
    } else {
        Reading::Secret(Subject::Key)
    };
    (Some(reading), true)
}

/// Whether `word` is in the list. A word that is glued to the next one may have others in front, so that its end is compared with those
/// of the list that are long enough: `usercachekey`, but not `smskey`.
fn is_one_of(list: &[&str], word: &[u8], is_glued: bool) -> bool {
    const COMPARED_AT_THE_END: usize = 4;
    contains(list, word)
        || (is_glued
            && list
                .iter()
                .any(|known| known.len() >= COMPARED_AT_THE_END && head(word, known.as_bytes()).is_some()))
}

/// What stands in front of `tail` in `word`.
fn head<'a>(word: &'a [u8], tail: &[u8]) -> Option<&'a [u8]> {
    let at = word.len().checked_sub(tail.len())?;
    word[at..].eq_ignore_ascii_case(tail).then(|| &word[..at])
}

fn contains(list: &[&str], word: &[u8]) -> bool {
    list.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(word))
}

fn ends_with_any(list: &[&str], word: &[u8]) -> bool {
    list.iter().any(|known| head(word, known.as_bytes()).is_some())
}

/// Whether a value made of words speaks of secrets: `my-secret-token`, `NewPassword`.
pub fn mentions_secrets(value: &[u8]) -> bool {
    let lower = value.to_ascii_lowercase();
    [
        "password",
        "passwd",
        "passwort",
        "passphrase",
        "secret",
        "token",
        "apikey",
        "api_key",
        "api-key",
        "credential",
    ]
    .iter()
    .any(|word| memchr::memmem::find(&lower, word.as_bytes()).is_some())
}

/// Whether `value` is a part of `name` but for case and separators: `PASSWORD = "password"`.
pub fn repeats(name: &[u8], value: &[u8]) -> bool {
    let letters = |text: &[u8]| -> Vec<u8> {
        text.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase).collect()
    };
    let (name, value) = (letters(name), letters(value));
    memchr::memmem::find(&name, &value).is_some()
}

pub(crate) fn is_name_byte(byte: u8) -> bool {
    // Letters of other alphabets too: `contraseña`.
    byte.is_ascii_alphanumeric() || b"_-./".contains(&byte) || !byte.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject_of(name: &str) -> Option<Subject> {
        subject(name.as_bytes())
    }

    #[test]
    fn names_of_passwords() {
        for name in [
            "password",
            "DB_PASSWORD",
            "dbPassword",
            "password1",
            "PASSWORD_PROD",
            "passwords",
            "user.password",
            "pass",
            "dbpass",
            "userPass",
            "sshpass",
            "keystorePass",
            "mysql_pwd",
            "pw",
            "ssh-passphrase",
            "spring.datasource.password",
            "POSTGRES_PASSWORD",
            "requirepass",
            "masterauth",
            "wpa_psk",
            "pass_prod",
            "pass_bdd",
            "rootpw",
            "ldap.bindpw",
            "kadmin_pw",
            "contrase\u{f1}a",
            "senha_banco",
            "mot_de_passe",
            "motdepasse",
            "passord",
            "пароль_бд",
            "DB_ПАРОЛЬ",
            "数据库密码",
            "パスワード",
            "비밀번호",
            "κωδικός",
            "סיסמה",
            "كلمة_المرور",
            "पासवर्ड",
            "รหัสผ่าน",
            "m\u{1ead}t_kh\u{1ea9}u",
            "\u{15e}ifre",
            "hasło",
            "passSmtp",
            "pass1",
            "prod/db/password",
            "/passwd",
        ] {
            assert_eq!(subject_of(name), Some(Subject::Password), "{name}");
        }
    }

    #[test]
    fn names_of_secrets() {
        for name in [
            "authToken",
            "x-auth-token",
            "GITHUB_TOKEN",
            "tokens",
            "secret",
            "client_secret",
            "clientSecret",
            "secret_key_base",
            "api_key",
            "apiKey",
            "APIKey",
            "kAPIKey",
            "x-api-key",
            "secretAccessKey",
            "encryption_key",
            "jwtKey",
            "AES_KEY",
            "apikey",
            "cookieValidationKey",
            "app_key",
            "credentials",
            "1PASSWORD_SECRET_KEY",
            "API_密钥",
        ] {
            assert_eq!(subject_of(name), Some(Subject::Secret), "{name}");
        }
        for name in [
            "key",
            "stuff_key",
            "AWS_KEY",
            "TLS_KEY",
            "MAPS_KEY",
            "SMS_KEY",
            "BACKUP_KEY",
            "PLATFORM_KEY",
            "GHOST_KEY",
            "BRAINTREE_KEY",
            "awsKey",
            "aws-keys",
            "smskey",
            "S3_KEY",
            "POST_KEY",
            "DAEMON_KEY",
        ] {
            assert!(
                matches!(subject_with(name.as_bytes(), random().as_bytes()), Some(Subject::Key)),
                "{name}: {:?}",
                subject_of(name)
            );
        }
    }

    #[test]
    fn names_about_secrets() {
        for name in [
            "password_field",
            "pass_zero",
            "passThrough",
            "pass_context_to_views",
            "/etc/passwd",
            "pool/main/s/shadow/passwd_4.13",
            "base-passwd",
            "d_grpasswd",
            "src/gpasswd.c",
            "gnutls_utf8_password_normalize",
            "passwordHash",
            "forgotPassword",
            "reset_password",
            "PASSWORD_HELP_TEXT",
            "SSH_ASKPASS_REQUIRE",
            "password.policy",
            "bypass",
            "compass",
            "render_pass",
            "low_pass",
            "passenger",
            "passed",
            "token_url",
            "tokenUrl",
            "tokenizer",
            "tokenize",
            "next_page_token",
            "public_token",
            "pad_token",
            "csrf_token",
            "CancellationToken",
            "secretName",
            "secret_arn",
            "key_id",
            "keyId",
            "public_key",
            "publicKey",
            "PublicKeyToken",
            "primaryKey",
            "foreign_key",
            "sort_key",
            "cacheKey",
            "monkey",
            "keyboard",
            "turnkey",
            "TOKEN_SHA256",
            "secret_hash",
            "key_fingerprint",
            "passThrough",
            "pass_threshold",
            "minipass",
            "KeePass",
            "allPass",
            "tokenData",
            "secret_uuid",
            "password_expires_at",
            "csrfmiddlewaretoken",
            "PREFIX_LEGACY_API_KEY",
            "sealed_key",
            "LockToken",
            "nextForwardToken",
            "TLS1_RFC_PSK_WITH_AES_128_CCM",
            "data-sitekey",
            "publicResourceKey",
            "NEXT_PUBLIC_MAPS_KEY",
            "SSH_ASKPASS",
            "NOPASSWD",
            "nopassword",
            "getpass",
            "getpass.x",
            "labelPassword",
            "token_endpoint_auth_signing_alg_values_supported",
            "1password.com",
            "hotkey",
            "turkeys",
            "usercachekey",
            "idempotencyKey",
            "/etc/passwd",
            "src/AutowirePass.php",
        ] {
            assert_eq!(subject_of(name), None, "{name}");
        }
    }

    /// Letters and digits that read like nothing, put together so that they are no secret of anybody.
    fn random() -> String {
        ["Zq8vT3k", "Wm5xR9n", "Bc2yL7d"].concat()
    }

    #[test]
    fn what_a_name_leaves_in_doubt_its_value_decides() {
        let with = |name: &str, value: &str| subject_with(name.as_bytes(), value.as_bytes());
        for name in ["SEARCH_KEY", "CLIENT_TOKEN", "clientToken", "project_key", "searchkey"] {
            assert_eq!(subject_of(name), None, "{name}");
            assert!(with(name, &random()).is_some(), "{name}");
            for value in ["settings.security2", "c7c0f1e6-4aa2-4b7e-8f5e-2f1d9f3f7a42", "q8vT3kWm5xR9"] {
                assert_eq!(with(name, value), None, "{name} = {value}");
            }
        }
        for name in ["verifyPassword", "confirm_password", "password_confirmation", "passwordRepeat"] {
            assert_eq!(subject_of(name), None, "{name}");
            assert_eq!(with(name, "tR7hvd9Q"), Some(Subject::Password), "{name}");
            assert_eq!(with(name, "required"), None, "{name}");
        }
        assert_eq!(with("S3Key", &format!("{}/", random())), None);
        for name in ["cache_key", "public_token", "verifyToken", "csrf_token", "DkimTokens"] {
            assert_eq!(with(name, &random()), None, "{name}");
        }
    }

    #[test]
    fn a_value_that_is_its_own_name_is_told() {
        assert!(repeats(b"CONF_PASSWORD", b"password"));
        assert!(repeats(b"resetPassword", b"reset-password"));
        assert!(!repeats(b"password", b"Password2019!"));
    }

    #[test]
    fn the_name_around_a_keyword_ends_where_the_identifier_does() {
        let text = b"x = {'db.my-password_1': 1}";
        assert_eq!(around(text, 12).of(text), b"db.my-password_1");
        assert_eq!(around(b"password", 0), ByteSpan::new(0, 8));
        let text = br#""x\nAPI_KEY: v""#;
        assert_eq!(around(text, 8).of(text), b"API_KEY");
    }
}
