//! Outcomes -> bytes, one file a format, each with its own types.

mod image;
mod json;
pub mod stopped;
mod text;
mod values;

use std::io;

use crate::scan::Outcome;
use crate::suppress::By;

/// How an outcome is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON document.
    Json,
    /// JSON Lines: an object a finding, then a summary.
    JsonLines,
}

/// What a report may show.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Show secrets in full.
    pub show_secrets: bool,
    /// List what was suppressed.
    pub show_suppressed: bool,
    /// Use colours.
    pub colour: bool,
}

/// Writes `outcome`.
///
/// # Errors
///
/// When `out` cannot be written to.
pub fn write(out: &mut dyn io::Write, outcome: &Outcome, format: Format, options: Options) -> io::Result<()> {
    match format {
        Format::Text => text::write(out, outcome, options),
        Format::Json => json::write_document(out, outcome, options),
        Format::JsonLines => json::write_lines(out, outcome, options),
    }
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

/// Characters that change how others are shown without being seen: directions, joiners, marks.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
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
}
