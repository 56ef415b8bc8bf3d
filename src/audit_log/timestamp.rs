//! Reads the times that PostgreSQL and CloudWatch print, without a calendar library: it runs for
//! every entry of a log.

/// A time as PostgreSQL prints it for `%t`, `%m` and `%s` of `log_line_prefix`:
/// `2026-11-22 06:55:28 UTC`, with milliseconds for `%m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp<'a> {
    /// The text as printed, zone included.
    pub text: &'a [u8],
}

impl<'a> Timestamp<'a> {
    /// Reads a time from the start of `text` and gives it with what follows it.
    ///
    /// `milliseconds` says whether a fraction of three digits must be there (`%m`) or must not
    /// (`%t`, `%s`). The zone is the abbreviation that `log_timezone` yields (`strftime`'s `%Z`):
    /// letters, or a number such as `+03` where a zone has no letters.
    pub(crate) fn split(text: &'a [u8], milliseconds: bool) -> Option<(Self, &'a [u8])> {
        let stamp = text.first_chunk::<19>()?;
        if !is_stamp(stamp, b' ') {
            return None;
        }
        let mut zone_at = 19;
        if milliseconds {
            let [b'.', a, b, c] = text.get(19..23)? else {
                return None;
            };
            if !(a.is_ascii_digit() && b.is_ascii_digit() && c.is_ascii_digit()) {
                return None;
            }
            zone_at = 23;
        }
        let zone = text.get(zone_at..)?.strip_prefix(b" ")?;
        let zone_len = zone
            .iter()
            .take_while(|byte| {
                byte.is_ascii_alphanumeric()
                    || matches!(byte, b'+' | b'-' | b'_' | b'/' | b'<' | b'>')
            })
            .count();
        if zone_len == 0 {
            return None;
        }
        let (whole, rest) = text.split_at_checked(zone_at + 1 + zone_len)?;
        Some((Self { text: whole }, rest))
    }

    /// Milliseconds since 1970-01-01 UTC, when the zone says how far it is from UTC: `UTC`, `GMT`,
    /// `Z`, or a number of hours (`+03`, `-0330`), east positive. `None` for other abbreviations,
    /// which do not name one offset (`IST`, `CST`), and for dates that do not exist.
    pub fn epoch_ms(&self) -> Option<i64> {
        let stamp = self.text.first_chunk::<19>()?;
        let (fraction, zone) = match self.text.get(19..)? {
            [b'.', a, b, c, b' ', zone @ ..] => (digits(&[*a, *b, *c])?, zone),
            [b' ', zone @ ..] => (0, zone),
            _ => return None,
        };
        let offset_minutes = match zone {
            b"UTC" | b"GMT" | b"Z" | b"UCT" => 0,
            [sign @ (b'+' | b'-'), hours @ ..] => {
                let minutes = match hours {
                    [h1, h2] => digits(&[*h1, *h2])? * 60,
                    [h1, h2, m1, m2] => digits(&[*h1, *h2])? * 60 + digits(&[*m1, *m2])?,
                    _ => return None,
                };
                if *sign == b'-' { -minutes } else { minutes }
            }
            _ => return None,
        };
        Some((stamp_seconds(stamp)? - offset_minutes * 60) * 1000 + fraction)
    }

    /// The latest time that this can be: where the zone does not name one offset, it is taken to be the
    /// westernmost there is (UTC-12). `None` for dates that do not exist.
    pub fn latest_epoch_ms(&self) -> Option<i64> {
        self.epoch_ms().or_else(|| {
            let stamp = self.text.first_chunk::<19>()?;
            Some((stamp_seconds(stamp)? + 12 * 3600) * 1000 + 999)
        })
    }
}

/// When a log entry of PostgreSQL was written, in milliseconds since 1970-01-01 UTC: its first bytes
/// read as `%m`, `%t` or `%s` of `log_line_prefix` print them, `2026-11-22 06:55:28[.765] ZONE`.
///
/// `None` if the entry begins otherwise, if the date does not exist, or if the zone does not say how
/// far it is from UTC ([`Timestamp::epoch_ms`]). Made to be called for every entry: RDS and Aurora
/// log in UTC, which is read without a search for the end of the zone.
pub fn fast_epoch_ms(entry: &[u8]) -> Option<i64> {
    let (stamp, rest) = entry.split_first_chunk::<19>()?;
    let (fraction, zone) = match rest {
        [b'.', a, b, c, zone @ ..] => (Some([*a, *b, *c]), zone),
        zone => (None, zone),
    };
    // What may follow in a prefix; a letter or sign would belong to the zone.
    if !matches!(zone, [b' ', b'U', b'T', b'C', b':' | b' ' | b'[', ..]) {
        let (timestamp, _) = Timestamp::split(entry, fraction.is_some())?;
        return timestamp.epoch_ms();
    }
    if !is_stamp(stamp, b' ') {
        return None;
    }
    let milliseconds = fraction.map_or(Some(0), |fraction| digits(&fraction))?;
    Some(stamp_seconds(stamp)? * 1000 + milliseconds)
}

