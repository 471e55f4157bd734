//! A base's scan and a change -> the changed chunk's scan, exactly as if it had been scanned whole.
//!
//! - A keyword inside a copied span was found in the base: it is shifted. Only the bytes between copied spans, and as far
//!   into them as a keyword reaches, are searched.
//! - What a rule says at a keyword depends on the bytes within the rule's *reach* of it: its window, and the few bytes beyond
//!   that checks look at. Where all of these lie in one copied span, what the base's scan said is true here as well; where
//!   they touch a change, or an end of the chunk that was none in the base, the rule runs again.
//! - Text in another form depends on its run and the words beside it (see [`super::decode`]). Runs that lie with these in
//!   one copied span are shifted with what was found in them; the surroundings of each change are looked through for others.
//! - Where anchors of known values lie is derived in the same way, see [`super::sweep`].
//! - UTF-16 text is not derived: a chunk that holds a zero byte has it read anew.

use keysieve_model::chunk::{Copied, Derivation};
use keysieve_model::location::ByteSpan;
use keysieve_rules::RuleId;

use super::decode::Run;
use super::prefilter::{Hit, Prefilter, SEARCHED_BYTES};
use super::reach::Reach;
use super::{Evidence, Found, sweep};

/// Copied spans shorter than this are searched again: that is cheaper than to keep them apart. What is searched for of a
/// keyword is much shorter, so none can reach over one.
const MIN_COPY_BYTES: usize = 64;

/// What is remembered of a chunk for those derived from it. Opaque to all but the detector.
#[derive(Debug, Default)]
pub struct Memo {
    /// Every keyword, sorted by where it begins.
    pub(super) hits: Vec<Hit>,
    /// What rules said yes to, sorted by keyword.
    pub(super) verified: Vec<Verified>,
    /// What was found in texts of other forms but UTF-16, sorted by their runs.
    pub(super) decoded: Vec<Decoded>,
    /// Whether there is a zero byte.
    pub(super) has_zero: bool,
    /// Where known values may lie, sorted.
    pub(super) anchors: Vec<sweep::Hit>,
}

/// A match in a text in another form.
#[derive(Debug, Clone)]
pub(super) struct Decoded {
    pub(super) run: Run,
    pub(super) found: Found,
}

/// A match that passed its rule's checks, with the keyword at which it was found.
#[derive(Debug, Clone)]
pub(super) struct Verified {
    pub(super) hit: Hit,
    pub(super) rule: RuleId,
    pub(super) secret: ByteSpan,
    pub(super) evidence: Evidence,
}

/// What is left to do for a derived chunk, and what need not be done again.
#[derive(Debug)]
pub(super) struct Derived {
    /// What the base's scan says of this chunk; `hits` is complete, `verified` is what can be carried over.
    pub(super) memo: Memo,
    /// Keywords at which rules have to run, with the copied span in which the keyword lies: rules that reach no further
    /// than that need not.
    pub(super) pending: Vec<(Hit, Option<Origin>)>,
    /// Where the chunk differs from its base: new bytes, and the seams between copied ones.
    pub(super) changes: Vec<ByteSpan>,
}

/// The copied span in which a keyword lies, and whether it goes to the very ends of base and chunk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin {
    span: ByteSpan,
    at_start: bool,
    at_end: bool,
}

impl Origin {
    fn new(copy: Copied, base_length: usize, length: usize) -> Self {
        let span = ByteSpan::new(copy.to, copy.to + copy.length);
        Self {
            span,
            at_start: copy.to == 0 && copy.from == 0,
            at_end: span.end == length && copy.from + copy.length == base_length,
        }
    }

    /// Whether all bytes within `reach` of `keyword` lie in the span.
    pub(super) fn covers(&self, keyword: ByteSpan, reach: Reach) -> bool {
        (self.at_start || keyword.start >= self.span.start + reach.before)
            && (self.at_end || keyword.end + reach.after <= self.span.end)
    }

    /// Whether the bytes, at whose ends something was looked for, lie in the span.
    fn holds(&self, depends: ByteSpan) -> bool {
        (self.at_start || depends.start > self.span.start) && (self.at_end || depends.end < self.span.end)
    }
}

