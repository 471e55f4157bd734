//! What a path says about a file: its language, and whether its values are those of a test, a translation or a lock file.

use bstr::ByteSlice;

use keysieve_model::provenance::file_name;

/// How values are written in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// Values are expressions: an unquoted one is no literal.
    Code,
    /// Values may stand without quotes.
    Data,
    /// Text for people.
    Prose,
}

/// What a path says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PathClass {
    /// How values are written there.
    pub language: Language,
    /// A test, a fixture, an example or documentation.
    pub is_test: bool,
    /// A translation.
    pub is_localisation: bool,
    /// A file that is called as a language is, which may be a translation.
    pub is_called_by_language: bool,
    /// A description of a user interface.
    pub is_user_interface: bool,
    /// A list of resolved dependencies.
    pub is_lock_file: bool,
    /// Somebody else's code.
    pub is_vendored: bool,
    /// What comes with a language itself.
    pub is_standard_library: bool,
    /// A library of the system, shared or static.
    pub is_system_library: bool,
}

const CODE: &[&str] = &[
    "py", "pyi", "pyx", "js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "vue", "svelte", "go", "java",
    "kt", "kts", "scala", "groovy", "gradle", "cs", "vb", "fs", "c", "h", "cc", "cpp", "cxx", "hpp", "hh",
    "m", "mm", "swift", "rs", "rb", "erb", "php", "phtml", "pl", "pm", "lua", "r", "jl", "dart", "ex", "exs",
    "erl", "hrl", "hs", "ml", "mli", "clj", "cljs", "elm", "nim", "zig", "sol", "tf", "hcl", "jsonnet",
    "css", "scss", "less", "html", "htm", "xhtml", "jinja", "j2", "asm", "s", "d", "v", "vhd", "el", "lisp",
    "scm", "proto", "thrift", "graphql", "gql", "prisma", "ipynb", "json", "json5", "jsonc", "awk", "tcl",
    "coffee", "po", "y", "l", "pas", "cmake", "bzl", "star", "nix", "map",
];
/// What programs make for programs: text between quotes is data there, all else is not.
const BINARY: &[&str] = &[
    "pyc", "pyo", "so", "a", "o", "lib", "dll", "dylib", "exe", "class", "wasm", "bin", "dat", "elc", "beam",
    "rlib", "rmeta", "gmo",
];
const PROSE: &[&str] =
    &["md", "markdown", "mdx", "rst", "adoc", "asciidoc", "txt", "tex", "texi", "org", "pod", "man"];
/// Folders of `share` whose files are for people, whatever they are called: `git-rebase.1`, `copyright`.
const PROSE_FOLDERS: &[&str] = &["man", "info", "doc"];
const USER_INTERFACE: &[&str] = &["storyboard", "xib", "xaml", "resx", "strings", "ui", "qml", "stringsdict"];
const LOCALISATION_FILES: &[&str] = &["po", "pot", "mo", "xlf", "xliff", "ts_lang", "arb"];
const LOCALISATION_FOLDERS: &[&str] = &[
    "locale",
    "locales",
    "i18n",
    "l10n",
    "lang",
    "langs",
    "languages",
    "localisation",
    "localization",
    "translations",
    "nls",
];
/// ISO 639-1 codes of languages into which programs are translated, and the extensions of files that translations stand in by their
/// codes: `fi.json`, `pt-BR.yml`. Some are also those of countries and regions, so that only words are weighed by them.
#[rustfmt::skip]
const LANGUAGES: &[&str] = &[
    "af", "ar", "az", "be", "bg", "bn", "bs", "ca", "cs", "cy", "da", "de", "el", "en", "eo", "es", "et", "eu", "fa", "fi", "fr",
    "ga", "gl", "gu", "he", "hi", "hr", "hu", "hy", "it", "ja", "ka", "kk", "km", "kn", "ko", "ky", "lt", "lv", "mk", "ml", "mn",
    "mr", "ms", "nb", "ne", "nl", "nn", "pa", "pl", "pt", "ro", "ru", "sk", "sl", "sq", "sr", "sv", "sw", "ta", "te", "th", "tr",
    "uk", "ur", "uz", "vi", "zh",
];
const TRANSLATION_FILES: &[&str] = &["json", "json5", "yml", "yaml", "properties", "js", "ts", "php"];
const LOCK_FILES: &[&str] = &[
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "poetry.lock",
    "pipfile.lock",
    "uv.lock",
    "pdm.lock",
    "cargo.lock",
    "gemfile.lock",
    "composer.lock",
    "go.sum",
    "flake.lock",
    "mix.lock",
    "pubspec.lock",
    "podfile.lock",
    "bun.lock",
    "module.bazel.lock",
];
const VENDORED: &[&str] = &[
    "vendor",
    "vendored",
    "third_party",
    "third-party",
    "node_modules",
    "bower_components",
    "site-packages",
    "dist-packages",
];
const TESTS: &[&str] = &[
    "test",
    "tests",
    "testing",
    "spec",
    "specs",
    "fixture",
    "fixtures",
    "testdata",
    "__tests__",
    "example",
    "examples",
    "sample",
    "samples",
    "demo",
    "demos",
    "doc",
    "docs",
    "t",
    "mock",
    "mocks",
    "integration",
    "e2e",
];

