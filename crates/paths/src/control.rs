//! The one door to files that say how something is read: configurations, baselines, ignore files, compose files, git's own. They
//! come with what is scanned, so they are opened as strangers' files: only regular ones, none that has no end, and, for what a
//! folder supplies, none to which a link leads out of that folder.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::path::Path;

use bstr::ByteSlice as _;

/// The most brackets that YAML may open. Reading it takes the square of the depth: half a second for as many in each other.
const MAX_BRACKETS: usize = 20_000;
/// The longest name that a message may quote, in bytes.
const MAX_QUOTED_BYTES: usize = 60;
/// The part of a longer text that a message shows, in bytes.
const MAX_SHOWN_BYTES: usize = 80;

/// The content of a regular file of at most `max_bytes`. A link to one is followed.
///
/// # Errors
///
/// When it is not there, is not a regular file, is larger, or cannot be read. A file that is no regular one is not opened: a pipe
/// could wait for ever.
pub fn read(path: &Path, max_bytes: u64) -> io::Result<Vec<u8>> {
    let check = |is_file: bool, length: u64| {
        if !is_file {
            return Err(io::Error::other("it is not a regular file, and not read; put a regular file there"));
        }
        if length > max_bytes {
            return Err(io::Error::other(format!(
                "it has {length} bytes, and at most {max_bytes} are read; make it smaller"
            )));
        }
        Ok(())
    };
    let metadata = path.metadata()?;
    check(metadata.is_file(), metadata.len())?;
    let file = File::open(path)?;
    let mut bytes = Vec::new();
    // It may have been replaced, or grow.
    check(file.metadata()?.is_file(), 0)?;
    file.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
    check(true, bytes.len() as u64)?;
    Ok(bytes)
}

/// Whether a link lies at `path`, and leads out of `folder`.
#[must_use]
pub fn leads_out(folder: &Path, path: &Path) -> bool {
    let is_out = |real: &Path| folder.canonicalize().is_ok_and(|folder| !real.starts_with(folder));
    path.is_symlink() && path.canonicalize().is_ok_and(|real| is_out(&real))
}

/// Like [`read`], for a file that `folder` supplies: a link must not lead out of it. `None` where there is no such file.
///
/// # Errors
///
/// See [`read`].
pub fn read_below(folder: &Path, path: &Path, max_bytes: u64) -> io::Result<Option<Vec<u8>>> {
    let real = match path.canonicalize() {
        Ok(real) => real,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if !real.starts_with(folder.canonicalize()?) {
        return Err(io::Error::other(
            "it is a link that leads out of the folder, and not followed; put the file itself there",
        ));
    }
    match read(&real, max_bytes) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

/// The same for a text.
///
/// # Errors
///
/// See [`read`], and when it is not UTF-8.
pub fn read_text(path: &Path, max_bytes: u64) -> io::Result<String> {
    let bytes = read(path, max_bytes)?;
    String::from_utf8(bytes).map_err(|_| io::Error::new(ErrorKind::InvalidData, "it is not UTF-8"))
}

/// Whether something that is neither a folder nor a regular file lies there, such as a pipe; links are followed.
#[must_use]
pub fn is_special(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

/// Refuses YAML that could be nested so deep that reading it takes for ever: one with too many brackets, wherever they stand. Where
/// they count and where they are text is only known to whoever reads all of it.
///
/// # Errors
///
/// When it has too many.
pub fn check_brackets(text: &[u8]) -> Result<(), String> {
    match is_nested(text) {
        true => Err(format!(
            "it has more than {MAX_BRACKETS} brackets, the most that is read; write lists as `- entry` lines"
        )),
        false => Ok(()),
    }
}

/// The same for a long list, of which each entry may have as many: `- ` at a line's start cannot stand inside of brackets.
///
/// # Errors
///
/// When an entry has too many.
pub fn check_brackets_of_entries(text: &[u8]) -> Result<(), String> {
    let mut entry = 0;
    for line in text.lines_with_terminator() {
        let is_entry = line.trim_ascii_start().starts_with(b"- ");
        entry = if is_entry { 0 } else { entry } + brackets(line);
        if entry > MAX_BRACKETS {
            return check_brackets(text);
        }
    }
    Ok(())
}

fn is_nested(text: &[u8]) -> bool {
    brackets(text) > MAX_BRACKETS
}

fn brackets(text: &[u8]) -> usize {
    text.iter().filter(|&&byte| byte == b'[' || byte == b'{').count()
}

/// A parser's message without the values that it quotes: the file may be another one than it claims to be.
#[must_use]
pub fn without_values(message: &str) -> String {
    let mut text = String::new();
    let mut rest = message;
    // `string "..."`, as serde has it; the last quote ends it, for the value may have some.
    if let Some(start) = rest.find('"') {
        let end = rest.rfind('"').unwrap_or(start);
        text.push_str(&rest[..start]);
        text.push_str("\"...\"");
        rest = &rest[(end + 1).max(start + 1)..];
    }
    text.push_str(rest);
    let parts: Vec<&str> = text.split('`').collect();
    let kept = parts.iter().enumerate().map(|(at, part)| {
        let is_quoted = at % 2 == 1 && at + 1 < parts.len();
        let is_name = part.len() <= MAX_QUOTED_BYTES && !part.chars().any(char::is_control);
        if is_quoted && !is_name { "..." } else { part }
    });
    kept.collect::<Vec<_>>().join("`")
}

/// A text as messages show it: the beginning of a long one.
#[must_use]
pub fn shortened(text: &str) -> Cow<'_, str> {
    match text.len() {
        0..=MAX_SHOWN_BYTES => text.into(),
        _ => {
            let end = (0..=MAX_SHOWN_BYTES).rev().find(|&at| text.is_char_boundary(at));
            format!("{}...", &text[..end.unwrap_or_default()]).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_shown_by_their_beginning() {
        assert_eq!(shortened("a/b"), "a/b");
        let long = shortened(&"\u{e4}".repeat(50_000)).into_owned();
        assert!(long.ends_with("\u{e4}...") && long.len() <= MAX_SHOWN_BYTES + 3, "{long}");
        assert_eq!(
            shortened(&format!("a{}", "\u{20ac}".repeat(40))),
            format!("a{}...", "\u{20ac}".repeat(26))
        );
    }

    #[test]
    fn messages_lose_the_values_and_keep_the_names() {
        let cases = [
            (
                "invalid type: string \"a \\\"b\\\" c\", expected a map",
                "invalid type: string \"...\", expected a map",
            ),
            ("unknown field `entrys`, expected `schema`", "unknown field `entrys`, expected `schema`"),
            ("invalid type: string \"x", "invalid type: string \"...\"x"),
        ];
        for (message, expected) in cases {
            assert_eq!(without_values(message), expected);
        }
        let long = format!("unknown field `{}`", "k".repeat(100));
        assert_eq!(without_values(&long), "unknown field `...`");
    }

    #[test]
    fn too_many_brackets_are_refused() {
        for text in ["[".repeat(200_000), "{a: '}' ".repeat(30_000), format!("- {}", "[".repeat(30_000))] {
            assert!(check_brackets(text.as_bytes()).is_err());
            assert!(check_brackets_of_entries(text.as_bytes()).is_err());
        }
        assert!(check_brackets("a: [b]\n".repeat(5000).as_bytes()).is_ok());
        assert!(check_brackets_of_entries("- {a: [b]}\n".repeat(50_000).as_bytes()).is_ok());
    }
}
