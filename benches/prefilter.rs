//! Searches files for the stems of the built-in rules' keywords with the sieve and with automata of the `aho-corasick` crate, and
//! compares throughput and hits.
//!
//!     cargo bench --bench prefilter -- FILE...
#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::time::{Duration, Instant};

use aho_corasick::{AhoCorasick, AhoCorasickKind};

/// The number of searches of each file. The fastest counts: the others measure what else the machine did.
const RUNS: usize = 7;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let rules = keysieve_builtin::rules();
    let keywords = rules.keywords();
    let sieve = &keywords.sieve;
    let stem = |(bytes, number): (&keysieve_sieve::StemBytes, u16)| {
        let (keyword, _) = keywords.with_stem(rules.rules(), number).next().unwrap_or_default();
        keyword[..usize::from(bytes.length)].to_ascii_lowercase()
    };
    let stems: Vec<Vec<u8>> = sieve.stems.iter().zip(0..).map(stem).collect();
    let automaton = |kind| {
        AhoCorasick::builder().ascii_case_insensitive(true).kind(Some(kind)).build(&stems).map_err(Box::new)
    };
    let dfa = automaton(AhoCorasickKind::DFA)?;
    let nfa = automaton(AhoCorasickKind::ContiguousNFA)?;
    let files: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if files.is_empty() {
        return Err("give files to search".into());
    }
    println!("{} stems; MB/s of one thread, best of {RUNS}", stems.len());
    println!("{:>10} {:>8} {:>8} {:>8} {:>9}  file", "bytes", "sieve", "dfa", "nfa", "hits");
    for file in files {
        let bytes = std::fs::read(&file)?;
        let mut hits = Vec::new();
        let mut times = [Duration::MAX; 3];
        for _ in 0..RUNS {
            hits.clear();
            times[0] = times[0].min(timed(|| {
                sieve.find(&bytes, 0..bytes.len(), |start, stem| hits.push((start, usize::from(stem))));
            }));
            for (automaton, best) in [&dfa, &nfa].into_iter().zip(&mut times[1..]) {
                let mut found = Vec::with_capacity(hits.len());
                *best = (*best).min(timed(|| {
                    let all = automaton.find_overlapping_iter(&bytes);
                    found.extend(all.map(|hit| (hit.start(), hit.pattern().as_usize())));
                }));
                // The sieve looks at what follows a short stem as well.
                found.retain(|&(_, stem)| sieve.stems[stem].followers == 0);
                found.sort_unstable();
                let mut sieved: Vec<_> = hits.clone();
                sieved.retain(|&(start, stem)| {
                    let end = start + stems[stem].len();
                    sieve.stems[stem].followers == 0 && bytes[start..end].eq_ignore_ascii_case(&stems[stem])
                });
                sieved.sort_unstable();
                assert_eq!(sieved, found, "the sieve and the automaton differ on {file}");
            }
        }
        let rate = |time: &Duration| bytes.len() as f64 / 1e6 / time.as_secs_f64();
        let [sieve, dfa, nfa] = [rate(&times[0]), rate(&times[1]), rate(&times[2])];
        println!("{:>10} {sieve:>8.0} {dfa:>8.0} {nfa:>8.0} {:>9}  {file}", bytes.len(), hits.len());
    }
    Ok(())
}

fn timed(search: impl FnOnce()) -> Duration {
    let start = Instant::now();
    search();
    start.elapsed()
}
