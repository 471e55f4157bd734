//! Redaction: a text that comes in pieces -> the same text with a mark for each secret.
//!
//! [`Redactor::push`] takes bytes, [`Redactor::release`] gives back those that are ready. As long as only [`Release::Settled`] is
//! asked for, and [`Release::Rest`] at the end, the output does not depend on how the text was cut: it is the text as a whole, each
//! span in which the judge sees a secret replaced. Markers, baselines and configurations keep no secret in.
//!
//! The replacement has no quotes, backslashes or line ends, so that JSON stays JSON.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use bstr::ByteSlice as _;
use rayon::prelude::*;

use keysieve_detect::{Detector, Match, Memo, checks};
use keysieve_model::chunk::{CONTEXT_BYTES, Chunk, Copied, Derivation};
use keysieve_model::finding::Secret;
use keysieve_model::location::{ByteSpan, LineStart};
use keysieve_model::provenance::{Provenance, path_bytes};
use keysieve_rules::{Confidence, Kind, RuleId, RuleSet};

use super::Sweep;
use crate::judge::{PathClass, classify, judge};

/// The most that is held back while it may still become part of a secret, in bytes.
pub const MAX_HELD_BYTES: usize = CONTEXT_BYTES;
/// The bytes that are kept in front of those held back: the matches that touch these depend on no more.
const KEPT_BYTES: usize = 2 * CONTEXT_BYTES;
/// The bytes that may gather in front before they are dropped.
const SPARE_BYTES: usize = 1 << 20;
/// The shortest part of a text that a thread searches, in bytes.
const MIN_PART_BYTES: usize = 512 << 10;
/// The furthest that the text of a private key begins behind its first line, and the shortest line of such a text, in bytes.
const MAX_KEY_BYTES: usize = 16 * 1024;
const MIN_KEY_LINE_BYTES: usize = 40;
/// The most lines of a key without such text: its headers, and the last.
const MAX_OTHER_LINES: usize = 5;

/// The text in a secret's place.
#[derive(Debug, Clone, Default)]
pub enum Mark {
    /// The rule and what reports show of the secret: `[github-pat ...Ab3d]`.
    #[default]
    Named,
    /// The same text for all.
    Text(String),
}

impl Mark {
    /// The text as a mark.
    ///
    /// # Errors
    ///
    /// When it has characters that would have to be escaped in JSON, or end a line.
    pub fn text(text: &str) -> io::Result<Self> {
        let is_unsafe = |character: char| character.is_control() || matches!(character, '"' | '\\');
        if text.contains(is_unsafe) {
            return Err(io::Error::other(
                "quotes, backslashes and control characters would break JSON and lines; write the text without them",
            ));
        }
        Ok(Self::Text(text.to_owned()))
    }
}

/// The bytes to be given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// Whole lines that nothing that follows can change.
    Settled,
    /// Whole lines of the first bytes of the text, as many as this says, but for those of a private key that has begun.
    Aged(u64),
    /// All that is there, though more may follow. The text of a private key that is not whole yet is replaced too.
    All,
    /// All: nothing follows.
    Rest,
}

/// The replacement and the rules, the same for many texts.
#[derive(Debug, Clone)]
pub struct Redaction {
    rules: Arc<RuleSet>,
    sweep: Option<Arc<Sweep>>,
    detector: Detector,
    mark: Mark,
}

impl Redaction {
    /// Replaces what `rules` find, and the values of `sweep`.
    ///
    /// # Errors
    ///
    /// When there are as many rules already as there can be.
    pub fn new(rules: RuleSet, sweep: Option<Sweep>, mark: Mark) -> Result<Self, super::sweep::Error> {
        let (rules, sweep) = match sweep {
            Some(sweep) => {
                let (rules, sweep) = sweep.join_rules(&rules, true)?;
                (rules, Some(Arc::new(sweep)))
            }
            None => (rules, None),
        };
        let rules = Arc::new(rules);
        let engine = sweep.as_ref().and_then(|sweep| sweep.engine());
        let detector = Detector::sweeping(Arc::clone(&rules), engine);
        Ok(Self { rules, sweep, detector, mark })
    }

    /// A redactor of a text that lies at `path`; of a stream, which has none.
    #[must_use]
    pub fn redactor(&self, path: Option<&Path>) -> Redactor {
        Redactor {
            redaction: self.clone(),
            class: path.map(|path| classify(&path_bytes(path))),
            bytes: Vec::new(),
            dropped: 0,
            released: 0,
            scanned: 0,
            memo: None,
            helpers: Vec::new(),
            counts: BTreeMap::new(),
        }
    }