impl PathClass {
    /// What is known of a file at `path` in an archive that is itself at a path of this class. A text in a manual page that is packed is
    /// prose, and a key in a package of a test is one of that test.
    #[must_use]
    pub fn within(self, path: &[u8]) -> Self {
        let inner = classify(path);
        let says_nothing = !file_name(path.as_bstr()).contains(&b'.');
        let language = match (self.language, inner.language) {
            (Language::Prose, Language::Data) => Language::Prose,
            // `(strings)` of compiled code.
            (Language::Code, Language::Data) if says_nothing => Language::Code,
            (_, language) => language,
        };
        Self {
            language,
            is_test: self.is_test || inner.is_test,
            is_localisation: self.is_localisation || inner.is_localisation,
            is_vendored: self.is_vendored || inner.is_vendored,
            is_standard_library: self.is_standard_library || inner.is_standard_library,
            is_system_library: self.is_system_library || inner.is_system_library,
            ..inner
        }
    }
}

/// What `path` says, `/` between its parts.
#[must_use]
pub fn classify(path: &[u8]) -> PathClass {
    let lower = String::from_utf8_lossy(path).to_lowercase();
    let mut folders: Vec<&str> = lower.split('/').collect();
    let name = folders.pop().unwrap_or_default();
    let in_folder = |list: &[&str]| folders.iter().any(|folder| list.contains(folder));
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let is_minified = [".min.js", ".min.css", ".bundle.js", ".bundled.js", ".js.map", ".css.map"]
        .iter()
        .any(|ending| name.ends_with(ending));
    let language = match extension {
        _ if CODE.contains(&extension) || BINARY.contains(&extension) => Language::Code,
        _ if folders.windows(2).any(|pair| pair[0] == "share" && PROSE_FOLDERS.contains(&pair[1])) => {
            Language::Prose
        }
        _ if PROSE.contains(&extension) || matches!(name, "readme" | "changelog" | "changes" | "authors") => {
            Language::Prose
        }
        _ => Language::Data,
    };
    PathClass {
        language,
        is_test: in_folder(TESTS)
            || name.starts_with("test_")
            || name.starts_with("test-")
            || name.starts_with("example")
            || [".test.", ".spec.", "_test.", ".example", ".sample"].iter().any(|part| name.contains(part))
            || name == "conftest.py"
            || language == Language::Prose,
        is_localisation: in_folder(LOCALISATION_FOLDERS)
            || LOCALISATION_FILES.contains(&extension)
            || name == "strings.xml"
            || name.starts_with("messages_")
            || name.starts_with("localstrings"),
        is_called_by_language: is_called_by_a_language(name),
        is_user_interface: USER_INTERFACE.contains(&extension),
        is_lock_file: LOCK_FILES.contains(&name),
        is_vendored: in_folder(VENDORED) || is_minified,
        is_standard_library: is_in_standard_library(&folders),
        is_system_library: is_library(name)
            && matches!(folders.as_slice(), ["lib" | "lib64", ..] | ["usr", "lib" | "lib64", ..]),
    }
}

