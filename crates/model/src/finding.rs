//! What is reported: a secret, with every place where it lies.

use std::fmt;
use std::sync::Arc;

use bstr::BString;
use sha2::{Digest, Sha256};

use crate::location::Location;
use crate::provenance::{Document, Metadata, ObjectId};
use crate::replacement::Replacement;
use keysieve_rules::{Confidence, RuleId, Severity};

/// A credential. Prints as a mark: only the report stage, asked to, shows its bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Secret(Box<[u8]>);

/// How many of a secret's last characters a hint shows.
const HINT_CHARACTERS: usize = 4;
/// How many characters a hint keeps hidden at least; shorter secrets show none.
const HIDDEN_CHARACTERS: usize = 12;

impl Secret {
    /// A secret of these bytes.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// The bytes, for fingerprints and for reports that were asked to show them.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// What may be shown of the secret: its first `public_prefix` bytes, which every such secret has, and its last four
    /// characters where more than eleven stay hidden.
    #[must_use]
    pub fn hint(&self, public_prefix: usize) -> String {
        let prefix = &self.0[..public_prefix.min(self.0.len())];
        let body = &self.0[prefix.len()..];
        let is_key_block = body.contains(&b'\n') || body.len() > 512;
        let tail: &[u8] = if is_key_block || body.len() < HIDDEN_CHARACTERS + HINT_CHARACTERS {
            b""
        } else {
            &body[body.len() - HINT_CHARACTERS..]
        };
        let printable = |bytes: &[u8]| -> String {
            bytes.iter().map(|&byte| if byte.is_ascii_graphic() { char::from(byte) } else { '?' }).collect()
        };
        format!("{}...{}", printable(prefix), printable(tail))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("redacted")
    }
}

/// A repository's own secret number, which lies beside its baseline: without it, fingerprints tell nothing of weak passwords.
/// The default is a fixed one, for where there is no baseline.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Salt([u8; 32]);

impl Salt {
    /// A salt of these bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A salt from its 64 hexadecimal digits.
    #[must_use]
    pub fn from_hex(hex: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if hex.len() != 2 * bytes.len() || !hex.is_ascii() {
            return None;
        }
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// Its 64 hexadecimal digits.
    #[must_use]
    pub fn to_hex(&self) -> String {
        hex(&self.0)
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(redacted)")
    }
}

/// Names a secret under a rule without telling it: the same in each place, clone and system that has the same salt.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint of `secret` as rules of this family find it: 128 bits of HMAC-SHA-256 under the salt, in hexadecimal
    /// digits.
    #[must_use]
    pub fn new(salt: &Salt, family: &str, secret: &Secret) -> Self {
        let parts = [b"keysieve fingerprint 1\0", family.as_bytes(), b"\0", secret.expose()];
        Self(hex(&hmac_sha256(&salt.0, &parts)[..16]))
    }
}

/// HMAC with SHA-256 of the parts, one after the other: RFC 2104, for keys that fit in a block.
fn hmac_sha256(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let pad = |with: u8| {
        let mut block = [with; 64];
        block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        block
    };
    let mut inner = Sha256::new();
    inner.update(pad(0x36));
    parts.iter().for_each(|part| inner.update(part));
    let mut outer = Sha256::new();
    outer.update(pad(0x5c));
    outer.update(inner.finalize());
    outer.finalize().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How far a secret has gone, the furthest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exposure {
    /// A remote-tracking reference reaches it, or any reference of a bare repository: others may have it.
    Pushed,
    /// In a container image: whoever can pull it has it.
    Image,
    /// A local reference reaches it, none of a remote.
    Local,
    /// In the object database, but no reference reaches it.
    Unreachable,
    /// In the index only: the next commit will have it.
    Staged,
    /// In a file on disk only.
    Worktree,
    /// In the git directory's own files only, such as a remote's URL in `config`.
    GitDirectory,
    /// On standard input.
    Stdin,
    /// In a document, which others read.
    Document,
    /// Another scanner found it, and does not say.
    Unknown,
}

/// A reported secret.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The rule that found it.
    pub rule: RuleId,
    /// How bad it is.
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
    /// Its name for baselines and comparisons.
    pub fingerprint: Fingerprint,
    /// Its name where there is no salt: what a hook said before there was a baseline.
    pub unsalted: Fingerprint,
    /// The secret.
    pub secret: Secret,
    /// The length of the part that is public, in bytes.
    pub public_prefix: usize,
    /// How far it has gone.
    pub exposure: Exposure,
    /// Facts read from the secret itself, such as its AWS account.
    pub note: Option<String>,
    /// The name that the value is given to, as it is written; `None` if there is none.
    pub variable: Option<String>,
    /// What may stand in its stead at one of its places.
    pub replacement: Option<Replacement>,
    /// Where it lies, sorted; one place for each path in a history.
    pub places: Vec<Place>,
    /// Where the value is from that was looked for, and is this secret; empty where no value was.
    pub values: Vec<ValueSource>,
    /// Other rules that found the same value.
    pub also: Vec<RuleId>,
}

