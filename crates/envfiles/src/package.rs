//! Packages about to be built: which files of a project go into an sdist, a wheel or an npm package.
//!
//! Known are setuptools' `MANIFEST.in` (<https://setuptools.pypa.io/en/latest/userguide/miscellaneous.html>), hatchling
//! (<https://hatch.pypa.io/latest/config/build/#file-selection>), Poetry
//! (<https://python-poetry.org/docs/pyproject/#include-and-exclude>) and npm
//! (<https://docs.npmjs.com/cli/v11/configuring-npm/package-json#files>).

use std::path::{Path, PathBuf};

use bstr::{BStr, BString, ByteSlice};
use toml::{Table, Value};

use keysieve_model::coverage::Unread;
use keysieve_paths::docker::matches_tree;
use keysieve_paths::git::IgnoreFile;

use super::ignores::{Ignores, Whose, folder_of};
use super::survey::{read_project_file, relative};
use keysieve_paths::IgnoreSettings;

/// A project that a package can be built of.
#[derive(Debug)]
pub struct Package {
    root: PathBuf,
    builds: Vec<Build>,
}

/// A package that is built of it.
#[derive(Debug)]
struct Build {
    kind: &'static str,
    /// The file that says what goes in.
    file: &'static str,
    rules: Rules,
}

#[derive(Debug)]
enum Rules {
    Manifest { commands: Vec<(String, Vec<String>)>, takes_tracked: bool },
    Hatch(Hatch),
    Poetry { include: Vec<String>, exclude: Vec<String>, packages: Vec<String> },
    Npm { files: Option<IgnoreFile>, ignores: Ignores },
}

/// What hatchling is told of one target. Patterns are git's.
#[derive(Debug)]
struct Hatch {
    /// Nothing means all.
    include: Option<IgnoreFile>,
    exclude: IgnoreFile,
    /// In the package though git ignores them.
    artifacts: IgnoreFile,
    only: Vec<String>,
    forced: Vec<String>,
    ignores_git: bool,
}

/// What git makes of a file.
#[derive(Debug, Clone, Copy)]
pub struct InGit {
    /// A `.gitignore` ignores it.
    pub is_ignored: bool,
    /// It is in the index.
    pub is_tracked: bool,
}

/// A package that a file goes into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inclusion {
    /// What is built.
    pub kind: &'static str,
    /// The file that says so, or that could say otherwise.
    pub file: PathBuf,
    /// Why it goes in.
    pub why: String,
    /// What keeps it out.
    pub fix: String,
}

impl Package {
    /// Reads the project files in `root`; what cannot be read goes to `unread`, shown by `shown`.
    pub fn read(root: &Path, shown: &dyn Fn(&Path) -> BString, unread: &mut Vec<Unread>) -> Self {
        let mut text = |name: &str| {
            let path = root.join(name);
            read_project_file(&path).unwrap_or_else(|why| {
                unread.push(Unread::new(shown(&path), why));
                None
            })
        };
        let (python, manifest, npm) = (text("pyproject.toml"), text("MANIFEST.in"), text("package.json"));
        let has_setup = ["setup.py", "setup.cfg"].iter().any(|name| root.join(name).is_file());
        let mut malformed = |name: &str, why: String| {
            let why = format!("{why}; what goes into the package is not known");
            unread.push(Unread::new(shown(&root.join(name)), why));
        };
        let python: Option<Table> = python.and_then(|text| match text.to_str_lossy().parse() {
            Ok(table) => Some(table),
            Err(_) => {
                malformed("pyproject.toml", "it is no TOML".to_owned());
                None
            }
        });
        let mut builds =
            python.as_ref().map(|table| of_pyproject(table, manifest.as_deref(), root)).unwrap_or_default();
        if python.is_none() && has_setup {
            builds.extend(manifest.as_deref().map(|text| setuptools(text, false)));
        }
        if let Some(text) = npm {
            match serde_json::from_slice(&text) {
                Ok(json) => builds.extend(of_package_json(&json, root)),
                Err(error) => malformed("package.json", format!("it is no JSON: {error}")),
            }
        }
        Self { root: root.to_owned(), builds }
    }

