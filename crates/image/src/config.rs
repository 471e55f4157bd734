//! The texts of an image's documents: environment, commands, labels, history, annotations. Each is a content of its own, written
//! as people write it, so that `Env` looks like an environment file and a build argument like an assignment.

use bstr::BString;
use serde_json::Value;

use keysieve_containers::archive::HandOver;
use keysieve_model::chunk::Visitor;
use keysieve_model::provenance::Provenance;

use super::entries::Stored;
use super::layout::{Layer, Layout};
use super::unread;

/// What a configuration says of layers.
#[derive(Debug, Default)]
pub(super) struct Config {
    diff_ids: Vec<String>,
    /// One for each layer; none where history and layers do not fit.
    instructions: Vec<BString>,
    /// One for each step of the history.
    pub(super) steps: Vec<BString>,
}

impl Config {
    /// What `document` says of an image with so many layers.
    pub(super) fn of(document: &Value, layers: usize) -> Self {
        let strings = |value: &Value| -> Vec<String> {
            let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
            list.iter().map(|item| item.as_str().unwrap_or_default().to_owned()).collect()
        };
        let mut diff_ids = strings(&document["rootfs"]["diff_ids"]);
        if diff_ids.len() != layers {
            diff_ids.clear();
        }
        let history = document["history"].as_array().map(Vec::as_slice).unwrap_or_default();
        let steps: Vec<BString> =
            history.iter().map(|step| instruction(step["created_by"].as_str().unwrap_or_default())).collect();
        let mut instructions = Vec::new();
        // A step that copies files and made no layer: the next one is of all steps up to there.
        let mut is_squashed = false;
        for (step, instruction) in history.iter().zip(&steps) {
            if step["empty_layer"].as_bool() == Some(true) {
                is_squashed |=
                    [b"COPY ".as_slice(), b"ADD "].iter().any(|word| instruction.starts_with(word));
                continue;
            }
            let is_known = !is_squashed && writes_files(instruction);
            instructions.push(if is_known { instruction.clone() } else { BString::default() });
            is_squashed = false;
        }
        if instructions.len() != layers {
            instructions.clear();
        }
        Self { diff_ids, instructions, steps }
    }

    /// The layer in this place, from 0.
    pub(super) fn layer(&self, at: usize, entry: Option<usize>, digest: String) -> Layer {
        Layer {
            entry,
            digest,
            diff_id: self.diff_ids.get(at).cloned(),
            instruction: self.instructions.get(at).filter(|text| !text.is_empty()).cloned(),
        }
    }
}

/// Whether the instruction may write files; what only sets something of the image writes none.
fn writes_files(instruction: &[u8]) -> bool {
    #[rustfmt::skip]
    const SETTING: &[&[u8]] = &[
        b"ENV", b"ARG", b"LABEL", b"CMD", b"USER", b"ENTRYPOINT", b"EXPOSE", b"STOPSIGNAL", b"HEALTHCHECK", b"MAINTAINER", b"VOLUME",
        b"ONBUILD", b"SHELL",
    ];
    let word = instruction.split(|&byte| byte == b' ').next().unwrap_or_default();
    !SETTING.contains(&word)
}

/// A step of the history as it stood in the Dockerfile, without what builders put around it: build arguments, which may be
/// secrets, the shell, notes of their own. What `ENV` and `ARG` set is left out for the same reason.
pub(super) fn instruction(created_by: &str) -> BString {
    const SHELL: &str = "/bin/sh -c ";
    const NOT_RUN: &str = "#(nop) ";
    let text = created_by.trim();
    let text = text.strip_suffix("# buildkit").unwrap_or(text).trim_end();
    let without_run = text.strip_prefix("RUN ").unwrap_or(text);
    let command = if without_run.starts_with('|') {
        // `|2 A=1 B=2 /bin/sh -c COMMAND`
        split_shell(without_run).map_or("", |(_, command)| command)
    } else if let Some(command) = without_run.strip_prefix(SHELL) {
        match command.trim_start().strip_prefix(NOT_RUN) {
            Some(instruction) => return without_values(instruction.trim()),
            None => command,
        }
    } else {
        return without_values(text);
    };
    format!("RUN {}", command.trim()).into()
}