/// Shifts what `base` says to where `derivation` copied it in `bytes`, and searches the rest.
pub(super) fn derive(
    prefilter: &Prefilter,
    bytes: &[u8],
    derivation: Derivation<'_>,
    base: &Memo,
    reach: impl Fn(RuleId) -> Reach,
) -> Derived {
    let hits = Vec::with_capacity(base.hits.len() + 1);
    let mut derived =
        Derived { memo: Memo { hits, ..Memo::default() }, pending: Vec::new(), changes: Vec::new() };
    let mut has_zero = false;
    let mut end_of_last = 0;
    let mut is_changed = true;
    let copies = derivation.copies.iter().filter(|copy| copy.length >= MIN_COPY_BYTES);
    for &copy in copies {
        has_zero |= search_gap(prefilter, bytes, ByteSpan::new(end_of_last, copy.to), &mut derived);
        let origin = Origin::new(copy, derivation.base.len(), bytes.len());
        if !origin.at_start {
            derived.changes.push(ByteSpan::new(end_of_last, copy.to));
        }
        is_changed = !origin.at_end;
        shift(prefilter, base, copy, origin, &reach, &mut derived);
        end_of_last = copy.to + copy.length;
    }
    has_zero |= search_gap(prefilter, bytes, ByteSpan::new(end_of_last, bytes.len()), &mut derived);
    if is_changed {
        derived.changes.push(ByteSpan::new(end_of_last, bytes.len()));
    }
    derived.memo.has_zero = has_zero || (base.has_zero && memchr::memchr(0, bytes).is_some());
    derived
}

/// Finds the keywords that lie in the gap or reach into it; returns whether it holds a zero byte.
fn search_gap(prefilter: &Prefilter, bytes: &[u8], gap: ByteSpan, derived: &mut Derived) -> bool {
    let is_seam_in_text = gap.start > 0 && gap.end < bytes.len();
    if gap.start == gap.end && !is_seam_in_text {
        return false;
    }
    let hits = &mut derived.memo.hits;
    let first = hits.len();
    prefilter.find(bytes, gap.start.saturating_sub(SEARCHED_BYTES - 1)..gap.end, hits);
    // Where it ends in front of the gap, it was found in the copied span.
    let mut kept = first;
    for at in first..hits.len() {
        if prefilter.span(hits[at]).end > gap.start {
            hits[kept] = hits[at];
            kept += 1;
        }
    }
    hits.truncate(kept);
    derived.pending.extend(hits[first..].iter().map(|&hit| (hit, None)));
    // A keyword may begin in the copied span before the gap, among that span's own.
    sort_tail(hits, first);
    memchr::memchr(0, gap.of(bytes)).is_some()
}

/// Puts `hits[first..]` where they belong in the sorted `hits[..first]`; they begin at most a keyword's length before its end.
fn sort_tail(hits: &mut [Hit], first: usize) {
    if let Some(earliest) = hits[first..].iter().min().copied() {
        let from = hits[..first].partition_point(|hit| *hit < earliest);
        hits[from..].sort_unstable();
    }
}

fn shift(
    prefilter: &Prefilter,
    base: &Memo,
    copy: Copied,
    origin: Origin,
    reach: &impl Fn(RuleId) -> Reach,
    derived: &mut Derived,
) {
    let from = base.hits.partition_point(|hit| hit.start() < copy.from);
    for hit in &base.hits[from..] {
        if hit.start() >= copy.from + copy.length {
            break;
        }
        if prefilter.span(*hit).end > copy.from + copy.length {
            continue;
        }
        let hit = hit.moved(copy.from, copy.to);
        derived.memo.hits.push(hit);
        if !origin.covers(prefilter.widest_span(hit), prefilter.longest_reach(hit)) {
            derived.pending.push((hit, Some(origin)));
        }
    }
    let from = base.verified.partition_point(|verified| verified.hit.start() < copy.from);
    for verified in &base.verified[from..] {
        if verified.hit.start() >= copy.from + copy.length {
            break;
        }
        if prefilter.span(verified.hit).end > copy.from + copy.length {
            continue;
        }
        let hit = verified.hit.moved(copy.from, copy.to);
        if origin.covers(prefilter.widest_span(hit), reach(verified.rule)) {
            let secret = ByteSpan::new(
                verified.secret.start - copy.from + copy.to,
                verified.secret.end - copy.from + copy.to,
            );
            derived.memo.verified.push(Verified { hit, secret, ..verified.clone() });
        }
    }
    shift_decoded(base, copy, origin, derived);
}

