//! Which files hold environments, by their names: one table, which the README shows too.

use bstr::ByteSlice;
use keysieve_model::provenance::file_name;

/// A kind of file that holds variables with their values.
#[derive(Debug)]
pub struct Known {
    /// What its path looks like.
    pub shape: Shape,
    /// The path as people write it: `*` stands for any text.
    pub shown: &'static str,
    /// What reads such files.
    pub read_by: &'static str,
}

/// What a path looks like. Letters may be in either case.
#[derive(Debug)]
pub enum Shape {
    /// The file is called so.
    Name(&'static str),
    /// The name begins so, and goes on.
    Prefix(&'static str),
    /// The name ends so, and something stands in front of it.
    Suffix(&'static str),
    /// The file is called so, and lies in a folder that is called so.
    In(&'static str, &'static str),
    /// The file is called so, and lies in a folder of a folder that is called so.
    Below(&'static str, &'static str),
}

const fn known(shape: Shape, shown: &'static str, read_by: &'static str) -> Known {
    Known { shape, shown, read_by }
}

/// The files that are looked at. What compose files and systemd units name comes on top.
pub const TABLE: &[Known] = &[
    known(Shape::Name(".env"), ".env", "dotenv libraries, Docker Compose, Vite, Next.js, Laravel, ..."),
    known(Shape::Prefix(".env."), ".env.*", "the same, for one stage or one machine"),
    known(Shape::Prefix(".env-"), ".env-*", "the same, named by some with a hyphen"),
    known(Shape::Prefix(".env_"), ".env_*", "the same, and with an underscore"),
    known(Shape::Suffix(".env"), "*.env", "`docker run --env-file`, compose files, IDEs"),
    known(Shape::Name(".envrc"), ".envrc", "direnv"),
    known(Shape::Prefix(".envrc."), ".envrc.*", "direnv (`source_env`)"),
    known(Shape::Name(".flaskenv"), ".flaskenv", "Flask"),
    known(Shape::In(".streamlit", "secrets.toml"), ".streamlit/secrets.toml", "Streamlit"),
    known(Shape::Prefix(".secrets."), ".secrets.*", "Dynaconf"),
    known(Shape::Name(".secrets"), ".secrets", "act (GitHub Actions on one's own machine)"),
    known(Shape::Name(".dev.vars"), ".dev.vars", "Cloudflare Wrangler"),
    known(Shape::Prefix(".dev.vars."), ".dev.vars.*", "Cloudflare Wrangler"),
    known(Shape::Below(".envs", ".django"), ".envs/*/.django", "Cookiecutter Django"),
    known(Shape::Below(".envs", ".postgres"), ".envs/*/.postgres", "Cookiecutter Django"),
    known(Shape::Name("local.settings.json"), "local.settings.json", "Azure Functions"),
];

/// Parts of names that say: this one shows which variables there are, or its values are encrypted. It is meant to be committed.
const TEMPLATE_PARTS: &[&str] = &[
    "example",
    "examples",
    "sample",
    "template",
    "dist",
    "tmpl",
    "tpl",
    "default",
    "defaults",
    "vault",
    "enc",
    "encrypted",
    "sops",
    "gpg",
    "age",
];

/// What stands behind a name in that of a copy which editors, file managers and people make, in small letters. A date or a number may
/// follow: `.env.bak-2026-07-20`, `.env copy 2`.
const COPY_ENDINGS: &[&str] = &[
    ".backup", ".bak", ".copy", ".old", ".orig", ".save", " - copy", " copy", "-backup", "-bak", "_backup",
    "_bak", "_old", "~",
];

/// Whether the file at `path` holds environment variables with their values. Templates do not.
#[must_use]
pub fn is_env_path(path: &[u8]) -> bool {
    is_known_path(path) && !is_template_path(path)
}

/// Whether the file at `path` is one of [`TABLE`], a template or not.
#[must_use]
pub fn is_known_path(path: &[u8]) -> bool {
    let mut parts = path.rsplit(|&byte| byte == b'/');
    let name = parts.next().unwrap_or_default();
    let (folder, above) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let is_known = |name: &[u8]| {
        TABLE.iter().any(|known| {
            known.shape.has_name(name)
                && match known.shape {
                    Shape::In(needed, _) => folder.eq_ignore_ascii_case(needed.as_bytes()),
                    Shape::Below(needed, _) => above.eq_ignore_ascii_case(needed.as_bytes()),
                    _ => true,
                }
        })
    };
    is_known(name) || copied(name).is_some_and(is_known)
}

/// The name of the file that a file of this name is a copy of.
fn copied(name: &[u8]) -> Option<&[u8]> {
    let is_counter = |byte: &u8| byte.is_ascii_digit() || b"-_.:T() ".contains(byte);
    let counter = name.iter().rev().take_while(|byte| is_counter(byte)).count();
    let uncounted = &name[..name.len() - counter];
    let copy_of = |name: &[u8]| {
        COPY_ENDINGS.iter().find_map(|ending| {
            let length = name.len().checked_sub(ending.len())?;
            (length > 0 && same(&name[length..], ending)).then_some(length)
        })
    };
    // `.env (1)`: a counter alone, in brackets.
    let is_numbered = name.ends_with(b")") && name[uncounted.len()..].starts_with(b" (");
    copy_of(uncounted).or(is_numbered.then_some(uncounted.len())).map(|length| &name[..length])
}

/// Whether a file of this name can be one of [`TABLE`], in the right folder. "No" is always true.
#[must_use]
pub fn may_be_known(name: &[u8]) -> bool {
    let is_known = |name: &[u8]| TABLE.iter().any(|known| known.shape.has_name(name));
    is_known(name) || copied(name).is_some_and(is_known)
}

impl Shape {
    fn has_name(&self, name: &[u8]) -> bool {
        let begins = |with: &str| name.get(..with.len()).is_some_and(|start| same(start, with));
        let ends =
            |with: &str| name.len().checked_sub(with.len()).is_some_and(|start| same(&name[start..], with));
        match self {
            Self::Name(needed) | Self::In(_, needed) | Self::Below(_, needed) => same(name, needed),
            Self::Prefix(start) => name.len() > start.len() && begins(start),
            Self::Suffix(end) => name.len() > end.len() && ends(end),
        }
    }

    /// Whether the name alone tells such a file.
    #[must_use]
    pub fn is_told_by_name(&self) -> bool {
        !matches!(self, Self::In(..) | Self::Below(..))
    }
}

fn same(a: &[u8], b: &str) -> bool {
    a.eq_ignore_ascii_case(b.as_bytes())
}

/// Whether a file of this path shows which variables there are, without real values, or with encrypted ones: `.env.example`.
#[must_use]
pub fn is_template_path(path: &[u8]) -> bool {
    let name: &[u8] = file_name(path.as_bstr());
    let name = copied(name).unwrap_or(name);
    // `.env-example` has its parts behind other signs too.
    let is_prefixed = name.get(..4).is_some_and(|start| same(start, ".env"));
    let mut parts = name.split(|byte| *byte == b'.' || (is_prefixed && b"-_".contains(byte)));
    parts.any(|part| TEMPLATE_PARTS.iter().any(|template| same(part, template)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environment_files_and_their_templates_are_told_apart() {
        for path in [
            ".env",
            ".env.local",
            "a/.env.production",
            "prod.env",
            ".envrc",
            ".flaskenv",
            ".ENV",
            ".env.keys",
            ".streamlit/secrets.toml",
            "app/.streamlit/secrets.toml",
            ".dev.vars",
            ".envs/.production/.django",
            ".secrets.toml",
            "local.settings.json",
            ".env.distant",
            ".env~",
            "prod.env~",
            ".env_backup",
            ".env-prod",
            ".env copy",
            ".env copy 2",
            ".env (1)",
            ".env - Copy",
            ".env.bak-2026-07-20",
            ".dev.vars.old",
            ".dev.vars~",
            "prod.env.bak",
            "local.settings.json.bak",
            ".streamlit/secrets.toml.orig",
        ] {
            assert!(is_env_path(path.as_bytes()), "{path}");
        }
        for path in [
            ".env.example",
            ".env.sample",
            "example.env",
            ".env.dist",
            ".env-example",
            ".env_sample",
            ".env.example~",
            ".env.example.bak",
            ".environment~",
            "environment.bak",
            "copy",
            "~",
            ".env.local.template",
            ".env.vault",
            "env",
            "environment.py",
            "env.py",
            ".environment",
            ".env.",
            "secrets.toml",
            "app/secrets.toml",
            ".django",
            ".envs/.django",
        ] {
            assert!(!is_env_path(path.as_bytes()), "{path}");
        }
        assert!(is_known_path(b".env.example") && !is_known_path(b"example.toml"));
        assert!(may_be_known(b"secrets.toml") && !may_be_known(b"settings.toml"));
    }

    #[test]
    fn the_readme_shows_the_table() {
        let readme = include_str!("../../../README.md");
        let rows: Vec<String> =
            TABLE.iter().map(|known| format!("| `{}` | {} |", known.shown, known.read_by)).collect();
        assert!(readme.contains(&rows.join("\n")), "the README should have these rows:\n{}", rows.join("\n"));
    }
}
