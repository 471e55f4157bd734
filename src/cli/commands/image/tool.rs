//! The tools that get an image by its name. They know the stores and the credentials; nothing here opens a connection, and no
//! shell sees what was typed.

use std::fmt;
use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};

use anyhow::{Context as _, bail};
use tempfile::TempDir;

use super::reference::Store;

/// The image's folder in the temporary one.
pub(super) const LAYOUT: &str = "image";

/// Who gets the image.
pub(super) enum Source {
    Tool(Tool),
    /// Nobody can: why, and what to type where somebody can.
    Missing {
        why: String,
        lines: [String; 2],
    },
}

/// A tool and what it is asked for.
pub(super) enum Tool {
    /// `docker save` or `podman save`, which write an archive to their standard output.
    Save { program: &'static str, name: String },
    /// `skopeo copy`, which writes a folder.
    Copy { from: String, platform: Vec<String> },
}

/// An image on its way.
pub(super) enum Fetched {
    Stream(Saving),
    Folder(TempDir),
}

impl Source {
    /// The tool that has the image, or may get it from a registry.
    pub(super) fn of(store: Store, name: &str, platform: Option<&str>) -> Self {
        let save = |program: &'static str| Self::Tool(Tool::Save { program, name: name.to_owned() });
        let copy = |transport: &str| {
            Self::Tool(Tool::Copy { from: format!("{transport}{name}"), platform: overrides(platform) })
        };
        let is_any = store == Store::Any;
        // Stores are asked first: what was built here is in no registry.
        if is_any && has_image("docker", name) {
            return save("docker");
        }
        if (is_any || store == Store::Containers) && has_image("podman", name) {
            return save("podman");
        }
        if store == Store::Docker && is_installed("docker") {
            return save("docker");
        }
        if is_installed("skopeo") {
            return copy(match store {
                Store::Any | Store::Registry => "docker://",
                Store::Docker => "docker-daemon:",
                Store::Containers => "containers-storage:",
            });
        }
        let why = match store {
            Store::Any => {
                "there is no such file, neither docker nor podman has such an image, and skopeo is not installed"
            }
            Store::Registry => "skopeo is not installed",
            Store::Docker => "neither docker nor skopeo is installed",
            Store::Containers => "podman has no such image, and skopeo is not installed",
        };
        let lines = match store {
            Store::Any | Store::Registry if is_installed("podman") && !is_installed("docker") => {
                [format!("podman pull {name}"), format!("podman save {name} | keysieve image -")]
            }
            Store::Any | Store::Registry if is_installed("docker") => {
                [format!("docker pull {name}"), format!("docker save {name} | keysieve image -")]
            }
            Store::Any | Store::Registry => {
                [format!("skopeo copy --all docker://{name} oci:image"), "keysieve image image".to_owned()]
            }
            Store::Docker => {
                [format!("docker save -o image.tar {name}"), "keysieve image image.tar".to_owned()]
            }
            Store::Containers => {
                [format!("podman save -o image.tar {name}"), "keysieve image image.tar".to_owned()]
            }
        };
        Self::Missing { why: format!("{name}: {why}"), lines }
    }
}

impl Tool {
    /// Its name.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Save { program, .. } => program,
            Self::Copy { .. } => "skopeo",
        }
    }

    fn arguments(&self, folder: &str) -> Vec<String> {
        match self {
            Self::Save { name, .. } => vec!["save".to_owned(), name.clone()],
            Self::Copy { from, platform } => {
                // One platform is all that is fetched where one is asked for.
                let all = platform.is_empty().then(|| "--all".to_owned());
                let head = platform.iter().cloned().chain(["copy".to_owned(), "--quiet".to_owned()]);
                head.chain(all).chain([from.clone(), format!("oci:{folder}{}", tag(from))]).collect()
            }
        }
    }

    /// Starts it; what writes a folder is waited for.
    pub(super) fn start(&self) -> anyhow::Result<Fetched> {
        let mut command = Command::new(self.name());
        command.stdin(Stdio::null());
        let context = || format!("cannot start {}", self.name());
        if matches!(self, Self::Save { .. }) {
            let child =
                command.args(self.arguments("")).stdout(Stdio::piped()).spawn().with_context(context)?;
            return Ok(Fetched::Stream(Saving { child, told: self.to_string() }));
        }
        let folder = tempfile::Builder::new().prefix("keysieve-").tempdir().context("no temporary folder")?;
        let path = folder.path().join(LAYOUT);
        let path = path.to_str().filter(|path| !path.contains(':'));
        let path = path.context("skopeo cannot write to a temporary folder with this name: set TMPDIR")?;
        let status =
            command.args(self.arguments(path)).stdout(Stdio::null()).status().with_context(context)?;
        check(status, &self.to_string())?;
        Ok(Fetched::Folder(folder))
    }
}

/// As it would be typed.
impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{} {}`", self.name(), self.arguments("DIR").join(" "))
    }
}

/// A tool that writes an archive.
pub(super) struct Saving {
    child: Child,
    told: String,
}

impl Saving {
    /// Its output.
    pub(super) fn take_output(&mut self) -> anyhow::Result<Box<dyn Read + Send>> {
        Ok(Box::new(self.child.stdout.take().context("the tool's output was taken before")?))
    }

    /// Waits for its end, which is not waited for where nobody wants the rest.
    pub(super) fn finish(mut self, is_over: bool) -> anyhow::Result<()> {
        let mut ended = self.child.try_wait()?;
        if ended.is_none() && is_over {
            // It ends for having no reader, and gets a moment to say what is wrong before it is ended.
            let deadline = std::time::Instant::now() + GRACE;
            while ended.is_none() && std::time::Instant::now() < deadline {
                std::thread::sleep(GRACE / 20);
                ended = self.child.try_wait()?;
            }
            if ended.is_none() {
                self.child.kill()?;
                self.child.wait()?;
                return Ok(());
            }
        }
        let status = match ended {
            Some(status) => status,
            None => self.child.wait()?,
        };
        // It was cut off here.
        if is_over && status.code().is_none() {
            return Ok(());
        }
        check(status, &self.told)
    }
}

/// The time that a tool has to end once nobody reads from it.
const GRACE: std::time::Duration = std::time::Duration::from_secs(2);

fn check(status: ExitStatus, told: &str) -> anyhow::Result<()> {
    if !status.success() {
        bail!("{told} failed: {status}");
    }
    Ok(())
}

/// Whether the program is there and has such an image. What it says about that is nobody's business.
fn has_image(program: &str, name: &str) -> bool {
    let command = Command::new(program)
        .args(["image", "inspect", name])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    command.is_ok_and(|status| status.success())
}

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let endings: &[&str] = if cfg!(windows) { &[".exe", ".cmd", ""] } else { &[""] };
    std::env::split_paths(&path)
        .any(|folder| endings.iter().any(|ending| folder.join(format!("{program}{ending}")).is_file()))
}

/// The name under which skopeo writes the image: its own, without a digest.
fn tag(from: &str) -> String {
    let name = from.split_once(':').map_or(from, |(_, name)| name).trim_start_matches("//");
    let name = name.split('@').next().unwrap_or_default();
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/:".contains(&byte));
    if name.is_empty() || !is_plain { String::new() } else { format!(":{name}") }
}

/// Skopeo's options for a platform such as `linux/arm64/v8`.
fn overrides(platform: Option<&str>) -> Vec<String> {
    let parts = platform.unwrap_or_default().split('/').filter(|part| !part.is_empty());
    let options = ["--override-os", "--override-arch", "--override-variant"];
    options.iter().zip(parts).map(|(option, part)| format!("{option}={part}")).collect()
}
