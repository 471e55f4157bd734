//! A rule as the engine uses it: checked, and const-constructible, so that the built-in table costs nothing at start.

use std::borrow::Cow;

use super::lead::Lead;
use super::named::{self, Head};

/// Text that is either compiled in or came from a user's file.
pub type Text = Cow<'static, str>;

/// How bad it is when the secret is in the wrong hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Test keys and half a secret.
    Low,
    /// Limited access.
    Medium,
    /// What a typical API key or password opens.
    High,
    /// A whole account, production data or money.
    Critical,
}

/// How sure it is that a match is a real credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// Worth a look when one has the time.
    Low,
    /// Probably real.
    Medium,
    /// Its form says that it can hardly be anything else.
    High,
}

/// What a rule knows of its match's surroundings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A prefix or structure that only one provider uses: applies everywhere.
    Provider,
    /// The value's form says little; name, syntax and path have to.
    Generic,
    /// No form at all: values that are known are looked for, in every form.
    Value,
}

/// How far a rule's match may reach from its keyword, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    /// In front of the keyword's first byte. 0 anchors the pattern at the keyword.
    pub before: u32,
    /// Behind the keyword's last byte.
    pub after: u32,
}

/// Which characters a value may hold for its entropy to be taken as that of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Alphabet {
    /// `0-9a-fA-F`
    Hex,
    /// `A-Z2-7`
    Base32,
    /// `0-9a-z`
    Base36,
    /// `0-9A-Za-z`
    Base62,
    /// Base 62 and `+/=`
    Base64,
    /// Base 62 and `-_=`
    Base64Url,
    /// Every byte.
    Any,
}

/// A checksum that is part of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Checksum {
    /// The last six characters are the CRC-32 of what stands between the prefix's `_` and them, in base 62
    /// (`0-9A-Za-z`), padded with `0`:
    /// <https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats/>.
    Github,
    /// npm took over GitHub's form:
    /// <https://github.blog/2021-09-23-announcing-npms-new-access-token-format/>.
    Npm,
    /// The last seven characters are the CRC-32 of all in front of them, in base 36, padded with `0`:
    /// <https://handbook.gitlab.com/handbook/engineering/architecture/design-documents/cells/routable_tokens/>.
    Gitlab,
    /// What follows the last `_` is the CRC-32 of all in front of it, in hex, lowest byte first:
    /// <https://github.com/grafana/grafana/blob/main/pkg/components/satokengen/tokengen.go>.
    Grafana,
    /// The six last characters are the checksum of Bech32:
    /// <https://github.com/bitcoin/bips/blob/master/bip-0173.mediawiki>.
    Bech32,
    /// The last four bytes in base 58 begin the double SHA-256 of those in front:
    /// <https://github.com/bitcoin/bips/blob/master/bip-0032.mediawiki#serialization-format>.
    Base58Check,
    /// Base 32 of bytes whose last two are the CRC-16 (XMODEM) of those in front, lowest byte first:
    /// <https://github.com/nats-io/nkeys/blob/main/strkey.go>.
    Nats,
}

/// A structure that can be decoded without asking anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Structure {
    /// A JSON web token: base64url header and claims that are JSON objects, the header with an `alg`.
    Jwt,
    /// A PEM or OpenSSH private key: a base64 body of a plausible length, not encrypted.
    Pem,
    /// An AWS access key id: base 32, with the account id inside.
    AwsKeyId,
    /// `user:password` in base64, as HTTP basic authentication sends it.
    BasicCredentials,
    /// A private key that a passphrase protects.
    EncryptedPem,
    /// From `eyJ` on a JSON object in base64, of either alphabet.
    Json,
    /// A macaroon as PyPI makes them: place, identifier, caveats and signature.
    PypiMacaroon,
    /// A Curve25519 key in base64 with the bits that such keys have fixed, as WireGuard has them.
    Curve25519Key,
    /// A Discord token: its first part is a user's id in base64.
    DiscordToken,
    /// The words of a wallet's mnemonic.
    Mnemonic,
}

/// A test that a match has to pass, as data; the code is in `detect::checks`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Check {
    /// At least `min_bits` of Shannon entropy in bits per character, over `alphabet` only.
    Entropy {
        /// The characters that may occur.
        alphabet: Alphabet,
        /// Bits per character, 0 to 8.
        min_bits: f32,
    },
    /// Letters and digits both.
    Mixed,
    /// The checksum inside the token holds.
    Checksum(Checksum),
    /// The token decodes.
    Structure(Structure),
    /// What stands between name and value joins them: no comparison, no list, no call that only mentions the name.
    Assigned,
    /// The value's name, the identifier around the keyword or the pattern's group `name`, names a secret (`api_key`), not
    /// something about one (`token_url`), and the value fits it.
    SecretName,
    /// The value is a literal: no template, call, look-up, path or prose.
    Literal,
    /// The value is not the user's name, which the pattern's group `name` holds.
    UserDiffers,
    /// The value is more than digits.
    NotANumber,
    /// The value does not read like words: a machine made it.
    NotWords,
    /// The value does not look like a URL's dummy password.
    UrlPassword,
    /// The provider's name begins where a word begins, and goes on to say that the value is a secret, not an id or a hash.
    ProviderName,
}

/// Values that a rule takes wherever the grammar of detection says that they are joined to a name.
#[derive(Debug, Clone, PartialEq)]
pub struct Joined {
    /// How a name begins that is a provider's; `None` where the identifier around the keyword is the name.
    pub head: Option<Head>,
    /// A regular expression for the whole value.
    pub value: Text,
    /// The length of the longest value, in bytes.
    pub longest: u32,
}