/// `fi.json`, `pt-br.yml`, `zh_hans.php`.
fn is_called_by_a_language(name: &str) -> bool {
    let Some((stem, extension)) = name.rsplit_once('.') else { return false };
    let (language, region) = stem.split_once(['-', '_']).unwrap_or((stem, ""));
    TRANSLATION_FILES.contains(&extension)
        && LANGUAGES.contains(&language)
        && (region.is_empty()
            || region.len() == 2
            || matches!(region, "hans" | "hant" | "latn" | "cyrl" | "419"))
}

/// `libname.so`, with a version or without, and `libname.a`.
fn is_library(name: &str) -> bool {
    name.starts_with("lib") && (name.ends_with(".so") || name.contains(".so.") || name.ends_with(".a"))
}

/// `usr/local/lib/python3.11/urllib`, but not the folder in it where everything is installed that did not come with the language.
fn is_in_standard_library(folders: &[&str]) -> bool {
    let is_python = |name: &str| {
        let version = name.strip_prefix("python").unwrap_or_default();
        version.contains('.') && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    };
    let is_installed = folders.iter().any(|folder| matches!(*folder, "site-packages" | "dist-packages"));
    !is_installed && folders.windows(2).any(|pair| pair[0] == "lib" && is_python(pair[1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_tell_language_and_purpose() {
        assert_eq!(classify(b"src/app.py").language, Language::Code);
        assert_eq!(classify(b"deploy/prod.yml").language, Language::Data);
        assert_eq!(classify(b".env").language, Language::Data);
        assert_eq!(classify(b"usr/share/man/man1/git-rebase.1").language, Language::Prose);
        assert!(classify(b"usr/lib/x86_64-linux-gnu/libgnutls.so.30.34.3").is_system_library);
        assert!(!classify(b"app/lib/libkeys.so").is_system_library);
        assert_eq!(classify(b"README.md").language, Language::Prose);
        assert!(classify(b"t/unit/test_x.py").is_test);
        assert!(!classify(b"src/latest.py").is_test);
        assert!(classify(b"app/Locale/fi.json").is_localisation);
        assert!(classify(b"src/assets/pt-BR.json").is_called_by_language);
        assert!(classify(b"src/assets/zh_Hans.php").is_called_by_language);
        assert!(!classify(b"config/db.json").is_called_by_language);
        assert!(!classify(b"config/de-prod.yml").is_called_by_language);
        assert!(classify(b"poetry.lock").is_lock_file);
        assert!(classify(b"usr/lib/x86_64-linux-gnu/libgnutls.a").is_system_library);
        assert!(classify(b"usr/local/lib/python3.11/urllib/request.py").is_standard_library);
        assert!(!classify(b"usr/local/lib/python3.11/site-packages/app/main.py").is_standard_library);
        assert!(!classify(b"srv/lib/python/app.py").is_standard_library);
    }

    #[test]
    fn a_place_is_judged_by_the_names_of_all_archives_around_it() {
        assert_eq!(classify(b"usr/share/doc/x/NEWS.gz").within(b"NEWS").language, Language::Prose);
        assert!(classify(b"usr/share/man/man1/x.1.gz").within(b"x.1").is_test);
        let test = classify(b"app/vendor.zip").within(b"node_modules/x/test/key.pem");
        assert!(test.is_vendored && test.is_test);
        assert!(classify(b"usr/lib/python3/dist-packages/x.pyc").within(b"(strings)").is_vendored);
        assert_eq!(classify(b"app/x.pyc").within(b"(strings)").language, Language::Code);
        assert!(classify(b"usr/lib/libgnutls.a").within(b"/151").is_system_library);
        let plain = classify(b"srv/backup.tar.gz").within(b"backup.tar").within(b"etc/app.conf");
        assert_eq!(plain, classify(b"etc/app.conf"));
    }
}
