//! Pack deltas: <https://git-scm.com/docs/pack-format#_deltified_representation>.
//!
//! A delta says of an object which spans are copied from its base and which bytes are inserted.

use keysieve_model::chunk::Copied;

/// A delta, parsed once: for applying it, and for knowing what did not change.
#[derive(Debug, Default)]
pub struct Delta {
    /// The size of the result in bytes; the instructions add up to it.
    pub result_size: usize,
    /// The copied spans, neighbours joined, sorted by where they go.
    pub copies: Vec<Copied>,
    inserts: Vec<Insert>,
}

/// Bytes of the delta itself that go into the result.
#[derive(Debug, Clone, Copy)]
struct Insert {
    from: usize,
    to: usize,
    length: usize,
}

impl Delta {
    /// Parses `data` for a base of `base_size` bytes. Nothing is allocated for what a delta only claims: the result's size is
    /// the sum of its instructions.
    pub fn parse(&mut self, data: &[u8], base_size: usize) -> Result<(), &'static str> {
        self.copies.clear();
        self.inserts.clear();
        let mut at = 0;
        let claimed_base = size(data, &mut at).ok_or("the delta's header is cut")?;
        let claimed_result = size(data, &mut at).ok_or("the delta's header is cut")?;
        if claimed_base != base_size as u64 {
            return Err("the delta was made for a base of another size");
        }
        let mut to = 0usize;
        while let Some(&instruction) = data.get(at) {
            at += 1;
            let length = if instruction & 0x80 != 0 {
                let (from, length) = copy(data, &mut at, instruction).ok_or("a copy instruction is cut")?;
                if from.checked_add(length).is_none_or(|end| end > base_size) {
                    return Err("a copy instruction reaches outside the base");
                }
                self.push_copy(Copied { from, to, length });
                length
            } else if instruction != 0 {
                let length = usize::from(instruction);
                if data.len() - at < length {
                    return Err("an insert instruction is cut");
                }
                self.inserts.push(Insert { from: at, to, length });
                at += length;
                length
            } else {
                return Err("an instruction is of a reserved kind");
            };
            to = to.checked_add(length).ok_or("the result is too large")?;
            if to as u64 > claimed_result {
                return Err("the instructions give more than the delta claims");
            }
        }
        if to as u64 != claimed_result {
            return Err("the instructions give less than the delta claims");
        }
        self.result_size = to;
        Ok(())
    }

    fn push_copy(&mut self, copy: Copied) {
        match self.copies.last_mut() {
            Some(last) if last.to + last.length == copy.to && last.from + last.length == copy.from => {
                last.length += copy.length;
            }
            _ => self.copies.push(copy),
        }
    }

    /// Writes the result into `result`, replacing what it held. `data` is what was parsed, for this `base`.
    pub fn apply(&self, data: &[u8], base: &[u8], result: &mut Vec<u8>) {
        result.clear();
        result.reserve_exact(self.result_size);
        let mut inserts = self.inserts.iter().peekable();
        let insert_until =
            |end: usize,
             result: &mut Vec<u8>,
             inserts: &mut std::iter::Peekable<std::slice::Iter<'_, Insert>>| {
                while let Some(insert) = inserts.next_if(|insert| insert.to < end) {
                    result.extend_from_slice(&data[insert.from..insert.from + insert.length]);
                }
            };
        for copy in &self.copies {
            insert_until(copy.to, result, &mut inserts);
            result.extend_from_slice(&base[copy.from..copy.from + copy.length]);
        }
        insert_until(usize::MAX, result, &mut inserts);
    }
}

/// A size: seven bits a byte, the lowest first.
fn size(data: &[u8], at: &mut usize) -> Option<u64> {
    let mut size = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = *data.get(*at)?;
        *at += 1;
        size |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(size);
        }
    }
    None
}

/// Offset in the base and length of a copy: each bit of the instruction says whether a byte of them follows.
fn copy(data: &[u8], at: &mut usize, instruction: u8) -> Option<(usize, usize)> {
    let mut operand = |bits: std::ops::Range<u8>| {
        let mut value = 0usize;
        for (index, bit) in bits.enumerate() {
            if instruction & 1 << bit != 0 {
                value |= usize::from(*data.get(*at)?) << (8 * index);
                *at += 1;
            }
        }
        Some(value)
    };
    let from = operand(0..4)?;
    let length = operand(4..7)?;
    Some((from, if length == 0 { 0x1_0000 } else { length }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_and_inserts_make_the_result() {
        // base size 10, result size 8: copy 2..6, insert "xy", copy 0..2
        let data = [10, 8, 0x91, 2, 4, 2, b'x', b'y', 0x90, 2];
        let mut delta = Delta::default();
        delta.parse(&data, 10).expect("a valid delta");
        let mut result = Vec::new();
        delta.apply(&data, b"0123456789", &mut result);
        assert_eq!(result, b"2345xy01");
        assert_eq!(
            delta.copies,
            [Copied { from: 2, to: 0, length: 4 }, Copied { from: 0, to: 6, length: 2 }]
        );
    }

    #[test]
    fn lies_are_refused() {
        let mut delta = Delta::default();
        for (data, base) in [
            (&[10u8, 8][..], 9),        // another base
            (&[10, 8, 0x91, 8, 4], 10), // outside the base
            (&[10, 8, 0x91, 2], 10),    // cut
            (&[10, 8, 3, b'a'], 10),    // cut
            (&[10, 8, 0], 10),          // reserved
            (&[10, 8, 1, b'a'], 10),    // too little
            (&[10, 0, 1, b'a'], 10),    // too much
            (&[0xff; 12], 10),          // a size without end
        ] {
            assert!(delta.parse(data, base).is_err(), "{data:?}");
        }
    }
}