    /// Values that were named and are not looked for, each with why.
    #[must_use]
    pub fn left_out(&self) -> Vec<String> {
        let left_out = self.sweep.iter().flat_map(|sweep| sweep.summary(&BTreeMap::new()).left_out);
        left_out.map(|value| format!("{} is not looked for: {}", value.source, value.why)).collect()
    }

    /// The text that is written for a secret.
    fn mark(&self, label: &Label) -> String {
        if let Mark::Text(text) = &self.mark {
            return text.clone();
        }
        let id = &self.rules.rule(label.rule).id;
        match &label.hint {
            Some(hint) => format!("[{id} {hint}]"),
            None => format!("[{id}]"),
        }
    }
}

/// Replaces the secrets of one text.
#[derive(Debug)]
pub struct Redactor {
    redaction: Redaction,
    /// The class of the text's path.
    class: Option<PathClass>,
    /// The bytes that were given back last, unchanged, and those held back.
    bytes: Vec<u8>,
    /// The number of bytes in front of `bytes`.
    dropped: u64,
    /// The start in `bytes` of the part that is held back.
    released: usize,
    /// The number of `bytes` that were scanned, and the memo of that scan.
    scanned: usize,
    memo: Option<Memo>,
    /// The detectors of other threads, for long texts.
    helpers: Vec<Detector>,
    /// The number of secrets that were replaced, by rule.
    counts: BTreeMap<RuleId, u64>,
}

/// A stretch of the text that is replaced.
#[derive(Debug)]
struct Stretch {
    span: ByteSpan,
    label: Label,
}

/// The kinds of marks, the most specific first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Label {
    /// Whether a rule of a provider, a value or a generic rule found it, in this order.
    telling: u8,
    confidence: std::cmp::Reverse<Confidence>,
    length: std::cmp::Reverse<usize>,
    rule: RuleId,
    start: usize,
    hint: Option<String>,
}

/// A private key that has begun.
#[derive(Debug)]
struct OpenKey {
    /// The start of its first line.
    start: usize,
    /// The start of its text, if that has come.
    text: Option<usize>,
}

impl Redactor {
    /// Takes the next bytes of the text.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.released > KEPT_BYTES + SPARE_BYTES {
            self.dropped += (self.released - KEPT_BYTES) as u64;
            self.bytes.drain(..self.released - KEPT_BYTES);
            self.released = KEPT_BYTES;
            (self.scanned, self.memo) = (0, None);
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Whether something is held back.
    #[must_use]
    pub fn is_holding(&self) -> bool {
        self.released < self.bytes.len()
    }

