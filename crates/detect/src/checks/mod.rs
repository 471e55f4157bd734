//! Checks: what a match has to pass before it counts. Which ones a rule asks for is data in the rule.

pub(crate) mod aws;
pub(crate) mod basic;
pub(crate) mod checksum;
mod comparison;
pub mod composition;
pub(crate) mod connector;
pub(crate) mod embedded;
pub(crate) mod entropy;
pub(crate) mod jwt;
pub mod literal;
pub mod name;
pub(crate) mod named;
pub(crate) mod pem;
pub mod placeholder;
pub mod publishable;
pub(crate) mod url;
pub mod words;

use keysieve_model::location::ByteSpan;
use keysieve_rules::{Check, Kind, Rule, Structure};

pub use self::connector::Link;
pub use self::name::Subject;
use super::assignee::assignee;
use super::grammar::{self, Joined};
use super::{Evidence, Refusal, Shape};

/// How far beyond a rule's window its checks may look, in bytes: for the name around a keyword, for what stands before that
/// name, and one byte on each side for `\b`. Neighbourhoods are shorter.
pub(crate) const MARGIN_BYTES: usize = name::NAME_BYTES + connector::BEFORE_NAME_BYTES + 2;
/// From how many bytes on a value behind other words in a comment is one.
const MIN_OLD_VALUE_BYTES: usize = 8;
/// How many bytes on each side say whether a match lies in text.
const NEIGHBOURHOOD_BYTES: usize = 64;
const _: () = assert!(NEIGHBOURHOOD_BYTES <= MARGIN_BYTES);

/// A match before its checks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate<'a> {
    pub(crate) rule: &'a Rule,
    /// The text that was searched.
    pub(crate) bytes: &'a [u8],
    /// Where the keyword lies in it.
    pub(crate) keyword: ByteSpan,
    /// Where the secret lies in it.
    pub(crate) secret: ByteSpan,
    /// Where the secret's name lies in it, as the pattern's group `name` says; around the keyword without one.
    pub(crate) name: Option<ByteSpan>,
    /// How the grammar says that the secret is joined to its name; nothing where the pattern found it.
    pub(crate) joint: Option<Joint>,
}

/// What the grammar knows of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Joint {
    pub(crate) link: Link,
    pub(crate) shape: Shape,
}

impl<'a> Candidate<'a> {
    /// The secret's bytes.
    pub(crate) fn value(&self) -> &'a [u8] {
        self.secret.of(self.bytes)
    }

    /// The secret without the prefix that every such secret has.
    pub(crate) fn body(&self) -> &'a [u8] {
        let value = self.value();
        &value[public_prefix_length(self.rule, value)..]
    }

    /// Where the identifier lies that the rule takes for the secret's name.
    pub(crate) fn name_span(&self) -> ByteSpan {
        self.name.unwrap_or_else(|| name::around(self.bytes, self.keyword.start))
    }

    fn is_quoted(&self) -> bool {
        matches!(self.byte_before(), Some(b'"' | b'\'' | b'`')) || self.follows_entity()
    }

    /// Whether the quote behind the secret ends it: the apostrophe in `"What's your password?"` does not.
    fn is_closed(&self) -> bool {
        let behind = |distance: usize| self.bytes.get(self.secret.end + distance);
        let is_apostrophe = behind(0) == Some(&b'\'') && behind(1).is_some_and(u8::is_ascii_alphabetic);
        self.byte_before() != Some(b'"') || !is_apostrophe
    }

    /// Whether the secret stands behind a quote that is written as an entity of HTML: `&quot;`.
    fn follows_entity(&self) -> bool {
        let start = self.secret.start.saturating_sub(b"&quot;".len());
        let before = ByteSpan::new(start, self.secret.start).of(self.bytes);
        [b"&quot;".as_slice(), b"&apos;", b"&#34;", b"&#39;", b"&#x27;"]
            .iter()
            .any(|entity| before.ends_with(entity))
    }

    fn byte_before(&self) -> Option<u8> {
        self.secret.start.checked_sub(1).and_then(|at| self.bytes.get(at)).copied()
    }
}

