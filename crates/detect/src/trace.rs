//! What each rule made of each of its keywords, for people who ask why something was found, or was not. Scans do not come here.

use keysieve_model::chunk::Chunk;
use keysieve_model::finding::Secret;
use keysieve_model::location::ByteSpan;
use keysieve_rules::RuleId;

use super::derive::Derived;
use super::reach::Reach;
use super::{Detector, Evidence, decode};

/// Why a rule finds nothing at one of its keywords. Spans count from the start of what was searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Its pattern matches nothing there.
    NoMatch,
    /// One of its checks says no.
    Check {
        /// The check's place among those of the rule.
        check: usize,
        /// What it says no of.
        secret: ByteSpan,
    },
    /// It is a placeholder.
    Placeholder {
        /// What is one.
        secret: ByteSpan,
    },
    /// It is encrypted, or public by design.
    Publishable {
        /// What is it.
        secret: ByteSpan,
    },
    /// It is one of the rule's exceptions.
    Excepted {
        /// What is one.
        secret: ByteSpan,
    },
}

impl Refusal {
    /// What is refused, where the pattern matched at all.
    pub(super) fn secret(&self) -> Option<ByteSpan> {
        match *self {
            Self::NoMatch => None,
            Self::Check { secret, .. }
            | Self::Placeholder { secret }
            | Self::Publishable { secret }
            | Self::Excepted { secret } => Some(secret),
        }
    }
}

/// A rule at one of its keywords.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// The rule.
    pub rule: RuleId,
    /// Where the keyword lies in the chunk.
    pub keyword: ByteSpan,
    /// Where the secret lies in the chunk, and the secret, decoded, as far as the pattern matched.
    pub secret: Option<(ByteSpan, Secret)>,
    /// What speaks for it, or why it is none.
    pub outcome: Result<Evidence, Refusal>,
}

impl Detector {
    /// What each rule made of each of its keywords whose window touches `asked`, sorted by where they lie.
    pub fn trace(&mut self, chunk: &Chunk<'_>, asked: ByteSpan) -> Vec<Attempt> {
        let mut attempts = Vec::new();
        self.trace_text(chunk.bytes, |span| span, asked, &mut attempts);
        let mut trace_decoded = |text: &decode::Text| {
            self.trace_text(&text.bytes, |span| text.origin_span(span), asked, &mut attempts);
        };
        decode::visit_utf16(chunk.bytes, &mut trace_decoded);
        decode::visit(chunk.bytes, ByteSpan::new(0, chunk.bytes.len()), &mut trace_decoded);
        attempts.sort_by_key(|attempt| (attempt.keyword, attempt.rule));
        attempts.dedup();
        attempts
    }

    fn trace_text(
        &mut self,
        text: &[u8],
        origin: impl Fn(ByteSpan) -> ByteSpan,
        asked: ByteSpan,
        attempts: &mut Vec<Attempt>,
    ) {
        let Derived { pending, .. } = self.search(text);
        let Self { plan, matcher } = self;
        for (hit, _) in pending {
            for (keyword, rules) in plan.prefilter.keywords_at(text, hit) {
                for &id in rules {
                    let rule = plan.rules.rule(id);
                    let reach = Reach::of(rule);
                    let window =
                        ByteSpan::new(keyword.start.saturating_sub(reach.before), keyword.end + reach.after);
                    if !origin(window).overlaps(&asked) {
                        continue;
                    }
                    let found = matcher.verify(&plan.patterns, rule, id, text, keyword);
                    let secret = found.as_ref().map_or_else(Refusal::secret, |(secret, _)| Some(*secret));
                    let mut tell = |secret: Option<ByteSpan>, outcome| {
                        attempts.push(Attempt {
                            rule: id,
                            keyword: origin(keyword),
                            secret: secret.map(|secret| (origin(secret), Secret::new(secret.of(text)))),
                            outcome,
                        });
                    };
                    let mut joined = Vec::new();
                    plan.patterns
                        .verify_joined(rule, id, text, keyword, secret, &mut |value| joined.push(value));
                    // That the pattern matches nothing is no news where the grammar finds a value.
                    if joined.is_empty() || secret.is_some() {
                        tell(secret, found.map(|(_, evidence)| evidence));
                    }
                    for (secret, evidence) in joined {
                        tell(Some(secret), Ok(evidence));
                    }
                }
            }
        }
    }
}