    /// The packages that the file goes into; it is an absolute path.
    #[must_use]
    pub fn inclusions(&self, file: &Path, git: InGit) -> Vec<Inclusion> {
        if !file.starts_with(&self.root) {
            return Vec::new();
        }
        let path = relative(&self.root, file);
        let of = |build: &Build| {
            let (why, fix) = build.rules.include(path.as_bstr(), git)?;
            Some(Inclusion { kind: build.kind, file: self.root.join(build.file), why, fix })
        };
        self.builds.iter().filter_map(of).collect()
    }
}

fn of_pyproject(table: &Table, manifest: Option<&[u8]>, root: &Path) -> Vec<Build> {
    let system = table.get("build-system").and_then(Value::as_table);
    let backend =
        system.and_then(|system| system.get("build-backend")).and_then(Value::as_str).unwrap_or_default();
    let tool = table.get("tool").and_then(Value::as_table);
    if backend.starts_with("hatchling") {
        let build = tool.and_then(|tool| tool.get("hatch")?.get("build")?.as_table());
        ["sdist", "wheel"].into_iter().filter_map(|kind| hatch(kind, build)).collect()
    } else if backend.starts_with("poetry") {
        // Without a table of its own it takes the package that the project is named for.
        let poetry = tool.and_then(|tool| tool.get("poetry")?.as_table()).cloned().unwrap_or_default();
        vec![of_poetry(&poetry, table, root)]
    } else if backend.is_empty() || backend.starts_with("setuptools") {
        let requires = system.and_then(|system| system.get("requires")?.as_array());
        let takes_tracked = requires.into_iter().flatten().filter_map(Value::as_str).any(|requirement| {
            requirement.replace('_', "-").to_ascii_lowercase().starts_with("setuptools-scm")
        });
        let text = manifest.unwrap_or_default();
        (manifest.is_some() || takes_tracked).then(|| setuptools(text, takes_tracked)).into_iter().collect()
    } else {
        Vec::new()
    }
}

fn setuptools(manifest: &[u8], takes_tracked: bool) -> Build {
    let text = manifest.to_str_lossy().replace("\\\n", " ").replace("\\\r\n", " ");
    let command = |line: &str| {
        let mut words = line.split('#').next()?.split_whitespace().map(str::to_owned);
        Some((words.next()?, words.collect()))
    };
    let commands = text.lines().filter_map(command).collect();
    Build { kind: "sdist", file: "MANIFEST.in", rules: Rules::Manifest { commands, takes_tracked } }
}

fn hatch(kind: &'static str, build: Option<&Table>) -> Option<Build> {
    let target = build.and_then(|build| build.get("targets")?.get(kind)?.as_table());
    let value = |key: &str| {
        target.and_then(|target| target.get(key)).or_else(|| build.and_then(|build| build.get(key)))
    };
    let strings = |key: &str| -> Option<Vec<String>> { value(key).map(strings_of) };
    let patterns =
        |key: &str| IgnoreFile::parse(strings(key).unwrap_or_default().join("\n").as_bytes(), b"", false);
    let forced =
        value("force-include").and_then(Value::as_table).map(|table| table.keys().cloned().collect());
    let mut hatch = Hatch {
        include: strings("include").map(|_| patterns("include")),
        exclude: patterns("exclude"),
        artifacts: patterns("artifacts"),
        only: strings("only-include").unwrap_or_default(),
        forced: forced.unwrap_or_default(),
        ignores_git: value("ignore-vcs").and_then(Value::as_bool).unwrap_or(false),
    };
    if kind == "wheel" {
        // A wheel holds packages only, unless it is told otherwise.
        let packages = strings("packages").unwrap_or_default();
        let is_told = hatch.include.is_some() || !hatch.only.is_empty() || !packages.is_empty();
        if hatch.only.is_empty() {
            hatch.only = packages;
        }
        if !is_told && hatch.forced.is_empty() {
            return None;
        }
        if !is_told {
            hatch.include = Some(IgnoreFile::default());
        }
    }
    Some(Build { kind, file: "pyproject.toml", rules: Rules::Hatch(hatch) })
}

