//! Files that name environment files: compose files (<https://docs.docker.com/reference/compose-file/>) and systemd units.

use bstr::ByteSlice;
use keysieve_paths::control;
use serde_yaml::Value;

/// What a compose file says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Compose {
    /// Its `env_file`s, relative to its folder.
    pub(super) env_files: Vec<String>,
    /// What it builds.
    pub(super) builds: Vec<Build>,
}

/// An image that a compose file builds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Build {
    /// The build context, relative to the compose file's folder.
    pub(super) context: String,
    /// The Dockerfile, relative to the context.
    pub(super) dockerfile: String,
}

/// Whether a file of this name is a compose file.
pub(super) fn is_compose_name(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    let is_yaml = name.ends_with(b".yml") || name.ends_with(b".yaml");
    is_yaml
        && (name.starts_with(b"compose.")
            || name.starts_with(b"docker-compose")
            || name.starts_with(b"compose-"))
}

/// Reads a compose file. Paths with variables in them are left out: their values are not known.
///
/// # Errors
///
/// When it is no YAML.
pub(super) fn compose(text: &[u8]) -> Result<Compose, String> {
    control::check_brackets(text)?;
    let document: Value = serde_yaml::from_slice(text).map_err(|error| format!("it is no YAML: {error}"))?;
    let mut compose = Compose::default();
    let Some(services) = document.get("services").and_then(Value::as_mapping) else { return Ok(compose) };
    for service in services.values() {
        let one_or_many = |value: &Value| value.as_sequence().cloned().unwrap_or_else(|| vec![value.clone()]);
        let files = service.get("env_file").map(one_or_many).unwrap_or_default();
        let path = |file: &Value| file.as_str().or_else(|| file.get("path")?.as_str()).map(str::to_owned);
        compose.env_files.extend(files.iter().filter_map(path));
        if let Some(build) = service.get("build") {
            let text = |key: &str| build.get(key).and_then(Value::as_str).map(str::to_owned);
            compose.builds.push(Build {
                context: build
                    .as_str()
                    .map(str::to_owned)
                    .or_else(|| text("context"))
                    .unwrap_or(".".to_owned()),
                dockerfile: text("dockerfile").unwrap_or("Dockerfile".to_owned()),
            });
        }
    }
    compose.env_files.retain(|path| !path.contains('$'));
    compose.builds.retain(|Build { context, dockerfile }| {
        ![context, dockerfile].iter().any(|path| path.contains('$') || path.contains("://"))
    });
    Ok(compose)
}

/// The files that a systemd unit names: <https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html>
pub(super) fn unit(text: &[u8]) -> Vec<String> {
    let values = text.lines().filter_map(|line| {
        let value = line.trim().strip_prefix(b"EnvironmentFile")?.trim_start().strip_prefix(b"=")?.trim();
        // A `-` in front: the file may be missing.
        Some(
            value
                .strip_prefix(b"-")
                .unwrap_or(value)
                .trim_with(|quote| quote == '"')
                .to_str_lossy()
                .into_owned(),
        )
    });
    // `%` stands for something that only systemd knows; patterns are not followed.
    values.filter(|path| !path.is_empty() && !path.contains(['%', '*', '?'])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compose_files_name_environment_files_and_builds() {
        let text = b"services:\n  a:\n    env_file: conf/a.conf\n    build: .\n  b:\n    env_file:\n      - b.conf\n      - path: c.conf\n        required: false\n      - ${X}.conf\n    build:\n      context: ./b\n      dockerfile: deploy/Dockerfile\n";
        let build = |context: &str, dockerfile: &str| Build {
            context: context.into(),
            dockerfile: dockerfile.into(),
        };
        let expected = Compose {
            env_files: ["conf/a.conf", "b.conf", "c.conf"].map(str::to_owned).into(),
            builds: vec![build(".", "Dockerfile"), build("./b", "deploy/Dockerfile")],
        };
        assert_eq!(compose(text), Ok(expected));
        assert!(compose(b"a: [").is_err());
    }

    #[test]
    fn units_name_environment_files() {
        let text = b"[Service]\nEnvironmentFile=/etc/app.conf\n EnvironmentFile = -conf/app\n#EnvironmentFile=x\nEnvironmentFile=%h/x\n";
        assert_eq!(unit(text), ["/etc/app.conf", "conf/app"]);
    }
}
