//! What may stand in a secret's stead: the code around it, as far as it is safe to show, and the language that it is in.

/// The name that a value is given, as it is written. It holds names and signs only, nothing of any value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignee {
    /// The name: `DB_PASSWORD`, `db.password`, `x-api-key`.
    pub name: String,
    /// What the line says in front of the value, from the name on: `password: str = `, `"password": `. Empty where the value
    /// is only a part of a literal, or more than a name and a sign lead to it.
    pub lead: String,
}

/// Where another value may be put in the secret's stead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// The language of the file.
    pub syntax: Syntax,
    /// What the value is given to, where that is known.
    pub assignee: Option<Assignee>,
}

/// Languages in which a look-up in the environment is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Syntax {
    /// Python.
    Python,
    /// JavaScript and TypeScript.
    JavaScript,
    /// YAML that a program reads.
    Yaml,
    /// A compose file.
    Compose,
    /// A workflow of GitHub.
    Workflow,
    /// A Dockerfile.
    Dockerfile,
}

impl Syntax {
    /// The language that the name of a file tells, `/` between the parts of its path.
    #[must_use]
    pub fn of_path(path: &[u8]) -> Option<Self> {
        let lower = String::from_utf8_lossy(path).to_lowercase();
        let (folder, name) = lower.rsplit_once('/').unwrap_or(("", &lower));
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
        let is_image_file =
            |name: &str| ["dockerfile", "containerfile"].iter().any(|known| name.starts_with(known));
        match extension {
            _ if is_image_file(stem) || matches!(extension, "dockerfile" | "containerfile") => {
                Some(Self::Dockerfile)
            }
            "py" | "pyi" | "pyw" | "ipynb" => Some(Self::Python),
            "js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "tsx" | "vue" | "svelte" => {
                Some(Self::JavaScript)
            }
            "yml" | "yaml" if folder.ends_with(".github/workflows") => Some(Self::Workflow),
            "yml" | "yaml" if stem.starts_with("docker-compose") || stem.starts_with("compose") => {
                Some(Self::Compose)
            }
            "yml" | "yaml" => Some(Self::Yaml),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_tell_the_language() {
        for (path, syntax) in [
            ("src/app.py", Some(Syntax::Python)),
            ("web/App.TSX", Some(Syntax::JavaScript)),
            ("deploy/values.yaml", Some(Syntax::Yaml)),
            ("docker-compose.prod.yml", Some(Syntax::Compose)),
            (".github/workflows/ci.yml", Some(Syntax::Workflow)),
            ("Dockerfile", Some(Syntax::Dockerfile)),
            ("build/Dockerfile.dev", Some(Syntax::Dockerfile)),
            ("app.dockerfile", Some(Syntax::Dockerfile)),
            ("src/docker.py", Some(Syntax::Python)),
            ("config.toml", None),
            (".env", None),
        ] {
            assert_eq!(Syntax::of_path(path.as_bytes()), syntax, "{path}");
        }
    }
}
