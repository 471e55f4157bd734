//! A rule file and the files that it includes -> their rules. Whether they lie in a folder or in a commit is for the caller to
//! say: what a rule file includes comes from where the rule file itself comes from.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use keysieve_paths::control;

use super::compile::{Error, Problem, SCHEMA, line_of, rule_of, with_rule_id};
use super::rule::Rule;
use super::syntax::{self, DefaultsSyntax, RuleSyntax};

/// The largest rule file that is read, in bytes; what is no regular file may have no end.
const MAX_FILE_BYTES: u64 = 16 << 20;
/// How deep rule files may include each other.
const MAX_DEPTH: usize = 16;
/// The provider of rules for what no provider issues. Only its rules may lie in several files of a sorted set.
const ANY_PROVIDER: &str = "any";

/// Where the files lie that a rule file includes. Paths are relative to the rule file's own folder, with `/` between their parts.
pub trait Files {
    /// The text of a file.
    ///
    /// # Errors
    ///
    /// When it is not there, cannot be read or is not UTF-8.
    fn read(&self, path: &str) -> io::Result<String>;

    /// The names of the files in a folder, in any order; the rule file's own folder is the empty path.
    ///
    /// # Errors
    ///
    /// When the folder is not there or cannot be read.
    fn list(&self, folder: &str) -> io::Result<Vec<String>>;
}

/// Files below a folder on disk. A link that leads out of the folder is refused.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder in which the file lies.
    #[must_use]
    pub fn of(file: &Path) -> Self {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        Self(folder.unwrap_or(Path::new(".")).to_owned())
    }
}

impl Files for Folder {
    fn read(&self, path: &str) -> io::Result<String> {
        let bytes = control::read_below(&self.0, &self.0.join(path), MAX_FILE_BYTES)?;
        let bytes = bytes.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8"))
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(self.0.join(folder))? {
            let entry = entry?;
            if !entry.path().is_dir()
                && let Ok(name) = entry.file_name().into_string()
            {
                names.push(name);
            }
        }
        Ok(names)
    }
}

/// No files: for the text of a rule file that comes from nowhere.
#[derive(Debug)]
pub(super) struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _: &str) -> io::Result<String> {
        Err(io::Error::other("this rule file is a text without a folder"))
    }

    fn list(&self, _: &str) -> io::Result<Vec<String>> {
        self.read("").map(|_| Vec::new())
    }
}

/// The text of a rule file on disk.
pub(super) fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(io::Error::other(format!(
            "it has more than {MAX_FILE_BYTES} bytes, the most that is read"
        )));
    }
    Ok(text)
}

/// Reads and checks the rule file `text` and what it includes from `files`; `file` is its name in errors, and those of the others
/// are made from it. The rules are in the order of their ranks, then as they are read: what a file includes comes first, in
/// the order of `include`, files of one pattern in the order of their names.
///
/// # Errors
///
/// The first thing that is wrong with any of them, see [`Error`].
pub fn compile(file: &str, text: &str, files: &dyn Files) -> Result<Vec<Rule>, Error> {
    let own = Path::new(file).file_name().map_or(file.into(), |name| name.to_string_lossy()).into_owned();
    let mut reader = Reader {
        file,
        own: own.clone(),
        files,
        texts: BTreeMap::new(),
        open: Vec::new(),
        known: Known::default(),
        rules: Vec::new(),
    };
    reader.read(&own, text.to_owned(), &Shared::default())?;
    // Stable: within a rank, the order is that in which they were read.
    reader.rules.sort_by_key(|(rank, _)| *rank);
    Ok(reader.rules.into_iter().map(|(_, rule)| rule).collect())
}

/// What included files get from those that include them.
#[derive(Debug, Clone, Default)]
struct Shared {
    parts: BTreeMap<String, String>,
    defaults: DefaultsSyntax,
    is_sorted: bool,
}

/// A rule, by its file's path and its position there.
#[derive(Debug, Clone)]
struct Spot {
    path: String,
    position: usize,
    rule: String,
}

/// What must be there once only.
#[derive(Debug, Default)]
struct Known {
    ids: HashMap<String, Spot>,
    /// The first rule of each provider; asked for in sorted sets.
    providers: HashMap<String, Spot>,
}