impl Finding {
    /// What may be shown of the secret: see [`Secret::hint`]; of a value that was looked for where it is from, and nothing else.
    #[must_use]
    pub fn hint(&self) -> String {
        if self.values.is_empty() {
            return self.secret.hint(self.public_prefix);
        }
        let shown: Vec<String> = self.values.iter().take(MAX_SOURCES).map(ToString::to_string).collect();
        match self.values.len().saturating_sub(MAX_SOURCES) {
            0 => shown.join(", "),
            more => format!("{} and {more} more", shown.join(", ")),
        }
    }
}

/// How many of the places that a value is from a hint names.
const MAX_SOURCES: usize = 3;

/// A variable in a file, or a line of a list, whose value was looked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueSource {
    /// The file; as it was asked for, or relative to the work tree.
    pub file: BString,
    /// The line on which it stands, from 1.
    pub line: u64,
    /// The variable's name; absent where the file is a list of values.
    pub name: Option<BString>,
}

impl fmt::Display for ValueSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} in {}", self.file),
            None => write!(f, "line {} of {}", self.line, self.file),
        }
    }
}

/// A place where a secret lies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// What it lies in.
    pub container: Container,
    /// The path in the archive that the container is, for reports: `!` stands between archives in each other, and may stand in
    /// their names too. Absent for the container itself.
    pub member: Option<BString>,
    /// Where in it.
    pub location: Location,
}

impl Place {
    /// The location as people count: the lines of a message from its subject, not from the headers in front of it.
    #[must_use]
    pub fn shown_location(&self) -> Location {
        let headers = match &self.container {
            Container::Metadata(MetadataPlace { field: "message", message_line: Some(first), .. }) => {
                first - 1
            }
            _ => 0,
        };
        let Location { line, end_line, .. } = self.location;
        let (line, end_line) = (line.saturating_sub(headers), end_line.saturating_sub(headers));
        Location { line, end_line, ..self.location }
    }
}

/// What a secret lies in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Container {
    /// A file on disk.
    File {
        /// Its path.
        path: BString,
        /// Whether `.gitignore` keeps it out of git.
        ignored: bool,
    },
    /// Standard input.
    Stdin,
    /// A document of somebody else's.
    Document(Document),
    /// A path in a git history.
    History(HistoryPlace),
    /// Text of a git repository that is no blob.
    Metadata(MetadataPlace),
    /// A file or text of a container image.
    Image(ImagePlace),
}

/// A place in a container image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ImagePlace {
    /// The image's name and tag, or the beginning of its digest, and its platform.
    pub image: BString,
    /// The layer; absent for documents.
    pub layer: Option<LayerPlace>,
    /// The path in the layer.
    pub path: Option<BString>,
    /// The document's name in the image.
    pub document: Option<BString>,
    /// The part of the document, such as `config.Env[2]`.
    pub field: Option<BString>,
    /// The step of the history that the part is of, as in a Dockerfile.
    pub step: Option<BString>,
    /// What became of the file in a later layer.
    pub removal: Option<LayerRemoval>,
    /// What tells the image from others.
    pub identity: Arc<ImageIdentity>,
}

