//! Tests of detection as a whole: each rule against texts sampled from its own examples, and the contracts as properties.

pub(super) mod encode;
mod properties;
mod rules;
