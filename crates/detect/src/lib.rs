//! Detection: pure functions of rules and bytes. No input or output, no clock, no threads, no globals.
//!
//! prefilter (keyword hits) -> matcher (the hit's rules, each in its window) -> checks -> [`Match`].
//!
//! What a match is depends on the bytes within [`CONTEXT_BYTES`](keysieve_model::chunk::CONTEXT_BYTES) of its keyword and on
//! nothing else: that is why a file may be cut anywhere, and why a scan can be derived from that of an earlier version.

mod assignee;
mod carrier;
pub mod checks;
mod decode;
mod derive;
mod grammar;
mod matcher;
mod pattern;
mod prefilter;
mod reach;
pub mod sample;
mod settle;
pub mod sweep;
mod trace;

use std::sync::Arc;

use keysieve_model::chunk::Chunk;
use keysieve_model::finding::Secret;
use keysieve_model::location::{ByteSpan, Lines, Location};
use keysieve_model::replacement::Assignee;
use keysieve_rules::{Kind, RuleId, RuleSet};

pub use self::checks::{Link, Subject};
pub use self::derive::Memo;
use self::derive::{Decoded, Derived, Origin, Verified};
use self::matcher::Matcher;
use self::prefilter::{Hit, Prefilter};
use self::reach::Reach;
use self::sweep::Sweep;

pub use self::trace::{Attempt, Refusal};

/// A regex hit that passed its rule's checks, with what its bytes say about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// The rule that matched.
    pub rule: RuleId,
    /// The secret's bytes.
    pub secret: Secret,
    /// Where the secret lies in the content, in bytes.
    pub span: ByteSpan,
    /// Where the secret lies in the content, in lines and columns.
    pub location: Location,
    /// The part of a commit or tag in which the secret lies; empty elsewhere.
    pub field: &'static str,
    /// The line in which the message of that commit or tag begins, from 1.
    pub message_line: Option<u64>,
    /// What the bytes around it say.
    pub evidence: Evidence,
}

/// What the bytes of a match and around it say about it. What its place says is weighed by the judge.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// How the value is written.
    pub shape: Shape,
    /// How it is joined to its name.
    pub link: Link,
    /// What its name says that it is.
    pub subject: Subject,
    /// What the value is made of.
    pub composition: Composition,
    /// Whether it is words, with at most a few digits and signs between them.
    pub is_wordy: bool,
    /// Whether its name is a single word: `password`, `key`.
    pub has_plain_name: bool,
    /// Shannon entropy in bits per character, 0 to 8.
    pub entropy: f32,
    /// Whether it is digits alone: separators are those of versions, ranges and dates.
    pub is_number: bool,
    /// Whether it is a key that a cipher is tested with: a text and what becomes of it stand beside it.
    pub is_test_vector: bool,
    /// Whether the value speaks of secrets itself (`my_password`).
    pub names_itself: bool,
    /// Whether it stands in a text for people: `"Password: required"`.
    pub is_message: bool,
    /// Whether bytes that are no text lie next to it.
    pub binary: bool,
    /// Facts read from the secret itself, such as its AWS account.
    pub note: Option<String>,
    /// What it is given to; absent where nothing names it, and in text that was decoded.
    pub assignee: Option<Assignee>,
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shape {
    /// Between quotes or backticks.
    Quoted,
    /// Without quotes: a value in a data file, an expression in code.
    Bare,
    /// In the user information of a URL.
    Url,
    /// Without quotes of its own, in a string or between tags: data in code as well.
    Embedded,
}

/// What a value is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Composition {
    /// Letters and separators only: words, or a pass phrase.
    Letters,
    /// Digits and separators only.
    Digits,
    /// Letters with digits or signs.
    Mixed,
}

/// What is the same for all threads.
#[derive(Debug)]
struct Plan {
    rules: Arc<RuleSet>,
    prefilter: Prefilter,
    patterns: matcher::Patterns,
    /// Values that are looked for besides.
    sweep: Option<Arc<Sweep>>,
    /// How far before the end of a content a keyword or value that has not come whole may have a match, in bytes.
    lookback: usize,
}

