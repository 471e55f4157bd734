//! The sweep: values of `.env` files and of given files, looked for in everything that a scan reads.
//!
//! [`Sweep::default`], then [`add_local`](Sweep::add_local) and the others, then [`join`](Sweep::join) with what the scan needs to
//! know otherwise; the scan itself is the same. Values are kept in memory only, and a scan that sweeps uses and writes no cache:
//! what is clean under the rules may hold a value.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bstr::{BStr, ByteSlice};

use keysieve_detect::sweep as engine;
use keysieve_envfiles::values::{Error as ValuesError, Values};
use keysieve_model::coverage::Unread;
use keysieve_model::finding::{Secret, ValueSource};
pub use keysieve_model::outcome::Swept;
use keysieve_model::provenance::path_bytes;
use keysieve_rules::{Error as RulesError, RuleSet};

use super::ScanConfig;
use super::env::env_files_of;

/// The largest file of values that is read, in bytes.
pub(super) const MAX_FILE_BYTES: u64 = 16 << 20;
/// In how many files, commits and other places a value may be found and still mean something.
pub(super) const MAX_PLACES: usize = 1_000;
/// How often a value may be found, in all versions of all files, before it is given up.
pub(super) const MAX_HITS: u64 = 100_000;

/// Why values cannot be looked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error("cannot read the values in {file}: {source}")]
    Read {
        /// The file.
        file: String,
        /// What the system said.
        source: io::Error,
    },
    /// What a file holds cannot be used.
    #[error("{file}: {source}")]
    Values {
        /// The file.
        file: String,
        /// Why not.
        source: ValuesError,
    },
    /// A file has nothing in it.
    #[error("{file}: there is no value in it; write NAME=value, or a value a line")]
    Nothing {
        /// The file.
        file: String,
    },
    /// There is no room for one more rule.
    #[error(transparent)]
    Rules(#[from] RulesError),
}

/// Values to look for, with the files they are from. Prints none of them.
#[derive(Debug, Clone, Default)]
pub struct Sweep {
    values: Values,
    /// The values, ready to be looked for; absent until the sweep is joined.
    engine: Option<Arc<engine::Sweep>>,
    /// The files that the values are from, which hold them rightly.
    own: BTreeSet<PathBuf>,
    unread: Vec<Unread>,
    notices: Vec<String>,
}

impl Sweep {
    /// Takes weak values too: for who takes values out, where one too many does less harm than one that stays.
    #[must_use]
    pub fn with_weak_values() -> Self {
        Self { values: Values::with_weak_ones(), ..Self::default() }
    }

    /// Adds the values of the environment files below `workdir`, ignored ones too. What cannot be read of them is in the outcome's
    /// coverage.
    pub fn add_local(&mut self, workdir: &Path) {
        let files = env_files_of(workdir);
        if files.is_empty() {
            self.notices
                .push("there is no .env file in the work tree whose values could be looked for".to_owned());
        }
        for (path, shown) in files {
            let read = File::open(&path).and_then(read_limited);
            let added = read.map_err(|error| error.to_string()).and_then(|bytes| {
                self.values.add_env_file(shown.as_bstr(), &bytes).map_err(|error| error.to_string())
            });
            if let Err(why) = added {
                self.unread.push(Unread::new(shown, format!("its values were not looked for: {why}")));
            }
            self.own.extend(path.canonicalize());
        }
    }

    /// Adds the values of a dotenv file, or of a list with a value a line.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or holds no value or too many.
    pub fn add_file(&mut self, path: &Path) -> Result<(), Error> {
        let fail = |source| Error::Read { file: path.display().to_string(), source };
        let file = File::open(path).map_err(fail)?;
        if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
            return Err(fail(io::Error::other("it is a folder; name a file in it")));
        }
        self.add_reader(path_bytes(path).as_bstr(), file)?;
        self.own.extend(path.canonicalize());
        Ok(())
    }

    /// The same of a stream that is called `name`.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or holds no value or too many.
    pub fn add_reader(&mut self, name: &BStr, reader: impl Read) -> Result<(), Error> {
        let file = || name.to_string();
        let bytes = read_limited(reader).map_err(|source| Error::Read { file: file(), source })?;
        let before = (self.values.len(), self.values.left_out().len(), self.values.others());
        let known: usize = self.values.sources_count();
        self.values.add(name, &bytes).map_err(|source| Error::Values { file: file(), source })?;
        let after = (self.values.len(), self.values.left_out().len(), self.values.others());
        if before == after && known == self.values.sources_count() {
            return Err(Error::Nothing { file: file() });
        }
        Ok(())
    }

    /// What a scan needs to know to look for the values besides.
    ///
    /// # Errors
    ///
    /// When there are as many rules already as there can be.
    pub fn join(self, config: ScanConfig) -> Result<ScanConfig, Error> {
        let (rules, sweep) = self.join_rules(&config.rules, false)?;
        Ok(ScanConfig { rules: Arc::new(rules), sweep: Some(Arc::new(sweep)), ..config })
    }

    /// The rules with the one of the values; `finds_all` says that each occurrence of a value counts, however many there are.
    pub(super) fn join_rules(mut self, rules: &RuleSet, finds_all: bool) -> Result<(RuleSet, Self), Error> {
        let (rules, rule) = rules.clone().with_values()?;
        let sought = self.values.sought();
        let (engine, alike) = engine::Sweep::new(rule, &sought);
        for value in alike {
            self.values.leave_out(&sought[value].secret, "it has too much in common with many other values");
        }
        self.engine = Some(Arc::new(if finds_all { engine.finding_all() } else { engine }));
        Ok((rules, self))
    }

    /// The values, ready to be looked for.
    pub(super) fn engine(&self) -> Option<Arc<engine::Sweep>> {
        self.engine.clone()
    }

    /// What could not be read of the values.
    pub(super) fn unread(&self) -> &[Unread] {
        &self.unread
    }

    /// Where the value is from; nowhere where it is none of these.
    pub(super) fn sources(&self, secret: &Secret) -> &[ValueSource] {
        self.values.sources(secret)
    }

    /// Whether the file at `path`, which counts from `base`, is one that values are from.
    pub(super) fn is_own(&self, base: &Path, path: &BStr) -> bool {
        let path = path.to_path().ok().and_then(|path| base.join(path).canonicalize().ok());
        path.is_some_and(|path| self.own.contains(&path))
    }

    /// All forms of those values that are among `secrets`.
    pub(super) fn forms_of(&self, secrets: &[Secret]) -> Vec<Secret> {
        let known: BTreeSet<&Secret> = secrets.iter().collect();
        self.engine
            .as_ref()
            .map(|engine| engine.forms_of(|secret| known.contains(secret)))
            .unwrap_or_default()
    }

    /// What was looked for, but for those that are `common`, each with why it says nothing.
    pub(super) fn summary(&self, common: &BTreeMap<Secret, String>) -> Swept {
        let mut values = self.values.clone();
        common.iter().for_each(|(secret, why)| values.leave_out(secret, why));
        Swept {
            values: values.len(),
            files: values.files().to_vec(),
            others: values.others(),
            left_out: values.left_out().to_vec(),
        }
    }

    /// Things to know of the sweep.
    pub(super) fn notices(&self) -> &[String] {
        &self.notices
    }
}

pub(super) fn read_limited(reader: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(io::Error::other(format!(
            "it has more than {MAX_FILE_BYTES} bytes, the most that is read"
        )));
    }
    Ok(bytes)
}