/// What tells an image from others.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ImageIdentity {
    /// Its names and tags, sorted.
    pub tags: Vec<BString>,
    /// Such as `linux/arm64/v8`.
    pub platform: Option<String>,
    /// The digest of its manifest; absent in archives of `docker save` that have none for each image.
    pub manifest: Option<String>,
    /// The digest of its configuration, which Docker calls the image's id.
    pub config: Option<String>,
}

/// A layer in an image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LayerPlace {
    /// Its place in the order, the lowest being 1, and how many there are.
    pub position: usize,
    /// How many layers the image has.
    pub layers: usize,
    /// The digest of its bytes as they are stored: `sha256:` and hexadecimal digits.
    pub digest: String,
    /// The digest of its bytes unpacked, where the image's configuration has it.
    pub diff_id: Option<String>,
    /// The instruction that made it, as in a Dockerfile; absent where that is not known.
    pub instruction: Option<BString>,
}

/// How a file is gone from the image's file system and still in the image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LayerRemoval {
    /// What happened to it.
    pub removal: Removal,
    /// The layer that did it.
    pub layer: LayerPlace,
}

/// What a later layer does to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Removal {
    /// Deletes it.
    Deleted,
    /// Hides the folder that it lies in.
    Hidden,
    /// Writes another in its place.
    Overwritten,
}

impl Container {
    /// The commit that brought it in.
    #[must_use]
    pub fn commit(&self) -> Option<&CommitSummary> {
        match self {
            Self::History(place) => place.introduced.as_ref(),
            Self::Metadata(place) => place.commit.as_ref(),
            Self::File { .. } | Self::Stdin | Self::Document(_) | Self::Image(_) => None,
        }
    }
}

/// A path of a git history, over all versions that held the secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HistoryPlace {
    /// The path; absent for a blob that no tree of the repository names.
    pub path: Option<BString>,
    /// The version that introduced the secret.
    pub blob: ObjectId,
    /// The versions of the file that held the secret, as distinct blobs, the one that introduced it first.
    pub versions: Vec<ObjectId>,
    /// The first commit that had it; absent where no commit has.
    pub introduced: Option<CommitSummary>,
    /// The latest commit that had it.
    pub last: Option<CommitSummary>,
    /// Whether the commit that HEAD names has it at this path.
    pub in_head: bool,
    /// Whether a tip of the range that was asked for has it at the path; false where no range was.
    pub at_tip: bool,
    /// What reaches it.
    pub reach: Reach,
}

/// A piece of git's text that is no blob.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MetadataPlace {
    /// What it is.
    pub metadata: Metadata,
    /// The part of it: `message`, `author`, `committer`, `tagger`, `header`, `name` or a file's name.
    pub field: &'static str,
    /// The line of the object in which its message begins, from 1.
    pub message_line: Option<u64>,
    /// The commit itself, where it is one.
    pub commit: Option<CommitSummary>,
    /// What reaches it.
    pub reach: Reach,
}

/// What reaches an object.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reach {
    /// Names of references that reach it, sorted, the first [`Reach::MAX_REFS`] of them.
    pub refs: Vec<BString>,
    /// How many more there are.
    pub more_refs: usize,
    /// Whether a remote-tracking reference is among them, or any of a bare repository.
    pub pushed: bool,
    /// Whether the revision that was asked for reaches it.
    pub in_revision: bool,
    /// Whether it is staged for the next commit, which is what was asked about.
    pub staged: bool,
}

impl Reach {
    /// How many references a place names; a repository can have tens of thousands.
    pub const MAX_REFS: usize = 10;

    /// Whether nothing reaches it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.refs.is_empty()
    }

    /// How far an object with this reach has gone.
    #[must_use]
    pub fn exposure(&self) -> Exposure {
        match (self.pushed, self.staged, self.is_empty()) {
            (true, _, _) => Exposure::Pushed,
            (false, true, _) => Exposure::Staged,
            (false, false, false) => Exposure::Local,
            (false, false, true) => Exposure::Unreachable,
        }
    }
}

/// What people want to know of a commit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CommitSummary {
    /// Seconds since 1970-01-01 UTC, as the committer's clock had it.
    pub seconds: i64,
    /// The commit.
    pub id: ObjectId,
    /// Name and address of the author.
    pub author: BString,
    /// When the author wrote it, in seconds since 1970-01-01 UTC.
    pub author_seconds: i64,
    /// The author's offset from UTC, in seconds.
    pub author_offset: i32,
}