    /// The number of bytes of the text that have come.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.dropped + self.bytes.len() as u64
    }

    /// The number of bytes of the text that were given back, secrets counted with their own lengths.
    #[must_use]
    pub fn released(&self) -> u64 {
        self.dropped + self.released as u64
    }

    /// The number of secrets that were replaced, by the rule's id.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<&str, u64> {
        let id = |rule: &RuleId| self.redaction.rules.rule(*rule).id.as_ref();
        self.counts.iter().map(|(rule, count)| (id(rule), *count)).collect()
    }

    /// Appends what is ready to `out`.
    pub fn release(&mut self, release: Release, out: &mut Vec<u8>) {
        if !self.is_holding() {
            return;
        }
        let (matches, settled) = match self.bytes.len() - self.scanned {
            new if new >= 2 * MIN_PART_BYTES => self.scan_in_parts(),
            _ => self.scan(),
        };
        let mut stretches = self.stretches(&matches);
        let length = self.bytes.len();
        let mut end = match release {
            Release::Settled => self.end_of_lines(settled),
            Release::Aged(bytes) => {
                let aged = usize::try_from(bytes.saturating_sub(self.dropped)).unwrap_or(length);
                self.end_of_lines(self.open_key().map_or(aged, |key| aged.min(key.start)))
            }
            Release::All | Release::Rest => length,
        };
        if release == Release::All {
            stretches.extend(self.open_key().and_then(|key| self.stretch_of(&key, &stretches)));
        }
        // A stretch is replaced as a whole. None but the first of those that are left can begin in front of its end.
        for stretch in stretches.iter().rev() {
            if stretch.span.start < end && end < stretch.span.end {
                end = stretch.span.start;
            }
        }
        if end > self.released {
            self.write(&stretches, end, out);
            self.released = end;
        }
    }

    /// The end of the last line that ends before `limit`; `limit` itself where a line is too long to be held.
    fn end_of_lines(&self, limit: usize) -> usize {
        let held = self.bytes.get(self.released..limit).unwrap_or_default();
        match memchr::memrchr(b'\n', held) {
            Some(at) => self.released + at + 1,
            None if self.bytes.len() - self.released > MAX_HELD_BYTES => limit,
            None => self.released,
        }
    }

    /// Scans what is there; only what is new is searched.
    fn scan(&mut self) -> (Vec<Match>, usize) {
        let bytes = self.bytes.as_slice();
        let copies = [Copied { from: 0, to: 0, length: self.scanned }];
        let base = &bytes[..self.scanned];
        let derivation = self.memo.as_ref().map(|_| Derivation { base, copies: &copies });
        let whole = 0..bytes.len();
        let chunk =
            Chunk { bytes, own: whole, start: LineStart::FIRST, provenance: Provenance::Stdin, derivation };
        let (matches, memo) = self.redaction.detector.scan(&chunk, self.memo.as_ref());
        let settled = self.redaction.detector.settled(bytes, &memo);
        self.scanned = bytes.len();
        self.memo = Some(memo);
        (matches, settled)
    }

    /// The same of a long text, which all threads search.
    fn scan_in_parts(&mut self) -> (Vec<Match>, usize) {
        let bytes = self.bytes.as_slice();
        let threads = rayon::current_num_threads().max(1);
        let part = (bytes.len().div_ceil(threads)).max(MIN_PART_BYTES);
        let count = bytes.len().div_ceil(part);
        while self.helpers.len() < count {
            self.helpers.push(self.redaction.detector.clone());
        }
        let scan = |(start, detector): (usize, &mut Detector)| {
            let end = (start + part).min(bytes.len());
            let from = start.saturating_sub(CONTEXT_BYTES);
            let chunk = Chunk {
                bytes: &bytes[from..(end + CONTEXT_BYTES).min(bytes.len())],
                own: start - from..end - from,
                start: LineStart::FIRST,
                provenance: Provenance::Stdin,
                derivation: None,
            };
            let (mut matches, _) = detector.scan(&chunk, None);
            for Match { span, .. } in &mut matches {
                *span = ByteSpan::new(span.start + from, span.end + from);
            }
            matches
        };
        let starts: Vec<usize> = (0..bytes.len()).step_by(part).collect();
        let matches = starts.into_par_iter().zip(self.helpers.par_iter_mut()).flat_map_iter(scan).collect();
        // What is settled depends on the end alone.
        let first = bytes.len().saturating_sub(KEPT_BYTES);
        let end = Chunk::whole(&bytes[first..], Provenance::Stdin);
        let (_, memo) = self.redaction.detector.scan(&end, None);
        let settled = first + self.redaction.detector.settled(&bytes[first..], &memo);
        (self.scanned, self.memo) = (0, None);
        (matches, settled)
    }

    /// The spans to be replaced, sorted, without overlaps.
    fn stretches(&self, matches: &[Match]) -> Vec<Stretch> {
        let rules = &self.redaction.rules;
        let mut all: Vec<Stretch> = Vec::new();
        for found in matches.iter().filter(|found| found.span.end > self.released) {
            let rule = rules.rule(found.rule);
            let length = found.secret.expose().len();
            let Some(verdict) = judge(rule, &found.evidence, length, self.class) else { continue };
            let span = with_whole_escapes(&self.bytes, found.span);
            let telling = match rule.kind {
                Kind::Provider => 0,
                Kind::Value => 1,
                Kind::Generic => 2,
            };
            let label = Label {
                telling,
                confidence: std::cmp::Reverse(verdict.confidence),
                length: std::cmp::Reverse(length),
                rule: found.rule,
                start: span.start,
                hint: self.hint(found.rule, &found.secret),
            };
            all.push(Stretch { span, label });
        }
        all.sort_by(|a, b| (a.span, &a.label).cmp(&(b.span, &b.label)));
        let mut merged: Vec<Stretch> = Vec::with_capacity(all.len());
        for stretch in all {
            match merged.last_mut() {
                Some(last) if last.span.overlaps(&stretch.span) => {
                    last.span.end = last.span.end.max(stretch.span.end);
                    if stretch.label < last.label {
                        last.label = stretch.label;
                    }
                }
                _ => merged.push(stretch),
            }
        }
        merged
    }

    /// The part of the secret that a mark may show: the end that reports show, or the name of a value.
    fn hint(&self, rule: RuleId, secret: &Secret) -> Option<String> {
        let rule = self.redaction.rules.rule(rule);
        let shown = if rule.kind == Kind::Value {
            let source = self.redaction.sweep.as_ref()?.sources(secret).first()?;
            source.name.as_ref()?.to_str_lossy().into_owned()
        } else {
            let hint = secret.hint(checks::public_prefix_length(rule, secret.expose()));
            let (_, end) = hint.rsplit_once("...")?;
            if end.is_empty() {
                return None;
            }
            format!("...{end}")
        };
        let is_plain = |character: char| character.is_ascii_alphanumeric() || "._-+/=".contains(character);
        Some(shown.chars().map(|character| if is_plain(character) { character } else { '?' }).collect())
    }

    /// The private key that may have begun, of which the end has not come.
    fn open_key(&self) -> Option<OpenKey> {
        let first = self.bytes.len().saturating_sub(MAX_KEY_BYTES);
        let near = &self.bytes[first..];
        let name = near.rfind("PRIVATE KEY")?;
        let start = near[..name].rfind("-----BEGIN ").filter(|start| name - start <= MIN_KEY_LINE_BYTES)?;
        let behind = name + near[name..].find("-----")?;
        let rest = &near[behind..];
        if rest.contains_str("-----END") {
            return None;
        }
        let is_of_key = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
        let is_text = |bytes: &[u8]| bytes.len() >= MIN_KEY_LINE_BYTES && bytes.iter().all(is_of_key);
        let holds_text = |line: &[u8]| line.windows(MIN_KEY_LINE_BYTES).any(is_text);
        // A text that only speaks of such a line goes on with others.
        let others = rest.lines().skip(1).filter(|line| !holds_text(line)).count();
        let text = rest.windows(MIN_KEY_LINE_BYTES).position(is_text).map(|at| first + behind + at);
        (others <= MAX_OTHER_LINES).then_some(OpenKey { start: first + start, text })
    }

    /// The text of the key as far as it has come, where it lies behind all `stretches`.
    fn stretch_of(&self, key: &OpenKey, stretches: &[Stretch]) -> Option<Stretch> {
        let text = key.text?;
        let start = stretches.last().map_or(text, |last| text.max(last.span.end));
        let rule = self.redaction.rules.iter().find(|(_, rule)| rule.id == "private-key")?.0;
        (start < self.bytes.len()).then(|| Stretch {
            span: ByteSpan::new(start, self.bytes.len()),
            label: Label {
                telling: 0,
                confidence: std::cmp::Reverse(Confidence::Low),
                length: std::cmp::Reverse(0),
                rule,
                start,
                hint: None,
            },
        })
    }

    /// Appends what lies between what was given back and `end`, with marks in it.
    fn write(&mut self, stretches: &[Stretch], end: usize, out: &mut Vec<u8>) {
        let mut at = self.released;
        for Stretch { span, label } in stretches {
            let (from, to) = (span.start.max(at), span.end.min(end));
            if from >= to {
                continue;
            }
            out.extend_from_slice(&self.bytes[at..from]);
            let mark = self.redaction.mark(label);
            let stretch = ByteSpan::new(from, to);
            if is_utf16(stretch.of(&self.bytes)) {
                out.extend(bstr::join(b"\0", mark.bytes().map(|byte| [byte])));
            } else {
                let quote = missing_quote(&self.bytes, stretch);
                [quote, mark.as_bytes(), quote].iter().for_each(|part| out.extend_from_slice(part));
            }
            *self.counts.entry(label.rule).or_default() += 1;
            at = to;
        }
        out.extend_from_slice(&self.bytes[at..end]);
    }
}

