//! PDF files made of what they are made of, in any order: they are read or named, and all their bytes are searched.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| keysieve_fuzz::pdf(data));
