//! Exclusions that end: a message once a day, on few days, so that somebody decides before what they silence counts.

use jiff::civil::Date;
use jiff::{Timestamp, tz::TimeZone};

use super::port::Publication;
use super::settings::Settings;
use super::window::Windows;

/// Days that are left when people are told; less than none is the day after.
const DAYS: [i32; 7] = [30, 14, 7, 3, 1, 0, -1];

/// The time of day at which they are told, in UTC: somebody is at work.
const AT_MS: i64 = 8 * 60 * 60 * 1000;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Characters of a list of names: SNS takes 256 KB, and nobody reads that much.
const LONGEST: usize = 20_000;

/// Exclusions of which a run has to tell that computes this window as the newest, with the days that are left.
pub(super) fn due(
    last_days: &[(String, Date)],
    windows: Windows,
    window: i64,
) -> Vec<(&str, Date, i32)> {
    let (start, end) = (windows.start_ms(window), windows.start_ms(window + 1));
    let day_ms = start.div_euclid(DAY_MS) * DAY_MS;
    // A window belongs to one day: none is longer, and a day has a whole number of them or the window holds the time.
    let Some(mark) = [day_ms + AT_MS, day_ms + DAY_MS + AT_MS]
        .into_iter()
        .find(|mark| (start..end).contains(mark))
    else {
        return Vec::new();
    };
    let Ok(at) = Timestamp::from_millisecond(mark) else {
        return Vec::new();
    };
    let today = at.to_zoned_datetime(TimeZone::UTC).date();
    let mut found: Vec<(&str, Date, i32)> = last_days
        .iter()
        .filter_map(|(id, last)| Some((id.as_str(), *last, today.until(*last).ok()?.get_days())))
        .filter(|(_, _, left)| DAYS.contains(left))
        .collect();
    found.sort_by(|a, b| (a.1, a.0).cmp(&(b.1, b.0)));
    found
}

pub(super) fn message(settings: &Settings, due: &[(&str, Date, i32)]) -> Publication {
    let environment: String = settings
        .environment
        .chars()
        .filter(char::is_ascii_graphic)
        .take(32)
        .collect();
    let subject = match due.len() {
        1 => format!("pgvigil {environment}: 1 exclusion ends"),
        more => format!("pgvigil {environment}: {more} exclusions end"),
    };
    let mut text = String::from(
        "After its last day, an exclusion no longer silences records: they count.\n\n",
    );
    for (listed, (id, last, left)) in due.iter().enumerate() {
        if text.len() > LONGEST {
            text.push_str(&format!("… and {} more\n", due.len() - listed));
            break;
        }
        let when = match left {
            -1 => "ended yesterday".to_owned(),
            0 => "ends today".to_owned(),
            1 => "ends tomorrow".to_owned(),
            days => format!("ends in {days} days"),
        };
        text.push_str(&format!("  {id}: {when}, on {last}\n"));
    }
    text.push_str(
        "\nRenew them, or let them expire. To renew: pgvigil rules renew ID --by NAME --why REASON\n",
    );
    Publication {
        subject,
        text,
        // About no group: it goes to those who get everything.
        attributes: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn each_is_told_once_on_few_days() {
        let last_days = [("one".to_owned(), date(2027, 1, 31))];
        for minutes in [1, 5, 60, 7, 1440] {
            let windows = Windows::new(minutes, 0, 0);
            let start = Timestamp::from_second(1_798_761_600)
                .unwrap()
                .as_millisecond();
            let (first, last) = (windows.of(start), windows.of(start + 60 * DAY_MS));
            let told: Vec<i32> = (first..=last)
                .flat_map(|window| due(&last_days, windows, window))
                .map(|(_, _, left)| left)
                .collect();
            assert_eq!(told, DAYS, "{minutes}");
        }
    }
}