fn shift_decoded(base: &Memo, copy: Copied, origin: Origin, derived: &mut Derived) {
    let from = base.decoded.partition_point(|decoded| decoded.run.span.start < copy.from);
    let in_copy = base.decoded[from..]
        .iter()
        .take_while(|decoded| decoded.run.span.start < copy.from + copy.length)
        .filter(|decoded| {
            decoded.run.depends.start >= copy.from && decoded.run.depends.end <= copy.from + copy.length
        });
    for Decoded { run, found } in in_copy {
        let run = run.moved(copy.from, copy.to);
        if origin.holds(run.depends) {
            let span =
                ByteSpan::new(found.span.start - copy.from + copy.to, found.span.end - copy.from + copy.to);
            derived.memo.decoded.push(Decoded { run, found: Found { span, ..found.clone() } });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::Detector;
    use crate::sample::encode::{ENCODINGS, Form, PARTIAL_ENCODINGS};
    use keysieve_model::chunk::Chunk;
    use keysieve_model::provenance::Provenance;

    /// What a version is made of: a piece of its base, or new text.
    #[derive(Debug, Clone)]
    enum Part {
        /// Where it begins in the base, as a share of it, and its length in bytes.
        Copy(f64, usize),
        Insert(Vec<u8>),
    }

    /// The ways in which generic rules find a value, `{}`.
    const SHAPES: &[&str] = &[
        "os.environ.get(\"DB_PASSWORD\", \"{}\")\n",
        "requests.get(url, auth=('app', '{}'))\n",
        "user, password = 'app', '{}'\n",
        "jwt.encode({'a': 1}, '{}')\n",
        "- name: DB_PASSWORD\n  value: {}\n",
        "ENV DB_PASSWORD {}\n",
        "machine host login app password {}\n",
        "mysql -u root -p{} app\n",
        "echo 'root:{}' | chpasswd\n",
        "IDENTIFIED BY '{}'\n",
        "db:5432:app:app:{}\n",
        "app:{}@tcp(db)/app",
        "<password>{}</password>",
        "Server=db;Pwd={};User=app",
        "&quot;password&quot;:&quot;{}&quot;",
        "x?key={}f81d4fae7dec11d0&y=1",
    ];

    /// Text in which rules have something to say, and edits have something to break.
    fn fragment() -> impl Strategy<Value = Vec<u8>> {
        let token = "[A-Za-z0-9]{24}".prop_map(|value| format!("API_KEY = \"{value}\"\n"));
        let password = "[a-z]{6}[0-9]{3}".prop_map(|value| format!("db_password: '{value}',\n"));
        let url = "[a-zA-Z0-9]{9}".prop_map(|value| format!("amqp://worker:{value}@host/\n"));
        let slack =
            "[0-9]{11}-[0-9]{11}-[A-Za-z0-9]{24}".prop_map(|value| ["xo", "xb-", &value, " "].concat());
        let shaped = (prop::sample::select(SHAPES), "[a-z]{5}[0-9]{3}[a-z]{3}")
            .prop_map(|(shape, value)| shape.replace("{}", &value).into_bytes());
        let utf16 = "token = \"[a-z0-9]{20}\" "
            .prop_map(|value| value.bytes().flat_map(|byte| [byte, 0]).collect::<Vec<u8>>());
        let encodings: Vec<&Form> = ENCODINGS.iter().chain(PARTIAL_ENCODINGS).collect();
        let encoded = (prop::sample::select(encodings), "[a-z]{5}[0-9]{3}[a-z]{3}", 0..SHAPES.len() + 1)
            .prop_map(|((_, encode), value, shape)| {
                let token = [&["gl", "pat-"].concat(), value.as_str(), "7Kd2Qz_4v"].concat();
                let text = SHAPES.get(shape).map_or(token, |shape| shape.replace("{}", &value));
                let text = encode(text.as_bytes());
                [b" ", text.as_slice(), b"\n"].concat()
            });
        let cut = (prop::sample::select(ENCODINGS), "[a-z]{40,200}", 1..40usize)
            .prop_map(|((_, encode), text, cut)| encode(text.as_bytes()).split_off(cut));
        prop_oneof![
            4 => encoded,
            1 => cut,
            4 => "[ a-z\n]{1,120}".prop_map(String::into_bytes),
            2 => token.prop_map(String::into_bytes),
            2 => password.prop_map(String::into_bytes),
            1 => url.prop_map(String::into_bytes),
            1 => slack.prop_map(String::into_bytes),
            2 => shaped,
            1 => "(password|secret|token|xoxb-|://|\"|= |\n)".prop_map(String::into_bytes),
            1 => "(%3D|\\\\x41|&#65;|=\n|\" \"|' \\+\n '|c2Vj|=|A)".prop_map(String::into_bytes),
            1 => utf16,
            1 => prop::collection::vec(any::<u8>(), 1..40),
        ]
    }

    fn text() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(fragment(), 0..12).prop_map(|fragments| fragments.concat())
    }

    fn version() -> impl Strategy<Value = Vec<Part>> {
        let part = prop_oneof![
            3 => (0.0..1.0f64, 1usize..900).prop_map(|(from, length)| Part::Copy(from, length)),
            1 => Just(Part::Copy(0.0, usize::MAX)),
            2 => fragment().prop_map(Part::Insert),
        ];
        prop::collection::vec(part, 0..6)
    }

    fn build(base: &[u8], parts: &[Part]) -> (Vec<u8>, Vec<Copied>) {
        let (mut bytes, mut copies) = (Vec::new(), Vec::new());
        for part in parts {
            match part {
                Part::Insert(new) => bytes.extend_from_slice(new),
                Part::Copy(share, length) => {
                    let from = (base.len() as f64 * share) as usize;
                    let length = (*length).min(base.len() - from);
                    if length > 0 {
                        copies.push(Copied { from, to: bytes.len(), length });
                        bytes.extend_from_slice(&base[from..from + length]);
                    }
                }
            }
        }
        (bytes, copies)
    }

    #[test]
    fn what_stands_far_before_a_long_name_is_looked_at_again() {
        let name = format!("{}_password", "long_".repeat(14));
        let base = format!("call(                              {name}={}{}\n", "Xk3", "v9Qt2m");
        for at in 0..base.find("password").expect("it is there") {
            let bytes = [&base[..at], "'", &base[at..]].concat();
            let copies = [
                Copied { from: 0, to: 0, length: at },
                Copied { from: at, to: at + 1, length: base.len() - at },
            ];
            let mut detector = Detector::new(Arc::new(keysieve_builtin::rules()));
            let (_, memo) = detector.scan(&Chunk::whole(base.as_bytes(), Provenance::Stdin), None);
            let whole = Chunk::whole(bytes.as_bytes(), Provenance::Stdin);
            let derivation = Some(Derivation { base: base.as_bytes(), copies: &copies });
            let derived = Chunk { derivation, ..whole.clone() };
            let expected = detector.scan(&whole, None).0;
            assert!(!expected.is_empty());
            assert_eq!(detector.scan(&derived, Some(&memo)).0, expected, "a quote at {at}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn a_derived_scan_is_the_scan_of_the_whole(first in text(), versions in prop::collection::vec(version(), 1..6)) {
            let mut detector = Detector::new(Arc::new(keysieve_builtin::rules()));
            let mut base = first;
            let (_, mut memo) = detector.scan(&Chunk::whole(&base, Provenance::Stdin), None);
            for parts in &versions {
                let (bytes, copies) = build(&base, parts);
                let whole = Chunk::whole(&bytes, Provenance::Stdin);
                let derived = Chunk { derivation: Some(Derivation { base: &base, copies: &copies }), ..whole.clone() };
                let (matches, next) = detector.scan(&derived, Some(&memo));
                let (expected, scanned) = detector.scan(&whole, None);
                prop_assert_eq!(matches, expected);
                prop_assert_eq!(&next.hits, &scanned.hits);
                prop_assert_eq!(next.has_zero, scanned.has_zero);
                let runs = |memo: &Memo| memo.decoded.iter().map(|decoded| decoded.run).collect::<Vec<_>>();
                prop_assert_eq!(runs(&next), runs(&scanned));
                (base, memo) = (bytes, next);
            }
        }
    }
}
