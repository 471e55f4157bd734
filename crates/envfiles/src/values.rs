//! Values to sweep for: gathered from dotenv files and lists, without those that say too little.

use std::collections::{BTreeMap, HashSet};

use bstr::{BStr, BString, ByteSlice};

use keysieve_detect::sweep::{MAX_VALUE_BYTES, MIN_VALUE_BYTES, Sought};
use keysieve_model::finding::{Secret, ValueSource};
pub use keysieve_model::outcome::LeftOut;

use super::parse::{NotText, Parsed, parse, text};
use super::value::{Judgement, is_common, judge, secret_part};
use super::{Variable, is_env_path, is_plain_name, variables};

/// How many values may be looked for at once, and how many bytes they may have together.
pub const MAX_VALUES: usize = 100_000;
const MAX_TOTAL_BYTES: usize = 8 << 20;

/// Values, with where they are from. Prints none of them.
#[derive(Debug, Clone, Default)]
pub struct Values {
    by_secret: BTreeMap<Secret, Gathered>,
    left_out: Vec<LeftOut>,
    others: usize,
    files: Vec<BString>,
    bytes: usize,
    /// Whether values are taken that are easy to guess.
    takes_weak: bool,
}

#[derive(Debug, Clone, Default)]
struct Gathered {
    others: Vec<Secret>,
    sources: Vec<ValueSource>,
}

/// Why values cannot be taken from a file. The file is named by who read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is binary.
    #[error("it is binary, neither a dotenv file nor a list of values")]
    Binary,
    /// There are too many.
    #[error(
        "there would be more than {MAX_VALUES} values, or more than {MAX_TOTAL_BYTES} bytes of them; look for them in parts"
    )]
    TooMany,
}

impl From<NotText> for Error {
    fn from(_: NotText) -> Self {
        Self::Binary
    }
}

impl Values {
    /// Takes values too that are easy to guess, where they are long enough to be looked for.
    #[must_use]
    pub fn with_weak_ones() -> Self {
        Self { takes_weak: true, ..Self::default() }
    }

    /// Adds what an environment file holds.
    ///
    /// # Errors
    ///
    /// When it is binary, or holds too much.
    pub fn add_env_file(&mut self, file: &BStr, bytes: &[u8]) -> Result<(), Error> {
        self.add_variables(file, variables(file, bytes)?)
    }

    /// Adds what a file holds that is a dotenv file, by its name or its content, or else a list: a value a line.
    ///
    /// # Errors
    ///
    /// When it is binary, or holds too much.
    pub fn add(&mut self, file: &BStr, bytes: &[u8]) -> Result<(), Error> {
        if is_env_path(file) {
            return self.add_env_file(file, bytes);
        }
        let parsed = parse(bytes)?;
        if is_dotenv(&parsed) {
            return self.add_variables(file, parsed);
        }
        self.files.push(file.to_owned());
        for (line, value) in (1..).zip(text(bytes)?.lines()) {
            let value = value.trim();
            if !value.is_empty() && !value.starts_with(b"# ") {
                let source = ValueSource { file: file.to_owned(), line, name: None };
                self.insert(source, &[value.to_vec()])?;
            }
        }
        Ok(())
    }

    fn add_variables(&mut self, file: &BStr, parsed: Parsed) -> Result<(), Error> {
        self.files.push(file.to_owned());
        for variable in parsed.variables {
            let name = Some(variable.name.clone()).filter(|name| is_plain_name(name));
            let source = ValueSource { file: file.to_owned(), line: variable.line, name };
            let least = if self.takes_weak { Judgement::Weak } else { Judgement::Secret };
            match variable.judgement {
                Judgement::Weak if self.takes_weak => self.insert(source, &spellings(&variable, least))?,
                Judgement::Placeholder | Judgement::Public => self.others += 1,
                Judgement::Weak => {
                    let is_short = variable.readings().all(|value| value.expose().len() < MIN_VALUE_BYTES);
                    let why = if is_short { too_short() } else { EASY_TO_GUESS.to_owned() };
                    self.left_out.push(LeftOut { source, why });
                }
                Judgement::Secret => self.insert(source, &spellings(&variable, least))?,
            }
        }
        Ok(())
    }

