//! Standard input: read in pieces, so that memory does not grow with it; containers are opened.

use std::io;

use keysieve_model::chunk::Visitor;
use keysieve_model::coverage::Read;
use keysieve_model::provenance::Provenance;

use super::archive::{HandOver, Tally, visit_stream};
use keysieve_model::chunk::Source;

/// Standard input as one content.
#[derive(Debug, Clone, Copy)]
pub struct Stdin;

impl Source for Stdin {
    fn visit_chunks<V: Visitor>(&self, visitor: &V) -> Read {
        let tally = Tally::default();
        rayon::in_place_scope(|scope| {
            let hand_over = HandOver::new(visitor, &tally, Some(scope));
            visit_stream(&mut io::stdin().lock(), Provenance::Stdin, hand_over);
        });
        Read { files: 1, bytes: tally.bytes(), ..Read::default() }
    }
}