fn of_poetry(poetry: &Table, table: &Table, root: &Path) -> Build {
    let paths = |key: &str| {
        let entries = poetry.get(key).and_then(Value::as_array).into_iter().flatten();
        let path = |entry: &Value| entry.as_str().or_else(|| entry.get("path")?.as_str()).map(str::to_owned);
        entries.filter_map(path).collect()
    };
    let packages =
        poetry.get("packages").and_then(Value::as_array).into_iter().flatten().filter_map(|package| {
            let include = package.get("include")?.as_str()?;
            Some(
                package
                    .get("from")
                    .and_then(Value::as_str)
                    .map_or(include.to_owned(), |from| format!("{from}/{include}")),
            )
        });
    let mut packages: Vec<String> = packages.collect();
    if packages.is_empty() {
        let name = poetry.get("name").or_else(|| table.get("project")?.get("name")).and_then(Value::as_str);
        let module = name.unwrap_or_default().replace(['-', '.'], "_").to_ascii_lowercase();
        let candidates = [module.clone(), format!("src/{module}")];
        packages
            .extend(candidates.into_iter().filter(|folder| !module.is_empty() && root.join(folder).is_dir()));
    }
    let rules = Rules::Poetry { include: paths("include"), exclude: paths("exclude"), packages };
    Build { kind: "sdist or wheel", file: "pyproject.toml", rules }
}

fn of_package_json(json: &serde_json::Value, root: &Path) -> Option<Build> {
    if json.get("private").and_then(serde_json::Value::as_bool) == Some(true) {
        return None;
    }
    let files = json.get("files").and_then(serde_json::Value::as_array).map(|files| {
        // They count from the top of the package.
        let rooted = |line: &str| match line.strip_prefix('!') {
            Some(line) => format!("!/{}", line.trim_start_matches("./").trim_start_matches('/')),
            None => format!("/{}", line.trim_start_matches("./").trim_start_matches('/')),
        };
        let lines = files.iter().filter_map(serde_json::Value::as_str).map(rooted);
        IgnoreFile::parse(lines.collect::<Vec<_>>().join("\n").as_bytes(), b"", true)
    });
    let names = &[".npmignore", ".gitignore"];
    let settings = IgnoreSettings { folds_case: true, own_files: Vec::new(), names };
    let rules = Rules::Npm { files, ignores: Ignores::new(root, settings) };
    Some(Build { kind: "npm package", file: "package.json", rules })
}