    /// Adds a value that is spelled so, first as it is found mostly.
    fn insert(&mut self, source: ValueSource, spellings: &[Vec<u8>]) -> Result<(), Error> {
        let takes_weak = self.takes_weak;
        let why_not = |value: &[u8]| match value.len() {
            ..MIN_VALUE_BYTES => Some(too_short()),
            length if length > MAX_VALUE_BYTES => Some(format!("longer than {MAX_VALUE_BYTES} bytes")),
            _ if !takes_weak && is_common(value) => Some(COMMON.to_owned()),
            _ => None,
        };
        let mut usable = spellings.iter().filter(|value| why_not(value).is_none());
        let Some(value) = usable.next() else {
            let why = spellings.iter().find_map(|value| why_not(value)).unwrap_or_default();
            self.left_out.push(LeftOut { source, why });
            return Ok(());
        };
        let gathered = self.by_secret.entry(Secret::new(value)).or_default();
        let others = usable.map(|other| Secret::new(other)).filter(|other| !gathered.others.contains(other));
        let others: Vec<Secret> = others.collect();
        self.bytes += value.len() + others.iter().map(|other| other.expose().len()).sum::<usize>();
        gathered.others.extend(others);
        gathered.sources.push(source);
        if self.by_secret.len() > MAX_VALUES || self.bytes > MAX_TOTAL_BYTES {
            return Err(Error::TooMany);
        }
        Ok(())
    }

    /// What to look for.
    #[must_use]
    pub fn sought(&self) -> Vec<Sought> {
        let sought = |(secret, gathered): (&Secret, &Gathered)| Sought {
            secret: secret.clone(),
            others: gathered.others.clone(),
        };
        self.by_secret.iter().map(sought).collect()
    }

    /// Where a value is from; nowhere where it is none of these.
    #[must_use]
    pub fn sources(&self, secret: &Secret) -> &[ValueSource] {
        self.by_secret.get(secret).map_or(&[], |gathered| &gathered.sources)
    }

    /// How many times values stand in the files.
    #[must_use]
    pub fn sources_count(&self) -> usize {
        self.by_secret.values().map(|gathered| gathered.sources.len()).sum()
    }

    /// Leaves a value out after all.
    pub fn leave_out(&mut self, secret: &Secret, why: &str) {
        let sources = self.by_secret.remove(secret).map(|gathered| gathered.sources).unwrap_or_default();
        self.left_out.extend(sources.into_iter().map(|source| LeftOut { source, why: why.to_owned() }));
    }

    /// How many values there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_secret.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_secret.is_empty()
    }

    /// Values that are not looked for though they should be secrets, in the order of the files.
    #[must_use]
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// How many values are public, or placeholders.
    #[must_use]
    pub fn others(&self) -> usize {
        self.others
    }

    /// The files that were read.
    #[must_use]
    pub fn files(&self) -> &[BString] {
        &self.files
    }
}

const EASY_TO_GUESS: &str = "easy to guess, so it stands in many places by chance: make a better one";
const COMMON: &str = "words, digits or a placeholder, which stand in many places by chance";

fn too_short() -> String {
    format!("shorter than {MIN_VALUE_BYTES} characters")
}

/// Whether each line of it is a comment or sets a variable: a name, `=`, and something that is no end of base64.
fn is_dotenv(parsed: &Parsed) -> bool {
    let is_name = |name: &[u8]| {
        name.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
            && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(byte))
    };
    let is_set = |variable: &Variable| {
        is_name(&variable.name) && variable.readings().any(|value| value.expose() != b"=")
    };
    parsed.unread_lines.is_empty()
        && !parsed.variables.is_empty()
        && parsed.variables.iter().all(is_set)
        && parsed.variables.iter().any(|variable| !variable.value.expose().is_empty())
}

/// The ways in which the secret of a variable's value may be written that are at least so good, each once.
fn spellings(variable: &Variable, least: Judgement) -> Vec<Vec<u8>> {
    let mut seen = HashSet::new();
    let mut spellings = Vec::new();
    for value in variable.readings().map(|value| value.expose().trim()) {
        if judge(&variable.name, value) < least {
            continue;
        }
        let part = secret_part(value);
        let secret = part.of(value);
        let in_url = (part.start > 0).then(|| unescaped(secret));
        for spelling in [Some(secret.to_vec()), in_url].into_iter().flatten() {
            if seen.insert(spelling.clone()) {
                spellings.push(spelling);
            }
        }
    }
    spellings
}

