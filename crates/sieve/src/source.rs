//! Writes a [`Sieve`] as Rust source, for build scripts.

use std::fmt::Debug;

use crate::{Entry, Sieve, StemBytes};

impl Sieve {
    /// An expression for the same sieve, with constants for tables. The names of this crate have to be in scope.
    #[must_use]
    pub fn to_source(&self) -> String {
        let entries = self.entries.iter().map(|Entry { stem, offset, fourths }| {
            format!("Entry {{ stem: {stem}, offset: {offset}, fourths: {fourths} }}")
        });
        let stems = self.stems.iter().map(|StemBytes { folded, length, followers }| {
            format!("StemBytes {{ folded: {folded}, length: {length}, followers: {followers} }}")
        });
        let fields = [
            ("known", list(self.known.iter())),
            ("present", list(self.present.iter())),
            ("ranks", list(self.ranks.iter())),
            ("around", list(self.around.iter())),
            ("firsts", list(self.firsts.iter())),
            ("entries", entries.collect::<Vec<_>>().join(", ")),
            ("stems", stems.collect::<Vec<_>>().join(", ")),
            ("followers", list(self.followers.iter())),
        ];
        let fields = fields.map(|(name, items)| format!("{name}: Table::Static(&[{items}])"));
        format!("Sieve {{ {} }}", fields.join(",\n"))
    }
}

fn list<T: Debug>(items: impl Iterator<Item = T>) -> String {
    items.map(|item| format!("{item:?}")).collect::<Vec<_>>().join(", ")
}
