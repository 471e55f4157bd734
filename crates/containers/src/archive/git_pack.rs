//! Packs of git in an archive or an image, and bundles, which are packs behind some lines: every blob, commit and tag in them, deltas applied. Where in a history they stand is
//! not known without the rest of the repository; what they hold is.

use std::collections::HashMap;
use std::io::{self, Read};
use std::rc::Rc;

use flate2::{Decompress, FlushDecompress, Status};

use super::budget::Budget;
use super::stream::Stream;
use crate::delta::Delta;

/// The largest pack that is opened, in bytes, and the largest object.
const MAX_PACK_BYTES: usize = 64 << 20;
const MAX_OBJECT_BYTES: usize = 64 << 20;
/// How many bytes of objects are kept for those made from them.
const MAX_KEPT_BYTES: usize = 32 << 20;
/// The longest chain of deltas; git writes at most 4,095.
const MAX_CHAIN: usize = 5_000;

/// The most bytes that the lines in front of a bundle's pack may have.
const MAX_BUNDLE_HEADER_BYTES: usize = 16 << 20;

/// Takes the lines in front of a bundle's pack: capabilities, commits that have to be there already, references, an empty
/// line. Says too where they have no end.
pub(super) fn bundle_header(stream: &mut Stream<'_>) -> (Vec<u8>, io::Result<()>) {
    const LOOK_BYTES: usize = 4 << 10;
    let mut header = Vec::new();
    loop {
        let ahead = stream.peek(LOOK_BYTES);
        // The empty line may begin in what was taken before.
        let known = header.len();
        header.extend_from_slice(ahead);
        let looked_at = known.saturating_sub(1);
        let end = memchr::memmem::find(&header[looked_at..], b"\n\n").map(|at| looked_at + at + 2);
        let length = end.unwrap_or(header.len()) - known;
        header.truncate(known + length);
        if let Err(error) = stream.skip(length as u64) {
            return (header, Err(error));
        }
        if end.is_some() {
            return (header, Ok(()));
        }
        if length == 0 {
            return (header, Err(damaged("the git bundle is cut off")));
        }
        if header.len() > MAX_BUNDLE_HEADER_BYTES {
            return (header, Err(damaged("the git bundle has more references than are read")));
        }
    }
}

/// What the pack says of an object.
#[derive(Debug, Clone, Copy)]
enum Base {
    /// It is stored whole: a commit (1), tree (2), blob (3) or tag (4).
    Whole(u8),
    /// It is a delta on the object that begins there.
    At(usize),
    /// It is a delta on an object named by its id.
    Named,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    base: Base,
    /// Where its compressed bytes begin.
    data: usize,
    size: usize,
}

/// An object of a pack.
pub(super) struct Object {
    /// `blob`, `commit` or `tag`.
    pub(super) kind: &'static str,
    pub(super) bytes: Rc<Vec<u8>>,
}

/// A pack in memory.
pub(super) struct GitPack<'b> {
    bytes: Vec<u8>,
    entries: HashMap<usize, Entry>,
    /// Where objects begin, in the order of the pack.
    order: Vec<usize>,
    kept: HashMap<usize, Rc<Vec<u8>>>,
    kept_bytes: usize,
    /// How long the ids of objects are.
    id_bytes: usize,
    budget: &'b Budget,
}

impl<'b> GitPack<'b> {
    /// Reads the pack. Says too where it is damaged; what comes before that is there.
    pub(super) fn read(stream: &mut dyn Read, id_bytes: usize, budget: &'b Budget) -> (Self, io::Result<()>) {
        let mut bytes = Vec::new();
        let read = stream.take(MAX_PACK_BYTES as u64 + 1).read_to_end(&mut bytes);
        let mut pack = Self {
            bytes,
            entries: HashMap::new(),
            order: Vec::new(),
            kept: HashMap::new(),
            kept_bytes: 0,
            id_bytes,
            budget,
        };
        let result = read.and_then(|_| {
            if pack.bytes.len() > MAX_PACK_BYTES {
                return Err(damaged("a git pack of more than 64 MiB; copy the repository out and audit it"));
            }
            pack.list()
        });
        (pack, result)
    }

    /// Finds where each object begins, which only shows in where the one before it ends.
    fn list(&mut self) -> io::Result<()> {
        const HEADER_BYTES: usize = 12;
        let count =
            self.bytes.get(8..HEADER_BYTES).and_then(|count| count.try_into().ok()).map(u32::from_be_bytes);
        let mut at = HEADER_BYTES;
        for _ in 0..count.unwrap_or(0) {
            let start = at;
            let entry = header(&self.bytes, start, self.id_bytes)
                .ok_or_else(|| damaged("the git pack is cut off or damaged"))?;
            let (_, length) = self.inflate(entry.data, entry.size, false)?;
            self.entries.insert(start, entry);
            self.order.push(start);
            at = entry.data + length;
        }
        Ok(())
    }

    /// Where the objects begin.
    pub(super) fn objects(&self) -> Vec<usize> {
        self.order.clone()
    }

