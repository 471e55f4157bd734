//! `keysieve:allow` beside a secret: on its line, or `keysieve:allow-next-line` on the line above. Never for a neighbour.

use bstr::ByteSlice;

use keysieve_model::location::ByteSpan;

use super::config::distance;

const ALLOW: &[u8] = b"keysieve:allow";
/// What every marker of ours begins with.
const NAME: &[u8] = b"keysieve";
/// Words that people write for `allow`.
const MEANT: &[&str] = &["allow", "ignore", "skip", "disable", "noqa", "nosec", "suppress", "allowlist"];
/// How many bytes may stand between the name and the word.
const MAX_GAP: usize = 3;
/// How many letters of a rule's id may be wrong.
const MAX_SLIP: usize = 2;
const NEXT_LINE: &[u8] = b"-next-line";
/// Markers of other scanners that people have in their code, and whether each speaks of the line below.
const OTHERS: &[(&[u8], bool)] = &[
    (b"gitleaks:allow", false),
    (b"betterleaks:allow", false),
    (b"trufflehog:ignore", false),
    (b"pragma: allowlist secret", false),
    (b"pragma: allowlist nextline secret", true),
];
/// How far a line is looked at on each side of a secret, in bytes.
const MAX_LINE_BYTES: usize = 4096;
/// How long a reason may be, in bytes.
const MAX_REASON_BYTES: usize = 200;

/// A marker that was found beside a secret.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marker {
    /// The rules that it speaks of, by id; all where there are none.
    pub rules: Vec<String>,
    /// What was written behind it.
    pub reason: Option<String>,
    /// Whether it is another scanner's.
    pub is_foreign: bool,
    /// What was written in the place of a marker, such as `keysieve-allow`: then it allows nothing.
    pub misspelt: Option<String>,
}

impl Marker {
    /// The marker for what lies at `secret` in `bytes`.
    #[must_use]
    pub fn beside(bytes: &[u8], secret: ByteSpan) -> Option<Self> {
        let (line_start, line_end) = (start_of_line(bytes, secret.start), end_of_line(bytes, secret.end));
        // Not inside the secret itself.
        let sides = [bytes.get(line_start..secret.start), bytes.get(secret.end..line_end)];
        let above_end = line_start.checked_sub(1);
        let above = above_end.and_then(|end| bytes.get(start_of_line(bytes, end)..end));
        let here = sides.into_iter().flatten().find_map(|text| Self::in_text(text, false));
        let found = here.or_else(|| Self::in_text(above?, true));
        found.or_else(|| sides.into_iter().flatten().chain(above).find_map(Self::misspelt_in))
    }

    fn in_text(text: &[u8], is_above: bool) -> Option<Self> {
        let own = text.find_iter(ALLOW).find_map(|at| Self::own(&text[at + ALLOW.len()..], is_above));
        own.or_else(|| {
            let is_there =
                OTHERS.iter().any(|(other, next_line)| *next_line == is_above && text.contains_str(other));
            is_there.then_some(Self { is_foreign: true, ..Self::default() })
        })
    }

    /// What stands behind `keysieve:allow`.
    fn own(rest: &[u8], is_above: bool) -> Option<Self> {
        let rest = match (rest.strip_prefix(NEXT_LINE), is_above) {
            (Some(rest), true) => rest,
            (None, false) => rest,
            _ => return None,
        };
        // `keysieve:allowed` is another word.
        if rest.first().is_some_and(|&next| next.is_ascii_alphanumeric() || next == b'-' || next == b'_') {
            return None;
        }
        let (rules, reason) = match rest.strip_prefix(b"[") {
            Some(list) => {
                let (list, reason) = list.split_once_str("]")?;
                let ids = list.split(|&byte| byte == b',').map(|id| id.trim().to_str_lossy().into_owned());
                let ids: Vec<String> = ids.filter(|id| !id.is_empty()).collect();
                // Brackets with nothing in them name no rule.
                if ids.is_empty() {
                    return None;
                }
                (ids, reason)
            }
            None => (Vec::new(), rest),
        };
        let reason = &reason[..reason.len().min(MAX_REASON_BYTES)];
        let reason = reason.to_str_lossy();
        let reason = reason.trim().trim_end_matches("*/").trim_end_matches("-->").trim();
        let reason = (!reason.is_empty()).then(|| reason.to_owned());
        Some(Self { rules, reason, is_foreign: false, misspelt: None })
    }

    /// What looks like a marker of ours and is none: `keysieve-allow`, `keysieve: ignore`, `keysieve:alow`.
    fn misspelt_in(text: &[u8]) -> Option<Self> {
        let lower = text.to_ascii_lowercase();
        let misspelt = lower.find_iter(NAME).find_map(|at| {
            let rest = &lower[at + NAME.len()..];
            let gap = rest.iter().take_while(|byte| b":-_.= ".contains(byte)).count();
            let word = &rest[gap..];
            let length = word.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
            let word = str::from_utf8(&word[..length]).ok()?;
            let is_meant = MEANT.contains(&word) || (length > 3 && distance(word, "allow") <= 2);
            // One that is written as it should be, but stands where it says nothing, is no slip of the pen.
            let is_valid = word == "allow" && text[at..].starts_with(ALLOW);
            let is_near = (1..=MAX_GAP).contains(&gap);
            let quoted = &text[at..at + NAME.len() + gap + length];
            (is_meant && is_near && !is_valid).then(|| quoted.to_str_lossy().into_owned())
        })?;
        Some(Self { misspelt: Some(misspelt), ..Self::default() })
    }

