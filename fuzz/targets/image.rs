//! Images of any bytes: archives, documents and layers.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    keysieve::sources::fuzzing::read_image(data);
});
