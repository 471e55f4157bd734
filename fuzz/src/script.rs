//! The fuzzer's bytes, read as decisions. Past their end every decision is zero, so that short inputs are small cases.

use gix::ObjectId;
use gix::hash::Kind as HashKind;
use gix::objs::Kind;

use crate::forge::Step;
use crate::synthetic_id;

#[derive(Debug)]
pub(crate) struct Script<'a> {
    data: &'a [u8],
}

impl<'a> Script<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self { data }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.data.is_empty()
    }

    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.data)
    }

    pub(crate) fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.data.split_at(count.min(self.data.len()));
        self.data = rest;
        taken
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// A number of up to two bytes, small ones in one.
    pub(crate) fn number(&mut self) -> usize {
        match self.byte() {
            low @ 0..0xf0 => usize::from(low),
            high => usize::from(high & 0x0f) << 8 | usize::from(self.byte()),
        }
    }

    /// Any number, large ones too.
    pub(crate) fn size(&mut self) -> u64 {
        let shift = self.byte() % 64;
        (self.number() as u64) << shift
    }

    /// A number below `end`, or zero.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.number() % end.max(1)
    }

    pub(crate) fn hash(&mut self) -> HashKind {
        if self.byte() % 8 == 1 { HashKind::Sha256 } else { HashKind::Sha1 }
    }

    pub(crate) fn kind(&mut self) -> Kind {
        [Kind::Blob, Kind::Tree, Kind::Commit, Kind::Tag][usize::from(self.byte() % 4)]
    }

    /// Some bytes, at times the same ones over and over.
    pub(crate) fn bytes(&mut self) -> Vec<u8> {
        let count = self.number();
        let times = if count % 16 == 7 { usize::from(self.byte() % 64) } else { 1 };
        self.take(count).repeat(times)
    }

    /// Steps of a delta on `base`, and what they make.
    pub(crate) fn steps(&mut self, base: &[u8]) -> (Vec<Step>, Vec<u8>) {
        let (mut steps, mut result) = (Vec::new(), Vec::new());
        for _ in 0..self.byte() % 16 {
            if self.flag() && !base.is_empty() {
                let from = self.below(base.len());
                let length = 1 + self.below(base.len() - from);
                result.extend_from_slice(&base[from..from + length]);
                steps.push(Step::Copy { from, length });
            } else {
                let bytes = self.bytes();
                if !bytes.is_empty() {
                    result.extend_from_slice(&bytes);
                    steps.push(Step::Insert(bytes));
                }
            }
        }
        (steps, result)
    }

    /// A content that is, for the most part, what an object of the kind holds.
    pub(crate) fn content(&mut self, kind: Kind, hash: HashKind, ids: &[ObjectId]) -> Vec<u8> {
        if self.byte() % 4 == 3 {
            return self.bytes();
        }
        match kind {
            Kind::Blob => self.bytes(),
            Kind::Tree => self.tree(hash, ids),
            Kind::Commit => self.commit(ids),
            Kind::Tag => {
                let target = self.id(ids, hash);
                format!("object {target}\ntype blob\ntag t\n\n{}", self.byte()).into_bytes()
            }
        }
    }

    pub(crate) fn tree(&mut self, hash: HashKind, ids: &[ObjectId]) -> Vec<u8> {
        let mut tree = Vec::new();
        for _ in 0..self.byte() % 16 {
            let modes = ["100644", "40000", "160000", "120000", "040000", "0", "", "x"];
            let choice = self.byte();
            tree.extend_from_slice(
                modes[usize::from(if choice < 0xf0 { choice % 5 } else { choice % 8 })].as_bytes(),
            );
            tree.push(b' ');
            let length = usize::from(self.byte() % 8);
            tree.extend_from_slice(self.take(length));
            tree.push(0);
            tree.extend_from_slice(self.id(ids, hash).as_bytes());
        }
        tree
    }

    pub(crate) fn commit(&mut self, ids: &[ObjectId]) -> Vec<u8> {
        let hash = ids.first().map_or(HashKind::Sha1, ObjectId::kind);
        let mut commit = format!("tree {}\n", self.id(ids, hash));
        for _ in 0..self.byte() % 4 {
            commit += &format!("parent {}\n", self.id(ids, hash));
        }
        let sign = if self.flag() { "-" } else { "" };
        let (seconds, offset) = (self.size(), self.number());
        let mut commit = commit.into_bytes();
        for who in ["author", "committer"] {
            commit.extend_from_slice(format!("{who} A <a@b> {sign}{seconds} {sign}{offset}\n").as_bytes());
        }
        commit.push(b'\n');
        commit.extend_from_slice(&self.bytes());
        commit
    }

    /// One of `ids`, or one that no object has.
    pub(crate) fn id(&mut self, ids: &[ObjectId], hash: HashKind) -> ObjectId {
        let choice = self.byte();
        match ids.get(usize::from(choice % 32)) {
            Some(id) => *id,
            None => synthetic_id(hash, choice % 4),
        }
    }
}
