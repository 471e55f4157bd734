//! The floor under an audit: inflates every packed blob of a repository and applies its deltas, without looking at any.
//!
//!     cargo bench --bench floor -- path/to/repository [threads]
//!
//! `benches/peers/run.py` runs it beside the scanners.
#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::path::PathBuf;
use std::time::Instant;

use keysieve_git::Repository;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let path = PathBuf::from(arguments.first().ok_or("give the path of a repository")?);
    let threads = arguments.get(1).map_or(Ok(0), |threads| threads.parse())?;
    let repository = Repository::open(&path)?;
    let start = Instant::now();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    let failed = pool.install(|| repository.make_blobs());
    println!(
        "inflated every packed blob in {:.3} s; {failed} could not be made",
        start.elapsed().as_secs_f64()
    );
    Ok(())
}
