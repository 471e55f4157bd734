//! How far rules look: what a match depends on.

use keysieve_rules::Rule;

use super::checks::MARGIN_BYTES;
use super::grammar;

/// How far from a keyword a rule and its checks may look, in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Reach {
    pub(super) before: usize,
    pub(super) after: usize,
}

impl Reach {
    pub(super) fn of(rule: &Rule) -> Self {
        let window = Self {
            before: rule.window.before as usize + MARGIN_BYTES,
            after: rule.window.after as usize + MARGIN_BYTES,
        };
        let joined = rule.joined.as_ref().map(|joined| Self {
            before: grammar::BEFORE_BYTES + MARGIN_BYTES,
            after: grammar::reach(joined) + MARGIN_BYTES,
        });
        joined.map_or(window, |joined| window.max(joined))
    }

    pub(super) fn max(self, other: Self) -> Self {
        Self { before: self.before.max(other.before), after: self.after.max(other.after) }
    }
}
