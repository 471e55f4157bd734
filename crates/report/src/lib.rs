//! Outcomes -> bytes, one file a format, each with its own types. All are made of [`Results`], which come from a run or from a file.

mod about;
pub mod compare;
mod csv;
mod dates;
mod env;
mod foreign;
mod github;
mod gitlab;
mod groups;
mod html;
mod json;
mod junit;
mod markdown;
mod read;
mod remedy;
mod sarif;
pub mod stopped;
mod text;
mod values;
mod words;

use std::io;

use keysieve_model::outcome::Outcome;
use keysieve_model::suppressed::By;

pub use self::json::Results;
pub use self::read::{ReadError, read};
pub use self::words::show_command;

/// How an outcome is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON document.
    Json,
    /// JSON Lines: an object a finding, then a summary.
    JsonLines,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Annotations of GitHub Actions.
    Github,
    /// GitLab's secret detection report.
    Gitlab,
    /// JUnit's XML: a failed test a finding.
    Junit,
    /// A row a place, for spreadsheets.
    Csv,
    /// A summary for a page or a comment.
    Markdown,
    /// A page of its own, to look into.
    Html,
}

/// What a report may show.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Show secrets in full.
    pub show_secrets: bool,
    /// List what was suppressed.
    pub show_suppressed: bool,
    /// Tell what is as it should be, too.
    pub show_fine: bool,
    /// Write every place of every finding, and how to fix it, in text.
    pub details: bool,
    /// Write findings and the verdict only, in text.
    pub quiet: bool,
    /// How many columns a line of text has; `None` where lines are not wrapped.
    pub columns: Option<usize>,
    /// Use colours.
    pub colour: bool,
    /// When the run ended, in seconds since 1970-01-01 UTC.
    pub finished_seconds: i64,
    /// Leave out how long the run took, so that the same input gives the same bytes.
    pub is_reproducible: bool,
}

/// Writes results. Gives what the format has no room for, a line each, for people.
///
/// # Errors
///
/// When `out` cannot be written to.
pub fn write(
    out: &mut dyn io::Write,
    results: &Results,
    format: Format,
    options: Options,
) -> io::Result<Vec<String>> {
    match format {
        Format::Text => text::write(out, results, options)?,
        Format::Json => json::write_document(out, results)?,
        Format::JsonLines => json::write_lines(out, results)?,
        Format::Sarif => return sarif::write(out, results),
        Format::Github => github::write(out, results)?,
        Format::Gitlab => gitlab::write(out, results)?,
        Format::Junit => junit::write(out, results)?,
        Format::Csv => csv::write(out, results)?,
        Format::Markdown => return markdown::write(out, results),
        Format::Html => html::write(out, results)?,
    }
    Ok(Vec::new())
}

/// How many findings were suppressed by this.
fn suppressed_by(outcome: &Outcome, by: By) -> usize {
    outcome.suppressed.iter().filter(|suppressed| suppressed.by == by).count()
}

/// Untrusted text for a terminal: control characters and bytes that are no UTF-8 are shown escaped.
#[must_use]
pub fn escaped(text: &[u8]) -> String {
    let mut shown = String::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_control() || is_invisible(character) {
                shown.extend(character.escape_default());
            } else {
                shown.push(character);
            }
        }
        chunk.invalid().iter().for_each(|byte| shown.push_str(&format!("\\x{byte:02x}")));
    }
    shown
}

/// Passes JSON on with what [`escaped`] would escape written as `\uXXXX`, which reads as the same text. JSON itself only asks for
/// that below U+0020.
pub(crate) struct PlainJson<W>(pub(crate) W);

impl<W: io::Write> io::Write for PlainJson<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let is_plain = |&byte: &u8| byte < 0x7f;
        // Texts come whole; what is cut in the middle of a character is passed on as it is.
        let text = std::str::from_utf8(bytes).ok().filter(|_| !bytes.iter().all(is_plain));
        let Some(text) = text else {
            return self.0.write_all(bytes).map(|()| bytes.len());
        };
        let is_shown =
            |character: char| character < '\x7f' || !(character.is_control() || is_invisible(character));
        let mut start = 0;
        for (at, character) in text.char_indices().filter(|&(_, character)| !is_shown(character)) {
            self.0.write_all(&bytes[start..at])?;
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(self.0, "\\u{unit:04x}")?;
            }
            start = at + character.len_utf8();
        }
        self.0.write_all(&bytes[start..])?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Characters that change how others are shown without being seen: directions, joiners, marks.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_as_a_command() {
        assert_eq!(escaped(b"a\x1b[31mb\n"), "a\\u{1b}[31mb\\n");
        assert_eq!(escaped(b"\xff\xc3\xa4"), "\\xff\u{e4}");
        assert_eq!(escaped("a\u{202e}b".as_bytes()), "a\\u{202e}b");
    }

    #[test]
    fn json_shows_nothing_that_is_not_seen_and_reads_the_same() {
        let text = "a\n\x1b\x7f\u{85}\u{9b}\u{2028}\u{202e}\u{feff}\u{e0041}\u{e4}b";
        let mut out = Vec::new();
        serde_json::to_writer_pretty(PlainJson(&mut out), &[text]).expect("it is written");
        let written = String::from_utf8(out).expect("it is UTF-8");
        assert!(
            written.chars().all(|shown| shown == '\n' || shown == '\u{e4}' || (' '..='~').contains(&shown))
        );
        assert_eq!(serde_json::from_str::<Vec<String>>(&written).expect("it is JSON"), [text]);
    }
}
