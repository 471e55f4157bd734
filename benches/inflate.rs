//! Inflates every entry of a repository's packs with libdeflate and with the inflate that gix brings, and compares the times.
//!
//!     cargo bench --bench inflate -- path/to/repository
#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use gix::hash::Kind;
use gix::odb::pack;

/// How often each is measured; the median counts.
const RUNS: usize = 5;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let path = std::env::args().skip(1).find(|argument| argument != "--bench");
    let path = PathBuf::from(path.ok_or("give the path of a repository")?);
    let repository = gix::open(&path)?;
    let folder = repository.common_dir().join("objects/pack");
    let mut entries = 0;
    let (mut with_gix, mut with_libdeflate) = (Vec::new(), Vec::new());
    let packs = std::fs::read_dir(&folder)?.flatten().map(|entry| entry.path());
    let packs: Vec<PathBuf> = packs.filter(|path| path.extension().is_some_and(|it| it == "pack")).collect();
    for _ in 0..RUNS {
        let (mut gix, mut libdeflate) = (Duration::ZERO, Duration::ZERO);
        entries = 0;
        for path in &packs {
            let (count, took_gix, took_libdeflate) = measure(path, repository.object_hash())?;
            entries += count;
            gix += took_gix;
            libdeflate += took_libdeflate;
        }
        with_gix.push(gix);
        with_libdeflate.push(libdeflate);
    }
    let (gix, libdeflate) = (median(with_gix), median(with_libdeflate));
    println!(
        "{entries} entries: gix {gix:.3} s, libdeflate {libdeflate:.3} s, {:.2} times as fast",
        gix / libdeflate
    );
    Ok(())
}

fn measure(path: &Path, hash: Kind) -> Result<(usize, Duration, Duration)> {
    let pack = pack::data::File::at(path, hash)?;
    let index = pack::index::File::at(path.with_extension("idx"), hash)?;
    let mut offsets = index.sorted_offsets();
    offsets.push(pack.data_len() as u64 - hash.len_in_bytes() as u64);
    let mut streams = Vec::new();
    let mut longest = 0;
    for span in offsets.windows(2) {
        let entry = pack.entry(span[0])?;
        let size = usize::try_from(entry.decompressed_size)?;
        longest = longest.max(size);
        streams.push((
            pack.entry_slice(entry.data_offset..span[1]).ok_or("an entry ends behind the pack")?,
            size,
        ));
    }
    let mut out = vec![0; longest];

    let start = Instant::now();
    let mut inflate = gix::zlib::Inflate::default();
    for &(stream, size) in &streams {
        inflate.reset();
        inflate.once(stream, &mut out[..size])?;
        black_box(&out);
    }
    let gix = start.elapsed();

    let start = Instant::now();
    let mut decompressor = libdeflater::Decompressor::new();
    for &(stream, size) in &streams {
        decompressor.zlib_decompress(stream, &mut out[..size])?;
        black_box(&out);
    }
    Ok((streams.len(), gix, start.elapsed()))
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64()
}