/// The length in bytes of the public prefix of `value`: the longest keyword of its rule with which it begins.
pub fn public_prefix_length(rule: &Rule, value: &[u8]) -> usize {
    if rule.kind == Kind::Generic {
        return 0;
    }
    let begins_with = |keyword: &str| {
        value.get(..keyword.len()).is_some_and(|start| start.eq_ignore_ascii_case(keyword.as_bytes()))
    };
    rule.keywords
        .iter()
        .filter(|keyword| begins_with(keyword))
        .map(|keyword| keyword.len())
        .max()
        .unwrap_or(0)
}

/// Runs the rule's checks, cheap ones first: where the secret lies, and what speaks for it.
///
/// # Errors
///
/// What says no.
pub(crate) fn evaluate(mut candidate: Candidate<'_>) -> Result<(ByteSpan, Evidence), Refusal> {
    if candidate.joint.is_none() && candidate.rule.checks.contains(&Check::Assigned) && !candidate.is_quoted()
    {
        candidate.secret = connector::bare_value(candidate.bytes, candidate.name_span(), candidate.secret);
    }
    let candidate = &candidate;
    let value = candidate.value();
    let (mut link, mut subject) = (None, None);
    for (place, check) in candidate.rule.checks.iter().enumerate() {
        let passed = match check {
            Check::Assigned => {
                link = candidate.joint.map_or_else(|| link_of(candidate), |joint| Some(joint.link));
                link.is_some()
            }
            Check::SecretName => {
                subject = subject_of(candidate, link);
                subject.is_some_and(|subject| composition::fits(subject, value))
            }
            Check::Literal => literal::is_literal(value) && !is_garbage(candidate) && !is_comment(candidate),
            Check::UserDiffers => {
                candidate.name.is_none_or(|user| !user.of(candidate.bytes).eq_ignore_ascii_case(value))
            }
            Check::NotANumber => !value.iter().all(u8::is_ascii_digit),
            Check::NotWords => !composition::is_wordy(value),
            Check::UrlPassword => url::is_password(candidate.bytes, candidate.keyword, candidate.secret),
            Check::Mixed => composition::has_letters_and_digits(value),
            Check::Entropy { alphabet, min_bits } => {
                entropy::is_within(*alphabet, candidate.body())
                    && entropy::bits(candidate.body()) >= *min_bits
            }
            Check::Checksum(checksum) => checksum::holds(*checksum, value),
            Check::ProviderName => {
                let end = candidate.joint.map_or(candidate.secret.start, |_| candidate.name_span().end);
                named::names_a_secret(candidate.bytes, candidate.keyword.start, end)
            }
            Check::Structure(Structure::Jwt) => jwt::is_token(value),
            Check::Structure(Structure::Pem) => pem::is_private_key(value),
            Check::Structure(Structure::EncryptedPem) => pem::is_encrypted_key(value),
            Check::Structure(Structure::Json) => embedded::holds_json(value),
            Check::Structure(Structure::PypiMacaroon) => embedded::is_pypi_macaroon(value),
            Check::Structure(Structure::Curve25519Key) => embedded::is_curve25519_key(value),
            Check::Structure(Structure::DiscordToken) => embedded::is_discord_token(value),
            Check::Structure(Structure::BasicCredentials) => basic::is_credentials(value),
            Check::Structure(Structure::AwsKeyId) => aws::is_key_id(value),
            Check::Structure(Structure::Mnemonic) => embedded::is_mnemonic(value),
        };
        if !passed {
            return Err(Refusal::Check { check: place, secret: candidate.secret });
        }
    }
    if placeholder::is_placeholder(candidate.body(), candidate.rule.kind) {
        return Err(Refusal::Placeholder { secret: candidate.secret });
    }
    if subject == Some(Subject::Password) && is_one_of_digests(candidate) {
        return Err(Refusal::Placeholder { secret: candidate.secret });
    }
    if publishable::is_encrypted(value)
        || publishable::is_public(value)
        || publishable::is_public_there(candidate, subject)
    {
        return Err(Refusal::Publishable { secret: candidate.secret });
    }
    let evidence = Evidence {
        shape: candidate.joint.map_or_else(|| shape(candidate), |joint| joint.shape),
        link: link.unwrap_or(default_link(candidate.rule)),
        subject: subject.unwrap_or(Subject::Password),
        composition: composition::composition(value),
        is_wordy: composition::is_wordy(value),
        has_plain_name: words::words(candidate.name_span().of(candidate.bytes)).nth(1).is_none(),
        entropy: entropy::bits(candidate.body()),
        is_number: value.iter().all(u8::is_ascii_digit),
        is_test_vector: subject == Some(Subject::Key) && is_test_vector(candidate),
        names_itself: name::mentions_secrets(value),
        is_message: candidate.joint.is_none() && is_message(candidate),
        binary: is_binary(candidate),
        note: note(candidate),
        // What is apart from its name cannot be replaced by a look-up in its place.
        assignee: assignee(candidate).filter(|_| candidate.joint.is_none()),
    };
    Ok((candidate.secret, evidence))
}