fn strings_of(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

impl Rules {
    /// Why the file goes in, and what keeps it out; none where it does not.
    fn include(&self, path: &BStr, git: InGit) -> Option<(String, String)> {
        match self {
            Self::Manifest { commands, takes_tracked } => {
                let mut why = (*takes_tracked && git.is_tracked)
                    .then(|| "setuptools-scm puts in what git tracks".to_owned());
                for (command, words) in commands {
                    match takes(command, words, path) {
                        Some(true) => why = Some(format!("`{command} {}`", words.join(" "))),
                        Some(false) => why = None,
                        None => {}
                    }
                }
                Some((why?, format!("add `exclude {path}` to MANIFEST.in")))
            }
            Self::Hatch(hatch) => {
                let fix = format!("add `\"/{path}\"` to `exclude` of `[tool.hatch.build]` in pyproject.toml");
                hatch.why(path, git).map(|why| (why, fix))
            }
            Self::Poetry { include, exclude, packages } => {
                let fix = format!("add `\"{path}\"` to `exclude` of `[tool.poetry]` in pyproject.toml");
                if exclude.iter().any(|pattern| is_at_or_below(pattern, path)) {
                    return None;
                }
                if let Some(pattern) = include.iter().find(|pattern| is_at_or_below(pattern, path)) {
                    return Some((format!("`include = [\"{pattern}\"]`"), fix));
                }
                let package = packages.iter().find(|pattern| is_at_or_below(pattern, path))?;
                (!git.is_ignored)
                    .then(|| (format!("it lies in the package {package}, and no .gitignore names it"), fix))
            }
            // Whatever else is said.
            Self::Npm { .. } if path.split(|&byte| byte == b'/').any(|part| part == b"node_modules") => None,
            Self::Npm { files: Some(files), ignores } => {
                let pattern = deciding(files, path).filter(|pattern| !pattern.is_negated)?;
                let verdict = ignores.verdict(path, false, Whose::Everyones);
                let is_kept_out_below = verdict.is_ignored
                    && verdict.decision.is_some_and(|told| {
                        told.file.ends_with(b".npmignore") && !folder_of(told.file.as_bstr()).is_empty()
                    });
                (!is_kept_out_below).then(|| {
                    (
                        format!(
                            "`files` names `{}`",
                            pattern.text.trim_start_with(|slash| slash == '/').as_bstr()
                        ),
                        format!("add `\"!{path}\"` to `files` in package.json"),
                    )
                })
            }
            Self::Npm { files: None, ignores } => {
                let verdict = ignores.verdict(path, false, Whose::Everyones);
                let why = "there is no `files` in package.json, and no .npmignore (or .gitignore, where there is none) names it";
                let fix = format!(
                    "add `/{path}` to .npmignore, or list what is published in `files` of package.json"
                );
                (!verdict.is_ignored).then(|| (why.to_owned(), fix))
            }
        }
    }
}

/// Whether a command of a `MANIFEST.in` takes the file in or out.
fn takes(command: &str, words: &[String], path: &BStr) -> Option<bool> {
    let folder = words.first().map(|folder| folder.trim_matches('/')).unwrap_or_default();
    let below = |pattern: &str| {
        if folder == "." { format!("**/{pattern}") } else { format!("{folder}/**/{pattern}") }
    };
    let rest = words.get(1..).unwrap_or_default();
    let any = |patterns: Vec<String>| patterns.iter().any(|pattern| matches_tree(pattern, path));
    let (is_hit, takes) = match command {
        "include" => (any(words.to_vec()), true),
        "exclude" => (any(words.to_vec()), false),
        "global-include" => (any(words.iter().map(|word| format!("**/{word}")).collect()), true),
        "global-exclude" => (any(words.iter().map(|word| format!("**/{word}")).collect()), false),
        "recursive-include" => (any(rest.iter().map(|word| below(word)).collect()), true),
        "recursive-exclude" => (any(rest.iter().map(|word| below(word)).collect()), false),
        "graft" => (folder == "." || is_at_or_below(folder, path), true),
        "prune" => (folder == "." || is_at_or_below(folder, path), false),
        _ => return None,
    };
    is_hit.then_some(takes)
}

impl Hatch {
    fn why(&self, path: &BStr, git: InGit) -> Option<String> {
        let is_in =
            |patterns: &IgnoreFile| deciding(patterns, path).is_some_and(|pattern| !pattern.is_negated);
        if self.forced.iter().any(|source| is_at_or_below(source.trim_start_matches("./"), path)) {
            return Some("`force-include` names it".to_owned());
        }
        if is_in(&self.exclude)
            || !(self.only.is_empty() || self.only.iter().any(|folder| is_at_or_below(folder, path)))
        {
            return None;
        }
        if is_in(&self.artifacts) {
            return Some("`artifacts` names it".to_owned());
        }
        if git.is_ignored && !self.ignores_git {
            return None;
        }
        match &self.include {
            Some(include) => is_in(include).then(|| "`include` names it".to_owned()),
            None => Some("hatchling puts in what no .gitignore names".to_owned()),
        }
    }
}

/// The pattern that decides about the file, or else about a folder that it lies in, the nearest first.
fn deciding<'a>(patterns: &'a IgnoreFile, path: &'a BStr) -> Option<&'a keysieve_paths::git::Pattern> {
    let mut path: &'a BStr = path;
    let mut is_dir = false;
    loop {
        let found = patterns.matching(path, is_dir).next();
        if found.is_some() || folder_of(path).is_empty() {
            return found;
        }
        (path, is_dir) = (folder_of(path), true);
    }
}

/// Whether the path, or a folder that it lies in, matches.
fn is_at_or_below(pattern: &str, path: &BStr) -> bool {
    let pattern = pattern.trim_start_matches("./").trim_end_matches('/');
    let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
    ends.chain([path.len()]).any(|end| matches_tree(pattern, &path[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_are_read_in_order() {
        for (manifest, path, expected) in [
            ("include *.env", "prod.env", true),
            ("include *.env", "conf/prod.env", false),
            ("global-include *.env", "conf/a/prod.env", true),
            ("recursive-include conf *", "conf/a/.env", true),
            ("recursive-include conf *.toml", "conf/.env", false),
            ("graft conf", "conf/a/.env", true),
            ("graft conf\nprune conf/a", "conf/a/.env", false),
            ("graft .\nglobal-exclude .env", "a/.env", false),
            ("exclude .env\ninclude .env", ".env", true),
            ("# graft conf", "conf/.env", false),
        ] {
            let build = setuptools(manifest.as_bytes(), false);
            let git = InGit { is_ignored: true, is_tracked: false };
            assert_eq!(build.rules.include(path.into(), git).is_some(), expected, "{manifest:?} and {path}");
        }
    }

    /// What `npm pack --dry-run` of npm 10 lists.
    #[test]
    fn files_of_npm_packages_count_from_the_top() {
        for (files, path, expected) in [
            ("['conf']", "conf/.env", true),
            ("['./conf/']", "conf/a/.env", true),
            ("['conf']", "lib/conf/.env", false),
            ("['prod.env']", "conf/prod.env", false),
            ("['*']", "conf/prod.env", true),
            ("['**/*.env']", "conf/prod.env", true),
            ("['**/*.env']", "node_modules/a/prod.env", false),
            ("['conf/*.env', '!conf/prod.env']", "conf/prod.env", false),
            ("['conf/*.env', '!conf/prod.env']", "conf/dev.env", true),
        ] {
            let text = format!("{{\"files\": {}}}", files.replace('\'', "\""));
            let json = serde_json::from_str(&text).expect("JSON");
            let build = of_package_json(&json, Path::new("/nowhere")).expect("a package");
            let git = InGit { is_ignored: true, is_tracked: false };
            assert_eq!(build.rules.include(path.into(), git).is_some(), expected, "{files} and {path}");
        }
    }

    #[test]
    fn what_hatchling_and_poetry_put_in() {
        let hatch = "[build-system]\nbuild-backend = 'hatchling.build'\n";
        let poetry = "[build-system]\nbuild-backend = 'poetry.core.masonry.api'\n[tool.poetry]\n";
        let without_table =
            "[build-system]\nbuild-backend = 'poetry.core.masonry.api'\n[project]\nname = 'src'\n";
        for (text, path, is_ignored, expected) in [
            (hatch.to_owned(), ".env", false, true),
            (hatch.to_owned(), ".env", true, false),
            (format!("{hatch}[tool.hatch.build]\nexclude = ['.env']\n"), "a/.env", false, false),
            (format!("{hatch}[tool.hatch.build]\nignore-vcs = true\n"), ".env", true, true),
            (format!("{hatch}[tool.hatch.build]\nartifacts = ['*.env']\n"), "prod.env", true, true),
            (format!("{hatch}[tool.hatch.build.targets.sdist]\ninclude = ['/src']\n"), ".env", false, false),
            (
                format!("{hatch}[tool.hatch.build.targets.sdist]\ninclude = ['/src']\n"),
                "src/a/.env",
                false,
                true,
            ),
            (
                format!("{hatch}[tool.hatch.build.targets.wheel.force-include]\n'.env' = 'x'\n"),
                ".env",
                true,
                true,
            ),
            (format!("{poetry}include = ['conf/*.env']\n"), "conf/a.env", true, true),
            (
                format!("{poetry}include = [{{ path = 'conf', format = 'sdist' }}]\n"),
                "conf/a/.env",
                true,
                true,
            ),
            (
                format!("{poetry}packages = [{{ include = 'app', from = 'src' }}]\n"),
                "src/app/.env",
                false,
                true,
            ),
            (
                format!("{poetry}packages = [{{ include = 'app', from = 'src' }}]\n"),
                "src/app/.env",
                true,
                false,
            ),
            (format!("{poetry}include = ['conf']\nexclude = ['conf/.env']\n"), "conf/.env", true, false),
            (without_table.to_owned(), "src/.env", false, true),
        ] {
            let table: Table = text.parse().expect("TOML");
            let builds = of_pyproject(&table, None, Path::new(env!("CARGO_MANIFEST_DIR")));
            let git = InGit { is_ignored, is_tracked: false };
            let is_in = builds.iter().any(|build| build.rules.include(path.into(), git).is_some());
            assert_eq!(is_in, expected, "{path} and {text}");
        }
    }
}