/// Where the variable's look-up goes in the text of a [`Fix`].
pub(crate) const LOOK_UP: &str = "{env}";

/// What to do about a leak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fix {
    /// The new secret is loaded from the environment, and nothing else has to be done.
    Revoke {
        /// What to do where the secret was issued, with the page.
        revoke: Text,
        /// The environment variable for the new one.
        env: Text,
    },
    /// Advice in words of its own.
    Advice {
        /// The advice; `{env}` stands for the look-up of the variable.
        text: Text,
        /// The environment variable for the new secret.
        env: Option<Text>,
    },
}

impl Fix {
    /// Advice that names no variable.
    #[must_use]
    pub const fn advice(text: &'static str) -> Self {
        Self::Advice { text: Cow::Borrowed(text), env: None }
    }

    /// The environment variable for the new secret.
    #[must_use]
    pub fn variable(&self) -> Option<&str> {
        match self {
            Self::Revoke { env, .. } => Some(env),
            Self::Advice { env, .. } => env.as_deref(),
        }
    }

    /// The advice, with the look-up of the variable as Python writes it.
    #[must_use]
    pub fn text(&self) -> String {
        self.text_with(&format!("os.environ[\"{}\"]", self.variable().unwrap_or_default()))
    }

    /// The advice with this look-up of a variable, in whatever language.
    #[must_use]
    pub fn text_with(&self, look_up: &str) -> String {
        match self {
            Self::Revoke { revoke, .. } => {
                format!("{revoke}, then load the new one from the environment: {look_up}.")
            }
            Self::Advice { text, .. } => text.replace(LOOK_UP, look_up),
        }
    }
}

/// A rule: what to look for, and what to tell the user.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Unique name in kebab case: `github-pat`.
    pub id: Text,
    /// Name for people.
    pub name: Text,
    /// Who issues the credential.
    pub provider: Text,
    /// Whether the match's surroundings matter.
    pub kind: Kind,
    /// How bad a leak is.
    pub severity: Severity,
    /// How sure a match is.
    pub confidence: Confidence,
    /// Literals of which each match holds one, matched without regard to ASCII case.
    pub keywords: Cow<'static, [Text]>,
    /// The bytes of which one stands behind a keyword in each match; empty where any may, or none.
    pub followers: Cow<'static, [u8]>,
    /// A byte-oriented regular expression with a group named `secret`.
    pub pattern: Text,
    /// What a value is and which names it has, where names and values are joined in ways that the pattern does not know.
    pub joined: Option<Joined>,
    /// How a match of the pattern begins, where it begins at its keyword.
    pub lead: Lead,
    /// How far the pattern may look from a keyword.
    pub window: Window,
    /// Tests, in the order in which they are made.
    pub checks: Cow<'static, [Check]>,
    /// Regular expressions of secrets that are none after all.
    pub exceptions: Cow<'static, [Text]>,
    /// Where the format is documented.
    pub references: Cow<'static, [Text]>,
    /// Whether system libraries carry values of this kind to test themselves with: worth no alarm there.
    pub is_in_self_tests: bool,
    /// What to revoke and where, and where the value belongs.
    pub fix: Fix,
    /// Texts that must be found, as the rule's author wrote them; see [`Rule::all_examples`].
    pub examples: Cow<'static, [Text]>,
    /// Texts that must not be found, as the rule's author wrote them; see [`Rule::all_counter_examples`].
    pub counter_examples: Cow<'static, [Text]>,
}

impl Rule {
    /// Texts that must be found; `<<regex>>` stands for text sampled from that regex. Those of a rule by name are made here, of its
    /// name: a table that had them all would be twice as large.
    #[must_use]
    pub fn all_examples(&self) -> Vec<Text> {
        let own = self.examples.iter().cloned();
        own.chain(self.name_and_value().into_iter().flat_map(|(head, value)| named::examples(head, value)))
            .collect()
    }

    /// Texts that must not be found.
    #[must_use]
    pub fn all_counter_examples(&self) -> Vec<Text> {
        let own = self.counter_examples.iter().cloned();
        let named = self.name_and_value().into_iter();
        own.chain(named.flat_map(|(head, value)| named::counter_examples(head, value))).collect()
    }

    fn name_and_value(&self) -> Option<(&Head, &str)> {
        let joined = self.joined.as_ref()?;
        Some((joined.head.as_ref()?, &joined.value))
    }
}

/// The rule under which values that are known are reported. It has no keyword and no pattern: the values themselves are looked for.
pub(super) const VALUE_RULE: Rule = Rule {
    id: Cow::Borrowed("env-value"),
    name: Cow::Borrowed("Value of an environment variable"),
    provider: Cow::Borrowed("your own files"),
    kind: Kind::Value,
    severity: Severity::High,
    confidence: Confidence::High,
    keywords: Cow::Borrowed(&[]),
    followers: Cow::Borrowed(&[]),
    pattern: Cow::Borrowed(""),
    joined: None,
    lead: Lead::OPEN,
    window: Window { before: 0, after: 0 },
    checks: Cow::Borrowed(&[]),
    exceptions: Cow::Borrowed(&[]),
    references: Cow::Borrowed(&[]),
    is_in_self_tests: false,
    fix: Fix::advice(
        "Make a new value where this one was issued and put it into the file it comes from alone; then revoke the old one.",
    ),
    examples: Cow::Borrowed(&[]),
    counter_examples: Cow::Borrowed(&[]),
};
