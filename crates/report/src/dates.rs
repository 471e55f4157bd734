//! Dates as results have them, RFC 3339, and the time between them.

/// Seconds in a day.
pub(super) const DAY: i64 = 86_400;

/// The day of a date: its first ten characters.
pub(super) fn day(date: &str) -> &str {
    date.get(..10).unwrap_or(date)
}

/// Seconds since 1970-01-01 UTC of `2024-03-01T12:00:00+01:00` or `...Z`; none for what is no such date, and for years beyond
/// four digits, which only a broken clock writes.
pub(super) fn parse_rfc3339(text: &str) -> Option<i64> {
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = text.get(from..to)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let has = |at: usize, byte: u8| text.as_bytes().get(at) == Some(&byte);
    if ![(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')].iter().all(|&(at, byte)| has(at, byte)) {
        return None;
    }
    let days = days_from_civil(number(0, 4)?, number(5, 7)?, number(8, 10)?)?;
    let of_day = number(11, 13)? * 3600 + number(14, 16)? * 60 + number(17, 19)?;
    let offset = match text.get(19..)? {
        "Z" => 0,
        zone if zone.len() == 6 && has(22, b':') => {
            let seconds = number(20, 22)? * 3600 + number(23, 25)? * 60;
            if zone.starts_with('-') { -seconds } else { seconds }
        }
        _ => return None,
    };
    Some(days * DAY + of_day - offset)
}

/// Days since 1970-01-01 of a day of the Gregorian calendar: Howard Hinnant's `days_from_civil`,
/// <https://howardhinnant.github.io/date_algorithms.html>.
pub(super) fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// A time in words, in its two largest units: `2 years, 3 months`, `5 days`.
pub(super) fn duration_text(seconds: i64) -> String {
    let days = seconds.max(0) / DAY;
    let plural = |count: i64, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    let (years, months) = (days / 365, days % 365 / 30);
    match (years, months, days) {
        (0, 0, 0) => "less than a day".to_owned(),
        (0, 0, days) => plural(days, "day"),
        (0, months, _) => plural(months, "month"),
        (years, 0 | 12, _) => plural(years, "year"),
        (years, months, _) => format!("{}, {}", plural(years, "year"), plural(months, "month")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keysieve_model::finding::utc_time;

    #[test]
    fn dates_are_read_as_they_are_written() {
        for seconds in [0, 951_782_400, 1_709_210_096, 4_102_444_799, -1] {
            assert_eq!(parse_rfc3339(&utc_time(seconds)), Some(seconds));
        }
        assert_eq!(parse_rfc3339("2024-02-29T18:04:56+05:30"), Some(1_709_210_096));
        assert_eq!(parse_rfc3339("1969-12-31T22:59:59-01:00"), Some(-1));
        for broken in
            ["", "2024-03-01", "2024-13-01T00:00:00Z", "99999-01-01T00:00:00Z", "2024-03-01T12:00:00"]
        {
            assert_eq!(parse_rfc3339(broken), None, "{broken}");
        }
    }

    #[test]
    fn times_are_told_in_their_largest_units() {
        let days = |days: i64| duration_text(days * DAY);
        assert_eq!(duration_text(-5), "less than a day");
        assert_eq!([days(1), days(29), days(45)], ["1 day", "29 days", "1 month"]);
        assert_eq!([days(365), days(800)], ["1 year", "2 years, 2 months"]);
    }
}
