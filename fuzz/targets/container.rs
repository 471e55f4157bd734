//! Archives and compressed files of any bytes: they are read or named, in bounded time.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = keysieve_image::fuzzing::open_container(data);
});
