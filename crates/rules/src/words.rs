//! The words that rule files have for what a rule is, and that people read.

use std::fmt;

use super::rule::{Alphabet, Check, Checksum, Confidence, Kind, Severity, Structure};

pub(super) const KINDS: &[(&str, Kind)] = &[("provider", Kind::Provider), ("generic", Kind::Generic)];
pub(super) const SEVERITIES: &[(&str, Severity)] = &[
    ("low", Severity::Low),
    ("medium", Severity::Medium),
    ("high", Severity::High),
    ("critical", Severity::Critical),
];
pub(super) const CONFIDENCES: &[(&str, Confidence)] =
    &[("low", Confidence::Low), ("medium", Confidence::Medium), ("high", Confidence::High)];
pub(super) const ALPHABETS: &[(&str, Alphabet)] = &[
    ("hex", Alphabet::Hex),
    ("base32", Alphabet::Base32),
    ("base36", Alphabet::Base36),
    ("base62", Alphabet::Base62),
    ("base64", Alphabet::Base64),
    ("base64url", Alphabet::Base64Url),
    ("any", Alphabet::Any),
];
pub(super) const CHECKSUMS: &[(&str, Checksum)] = &[
    ("github", Checksum::Github),
    ("npm", Checksum::Npm),
    ("gitlab", Checksum::Gitlab),
    ("grafana", Checksum::Grafana),
    ("bech32", Checksum::Bech32),
    ("base58check", Checksum::Base58Check),
    ("nats", Checksum::Nats),
];
pub(super) const STRUCTURES: &[(&str, Structure)] = &[
    ("jwt", Structure::Jwt),
    ("pem", Structure::Pem),
    ("aws-key-id", Structure::AwsKeyId),
    ("basic-credentials", Structure::BasicCredentials),
    ("encrypted-pem", Structure::EncryptedPem),
    ("json", Structure::Json),
    ("pypi-macaroon", Structure::PypiMacaroon),
    ("mnemonic", Structure::Mnemonic),
    ("curve25519-key", Structure::Curve25519Key),
    ("discord-token", Structure::DiscordToken),
];

/// The word for a value. Each has one, but for what rule files cannot say.
fn name_of<T: PartialEq>(value: &T, words: &[(&'static str, T)]) -> &'static str {
    words.iter().find(|(_, known)| known == value).map_or("value", |(word, _)| word)
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(name_of(self, KINDS))
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(name_of(self, SEVERITIES))
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(name_of(self, CONFIDENCES))
    }
}

impl fmt::Display for Check {
    /// As rule files write it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entropy { alphabet, min_bits } => {
                write!(f, "entropy: {{alphabet: {}, min: {min_bits}}}", name_of(alphabet, ALPHABETS))
            }
            Self::Checksum(checksum) => write!(f, "checksum: {}", name_of(checksum, CHECKSUMS)),
            Self::Structure(structure) => write!(f, "structure: {}", name_of(structure, STRUCTURES)),
            Self::Mixed => f.write_str("mixed"),
            Self::Assigned => f.write_str("assigned"),
            Self::SecretName => f.write_str("secret_name"),
            Self::Literal => f.write_str("literal"),
            Self::UserDiffers => f.write_str("user_differs"),
            Self::NotANumber => f.write_str("not_a_number"),
            Self::NotWords => f.write_str("not_words"),
            Self::UrlPassword => f.write_str("url_password"),
            Self::ProviderName => f.write_str("named"),
        }
    }
}
