//! Links into the console of CloudWatch Logs Insights.
//!
//! The console keeps what it shows in the fragment of its address: an object in a notation of its own, `~(` … `)` with
//! `~'` before a text and `*xx` for a character in it, and the marks of that notation escaped once more with `$25xx`
//! (read from addresses that the console itself makes).

use std::fmt::Write;

pub(super) struct Shown<'a> {
    /// Region of the log group.
    pub(super) region: &'a str,
    pub(super) log_group: &'a str,
    pub(super) query: &'a str,
    /// Milliseconds since 1970.
    pub(super) from_ms: i64,
    /// Milliseconds since 1970.
    pub(super) until_ms: i64,
}

/// The address that shows a query over a range.
pub(super) fn insights(shown: &Shown<'_>) -> String {
    let region = shown.region;
    let time = |ms| text(&super::detection::time(ms));
    let detail = format!(
        "~(end~'{}~start~'{}~timeType~'ABSOLUTE~tz~'UTC~editorString~'{}~isLiveTail~false~source~(~'{}))",
        time(shown.until_ms),
        time(shown.from_ms),
        text(shown.query),
        text(shown.log_group),
    );
    let mut fragment = String::with_capacity(detail.len() + 64);
    for character in detail.chars() {
        match character {
            '~' => fragment.push_str("$257E"),
            '(' => fragment.push_str("$2528"),
            ')' => fragment.push_str("$2529"),
            '\'' => fragment.push_str("$2527"),
            _ => fragment.push(character),
        }
    }
    format!(
        "https://{}/cloudwatch/home?region={region}#logsV2:logs-insights$3FqueryDetail$3D{fragment}",
        console(region)
    )
}

/// The console's address in the partition of a region.
fn console(region: &str) -> String {
    match crate::policy::model::partition(region) {
        "aws-cn" => "console.amazonaws.cn".to_owned(),
        "aws-us-gov" => "console.amazonaws-us-gov.com".to_owned(),
        _ => format!("{region}.console.aws.amazon.com"),
    }
}

/// A text in the console's notation: letters, digits and three marks as they are.
fn text(text: &str) -> String {
    let mut written = String::with_capacity(text.len() * 2);
    for unit in text.encode_utf16() {
        // Writing to a text cannot fail.
        let _ = match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) => {
                written.write_char(char::from(byte))
            }
            Ok(byte) => write!(written, "*{byte:02x}"),
            Err(_) => write!(written, "**{unit:04x}"),
        };
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The address that the console made for this query, from a question of its users, with a group's name for the
    /// part that was blacked out, and without the id of a saved query.
    #[test]
    fn the_link_is_the_consoles_own() {
        let query = "fields @timestamp, @message\n| sort @timestamp desc\n| filter @message =~ \"Exception\"\n| limit 200";
        let ms = |time: &str| time.parse::<jiff::Timestamp>().unwrap().as_millisecond();
        let link = insights(&Shown {
            region: "eu-west-1",
            log_group: "/aws/lambda/some-name",
            query,
            from_ms: ms("2021-07-15T21:00:00Z"),
            until_ms: ms("2021-07-18T20:59:59Z"),
        });
        let editor = "fields*20*40timestamp*2c*20*40message*0a*7c*20sort*20*40timestamp*20desc*0a*7c*20filter*20*40message*20*3d*7e*20*22Exception*22*0a*7c*20limit*20200";
        assert_eq!(
            link,
            format!(
                "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:logs-insights\
                 $3FqueryDetail$3D$257E$2528end$257E$25272021-07-18T20*3a59*3a59Z$257Estart$257E$25272021-07-15T21*3a00*3a00Z\
                 $257EtimeType$257E$2527ABSOLUTE$257Etz$257E$2527UTC$257EeditorString$257E$2527{editor}\
                 $257EisLiveTail$257Efalse$257Esource$257E$2528$257E$2527*2faws*2flambda*2fsome-name$2529$2529"
            )
        );
    }

    #[test]
    fn each_partition_has_its_console() {
        for (region, host) in [
            (
                "eu-central-1",
                "https://eu-central-1.console.aws.amazon.com/",
            ),
            ("cn-north-1", "https://console.amazonaws.cn/"),
            ("us-gov-west-1", "https://console.amazonaws-us-gov.com/"),
        ] {
            let link = insights(&Shown {
                region,
                log_group: "g",
                query: "q",
                from_ms: 0,
                until_ms: 1,
            });
            assert!(link.starts_with(host), "{link}");
        }
    }

    #[test]
    fn no_character_of_a_query_ends_the_text() {
        let written = text("~('a')é€😀$%\u{0}");
        assert_eq!(written, "*7e*28*27a*27*29*e9**20ac**d83d**de00*24*25*00");
    }
}