/// Searches chunks. One clone for each thread: the rules are shared, the scratch space is not.
#[derive(Debug, Clone)]
pub struct Detector {
    plan: Arc<Plan>,
    matcher: Matcher,
}

impl Detector {
    /// A detector for `rules`.
    #[must_use]
    pub fn new(rules: Arc<RuleSet>) -> Self {
        Self::sweeping(rules, None)
    }

    /// A detector for `rules` and for values that are known.
    #[must_use]
    pub fn sweeping(rules: Arc<RuleSet>, sweep: Option<Arc<Sweep>>) -> Self {
        let prefilter = Prefilter::new(&rules);
        let patterns = matcher::Patterns::new(rules.rules().len());
        let matcher = Matcher::new(rules.rules().len());
        let of_rules = rules.rules().iter().map(|rule| {
            let longest = rule.keywords.iter().map(|keyword| keyword.len()).max().unwrap_or(0);
            // One more byte: what stands behind a short keyword.
            Reach::of(rule).before + longest + 1
        });
        let of_values = sweep.iter().map(|sweep| sweep.longest_form());
        let lookback = of_rules.chain(of_values).max().unwrap_or(0);
        Self { plan: Arc::new(Plan { rules, prefilter, patterns, sweep, lookback }), matcher }
    }

    /// The rules that are searched for.
    #[must_use]
    pub fn rules(&self) -> &RuleSet {
        &self.plan.rules
    }

    /// The matches whose keyword begins in the chunk's own part, sorted by where they lie, and what is to be remembered for
    /// chunks derived from this one. Spans count from the start of `chunk.bytes`. `base` is the memo of the chunk that
    /// `chunk.derivation` names; the result is the same without it.
    ///
    /// Rules may overlap; see [`resolve_overlaps`].
    pub fn scan(&mut self, chunk: &Chunk<'_>, base: Option<&Memo>) -> (Vec<Match>, Memo) {
        let Derived { mut memo, pending, changes } = match (chunk.derivation, base) {
            (Some(derivation), Some(base)) => {
                let reach = |rule| Reach::of(self.plan.rules.rule(rule));
                derive::derive(&self.plan.prefilter, chunk.bytes, derivation, base, reach)
            }
            _ => self.search(chunk.bytes),
        };
        if let Some(sweep) = &self.plan.sweep {
            memo.anchors = match (chunk.derivation, base) {
                (Some(derivation), Some(base)) => sweep.derive(chunk.bytes, derivation, &base.anchors),
                _ => sweep.search(chunk.bytes),
            };
        }
        let pending = pending.into_iter().filter(|(hit, _)| chunk.own.contains(&hit.start()));
        self.verify(chunk.bytes, pending, &mut memo.verified);
        memo.verified.sort_by_key(|verified| (verified.hit, verified.rule));
        let mut found: Vec<Found> =
            memo.verified.iter().map(|verified| Found::new(verified, verified.secret, chunk.bytes)).collect();
        self.find_values(chunk.bytes, &memo.anchors, Some, &mut found);
        if memo.has_zero {
            decode::visit_utf16(chunk.bytes, &mut |text| self.scan_text(chunk, text, &mut found));
        }
        self.scan_runs(chunk, &changes, &mut memo.decoded);
        found.extend(memo.decoded.iter().map(|decoded| decoded.found.clone()));
        // The same secret is found once for each of its keywords.
        self.keep_one_form(chunk, &mut found);
        found.sort_by(|a, b| a.place().cmp(&b.place()));
        found.dedup_by(|a, b| a.place() == b.place());
        let mut lines = Lines::new(chunk.bytes, chunk.start);
        let located = |found: Found| Match {
            rule: found.rule,
            secret: found.secret,
            span: found.span,
            location: lines.locate(found.span),
            field: chunk.provenance.field_at(chunk.bytes, found.span.start),
            message_line: chunk.provenance.message_line(chunk.bytes).filter(|_| chunk.start.offset == 0),
            evidence: found.evidence,
        };
        (found.into_iter().map(located).collect(), memo)
    }

