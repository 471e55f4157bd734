//! The page's pictures, as SVG in the page itself.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use keysieve_model::finding::utc_day;

use super::super::dates::{DAY, days_from_civil, duration_text, parse_rfc3339};
use super::super::groups::{Group, count_text};
use super::super::text::group as grouped;
use super::text;

/// The time line's size, in its own units, and its margins.
const WIDTH: f64 = 1000.0;
const LEFT: f64 = 8.0;
const TOP: f64 = 22.0;
/// How high it is at most, and how high a line is at most.
const MAX_HEIGHT: f64 = 560.0;
const MAX_LINE: f64 = 14.0;
/// So many lines can be told apart and have a title and a link each; more become one shape.
const MAX_LINKED: usize = 100;
/// How many marks the axis has at most.
const MAX_TICKS: i64 = 10;

/// A bar of `count` where `most` is the longest.
pub(super) fn bar(count: usize, most: usize) -> String {
    let width = 100.0 * count as f64 / most.max(1) as f64;
    format!(
        "<svg viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect width=\"{width:.1}\" height=\"10\" \
         rx=\"1\"/></svg>"
    )
}

/// A group's time: when it came in, when the newest files lost it, by its number in the list.
struct Span {
    number: usize,
    since: i64,
    /// Until when the files of HEAD had it; none where they still do.
    gone: Option<i64>,
}