/// What stands before and behind the shell that runs a command: `/bin/sh -c`, `/bin/bash -o pipefail -c`, `pwsh -Command`.
fn split_shell(text: &str) -> Option<(&str, &str)> {
    const SHELLS: &[&str] = &["sh", "bash", "ash", "dash", "zsh", "ksh", "pwsh", "powershell", "cmd"];
    let is_shell = |word: &str| {
        let name = word.rsplit(['/', '\\']).next().unwrap_or_default();
        !word.contains('=') && SHELLS.contains(&name.strip_suffix(".exe").unwrap_or(name))
    };
    let mut at = 0;
    for word in text.split(' ') {
        let behind = &text[at + word.len()..];
        if is_shell(word) {
            let mut rest = behind.trim_start();
            loop {
                let (option, tail) = rest.split_once(' ')?;
                let is_last = ["-c", "-Command", "/C", "/S"].contains(&option)
                    || (option.starts_with('-') && !option.starts_with("--") && option.ends_with('c'));
                if is_last {
                    return Some((text[..at].trim_end(), tail));
                }
                if !option.starts_with(['-', '/']) && option != "pipefail" {
                    break;
                }
                rest = tail;
            }
        }
        at += word.len() + 1;
    }
    None
}

/// `ENV NAME=...` for what sets variables; all else as it is.
fn without_values(text: &str) -> BString {
    let Some((word, rest)) =
        text.split_once(' ').filter(|(word, _)| matches!(*word, "ENV" | "ARG" | "LABEL"))
    else {
        return text.into();
    };
    let name = rest.trim_start().split(['=', ' ']).next().unwrap_or_default();
    format!("{word} {name}=...").into()
}

/// Hands over every text of the documents that were understood, and the others as they are.
pub(super) fn hand_over_texts<V: Visitor>(
    stored: &[Stored],
    layout: &Layout,
    hand_over: &mut HandOver<'_, '_, V>,
) {
    for (at, entry) in stored.iter().enumerate() {
        let Some(bytes) = &entry.document else { continue };
        let Some(document) = layout.documents.get(&at) else {
            let provenance = || Provenance::Image { entry: entry.name.clone(), path: None };
            if let Err(error) = hand_over.content(&mut bytes.as_slice(), provenance) {
                hand_over.unread(unread(entry.name.clone(), error.to_string()));
            }
            continue;
        };
        for Text { field, text } in texts(document) {
            let provenance = || Provenance::ImageText { entry: entry.name.clone(), field: field.clone() };
            if let Err(error) = hand_over.content(&mut text.as_bytes(), provenance) {
                hand_over.unread(unread(entry.name.clone(), error.to_string()));
            }
        }
    }
}

/// A text in a document and what it is called: `config.Env[2]`.
#[derive(Debug, PartialEq)]
struct Text {
    field: BString,
    text: String,
}

/// All texts of a document. Documents are nested no deeper than their parser allows.
fn texts(document: &Value) -> Vec<Text> {
    let mut texts = Vec::new();
    collect("", document, &mut texts);
    texts
}

