//! What the fuzz targets do with their bytes. Each panics where a reader breaks its promise; where one panics, hangs or takes
//! too much memory by itself, the fuzzer sees it too.

#[path = "../../tests/integration/forge.rs"]
#[allow(dead_code, reason = "shared with the integration tests")]
pub(crate) mod forge;
mod pack;
mod pdf;
mod scratch;
mod script;

use gix::ObjectId;
use gix::hash::Kind as HashKind;
use keysieve_git::fuzzing;

pub use crate::pack::{entry, files, pack};
pub use crate::pdf::pdf;

use crate::forge::Step;
use crate::script::Script;

/// A delta: raw instructions, or well-formed ones, whose result is known.
pub fn delta(data: &[u8]) {
    let mut script = Script::new(data);
    let is_well_formed = script.flag();
    let base = script.bytes();
    if is_well_formed {
        let (steps, expected) = script.steps(&base);
        let delta = forge::delta(base.len() as u64, expected.len() as u64, &steps);
        let (result, copies) = fuzzing::apply_delta(&delta, &base).expect("a well-formed delta");
        assert_eq!(result, expected);
        let copied: usize = copies.iter().map(|copy| copy.length).sum();
        let meant = steps.iter().map(|step| if let Step::Copy { length, .. } = step { *length } else { 0 });
        assert_eq!(copied, meant.sum::<usize>());
    } else {
        let mut delta = script.rest().to_vec();
        // A base size that does not fit is refused at once: mostly it shall fit.
        if delta.first().is_some_and(|first| *first != 0) && base.len() < 0x80 {
            delta[0] = base.len() as u8;
        }
        assert_eq!(
            fuzzing::apply_delta(&delta, &base).map(|(result, _)| result),
            reference_apply(&delta, &base)
        );
    }
}

/// Deltas as the format's documentation has them, written for nothing but being plain.
fn reference_apply(delta: &[u8], base: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = delta.iter().copied();
    let size = |bytes: &mut dyn Iterator<Item = u8>| {
        let mut size = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = bytes.next()?;
            size |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(size);
            }
        }
        None
    };
    let (base_size, result_size) = (size(&mut bytes)?, size(&mut bytes)?);
    if base_size != base.len() as u64 {
        return None;
    }
    let mut result = Vec::new();
    while let Some(instruction) = bytes.next() {
        if instruction == 0 {
            return None;
        } else if instruction < 0x80 {
            for _ in 0..instruction {
                result.push(bytes.next()?);
            }
        } else {
            let mut operands = [0u8; 8];
            for (bit, at) in [0, 1, 2, 3, 4, 5, 6].into_iter().enumerate() {
                if instruction & 1 << bit != 0 {
                    operands[at] = bytes.next()?;
                }
            }
            let from = u32::from_le_bytes([operands[0], operands[1], operands[2], operands[3]]) as usize;
            let length = u32::from_le_bytes([operands[4], operands[5], operands[6], 0]) as usize;
            let length = if length == 0 { 0x1_0000 } else { length };
            result.extend_from_slice(base.get(from..from + length)?);
        }
        if result.len() as u64 > result_size {
            return None;
        }
    }
    (result.len() as u64 == result_size).then_some(result)
}

/// Two trees, the second made from the first by a delta: what is read of it is what reading it whole gives.
pub fn tree(data: &[u8]) {
    let mut script = Script::new(data);
    let hash = script.hash();
    let base = if script.flag() { script.tree(hash, &[]) } else { script.bytes() };
    let (steps, expected) = script.steps(&base);
    let delta = forge::delta(base.len() as u64, expected.len() as u64, &steps);
    let (bytes, copies) = fuzzing::apply_delta(&delta, &base).expect("a well-formed delta");
    fuzzing::read_tree(&base, &bytes, &copies, hash);
}

/// Commits and tags of any bytes.
pub fn headers(data: &[u8]) {
    let mut script = Script::new(data);
    let hash = script.hash();
    let ids: Vec<ObjectId> = (1..=4).map(|byte| synthetic_id(hash, byte)).collect();
    let contents: Vec<Vec<u8>> =
        ids.iter().map(|_| if script.flag() { script.commit(&ids) } else { script.bytes() }).collect();
    let contents: Vec<&[u8]> = contents.iter().map(Vec::as_slice).collect();
    fuzzing::read_headers(&contents, &ids);
}

/// An id that no content has.
pub(crate) fn synthetic_id(hash: HashKind, byte: u8) -> ObjectId {
    ObjectId::try_from(vec![byte; hash.len_in_bytes()].as_slice()).expect("as long as an id")
}