/// Draws when each group came in and how long it has been out, one line each, the first on top.
pub(super) fn write_time_line(
    out: &mut dyn Write,
    groups: &[Group<'_>],
    finished: Option<i64>,
) -> io::Result<()> {
    let mut spans: Vec<Span> = groups.iter().enumerate().filter_map(|(at, group)| span(at, group)).collect();
    let latest = spans.iter().map(|span| span.since.max(span.gone.unwrap_or(i64::MIN))).max();
    let (Some(latest), Some(first)) = (latest, spans.iter().map(|span| span.since).min()) else {
        return Ok(());
    };
    // Clocks of authors may run ahead, and old results do not say when they are of.
    let end = finished.unwrap_or(latest).max(first + DAY);
    spans.sort_by_key(|span| (span.since, span.number));
    let scale = Scale { first, end };
    let line = (MAX_HEIGHT / spans.len() as f64).min(MAX_LINE);
    let height = TOP + line * spans.len() as f64 + 4.0;
    let dated: usize = spans.iter().map(|span| groups[span.number - 1].members.len()).sum();
    let count = count_text(dated, spans.len(), "");
    let undated = groups.len() - spans.len();
    writeln!(
        out,
        "<section aria-labelledby=\"time\">\n<h2 id=\"time\">When they came in, and how long they have been out</h2>"
    )?;
    writeln!(out, "<div class=\"plot\" tabindex=\"0\" role=\"region\" aria-label=\"Time line\">")?;
    let label = format!(
        "Time line of {count} from {} to {}, a line each, the first on top. The same is in the findings and in the table below.",
        utc_day(first),
        utc_day(end)
    );
    // Links in a picture are no children of an image.
    let role = if spans.len() <= MAX_LINKED { "group" } else { "img" };
    writeln!(out, "<svg viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"{role}\" aria-label=\"{label}\">")?;
    write_axis(out, &scale, height)?;
    if spans.len() <= MAX_LINKED {
        write_lines(out, groups, &spans, &scale, line)?;
    } else {
        write_shape(out, &spans, &scale, line)?;
    }
    writeln!(out, "</svg>\n</div>")?;
    let key = |class: &str, words: &str| {
        format!(
            "<li><svg viewBox=\"0 0 30 10\" aria-hidden=\"true\"><rect class=\"{class}\" width=\"30\" height=\"10\"/></svg>{words}</li>"
        )
    };
    writeln!(
        out,
        "<ul class=\"legend\">{}{}</ul>",
        key("in", "in files of HEAD, or on disk"),
        key("was", "no longer in HEAD, but still in the history")
    )?;
    if undated > 0 {
        writeln!(out, "<p class=\"soft\">{} without a date: not in a history.</p>", grouped(undated as u64))?;
    }
    write_years(out, &spans)?;
    writeln!(out, "</section>")
}

fn span(at: usize, group: &Group<'_>) -> Option<Span> {
    let since = group.since_seconds()?;
    let places = group.members.iter().flat_map(|finding| &finding.places);
    let gone = places.filter_map(|place| parse_rfc3339(place.last_date.as_deref()?)).max();
    let gone = gone.filter(|_| group.in_head() == Some(false)).map(|gone| gone.max(since));
    Some(Span { number: at + 1, since, gone })
}

/// Times to places from left to right.
struct Scale {
    first: i64,
    end: i64,
}

impl Scale {
    fn x(&self, seconds: i64) -> f64 {
        let share = (seconds - self.first) as f64 / (self.end - self.first) as f64;
        LEFT + share.clamp(0.0, 1.0) * (WIDTH - 2.0 * LEFT)
    }

    /// Days to mark, with their names: of years, months or days, as many as there is room for.
    fn ticks(&self) -> Vec<(i64, String)> {
        let days = (self.end - self.first) / DAY;
        let (first, end) = (utc_day(self.first), utc_day(self.end));
        let part = |date: &str, from: usize, to: usize| -> i64 {
            date.get(from..to).and_then(|digits| digits.parse().ok()).unwrap_or_default()
        };
        let months = |date: &str| part(date, 0, 4) * 12 + part(date, 5, 7) - 1;
        let (from, to) = (months(&first), months(&end));
        let step =
            [1, 3, 6, 12, 24, 60, 120, 240, 600].into_iter().find(|step| (to - from) / step < MAX_TICKS);
        match step {
            Some(step) if days > 90 => (from..=to)
                .filter(|month| month % step == 0)
                .filter_map(|month| {
                    let (year, month) = (month.div_euclid(12), month.rem_euclid(12) + 1);
                    let name =
                        if step >= 12 { format!("{year:04}") } else { format!("{year:04}-{month:02}") };
                    Some((days_from_civil(year, month, 1)? * DAY, name))
                })
                .filter(|(seconds, _)| (self.first..=self.end).contains(seconds))
                .collect(),
            _ => {
                let step = (days / MAX_TICKS + 1) * DAY;
                let start = self.first.div_euclid(DAY) * DAY + DAY;
                (0..MAX_TICKS)
                    .map(|at| start + at * step)
                    .filter(|&seconds| seconds <= self.end)
                    .map(|seconds| (seconds, utc_day(seconds)))
                    .collect()
            }
        }
    }
}

fn write_axis(out: &mut dyn Write, scale: &Scale, height: f64) -> io::Result<()> {
    for (seconds, name) in scale.ticks() {
        let x = scale.x(seconds);
        let (anchor, at) = if x > WIDTH - 80.0 { ("end", x - 3.0) } else { ("start", x + 3.0) };
        writeln!(out, "<path class=\"grid\" d=\"M{x:.1} 4V{height:.0}\"/>")?;
        writeln!(out, "<text x=\"{at:.1}\" y=\"14\" text-anchor=\"{anchor}\">{name}</text>")?;
    }
    Ok(())
}

/// A bar a group, each a link to it.
fn write_lines(
    out: &mut dyn Write,
    groups: &[Group<'_>],
    spans: &[Span],
    scale: &Scale,
    line: f64,
) -> io::Result<()> {
    for (row, span) in spans.iter().enumerate() {
        let group = &groups[span.number - 1];
        let y = TOP + line * row as f64;
        let (start, end) = (scale.x(span.since), scale.x(scale.end));
        let gone = span.gone.map_or(end, |gone| scale.x(gone)).max(start + 2.0);
        let title = text(&format!(
            "{} {}, since {}, for {}",
            group.lead().name,
            group.hint(),
            utc_day(span.since),
            duration_text(scale.end - span.since)
        ));
        let (height, thin) = (line * 0.7, line * 0.4);
        writeln!(out, "<a href=\"#f-{}\" aria-label=\"{title}\"><title>{title}</title>", span.number)?;
        if end > gone {
            let y = y + (height - thin) / 2.0;
            writeln!(
                out,
                "<rect class=\"was\" x=\"{gone:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{thin:.1}\"/>",
                end - gone
            )?;
        }
        let width = gone - start;
        writeln!(
            out,
            "<rect class=\"in\" x=\"{start:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/></a>"
        )?;
    }
    Ok(())
}

/// All lines as two shapes. Where many share a pixel, its shade tells how many of them are of which.
fn write_shape(out: &mut dyn Write, spans: &[Span], scale: &Scale, line: f64) -> io::Result<()> {
    let (mut inside, mut was) = (String::new(), String::new());
    for (row, span) in spans.iter().enumerate() {
        let y = TOP + line * (row as f64 + 0.5);
        let (start, end) = (scale.x(span.since), scale.x(scale.end));
        let gone = span.gone.map_or(end, |gone| scale.x(gone)).max(start + 1.0);
        // Writing to a string does not fail.
        let _ = write!(inside, "M{start:.1} {y:.3}H{gone:.1}");
        if end > gone {
            let _ = write!(was, "M{gone:.1} {y:.3}H{end:.1}");
        }
    }
    for (class, path) in [("was", was), ("in", inside)] {
        writeln!(out, "<path class=\"{class}\" stroke-width=\"{line:.3}\" d=\"{path}\"/>")?;
    }
    Ok(())
}

/// The same in numbers.
fn write_years(out: &mut dyn Write, spans: &[Span]) -> io::Result<()> {
    let mut years: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let year = |seconds: i64| utc_day(seconds).chars().take(4).collect::<String>();
    for span in spans {
        years.entry(year(span.since)).or_default().0 += 1;
        if let Some(gone) = span.gone {
            years.entry(year(gone)).or_default().1 += 1;
        }
    }
    writeln!(out, "<details><summary>The same as a table</summary><table class=\"years\">")?;
    writeln!(
        out,
        "<tr><th scope=\"col\">Year</th><th scope=\"col\">Came in</th><th scope=\"col\">Left HEAD, still in the history</th></tr>"
    )?;
    for (year, (came, left)) in years {
        let (came, left) = (grouped(came as u64), grouped(left as u64));
        writeln!(out, "<tr><th scope=\"row\">{year}</th><td>{came}</td><td>{left}</td></tr>")?;
    }
    writeln!(out, "</table></details>")
}