struct Reader<'a> {
    file: &'a str,
    /// The path of `file`.
    own: String,
    files: &'a dyn Files,
    /// What was read, by path.
    texts: BTreeMap<String, String>,
    /// The files that are being read, each included by the one before.
    open: Vec<String>,
    known: Known,
    /// The rules with their ranks.
    rules: Vec<(u8, Rule)>,
}

impl Reader<'_> {
    /// The name of a file in errors.
    fn name(&self, path: &str) -> String {
        match path == self.own {
            true => self.file.to_owned(),
            false => Path::new(self.file).with_file_name(path).display().to_string(),
        }
    }

    fn text(&self, path: &str) -> &str {
        self.texts.get(path).map_or("", String::as_str)
    }

    fn line(&self, spot: &Spot, field: &str) -> usize {
        line_of(self.text(&spot.path), spot.position, field)
    }

    fn read(&mut self, path: &str, text: String, inherited: &Shared) -> Result<(), Error> {
        let file = self.name(path);
        let yaml = |message| Error::Yaml { file: file.clone(), message };
        control::check_brackets_of_entries(text.as_bytes()).map_err(yaml)?;
        let told = |error: serde_yaml::Error| control::without_values(&error.to_string());
        let parsed = syntax::parse(&text).map_err(|error| yaml(with_rule_id(&text, &told(error))))?;
        if parsed.schema != SCHEMA {
            return Err(Error::Schema { file, found: parsed.schema });
        }
        if parsed.rules.is_none() && parsed.include.is_empty() {
            let message = "missing field `rules`: write the rules there, or `include` files that have some";
            return Err(yaml(message.to_owned()));
        }
        let mut shared = inherited.clone();
        shared.is_sorted |= parsed.sorted;
        shared.defaults = parsed.defaults.or(&inherited.defaults);
        for (name, part) in parsed.parts {
            if shared.parts.contains_key(&name) {
                let problem = "a file that includes this one has a part of this name; give it another";
                return Err(yaml(format!("`parts`: `{name}`: {problem}")));
            }
            shared.parts.insert(name, part);
        }
        self.open.push(path.to_owned());
        self.texts.insert(path.to_owned(), text);
        for pattern in &parsed.include {
            self.include(path, pattern, &shared)?;
        }
        self.open.pop();
        let mut in_order = Vec::new();
        for (position, rule) in parsed.rules.into_iter().flatten().enumerate() {
            let spot = Spot { path: path.to_owned(), position, rule: rule.id.clone() };
            let rule = shared.defaults.complete(rule);
            if let Some(field) = rule.missing() {
                let line = self.line(&spot, "id");
                let message =
                    format!("rule `{}`: missing field `{field}` in the rule on line {line}", spot.rule);
                return Err(yaml(message));
            }
            self.add(rule, &spot, &shared, &mut in_order).map_err(|(field, problem)| Error::Field {
                file: file.clone(),
                line: self.line(&spot, field),
                rule: spot.rule.clone(),
                field,
                problem,
            })?;
        }
        Ok(())
    }

    fn add(
        &mut self,
        rule: RuleSyntax,
        spot: &Spot,
        shared: &Shared,
        in_order: &mut Vec<Key>,
    ) -> Result<(), Problem> {
        if let Some(first) = self.known.ids.get(&spot.rule) {
            let line = self.line(first, "id");
            let file = match first.path == spot.path {
                true => String::new(),
                false => format!(" of {}", self.name(&first.path)),
            };
            return Err(("id", format!("the rule on line {line}{file} has this id too; ids are unique")));
        }
        self.known.ids.insert(spot.rule.clone(), spot.clone());
        if shared.is_sorted {
            self.check_place(spot, &rule.provider, in_order)?;
        }
        self.rules.push((rule.rank, rule_of(rule, &shared.parts)?));
        Ok(())
    }

    /// Reads the files that `pattern` stands for in the file at `path`.
    fn include(&mut self, path: &str, pattern: &str, shared: &Shared) -> Result<(), Error> {
        let (file, line) = (self.name(path), line_of_include(self.text(path), pattern));
        let fail =
            |problem| Error::Include { file: file.clone(), line, pattern: pattern.to_owned(), problem };
        for included in self.matching(path, pattern).map_err(fail)? {
            if let Some(at) = self.open.iter().position(|open| *open == included) {
                let circle = [&self.open[at..], std::slice::from_ref(&included)].concat().join(" -> ");
                return Err(fail(format!("includes in a circle: {circle}; take it out of one of them")));
            }
            if self.open.len() >= MAX_DEPTH {
                return Err(fail(format!(
                    "files include each other {MAX_DEPTH} deep, the most that is read"
                )));
            }
            if self.texts.contains_key(&included) {
                continue;
            }
            let text = self.files.read(&included).map_err(|error| {
                fail(format!("{included} cannot be read: {error}; put the file there, or take it out"))
            })?;
            self.read(&included, text, shared)?;
        }
        Ok(())
    }

    /// The paths that a pattern in the file at `from` stands for, sorted.
    fn matching(&self, from: &str, pattern: &str) -> Result<Vec<String>, String> {
        let is_plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\\', ':']);
        if !pattern.split('/').all(is_plain) {
            return Err("is not below the file's own folder: write a path from there without `..`, such as \
                        `patterns/*.yaml`"
                .to_owned());
        }
        let whole = match from.rsplit_once('/') {
            Some((folder, _)) => format!("{folder}/{pattern}"),
            None => pattern.to_owned(),
        };
        let (folder, last) = whole.rsplit_once('/').unwrap_or(("", &whole));
        if folder.contains('*') {
            return Err("has `*` in a folder's name; only the file's name may have it".to_owned());
        }
        if !last.contains('*') {
            return Ok(vec![whole]);
        }
        let names = self.files.list(folder).map_err(|error| {
            format!("cannot be looked up: {folder}: {error}; put the folder there, or take it out")
        })?;
        let mut paths: Vec<String> = names
            .into_iter()
            .filter(|name| is_match(last, name))
            .map(|name| if folder.is_empty() { name } else { format!("{folder}/{name}") })
            .collect();
        paths.sort();
        match paths.is_empty() {
            true => Err("matches no file; correct it, or take it out".to_owned()),
            false => Ok(paths),
        }
    }

    /// Refuses a rule that does not lie where its provider and id sort it, or not in the file of its provider's others.
    fn check_place(&mut self, spot: &Spot, provider: &str, in_order: &mut Vec<Key>) -> Result<(), Problem> {
        if provider != ANY_PROVIDER {
            let first =
                self.known.providers.entry(provider.to_owned()).or_insert_with(|| spot.clone()).clone();
            if first.path != spot.path {
                let (line, file) = (self.line(&first, "id"), self.name(&first.path));
                let problem = format!(
                    "the rules of `{provider}` belong in one file; move this one to {file}, where `{}` is on line {line}",
                    first.rule
                );
                return Err(("provider", problem));
            }
        }
        let key = (provider.to_lowercase(), provider.to_owned(), spot.rule.clone());
        if let Some((_, _, next)) = in_order.iter().find(|other| **other > key) {
            let problem = format!("rules are sorted by provider and id; move this one in front of `{next}`");
            return Err(("id", problem));
        }
        in_order.push(key);
        Ok(())
    }
}

/// What rules are sorted by: the provider without regard to case, then as written, then the id.
type Key = (String, String, String);

/// Whether `*` in the pattern may stand for what the name has there. Hidden names are matched by what begins with a dot only.
fn is_match(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    if first.is_empty() && name.starts_with('.') {
        return false;
    }
    let mut pieces: Vec<&str> = pieces.collect();
    let last = pieces.pop().unwrap_or_default();
    for piece in pieces {
        match rest.split_once(piece) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// The line of a pattern under `include`; of `include` itself where the pattern is not written out.
fn line_of_include(text: &str, pattern: &str) -> usize {
    let mut lines = text.lines().enumerate().skip_while(|(_, line)| !line.starts_with("include"));
    let first = lines.clone().next().map_or(1, |(index, _)| index + 1);
    lines.find(|(_, line)| line.contains(pattern)).map_or(first, |(index, _)| index + 1)
}