    /// Searches all of `bytes` for keywords.
    fn search(&self, bytes: &[u8]) -> Derived {
        let mut hits = Vec::new();
        self.plan.prefilter.find(bytes, 0..bytes.len(), &mut hits);
        hits.sort_unstable();
        let pending = hits.iter().map(|&hit| (hit, None)).collect();
        let has_zero = memchr::memchr(0, bytes).is_some();
        let changes = vec![ByteSpan::new(0, bytes.len())];
        Derived { memo: Memo { hits, has_zero, ..Memo::default() }, pending, changes }
    }

    /// Runs the rules of each keyword that reach further than the copied span in which it lies.
    fn verify(
        &mut self,
        bytes: &[u8],
        pending: impl Iterator<Item = (Hit, Option<Origin>)>,
        verified: &mut Vec<Verified>,
    ) {
        let Self { plan, matcher } = self;
        for (hit, origin) in pending {
            let widest = plan.prefilter.widest_span(hit);
            for (keyword, ids) in plan.prefilter.keywords_at(bytes, hit) {
                for &id in ids {
                    let rule = plan.rules.rule(id);
                    if origin.is_some_and(|origin| origin.covers(widest, Reach::of(rule))) {
                        continue;
                    }
                    let found = matcher.verify(&plan.patterns, rule, id, bytes, keyword);
                    let told = found.as_ref().map_or_else(Refusal::secret, |(secret, _)| Some(*secret));
                    let mut keep = |(secret, evidence)| {
                        verified.push(Verified { hit, rule: id, secret, evidence });
                    };
                    found.into_iter().for_each(&mut keep);
                    plan.patterns.verify_joined(rule, id, bytes, keyword, told, &mut keep);
                }
            }
        }
    }

    /// Scans the texts in other forms that `changes` touch, and adds what is found in them to `decoded`.
    fn scan_runs(&mut self, chunk: &Chunk<'_>, changes: &[ByteSpan], decoded: &mut Vec<Decoded>) {
        for within in decode::changed(chunk.bytes, changes) {
            decode::visit(chunk.bytes, within, &mut |text| {
                let mut found = Vec::new();
                self.scan_text(chunk, text, &mut found);
                decoded.extend(found.into_iter().map(|found| Decoded { run: text.run, found }));
            });
        }
        // A run may be near two changes, or near one and be carried over all the same.
        decoded.sort_by(|a, b| (a.run, a.found.place()).cmp(&(b.run, b.found.place())));
        decoded.dedup_by(|a, b| (a.run, a.found.place()) == (b.run, b.found.place()));
    }

    /// Scans a text that lies in the chunk in another form.
    fn scan_text(&mut self, chunk: &Chunk<'_>, text: &decode::Text, found: &mut Vec<Found>) {
        let Derived { pending, .. } = self.search(&text.bytes);
        let pending = pending.into_iter().filter(|(hit, _)| chunk.own.contains(&text.origin(hit.start())));
        let mut verified = Vec::new();
        self.verify(&text.bytes, pending, &mut verified);
        for verified in verified {
            let (keyword, secret) = (verified.hit.start(), verified.secret);
            let whole = ByteSpan::new(keyword.min(secret.start), secret.end.max(keyword + 1));
            // What a provider's rule finds needs no name, and may be told from what is around it only where that is decoded.
            let is_provider = self.plan.rules.rule(verified.rule).kind == Kind::Provider;
            if is_provider || !text.is_verbatim(whole) {
                let mut decoded = Found::new(&verified, text.origin_span(secret), &text.bytes);
                // A look-up would have to be encoded as the secret is.
                decoded.evidence.assignee = None;
                found.push(decoded);
            }
        }
        if let Some(sweep) = &self.plan.sweep {
            let origin = |span| (!text.is_verbatim(span)).then(|| text.origin_span(span));
            self.find_values(&text.bytes, &sweep.search(&text.bytes), origin, found);
        }
    }

    /// Adds the values that have an anchor in `text`, where `origin` says that they lie in the chunk.
    fn find_values(
        &self,
        text: &[u8],
        anchors: &[sweep::Hit],
        origin: impl Fn(ByteSpan) -> Option<ByteSpan>,
        found: &mut Vec<Found>,
    ) {
        let Some(sweep) = &self.plan.sweep else { return };
        sweep.verify(text, anchors, &mut |value, span| {
            found.extend(origin(span).map(|span| Found {
                rule: sweep.rule(),
                secret: sweep.secret(value).clone(),
                span,
                evidence: sweep.evidence(value).clone(),
            }));
        });
    }