/// When the server wrote an entry, in milliseconds since 1970. An entry whose time cannot be read comes
/// after the end of every exclusion: it is loud.
pub fn time_of(text: &[u8]) -> i64 {
    fast_epoch_ms(text).unwrap_or_else(|| {
        [false, true]
            .into_iter()
            .find_map(|milliseconds| Timestamp::split(text, milliseconds))
            .and_then(|(time, _)| time.latest_epoch_ms())
            .unwrap_or(NO_TIME)
    })
}

/// The day on which the server wrote an entry, in UTC.
pub fn day_of(text: &[u8]) -> Option<jiff::civil::Date> {
    let time = jiff::Timestamp::from_millisecond(time_of(text)).ok()?;
    Some(time.to_zoned_datetime(jiff::tz::TimeZone::UTC).date())
}

/// In the year 2286, and exact as a float.
pub const NO_TIME: i64 = 9_999_999_999_999;

/// Reads `2026-11-22T06:55:28.000Z` or `2026-11-22 06:55:28.000`, the two forms in which CloudWatch
/// prints a time (S3 exports; Logs Insights results), and gives milliseconds since 1970 with what
/// follows. The fraction has up to nine digits and may be missing.
pub(crate) fn split_iso(text: &[u8]) -> Option<(i64, &[u8])> {
    let stamp = text.first_chunk::<19>()?;
    if !is_stamp(stamp, b'T') && !is_stamp(stamp, b' ') {
        return None;
    }
    let mut rest = text.get(19..)?;
    let mut ms = 0;
    if let Some(fraction) = rest.strip_prefix(b".") {
        let len = fraction
            .iter()
            .take(9)
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let (digits, after) = fraction.split_at_checked(len)?;
        if digits.is_empty() {
            return None;
        }
        let mut scale = 100;
        for digit in digits.iter().take(3) {
            ms += i64::from(digit - b'0') * scale;
            scale /= 10;
        }
        rest = after;
    }
    rest = rest.strip_prefix(b"Z").unwrap_or(rest);
    Some((stamp_seconds(stamp)? * 1000 + ms, rest))
}

/// The same, where an offset such as `+00:00` may stand in the place of the `Z`: what `aws logs tail` prints.
pub(crate) fn split_iso_zone(text: &[u8]) -> Option<(i64, &[u8])> {
    let (ms, rest) = split_iso(text)?;
    match rest {
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2, rest @ ..] => {
            let minutes = digits(&[*h1, *h2])? * 60 + digits(&[*m1, *m2])?;
            let east = if *sign == b'-' { -minutes } else { minutes };
            Some((ms - east * 60_000, rest))
        }
        _ => Some((ms, rest)),
    }
}

/// Whether a text begins as an entry of PostgreSQL does: with a day and a time.
pub(crate) fn starts_with_stamp(text: &[u8]) -> bool {
    text.first_chunk::<19>()
        .is_some_and(|stamp| is_stamp(stamp, b' '))
}

/// Whether a line is the first of an event in a CloudWatch export to S3 and its like: the event's time, a
/// space, the message.
pub(crate) fn starts_export_event(line: &[u8]) -> bool {
    line.first_chunk::<19>()
        .is_some_and(|stamp| is_stamp(stamp, b'T'))
        && split_iso_zone(line).is_some_and(|(_, rest)| {
            rest.first() == Some(&b' ') || rest.is_empty() || rest.first() == Some(&b'\n')
        })
}

/// The shape `dddd-dd-dd?dd:dd:dd`, where `?` is `between`.
fn is_stamp(stamp: &[u8; 19], between: u8) -> bool {
    let shape = [
        b'0', b'0', b'0', b'0', b'-', b'0', b'0', b'-', b'0', b'0', between, b'0', b'0', b':',
        b'0', b'0', b':', b'0', b'0',
    ];
    // No early end: the compiler does all bytes at once.
    stamp.iter().zip(shape).fold(true, |so_far, (byte, shape)| {
        so_far
            & if shape == b'0' {
                byte.is_ascii_digit()
            } else {
                *byte == shape
            }
    })
}

