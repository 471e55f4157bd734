use proptest::prelude::*;

use super::*;

/// Stems of all lengths, some of which share grams, some with followers.
fn stems() -> Vec<Stem> {
    let texts = [
        "abc", "abd", "xbc", "://", "key", "=s.", "abcd", "bcda", "_key", "pass", "ghp_", "secret", "ecret_",
        "passwor", "password", "passphra", "aaaaaaaa", "\"acc", "github_p", "-----beg", "http ", "s3:",
    ];
    let plain = texts.iter().filter_map(|text| Stem::new(text.as_bytes()));
    let followed = ["pat", "sk_", "abe"].iter().filter_map(|text| Stem::new(text.as_bytes()));
    plain.chain(followed.map(|stem| stem.followed_by(*b".-a9"))).collect()
}

/// All places at which a stem occurs, by comparing at each.
fn compared(stems: &[Stem], bytes: &[u8], starts: Range<usize>) -> Vec<(usize, u16)> {
    let sieve = Sieve::new(stems);
    let mut found = Vec::new();
    for start in starts.start..starts.end.min(bytes.len()) {
        for (stem, number) in sieve.stems.iter().zip(0..) {
            let end = start + usize::from(stem.length);
            if load(bytes, start) & mask(usize::from(stem.length)) == stem.folded
                && end <= bytes.len()
                && sieve.may_follow(stem, bytes.get(end))
            {
                found.push((start, number));
            }
        }
    }
    found
}

fn sieved(sieve: &Sieve, bytes: &[u8], starts: Range<usize>) -> Vec<(usize, u16)> {
    let mut found = Vec::new();
    sieve.find(bytes, starts, |start, stem| found.push((start, stem)));
    found.sort_unstable();
    found
}

/// Stems, some cut short or in capitals, and other bytes, up to some blocks of them.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let texts: Vec<Vec<u8>> = stems().into_iter().map(|stem| stem.bytes_at_all()).collect();
    let stem = prop::sample::select(texts);
    let fragment = prop_oneof![
        3 => stem.clone(),
        2 => stem.clone().prop_map(|text| text.to_ascii_uppercase()),
        2 => (stem, 1..4usize).prop_map(|(text, cut)| text[..text.len() - cut.min(text.len())].to_vec()),
        2 => prop::collection::vec(any::<u8>(), 0..12),
        1 => prop::collection::vec(Just(b'a'), 0..700),
    ];
    prop::collection::vec(fragment, 0..12).prop_map(|fragments| fragments.concat())
}

impl Stem {
    fn bytes_at_all(&self) -> Vec<u8> {
        let follower = self.bytes_at(self.text.len() as isize)[0];
        [&self.text[..], &[follower]].concat()
    }
}

proptest! {
    #[test]
    fn finds_what_comparing_at_each_place_finds(
        bytes in text(), from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>(),
    ) {
        let (from, to) = (from.index(bytes.len() + 1), to.index(bytes.len() + 1));
        let starts = from.min(to)..from.max(to);
        let stems = stems();
        prop_assert_eq!(sieved(&Sieve::new(&stems), &bytes, starts.clone()), compared(&stems, &bytes, starts));
    }
}

#[test]
fn each_stem_is_found_at_each_place_of_texts_of_each_length() {
    let stems = stems();
    let sieve = Sieve::new(&stems);
    for (stem, number) in stems.iter().zip(0u16..) {
        let text = stem.bytes_at_all();
        for before in 0..140 {
            for behind in [0, 1, 2, 3, 63, 64, 200] {
                let bytes = [&vec![b'~'; before][..], &text, &vec![b'~'; behind]].concat();
                let found = sieved(&sieve, &bytes, 0..bytes.len());
                assert!(found.contains(&(before, number)), "{} at {before}", text.escape_ascii());
            }
        }
    }
}

#[test]
fn finds_what_an_automaton_finds() {
    let stems = stems();
    let sieve = Sieve::new(&stems);
    let automaton = aho_corasick::AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(stems.iter().map(|stem| &stem.text))
        .expect("an automaton of a few texts");
    let text =
        b"The PASSWORD of https://user:key@host: ghp_abcdabcabd, s3:secret_keys -----BEGIN ... PAT.x sk_9"
            .repeat(30);
    let mut expected: Vec<(usize, u16)> = automaton
        .find_overlapping_iter(&text)
        .filter(|found| stems[found.pattern().as_usize()].followers == ByteSet::ALL)
        .map(|found| (found.start(), found.pattern().as_u32() as u16))
        .collect();
    expected.sort_unstable();
    let mut found = sieved(&sieve, &text, 0..text.len());
    found.retain(|&(_, stem)| stems[usize::from(stem)].followers == ByteSet::ALL);
    assert_eq!(found, expected);
}