/// The text that `%` escapes stand for.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let digits = text.get(at + 1..at + 3).filter(|_| byte == b'%');
        let digits = digits.and_then(|digits| u8::from_str_radix(digits.to_str().ok()?, 16).ok());
        plain.push(digits.unwrap_or(byte));
        at += if digits.is_some() { 3 } else { 1 };
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANDOM: &str = "Zq8vT3kWm5xR9nBc2yL7d";

    fn of(file: &str, text: &str) -> Values {
        let mut values = Values::default();
        values.add(file.into(), text.as_bytes()).expect("values");
        values
    }

    fn sources(values: &Values, secret: &str) -> Vec<String> {
        values.sources(&Secret::new(secret.as_bytes())).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn secrets_are_taken_and_the_rest_is_counted_or_named() {
        let text =
            format!("PORT=80\nAPI_KEY={RANDOM}\nB_TOKEN={RANDOM}\nDB_PASSWORD=changeme\nPIN_PASSWORD=x7k\n");
        let values = of(".env", &text);
        assert_eq!((values.len(), values.others()), (1, 1));
        assert_eq!(sources(&values, RANDOM), ["API_KEY in .env", "B_TOKEN in .env"]);
        let left_out: Vec<_> = values.left_out().iter().map(|left_out| left_out.source.to_string()).collect();
        assert_eq!(left_out, ["DB_PASSWORD in .env", "PIN_PASSWORD in .env"]);
        assert!(values.left_out()[1].why.contains("shorter than 8"));
    }

    #[test]
    fn a_list_has_lines_and_a_dotenv_file_variables() {
        let list = of("list", &format!("{RANDOM}\r\n\n# a comment\nhunter2\nc2VjcmV0IHZhbHVl==\n"));
        assert_eq!(sources(&list, RANDOM), ["line 1 of list"]);
        assert_eq!((list.len(), list.left_out().len()), (2, 1));
        assert_eq!(list.left_out()[0].source.line, 4);
        // Base64 with its padding looks like a name, and no name may show a value.
        let encoded = of("list", "c2VjcmV0IHZhbHVl==\nbW9yZSB2YWx1ZXM4==\n");
        assert_eq!(encoded.sought().len(), 2);
        let dotenv = of("vars.txt", &format!("# a\nexport TOKEN='{RANDOM}'\n"));
        assert_eq!(sources(&dotenv, RANDOM), ["TOKEN in vars.txt"]);
    }

    #[test]
    fn of_a_url_the_password_is_looked_for_as_it_is_and_without_escapes() {
        let values = of(".env", &format!("DATABASE_URL=postgres://app:{RANDOM}%40x@db/app\n"));
        let [Sought { secret, others }] = &values.sought()[..] else { panic!("one value") };
        assert_eq!(secret.expose(), format!("{RANDOM}%40x").as_bytes());
        assert_eq!(others[0].expose(), format!("{RANDOM}@x").as_bytes());
    }

    #[test]
    fn both_readings_of_a_value_are_one_value() {
        let values = of(".env", &format!("API_KEY={RANDOM}#{RANDOM}\n"));
        let [Sought { secret, others }] = &values.sought()[..] else { panic!("one value") };
        assert_eq!(secret.expose().len(), 2 * RANDOM.len() + 1);
        assert_eq!(others[0].expose(), RANDOM.as_bytes());
    }

    #[test]
    fn too_much_is_refused() {
        let list: String = (0..=MAX_VALUES).map(|number| format!("{RANDOM}{number}\n")).collect();
        assert_eq!(Values::default().add("list".into(), list.as_bytes()), Err(Error::TooMany));
        assert_eq!(Values::default().add("list".into(), b"\x7fELF\0\0\0"), Err(Error::Binary));
    }

    #[test]
    fn nothing_prints_a_value() {
        let values = of(".env", &format!("API_KEY={RANDOM}\n"));
        assert!(!format!("{values:?}{:?}", values.sought()).contains(RANDOM));
    }
}