fn stamp_seconds(stamp: &[u8; 19]) -> Option<i64> {
    let [
        y1,
        y2,
        y3,
        y4,
        _,
        mo1,
        mo2,
        _,
        d1,
        d2,
        _,
        h1,
        h2,
        _,
        mi1,
        mi2,
        _,
        s1,
        s2,
    ] = *stamp;
    let year = digits(&[y1, y2, y3, y4])?;
    let month = digits(&[mo1, mo2])?;
    let day = digits(&[d1, d2])?;
    let (hour, minute, second) = (digits(&[h1, h2])?, digits(&[mi1, mi2])?, digits(&[s1, s2])?);
    // A leap second prints as 60.
    if !(1..=12).contains(&month)
        || !(1..=31).contains(&day)
        || hour > 23
        || minute > 59
        || second > 60
    {
        return None;
    }
    Some(days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

fn digits(text: &[u8]) -> Option<i64> {
    text.iter().try_fold(0, |value, byte| {
        byte.is_ascii_digit()
            .then(|| value * 10 + i64::from(byte - b'0'))
    })
}

/// Days from 1970-01-01 in the Gregorian calendar, counting years from March so that the leap day
/// comes last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> Option<i64> {
        let fraction = text.as_bytes().get(19) == Some(&b'.');
        Timestamp::split(text.as_bytes(), fraction)?.0.epoch_ms()
    }

    #[test]
    fn reads_offsets_and_refuses_ambiguous_zones() {
        assert_eq!(ms("1970-01-01 00:00:00 UTC"), Some(0));
        assert_eq!(ms("2026-11-22 06:55:28 UTC"), Some(1_795_330_528_000));
        assert_eq!(ms("2026-11-22 06:55:28.765 GMT"), Some(1_795_330_528_765));
        assert_eq!(ms("2026-11-22 09:55:28 +03"), Some(1_795_330_528_000));
        assert_eq!(ms("2026-11-22 03:25:28 -0330"), Some(1_795_330_528_000));
        assert_eq!(ms("2026-11-22 06:55:28 CET"), None);
        assert_eq!(ms("2026-13-22 06:55:28 UTC"), None);
        assert_eq!(ms("2024-02-29 00:00:00 UTC"), Some(1_709_164_800_000));
    }

    #[test]
    fn reads_the_time_of_an_entry() {
        let entry = |text: &str| fast_epoch_ms(text.as_bytes());
        assert_eq!(
            entry("2026-11-22 06:55:28 UTC:[local]:a@b:[1]:LOG:  x"),
            Some(1_795_330_528_000)
        );
        assert_eq!(
            entry("2026-11-22 06:55:28.765 UTC [1] LOG:  x"),
            Some(1_795_330_528_765)
        );
        assert_eq!(
            entry("2026-11-22 09:55:28.765 +03:[local]"),
            Some(1_795_330_528_765)
        );
        assert_eq!(entry("2026-11-22 06:55:28 UTC"), Some(1_795_330_528_000));
        for none in [
            "",
            "2026-11-22 06:55:28",
            "2026-11-22T06:55:28 UTC:",
            "2026-11-22 06:55:28.7 UTC:",
            "2026-11-22 06:55:28.7x5 UTC:",
            "2026-02-2x 06:55:28 UTC:",
            "2026-13-22 06:55:28 UTC:",
            "2026-11-22 06:55:28 UTC+3:",
            "2026-11-22 06:55:28 CET:",
            " 2026-11-22 06:55:28 UTC:",
        ] {
            assert_eq!(entry(none), None, "{none}");
        }
    }

    proptest::proptest! {
        /// The fast way and the full parser agree on whatever stands there.
        #[test]
        fn the_fast_way_reads_what_the_parser_reads(
            date in "(20|19)[0-9]{2}-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-6][0-9]:[0-6][0-9]",
            fraction in "(\\.[0-9]{2,4})?",
            zone in "( UTC| UTC| UTC| GMT| [+-][0-9]{2}| CET| Z|UTC)[: \\[+A<]?",
            broken in proptest::option::weighted(0.2, (0usize..30, proptest::prelude::any::<u8>())),
        ) {
            let mut text = format!("{date}{fraction}{zone}x").into_bytes();
            if let Some((at, byte)) = broken && let Some(place) = text.get_mut(at) {
                *place = byte;
            }
            let read = |milliseconds| Timestamp::split(&text, milliseconds).and_then(|(time, _)| time.epoch_ms());
            proptest::prop_assert_eq!(fast_epoch_ms(&text), read(true).or(read(false)));
        }
    }

    #[test]
    fn reads_the_forms_of_cloudwatch() {
        assert_eq!(
            split_iso(b"2026-11-22T06:55:28.000Z x"),
            Some((1_795_330_528_000, &b" x"[..]))
        );
        assert_eq!(
            split_iso(b"2026-11-22 06:55:28.123"),
            Some((1_795_330_528_123, &b""[..]))
        );
        assert_eq!(
            split_iso(b"2026-11-22T06:55:28Z"),
            Some((1_795_330_528_000, &b""[..]))
        );
        assert_eq!(split_iso(b"2026-11-22"), None);
        assert!(starts_export_event(b"2026-11-22T06:55:28.000Z x"));
        assert!(!starts_export_event(b"2026-11-22 06:55:28 UTC:"));
    }
}