impl CommitSummary {
    /// When the author wrote it, in the author's own time zone: RFC 3339.
    #[must_use]
    pub fn date(&self) -> String {
        let offset = i64::from(self.author_offset);
        let local = self.author_seconds.saturating_add(offset);
        let (days, seconds) = (local.div_euclid(86_400), local.rem_euclid(86_400));
        let (year, month, day) = civil_date(days);
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        let sign = if offset < 0 { '-' } else { '+' };
        let (off_hours, off_minutes) = (offset.abs() / 3600, offset.abs() / 60 % 60);
        format!(
            "{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{:02}{sign}{off_hours:02}:{off_minutes:02}",
            seconds % 60
        )
    }
}

/// The day, `YYYY-MM-DD` in UTC, of a time in seconds since 1970.
#[must_use]
pub fn utc_day(seconds: i64) -> String {
    let (year, month, day) = civil_date(seconds.div_euclid(86_400));
    format!("{year:04}-{month:02}-{day:02}")
}

/// A time in seconds since 1970 as RFC 3339 in UTC, `YYYY-MM-DDThh:mm:ssZ`.
#[must_use]
pub fn utc_time(seconds: i64) -> String {
    let of_day = seconds.rem_euclid(86_400);
    format!("{}T{:02}:{:02}:{:02}Z", utc_day(seconds), of_day / 3600, of_day / 60 % 60, of_day % 60)
}

/// Year, month and day of a day counted from 1970-01-01, in the proleptic Gregorian calendar: Howard Hinnant's
/// `civil_from_days`, <https://howardhinnant.github.io/date_algorithms.html>.
fn civil_date(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print_itself() {
        let secret = Secret::new(&[b"tR7".as_slice(), b"hvd9QmmX2"].concat());
        assert!(!format!("{secret:?}{secret}").contains("tR7"));
    }

    #[test]
    fn hints_show_the_public_prefix_and_four_characters_of_long_secrets_only() {
        assert_eq!(Secret::new(b"ghp_0123456789abcdefghij").hint(4), "ghp_...ghij");
        assert_eq!(Secret::new(b"short-password").hint(0), "...");
    }

    #[test]
    fn fingerprints_differ_by_rule_and_secret() {
        let of = |rule, secret: &[u8]| Fingerprint::new(&Salt::default(), rule, &Secret::new(secret));
        assert_eq!(of("a", b"x"), of("a", b"x"));
        assert_ne!(of("a", b"x"), of("b", b"x"));
        assert_ne!(of("a", b"x"), of("a", b"y"));
        let salt = Salt::from_hex(&"1f".repeat(32)).expect("a salt");
        assert_ne!(Fingerprint::new(&salt, "a", &Secret::new(b"x")), of("a", b"x"));
        assert_eq!(Salt::from_hex(&salt.to_hex()), Some(salt));
        assert_eq!(Salt::from_hex("1f"), None);
    }

    #[test]
    fn the_hmac_is_that_of_others() {
        // `printf 'what do ya want for nothing?' | openssl dgst -sha256 -mac hmac -macopt hexkey:0b0b...`, 32 bytes of key.
        let told = hmac_sha256(&[0x0b; 32], &[b"what do ya want ", b"for nothing?"]);
        assert_eq!(hex(&told), "c3f2649c34ea24e4d62a2c7e868bbea0233c9d4c2cc300794db76aa18d6822d8");
    }

    #[test]
    fn dates_are_the_authors_own() {
        let commit = |author_seconds, author_offset| CommitSummary {
            seconds: 0,
            id: ObjectId::from_bytes(&[0; 20]),
            author: BString::default(),
            author_seconds,
            author_offset,
        };
        assert_eq!(commit(0, 0).date(), "1970-01-01T00:00:00+00:00");
        assert_eq!(commit(1_709_210_096, 19_800).date(), "2024-02-29T18:04:56+05:30");
        assert_eq!(commit(-1, -3600).date(), "1969-12-31T22:59:59-01:00");
    }
}