    /// What is wrong with a marker that was meant to let a finding of `rule` be, if it is a slip; `known` are the ids of the rules.
    #[must_use]
    pub fn slip(&self, rule: &str, known: &[&str]) -> Option<String> {
        if let Some(misspelt) = &self.misspelt {
            return Some(format!("`{misspelt}` is not a marker; write `keysieve:allow[{rule}]`"));
        }
        let unknown = self.rules.iter().find(|id| !known.contains(&id.as_str()))?;
        let near = known.iter().map(|known| (distance(unknown, known), known)).min()?;
        (near.0 <= MAX_SLIP).then(|| {
            format!("`keysieve:allow[{unknown}]` names no rule that is used; did you mean `{}`?", near.1)
        })
    }

    /// Whether it lets a finding of this rule be.
    #[must_use]
    pub fn allows(&self, rule: &str, honours_others: bool) -> bool {
        (honours_others || !self.is_foreign)
            && self.misspelt.is_none()
            && (self.rules.is_empty() || self.rules.iter().any(|allowed| allowed == rule))
    }
}

fn start_of_line(bytes: &[u8], at: usize) -> usize {
    let from = at.saturating_sub(MAX_LINE_BYTES);
    bytes.get(from..at).and_then(|before| before.rfind_byte(b'\n')).map_or(from, |line| from + line + 1)
}

fn end_of_line(bytes: &[u8], at: usize) -> usize {
    let to = bytes.len().min(at.saturating_add(MAX_LINE_BYTES));
    bytes.get(at..to).and_then(|after| after.find_byte(b'\n')).map_or(to, |line| at + line)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The marker for `SECRET` in `text`.
    fn marker(text: &str) -> Option<Marker> {
        let start = text.find("SECRET").expect("a secret");
        Marker::beside(text.as_bytes(), ByteSpan::new(start, start + 6))
    }

    #[test]
    fn on_its_own_line_only() {
        assert!(marker("a = SECRET  # keysieve:allow\n").is_some());
        assert!(marker("/* keysieve:allow */ a = SECRET").is_some());
        assert!(marker("# keysieve:allow\na = SECRET\n").is_none());
        assert!(marker("a = SECRET\nb = 1  # keysieve:allow\n").is_none());
        assert!(!marker("a = SECRET  # keysieve:allowed").is_some_and(|marker| marker.allows("any", true)));
    }

    #[test]
    fn for_the_next_line_only() {
        assert!(marker("# keysieve:allow-next-line\na = SECRET\n").is_some());
        assert!(marker("a = SECRET  # keysieve:allow-next-line\n").is_none());
        assert!(marker("# keysieve:allow-next-line\n\na = SECRET\n").is_none());
    }

    #[test]
    fn for_some_rules_and_with_a_reason() {
        let found =
            marker("a = SECRET  # keysieve:allow[github-pat, npm-token] revoked in May").expect("a marker");
        assert_eq!(found.rules, ["github-pat", "npm-token"]);
        assert_eq!(found.reason.as_deref(), Some("revoked in May"));
        assert!(found.allows("npm-token", false) && !found.allows("generic-password", false));
        assert!(marker("a = SECRET  # keysieve:allow[]").is_none());
        let reason = marker("a = SECRET /* keysieve:allow a test key */").expect("a marker").reason;
        assert_eq!(reason.as_deref(), Some("a test key"));
    }

    #[test]
    fn a_slip_is_told_and_allows_nothing() {
        for (text, says) in [
            ("a = SECRET  # keysieve-allow", "`keysieve-allow` is not a marker"),
            ("a = SECRET  # Keysieve: ignore", "`Keysieve: ignore` is not a marker"),
            ("a = SECRET  # keysieve:alow", "`keysieve:alow` is not a marker"),
            ("a = SECRET  # keysieve:allowed", "`keysieve:allowed` is not a marker"),
            ("# keysieve:ignore-next-line\na = SECRET", "`keysieve:ignore` is not a marker"),
            ("a = SECRET  # keysieve:allow[github-patt]", "did you mean `github-pat`?"),
        ] {
            let found = marker(text).expect(text);
            let slip = found.slip("github-pat", &["github-pat", "npm-token"]).expect(text);
            assert!(slip.contains(says), "{slip}");
            assert!(!found.allows("github-pat", true), "{text}");
        }
        for text in
            ["# keysieve:allow\na = SECRET", "keysieve = SECRET", "a = SECRET  # see keysieve's notes"]
        {
            assert!(marker(text).is_none(), "{text}");
        }
        let other = marker("a = SECRET  # keysieve:allow[my-own-rule]").expect("a marker");
        assert_eq!(other.slip("github-pat", &["github-pat"]), None);
    }

    #[test]
    fn those_of_others_where_they_are_honoured() {
        for text in [
            "a = SECRET # gitleaks:allow",
            "a = SECRET # betterleaks:allow",
            "a = SECRET # trufflehog:ignore",
            "a = SECRET # pragma: allowlist secret",
            "# pragma: allowlist nextline secret\na = SECRET",
        ] {
            let found = marker(text).expect("a marker");
            assert!(found.allows("any", true) && !found.allows("any", false), "{text}");
        }
        assert!(marker("a = SECRET # nosec").is_none());
    }
}