    /// The object that begins at `start`; `None` for trees.
    pub(super) fn object(&mut self, start: usize) -> io::Result<Option<Object>> {
        let mut chain = Vec::new();
        let mut at = start;
        let kind = loop {
            let entry =
                *self.entries.get(&at).ok_or_else(|| damaged("its delta's base is not in the pack"))?;
            match entry.base {
                Base::Whole(kind) => break kind,
                Base::At(base) if chain.len() < MAX_CHAIN && base < at => chain.push((at, base)),
                Base::At(_) => return Err(damaged("its chain of deltas has no end")),
                Base::Named => return Err(damaged("it is a delta on an object outside of the pack")),
            }
            at = chain.last().map_or(at, |&(_, base)| base);
        };
        let kind = match kind {
            1 => "commit",
            3 => "blob",
            4 => "tag",
            _ => return Ok(None),
        };
        // From the nearest object of the chain that is still there.
        let known = chain.iter().position(|(at, _)| self.kept.contains_key(at));
        let todo = known.unwrap_or(chain.len());
        let mut object =
            match known.map(|known| chain[known].0).or(Some(at)).and_then(|at| self.kept.get(&at)) {
                Some(kept) => Rc::clone(kept),
                None => self.keep(at, |pack, entry| Ok(pack.inflate(entry.data, entry.size, true)?.0))?,
            };
        for &(at, _) in chain[..todo].iter().rev() {
            object = self.keep(at, |pack, entry| {
                let (delta_bytes, _) = pack.inflate(entry.data, entry.size, true)?;
                let mut delta = Delta::default();
                delta.parse(&delta_bytes, object.len()).map_err(damaged)?;
                if delta.result_size > MAX_OBJECT_BYTES {
                    return Err(damaged("an object of more than 64 MiB"));
                }
                pack.budget.spend(delta.result_size as u64)?;
                let mut result = Vec::new();
                delta.apply(&delta_bytes, &object, &mut result);
                Ok(result)
            })?;
        }
        Ok(Some(Object { kind, bytes: object }))
    }

    fn keep(
        &mut self,
        at: usize,
        make: impl FnOnce(&Self, Entry) -> io::Result<Vec<u8>>,
    ) -> io::Result<Rc<Vec<u8>>> {
        let object = Rc::new(make(self, self.entries[&at])?);
        if self.kept_bytes + object.len() > MAX_KEPT_BYTES {
            self.kept.clear();
            self.kept_bytes = 0;
        }
        self.kept_bytes += object.len();
        self.kept.insert(at, Rc::clone(&object));
        Ok(object)
    }

    /// Inflates what begins at `data`: its bytes where they are wanted, and how long it is in the pack.
    fn inflate(&self, data: usize, size: usize, is_wanted: bool) -> io::Result<(Vec<u8>, usize)> {
        const SCRATCH_BYTES: usize = 16 << 10;
        if size > MAX_OBJECT_BYTES {
            return Err(damaged("an object of more than 64 MiB; copy the repository out and audit it"));
        }
        let mut inflater = Decompress::new(true);
        let (mut out, mut scratch) = (Vec::new(), [0; SCRATCH_BYTES]);
        loop {
            let (read, made) = (inflater.total_in() as usize, inflater.total_out());
            let input = self.bytes.get(data + read..).unwrap_or_default();
            let status = inflater.decompress(input, &mut scratch, FlushDecompress::None);
            let status = status.map_err(|_| damaged("the git pack is damaged"))?;
            let new = (inflater.total_out() - made) as usize;
            self.budget.spend(new as u64)?;
            if inflater.total_out() > size as u64 {
                return Err(damaged("the git pack is damaged: an object is larger than it says"));
            }
            if is_wanted {
                out.extend_from_slice(&scratch[..new]);
            }
            if status == Status::StreamEnd {
                return Ok((out, inflater.total_in() as usize));
            }
            if new == 0 && inflater.total_in() as usize == read {
                return Err(damaged("the git pack is cut off"));
            }
        }
    }
}

/// The header of the entry that begins at `start`: <https://git-scm.com/docs/pack-format>.
fn header(bytes: &[u8], start: usize, id_bytes: usize) -> Option<Entry> {
    let mut at = start;
    let mut next = || {
        let byte = bytes.get(at).copied();
        at += 1;
        byte
    };
    let first = next()?;
    let mut size = usize::from(first & 0xf);
    let (mut byte, mut shift) = (first, 4);
    while byte & 0x80 != 0 {
        byte = next()?;
        size |= usize::from(byte & 0x7f).checked_shl(shift).filter(|_| shift < 57)?;
        shift += 7;
    }
    let base = match first >> 4 & 7 {
        kind @ 1..=4 => Base::Whole(kind),
        6 => {
            let mut byte = next()?;
            let mut distance = usize::from(byte & 0x7f);
            while byte & 0x80 != 0 {
                byte = next()?;
                distance = distance.checked_add(1)?.checked_mul(128)? | usize::from(byte & 0x7f);
            }
            Base::At(start.checked_sub(distance)?)
        }
        7 => {
            at += id_bytes;
            Base::Named
        }
        _ => return None,
    };
    Some(Entry { base, data: at, size })
}

fn damaged(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