fn collect(field: &str, value: &Value, texts: &mut Vec<Text>) {
    match value {
        Value::String(text) if field.ends_with(".created_by") => {
            let (arguments, command) = split_arguments(text);
            texts.extend(arguments.into_iter().map(|argument| {
                let name = argument.split('=').next().unwrap_or_default();
                Text { field: format!("{field} build-arg:{name}").into(), text: argument }
            }));
            texts.push(Text { field: field.into(), text: command.to_owned() });
        }
        Value::String(text) => texts.push(Text { field: field.into(), text: written(field, text) }),
        Value::Array(items) => {
            // A command in words is read as one line.
            let words: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
            if let Some(words) = words.filter(|words| words.len() > 1 && is_command(field)) {
                texts.push(Text { field: field.into(), text: words.join(" ") });
            } else {
                for (at, item) in items.iter().enumerate() {
                    collect(&format!("{field}[{at}]"), item, texts);
                }
            }
        }
        Value::Object(members) => {
            for (key, item) in members {
                let field = if field.is_empty() { key.clone() } else { format!("{field}.{key}") };
                collect(&field, item, texts);
                if item.is_object() || item.is_array() {
                    // A key may be a secret like any other text: exposed ports, volumes, labels.
                    texts.push(Text { field: field.clone().into(), text: key.clone() });
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn is_command(field: &str) -> bool {
    ["Cmd", "Entrypoint", "Test", "Shell", "OnBuild"].iter().any(|name| field.ends_with(name))
}

/// A text as it would stand in a file.
fn written(field: &str, text: &str) -> String {
    let name = field.rsplit('.').next().unwrap_or_default();
    let is_line = field.contains('[') && !field.contains("].");
    if is_line { text.to_owned() } else { format!("{name}={text}") }
}

/// The build arguments in front of a command, and the command: `|2 A=1 B=2 /bin/sh -c COMMAND`.
fn split_arguments(text: &str) -> (Vec<String>, &str) {
    let arguments = text.strip_prefix("RUN ").unwrap_or(text).strip_prefix('|');
    let Some((arguments, command)) = arguments.and_then(split_shell) else { return (Vec::new(), text) };
    let words = arguments.split(' ').skip(1);
    let mut found: Vec<String> = Vec::new();
    for word in words {
        // A value may hold blanks; what has no name goes on with the one before.
        let is_named = word.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        });
        match found.last_mut() {
            Some(last) if !is_named => {
                last.push(' ');
                last.push_str(word);
            }
            _ => found.push(word.to_owned()),
        }
    }
    (found, command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_read_as_in_the_dockerfile_whoever_built() {
        for (created_by, expected) in [
            ("/bin/sh -c #(nop) COPY dir:abc in /app ", "COPY dir:abc in /app"),
            ("/bin/sh -c rm /app/.env", "RUN rm /app/.env"),
            ("|2 A=1 B=two words /bin/sh -c make install", "RUN make install"),
            ("RUN |1 A=1 /bin/sh -c make install # buildkit", "RUN make install"),
            ("RUN |1 A=1 /bin/bash -o pipefail -c make | tee log # buildkit", "RUN make | tee log"),
            ("RUN |1 A=1 /bin/bash -ec make # buildkit", "RUN make"),
            ("RUN /bin/sh -c rm x # buildkit", "RUN rm x"),
            ("COPY . . # buildkit", "COPY . ."),
            ("ENV NAME=value", "ENV NAME=..."),
            ("/bin/sh -c #(nop)  ENV NAME=value", "ENV NAME=..."),
            ("ARG NAME", "ARG NAME=..."),
        ] {
            assert_eq!(instruction(created_by), expected, "{created_by}");
        }
    }

    #[test]
    fn no_instructions_are_named_where_the_history_does_not_fit() {
        let document = serde_json::json!({
            "history": [{"created_by": "COPY a b"}, {"created_by": "ENV A=1", "empty_layer": true}],
        });
        assert_eq!(
            Config::of(&document, 1).layer(0, None, String::new()).instruction,
            Some("COPY a b".into())
        );
        assert_eq!(Config::of(&document, 2).layer(0, None, String::new()).instruction, None);
    }

    #[test]
    fn a_layer_is_of_a_step_that_writes_files_or_of_none() {
        let instruction = |history: Value| {
            Config::of(&serde_json::json!({"history": history}), 1).layer(0, None, String::new()).instruction
        };
        let empty = |text: &str| serde_json::json!({"created_by": text, "empty_layer": true});
        let last = |text: &str| serde_json::json!({"created_by": text});
        let of = |steps: &[Value]| instruction(steps.to_vec().into());
        assert_eq!(of(&[empty("ENV A=1"), last("RUN make")]), Some("RUN make".into()));
        assert_eq!(of(&[last("/bin/sh -c #(nop) CMD [\"/app\"]")]), None);
        assert_eq!(of(&[last("LABEL a=1")]), None);
        assert_eq!(of(&[empty("COPY a b"), last("RUN make")]), None);
    }

    #[test]
    fn texts_are_written_as_people_write_them() {
        let document = serde_json::json!({
            "config": {"Env": ["A=1"], "Cmd": ["run", "-p", "x"], "Labels": {"k": "v"}},
            "history": [{"created_by": "|2 A=1 B=2 3 /bin/sh -c make"}],
        });
        let texts = texts(&document);
        let of = |field: &str| {
            texts.iter().filter(|text| text.field == field).map(|text| text.text.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(of("config.Env[0]"), ["A=1"]);
        assert_eq!(of("config.Cmd")[0], "run -p x");
        assert_eq!(of("config.Labels.k"), ["k=v"]);
        assert_eq!(of("history[0].created_by"), ["make"]);
        assert_eq!(of("history[0].created_by build-arg:A"), ["A=1"]);
        assert_eq!(of("history[0].created_by build-arg:B"), ["B=2 3"]);
    }
}
