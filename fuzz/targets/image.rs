//! Images of any bytes: archives, documents and layers.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    keysieve_image::fuzzing::read_image(data);
});