/// Hands over the values that the grammar joins to the name at `keyword`, of which `head_end` is a part or the end.
pub(crate) fn visit_joined(
    rule: &Rule,
    bytes: &[u8],
    keyword: ByteSpan,
    head_end: usize,
    reach: usize,
    found: &mut dyn FnMut(Candidate<'_>),
) {
    let around = name::around(bytes, head_end.saturating_sub(1).max(keyword.start));
    let name = ByteSpan::new(around.start.min(keyword.start), around.end.max(keyword.end));
    let is_secret = || {
        !rule.checks.contains(&Check::SecretName)
            || name::subject(connector::set_name(name.of(bytes))).is_some()
    };
    if name.end - name.start > 2 * name::NAME_BYTES {
        return;
    }
    grammar::visit(bytes, name, keyword.end + reach, &is_secret, &mut |Joined { value, link, shape }| {
        let joint = Some(Joint { link, shape });
        found(Candidate { rule, bytes, keyword, secret: value, name: Some(name), joint });
    });
}

/// What the secret itself tells, in words.
fn note(candidate: &Candidate<'_>) -> Option<String> {
    let value = candidate.value();
    candidate.rule.checks.iter().find_map(|check| match check {
        Check::Structure(Structure::Jwt) => jwt::note(value),
        Check::Structure(Structure::EncryptedPem) => Some("protected by a passphrase".to_owned()),
        Check::Structure(Structure::AwsKeyId) => {
            aws::account_id(value).map(|account| format!("AWS account {account:012}"))
        }
        _ => None,
    })
}

/// How values are joined to names by rules whose patterns say it all.
fn default_link(rule: &Rule) -> Link {
    if rule.checks.contains(&Check::UserDiffers) { Link::Adjacent } else { Link::Assignment }
}

fn link_of(candidate: &Candidate<'_>) -> Option<Link> {
    let (bytes, name, secret) = (candidate.bytes, candidate.name_span(), candidate.secret);
    if candidate.is_quoted() {
        let is_pass = connector::may_be_a_pass(bytes, name, secret);
        return connector::of_quoted(bytes, name, secret).filter(|_| candidate.is_closed() && !is_pass);
    }
    let is_loose = candidate.byte_before().is_some_and(|byte| byte.is_ascii_whitespace());
    let link = connector::of_bare(bytes, name, secret)?;
    // `:error-messages="..."`, the start of the next attribute.
    if secret.of(bytes).ends_with(b"=") && composition::is_wordy(secret.of(bytes)) {
        return None;
    }
    connector::bare_value_ends(bytes, secret, is_loose && link != Link::Adjacent).then_some(link)
}

/// What the name says the value is; `None` where it names no secret, or the value is no more than the name.
fn subject_of(candidate: &Candidate<'_>, link: Option<Link>) -> Option<Subject> {
    let name = candidate.name_span().of(candidate.bytes);
    let name = match link {
        Some(Link::Argument) => connector::set_name(name),
        Some(Link::Comparison) => comparison::compared_name(name),
        _ => name,
    };
    let value = candidate.value();
    name::subject_with(name, value).filter(|_| {
        let is_word = name::wants_more_than_words(name) && is_word(value);
        let is_id = aws::may_be_key_id(value) && name::is_access_key(name);
        !is_word && !is_id && !name::repeats(name, value)
    })
}

/// Whether `value` is words, or too short to tell.
fn is_word(value: &[u8]) -> bool {
    composition::is_wordy(value) || value.iter().all(u8::is_ascii_alphabetic)
}

fn shape(candidate: &Candidate<'_>) -> Shape {
    let behind = candidate.bytes.get(candidate.secret.end);
    if candidate.is_quoted() {
        Shape::Quoted
    } else if candidate.rule.checks.contains(&Check::UrlPassword) {
        Shape::Url
    } else if follows_scheme(candidate.rule)
        || matches!(candidate.byte_before(), Some(b'>')) && behind == Some(&b'<')
        || matches!(behind, Some(b'"' | b'\'' | b'`' | b'&'))
        || connector::is_in_string(candidate.bytes, candidate.name_span(), candidate.secret)
        || is_noted_in_a_comment(candidate)
    {
        Shape::Embedded
    } else {
        Shape::Bare
    }
}

/// `# password: v`, `/* before: password = v */`: a comment is no code, but may well be prose.
fn is_noted_in_a_comment(candidate: &Candidate<'_>) -> bool {
    let value = candidate.value();
    let (bytes, name) = (candidate.bytes, candidate.name_span());
    composition::has_letters_and_digits(value)
        && !composition::is_wordy(value)
        && (connector::begins_a_comment(bytes, name)
            || (value.len() >= MIN_OLD_VALUE_BYTES && connector::is_in_comment(bytes, name)))
        && connector::ends_comment(bytes, candidate.secret.end)
}

/// Whether the rule asks for the name of an HTTP scheme in front of the secret, `Basic` or `Bearer`: then it is no expression, wherever
/// it stands.
fn follows_scheme(rule: &Rule) -> bool {
    let says_so =
        |check: &Check| matches!(check, Check::NotWords | Check::Structure(Structure::BasicCredentials));
    rule.checks.iter().any(says_so)
}

/// `"Password: required"`, `"passwd:gecos"`: a string that begins with the name and a colon is a text or a name of its own, and
/// so is one in which words stand in front of the name.
fn is_message(candidate: &Candidate<'_>) -> bool {
    if !candidate.rule.checks.contains(&Check::Assigned) {
        return false;
    }
    let name = candidate.name_span();
    let before = |distance: usize| {
        name.start.checked_sub(distance).and_then(|at| candidate.bytes.get(at)).copied().unwrap_or(b'\n')
    };
    let connector = ByteSpan::new(name.end, candidate.secret.start).of(candidate.bytes);
    let begins_string = b"\"'`".contains(&before(1)) && connector.starts_with(b":");
    // `"Could not change passphrase: oops"`
    let ends_sentence = before(1) == b' ' && before(2).is_ascii_alphabetic() && connector.starts_with(b": ");
    !candidate.is_quoted() && (begins_string || ends_sentence)
}

/// Whether a key in hexadecimal digits stands beside a text and what a cipher makes of it.
fn is_test_vector(candidate: &Candidate<'_>) -> bool {
    #[rustfmt::skip]
    const TEXTS: &[&[u8]] = &[
        b"pt", b"ct", b"in", b"out", b"ad", b"aad", b"msg", b"tag", b"plaintext", b"ciphertext", b"plain", b"cipher", b"input",
        b"output",
    ];
    let names_a_text = |text: &[u8]| {
        let mut names: Vec<&[u8]> = text.split(|byte| b":=".contains(byte)).collect();
        // What follows the last sign is a value.
        names.pop();
        let last_words = names.iter().filter_map(|before| words::words(before.trim_ascii_end()).next_back());
        last_words.into_iter().any(|word| TEXTS.iter().any(|text| text.eq_ignore_ascii_case(word)))
    };
    let name = candidate.name_span();
    let before = &candidate.bytes[name.start.saturating_sub(NEIGHBOURHOOD_BYTES)..name.start];
    let behind = &candidate.bytes[candidate.secret.end.min(candidate.bytes.len())..];
    let digits = candidate.value().strip_prefix(b"0x").unwrap_or(candidate.value());
    digits.iter().all(u8::is_ascii_hexdigit)
        && (names_a_text(before) || names_a_text(&behind[..behind.len().min(NEIGHBOURHOOD_BYTES)]))
}

/// Whether the value is one of a list of digests: `password: ['4d5c...', '50fc...']`, as pam-auth-update has them of the files that it
/// replaces. A list of passwords would not have the length of MD5 or SHA-2 in every item.
fn is_one_of_digests(candidate: &Candidate<'_>) -> bool {
    const DIGEST_DIGITS: &[usize] = &[32, 40, 56, 64, 96, 128];
    let value = candidate.value();
    if !DIGEST_DIGITS.contains(&value.len()) || !value.iter().all(u8::is_ascii_hexdigit) {
        return false;
    }
    let Some(quote @ (b'"' | b'\'')) = candidate.byte_before() else { return false };
    // From the end of one item to the digits of the next.
    let is_gap = |gap: &[u8]| {
        let inner = gap.strip_prefix(&[quote]).and_then(|gap| gap.strip_suffix(&[quote]));
        inner.is_some_and(|inner| {
            inner.contains(&b',') && inner.iter().all(|byte| *byte == b',' || byte.is_ascii_whitespace())
        })
    };
    let is_item = |item: &[u8]| item.len() == value.len() && item.iter().all(u8::is_ascii_hexdigit);
    let is_gap_byte = |byte: &u8| *byte == quote || *byte == b',' || byte.is_ascii_whitespace();
    let behind = &candidate.bytes[candidate.secret.end.min(candidate.bytes.len())..];
    let gap = behind.iter().take_while(|byte| is_gap_byte(byte)).count();
    let next = behind[gap..].get(..value.len()).is_some_and(is_item);
    let before = &candidate.bytes[..candidate.secret.start];
    let gap_before = before.iter().rev().take_while(|byte| is_gap_byte(byte)).count();
    let previous_end = before.len() - gap_before;
    let previous = previous_end.checked_sub(value.len()).map(|start| &before[start..previous_end]);
    (next && is_gap(&behind[..gap])) || (previous.is_some_and(is_item) && is_gap(&before[previous_end..]))
}

/// `password: # set it later`: a sign that begins a comment, where blanks stand in front of it.
fn is_comment(candidate: &Candidate<'_>) -> bool {
    !candidate.is_quoted()
        && candidate.value().starts_with(b"#")
        && candidate.byte_before().is_some_and(|byte| byte.is_ascii_whitespace())
}

/// Whether the secret is a piece of a picture or another binary file: no text in UTF-8, and among control characters.
fn is_garbage(candidate: &Candidate<'_>) -> bool {
    let invalid: usize = candidate.value().utf8_chunks().map(|chunk| chunk.invalid().len()).sum();
    let start = candidate.secret.start.saturating_sub(NEIGHBOURHOOD_BYTES);
    let end = (candidate.secret.end + NEIGHBOURHOOD_BYTES).min(candidate.bytes.len());
    let is_control = |byte: &&u8| byte.is_ascii_control() && !byte.is_ascii_whitespace();
    let is_foreign = invalid > 0 || !candidate.value().is_ascii();
    is_foreign && candidate.bytes[start..end].iter().filter(is_control).count() > 1
}

fn is_binary(candidate: &Candidate<'_>) -> bool {
    let start = candidate.keyword.start.min(candidate.secret.start).saturating_sub(NEIGHBOURHOOD_BYTES);
    let end = (candidate.secret.end + NEIGHBOURHOOD_BYTES).min(candidate.bytes.len());
    candidate.bytes[start..end].contains(&0)
}