/// The span without half of an escape at its ends: what is left of `\n` would be another escape.
fn with_whole_escapes(bytes: &[u8], span: ByteSpan) -> ByteSpan {
    let is_cut = |at: usize| bytes[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1;
    let start = if is_cut(span.start) { span.start - 1 } else { span.start };
    let end = if is_cut(span.end) && span.end > start + 1 { span.end - 1 } else { span.end };
    ByteSpan::new(start, end)
}

/// The quotes that a number of JSON needs where text takes its place: those of the name in front of it.
fn missing_quote(bytes: &[u8], span: ByteSpan) -> &'static [u8] {
    let is_number = span.of(bytes).iter().all(|byte| byte.is_ascii_digit() || b".-+eE".contains(byte));
    let before = bytes[..span.start].trim_ascii_end();
    let name = before.strip_suffix(b":").map(<[u8]>::trim_ascii_end);
    match name {
        Some([.., b'\\', b'"']) if is_number => b"\\\"",
        Some([.., b'"']) if is_number => b"\"",
        _ => b"",
    }
}

/// Whether it is ASCII text in UTF-16: from a character to the byte of the last one.
fn is_utf16(bytes: &[u8]) -> bool {
    bytes.len() > 2 && bytes.iter().enumerate().all(|(at, byte)| (*byte == 0) == (at % 2 == 1))
}

#[cfg(test)]
mod tests;