    /// Of the forms of one value that overlap keeps the one that begins first, and of all the chunk's own: what is found in a text
    /// of another form is mostly found in the chunk as well.
    fn keep_one_form(&self, chunk: &Chunk<'_>, found: &mut Vec<Found>) {
        let Some(sweep) = &self.plan.sweep else { return };
        let mut values: Vec<Found> = found.extract_if(.., |found| found.rule == sweep.rule()).collect();
        let key = |found: &Found| (found.span.start, std::cmp::Reverse(found.span.end));
        values.sort_by(|a, b| (&a.secret, key(a)).cmp(&(&b.secret, key(b))));
        values.dedup_by(|next, kept| next.secret == kept.secret && next.span.overlaps(&kept.span));
        values.retain(|found| chunk.own.contains(&found.span.start));
        found.append(&mut values);
    }
}

/// A match that is not yet located.
#[derive(Debug, Clone)]
struct Found {
    rule: RuleId,
    secret: Secret,
    /// Where the secret lies in the chunk.
    span: ByteSpan,
    evidence: Evidence,
}

impl Found {
    /// What tells it from others of the same content.
    fn place(&self) -> (ByteSpan, RuleId, &Secret) {
        (self.span, self.rule, &self.secret)
    }

    /// `text` is what was searched, `span` where the secret lies in the chunk.
    fn new(verified: &Verified, span: ByteSpan, text: &[u8]) -> Self {
        Self {
            rule: verified.rule,
            secret: Secret::new(verified.secret.of(text)),
            span,
            evidence: verified.evidence.clone(),
        }
    }
}

/// Of matches of one content whose secrets overlap, keeps the one of the more telling rule: provider before generic, then
/// the surer, then the longer secret, then the earlier rule. Values that are known are kept besides; what a rule finds where one
/// lies is taken for that value.
#[must_use]
pub fn resolve_overlaps(rules: &RuleSet, mut matches: Vec<Match>) -> Vec<Match> {
    let values: Vec<Match> =
        matches.extract_if(.., |found| rules.rule(found.rule).kind == Kind::Value).collect();
    let rank = |found: &Match| {
        let rule = rules.rule(found.rule);
        let length = found.span.end - found.span.start;
        (
            rule.kind == Kind::Generic,
            std::cmp::Reverse(rule.confidence),
            std::cmp::Reverse(length),
            found.rule,
        )
    };
    matches.sort_by(|a, b| rank(a).cmp(&rank(b)).then(a.span.cmp(&b.span)));
    let mut kept: Vec<Match> = Vec::with_capacity(matches.len());
    // By start, so that overlaps are found without comparing all pairs; kept spans never overlap.
    let mut starts = std::collections::BTreeMap::new();
    for found in matches {
        let before = starts.range(..found.span.end).next_back();
        if before.is_none_or(|(_, &end)| end <= found.span.start) {
            starts.insert(found.span.start, found.span.end);
            kept.push(found);
        }
    }
    name_by_values(&mut kept, &values);
    kept.extend(values);
    kept.sort_by_key(|found| (found.span, found.rule));
    kept
}

/// Takes each match that overlaps a value, the longest where there are several, for that value: it is reported once.
fn name_by_values(matches: &mut [Match], values: &[Match]) {
    let mut longest: Vec<&Match> = values.iter().collect();
    longest.sort_by_key(|value| (value.span.start, std::cmp::Reverse(value.span.end)));
    longest.dedup_by(|next, kept| next.span.overlaps(&kept.span));
    for found in matches {
        let before = longest.partition_point(|value| value.span.start < found.span.end);
        if let Some(value) = before.checked_sub(1).map(|at| longest[at])
            && value.span.overlaps(&found.span)
        {
            found.secret = value.secret.clone();
        }
    }
}

#[cfg(test)]
mod carried;
#[cfg(test)]
mod properties;
