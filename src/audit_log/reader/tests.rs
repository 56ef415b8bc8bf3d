use super::*;
use proptest::prelude::*;
use std::io::Write;
use std::ops::ControlFlow;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    file: usize,
    line: u64,
    text: String,
    timestamp_ms: Option<i64>,
    ingestion_ms: Option<i64>,
    log_stream: Option<String>,
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn read_all(inputs: &Inputs, options: &ReadOptions) -> (Vec<Seen>, ReadReport) {
    let mut seen = Vec::new();
    let report = for_each_entry(inputs, options, |entry| {
        seen.push(Seen {
            file: entry.file,
            line: entry.line,
            text: lossy(entry.text),
            timestamp_ms: entry.timestamp_ms,
            ingestion_ms: entry.ingestion_ms,
            log_stream: entry.log_stream.map(lossy),
        });
    });
    assert_eq!(report.entries, u64::try_from(seen.len()).expect("count"));
    (seen, report)
}

fn read_text(text: impl AsRef<[u8]>) -> (Vec<(u64, String)>, ReadReport) {
    let (seen, report) = read_all(
        &Inputs::from_bytes("t", text.as_ref()),
        &ReadOptions::default(),
    );
    (
        seen.into_iter()
            .map(|entry| (entry.line, entry.text))
            .collect(),
        report,
    )
}

fn entries(list: &[(u64, &str)]) -> Vec<(u64, String)> {
    list.iter()
        .map(|(line, text)| (*line, (*text).to_owned()))
        .collect()
}

fn broken(report: &ReadReport) -> Vec<(u64, &str)> {
    report
        .broken
        .iter()
        .map(|broken| (broken.line, &broken.what[..]))
        .collect()
}

fn foreign(report: &ReadReport) -> Vec<(u64, String)> {
    report
        .foreign
        .iter()
        .map(|foreign| (foreign.line, lossy(&foreign.text)))
        .collect()
}

fn gz(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).expect("write");
    encoder.finish().expect("finish")
}

const LOG: &str = "2026-11-22 06:54:38 UTC:a\n\tb\n\n2026-11-22 06:54:39 UTC:c\r\n\td\r\n2026-11-22 06:54:40 UTC:e";

#[test]
fn reads_a_log_of_postgresql() {
    let expected = entries(&[
        (1, "2026-11-22 06:54:38 UTC:a\n\tb"),
        (4, "2026-11-22 06:54:39 UTC:c\r\n\td"),
        (6, "2026-11-22 06:54:40 UTC:e"),
    ]);
    let (seen, report) = read_text(LOG);
    assert_eq!(seen, expected);
    assert_eq!(
        (
            report.lines,
            report.bytes,
            report.foreign_count,
            report.broken_count
        ),
        (6, 86, 0, 0)
    );

    let (with_bom, report) = read_text(format!("\u{feff}{LOG}\n"));
    assert_eq!((with_bom, report.bytes), (expected, 90));

    let (seen, report) = read_text("\tcontinued\n\tagain\nx\0y\n");
    assert_eq!(seen, entries(&[(3, "x\0y")]));
    assert_eq!(foreign(&report), entries(&[(1, "\tcontinued\n\tagain")]));

    assert_eq!(read_text(""), (Vec::new(), ReadReport::default()));
    for utf_16 in [
        &b"\xff\xfe2\0\n\0"[..],
        b"\xfe\xff\x002\0\n",
        b"2\0\n\0",
        b"\x002\0\n",
    ] {
        assert_eq!(read_text(utf_16).0, entries(&[(1, "2")]), "{utf_16:?}");
    }
    let (seen, report) = read_text(b"\xff\xfe2\0\n\x003");
    assert_eq!((seen.len(), report.broken_count), (1, 1));
}

#[test]
fn reads_an_export() {
    let text = "lost\n2026-11-22T06:55:28.000Z one\n\ttwo\nthree\n2026-11-22T06:55:29.500Z four\n";
    let options = ReadOptions {
        format: Some(Format::Export),
        ..ReadOptions::default()
    };
    let (seen, report) = read_all(&Inputs::from_bytes("t", text.as_bytes()), &options);
    let short: Vec<_> = seen
        .iter()
        .map(|entry| (entry.line, &entry.text[..], entry.timestamp_ms))
        .collect();
    assert_eq!(
        short,
        [
            (2, "one\n\ttwo\nthree", Some(1_795_330_528_000)),
            (5, "four", Some(1_795_330_529_500))
        ]
    );
    assert_eq!(foreign(&report), entries(&[(1, "lost")]));
    assert_eq!(Format::detect(&text.as_bytes()[5..]), Format::Export);
}

#[test]
fn reads_an_export_tree() {
    let folder = tempfile::tempdir().expect("folder");
    let task = folder.path().join("exports/0a1b");
    for (stream, part, text) in [
        ("db-2", "000000.gz", "2026-11-22T06:55:28.000Z c\n"),
        ("db-1", "000001.gz", "2026-11-22T06:55:28.000Z b\n"),
        ("db-1", "000000.gz", "2026-11-22T06:55:28.000Z a\n\ta2\n"),
    ] {
        std::fs::create_dir_all(task.join(stream)).expect("folder");
        std::fs::write(task.join(stream).join(part), gz(text.as_bytes())).expect("file");
    }
    std::fs::write(
        folder.path().join("exports/aws-logs-write-test"),
        "Permission Check Successful",
    )
    .expect("file");
    std::fs::create_dir(folder.path().join("empty")).expect("folder");
    let inputs = Inputs::from_paths([
        folder.path().join("exports"),
        folder.path().join("empty"),
        folder.path().join("none"),
    ]);
    let (seen, report) = read_all(&inputs, &ReadOptions::default());
    let short: Vec<_> = seen
        .iter()
        .map(|entry| (entry.file, &entry.text[..], entry.log_stream.as_deref()))
        .collect();
    assert_eq!(
        short,
        [
            (0, "a\n\ta2", Some("db-1")),
            (1, "b", Some("db-1")),
            (2, "c", Some("db-2"))
        ]
    );
    assert_eq!(report.broken_count, 2);
    assert_eq!(
        (report.broken[0].file, &report.broken[0].what[..]),
        (3, "the folder contains no files")
    );
    assert!(
        report.broken[1].what.starts_with("cannot read: "),
        "{:?}",
        report.broken
    );
}

#[test]
fn tells_formats() {
    for (text, format) in [
        ("", Format::Postgres),
        ("2026-11-22 06:54:38 UTC:x", Format::Postgres),
        ("[local] x", Format::Postgres),
        ("\n {\"events\":", Format::Json),
        ("[\n{", Format::Json),
        ("[[{", Format::Json),
        ("[\"x", Format::Json),
        ("2026-11-22T06:55:28.000Z x", Format::Export),
        ("@timestamp,@message\nx", Format::Csv),
        ("\"@message\",\"@ptr\"", Format::Csv),
    ] {
        assert_eq!(Format::detect(text.as_bytes()), format, "{text}");
    }
}

#[test]
fn reads_json_of_every_command() {
    let message = "a \\\"q\\\"\\n\\tb";
    let expected = "a \"q\"\n\tb";
    for (text, line) in [
        (format!("{{\"events\":[{{\"logStreamName\":\"db-1\",\"timestamp\":1795330528000,\"message\":\"{message}\",\"ingestionTime\":5,\"eventId\":\"1\"}}],\"searchedLogStreams\":[]}}"), 1),
        (format!("{{\n  \"events\": [\n    {{\n      \"message\": \"{message}\",\n      \"timestamp\": 1795330528000, \"ingestionTime\": 5, \"logStreamName\": \"db-1\"\n    }}\n  ],\n  \"nextForwardToken\": \"f/1\"\n}}\n"), 3),
        (format!("{{\"timestamp\":1795330528000,\"message\":\"{message}\",\"ingestionTime\":5,\"logStreamName\":\"db-1\"}}\n"), 1),
        (format!("{{\"queryLanguage\":\"CWLI\",\"results\":[[{{\"field\":\"@timestamp\",\"value\":\"2026-11-22 06:55:28.000\"}},\n{{\"field\":\"@message\",\"value\":\"{message}\"}},{{\"field\":\"@ingestionTime\",\"value\":\"5\"}},{{\"field\":\"@logStream\",\"value\":\"db-1\"}},{{\"field\":\"@ptr\",\"value\":\"x\"}}]],\"statistics\":{{\"recordsMatched\":1.0}},\"status\":\"Complete\"}}"), 1),
        (format!("[{{\"@timestamp\":\"2026-11-22 06:55:28.000\",\"@message\":\"{message}\",\"@ingestionTime\":\"5\",\"@logStream\":\"db-1\"}}]"), 1),
        (format!("{{\"messageType\":\"DATA_MESSAGE\",\"logEvents\":[\n{{\"id\":\"3\",\"timestamp\":1795330528000,\"message\":\"{message}\",\"ingestionTime\":5,\"logStream\":\"db-1\"}}]}}"), 2),
        ("@timestamp,@message,@ingestionTime,@logStream\r\n2026-11-22 06:55:28.000,\"a \"\"q\"\"\n\tb\",5,db-1\r\n".to_owned(), 2),
    ] {
        for block_bytes in [64, 1 << 20] {
            let options = ReadOptions { block_bytes, ..ReadOptions::default() };
            let (seen, report) = read_all(&Inputs::from_bytes("t", text.as_bytes()), &options);
            assert_eq!((report.foreign_count, report.broken_count), (0, 0), "{text} {report:?}");
            assert_eq!(
                seen,
                [Seen {
                    file: 0, line, text: expected.to_owned(), timestamp_ms: Some(1_795_330_528_000),
                    ingestion_ms: Some(5), log_stream: Some("db-1".to_owned()),
                }],
                "{text}"
            );
        }
    }
    assert_eq!(
        read_text("[\"a\",\n\"b\"]").0,
        entries(&[(1, "a"), (2, "b")])
    );
    // No events is no fault; text that is no Unicode is kept.
    assert_eq!(read_text("{\"events\":[]}").1.foreign_count, 0);
    assert_eq!(
        read_text(b"{\"message\":\"\xff\"}").0,
        entries(&[(1, "\u{fffd}")])
    );
}

#[test]
fn broken_json_costs_one_event() {
    let (seen, report) = read_text("{\"message\":\"a\"}\n{\"message\":\"b\n{\"message\":\"c\"}\n");
    assert_eq!(seen, entries(&[(1, "a"), (3, "c")]));
    assert_eq!(
        broken(&report),
        [(
            2,
            "there is a line break inside a JSON string; the event is left out"
        )]
    );

    let (seen, report) = read_text(
        "{\"message\":\"a\",\n{\"message\":\"b\"}\nAn error occurred\n{\"nextToken\":1}\n{\"message\":\"c\"",
    );
    assert_eq!(seen, entries(&[(2, "b")]));
    assert_eq!(
        foreign(&report),
        entries(&[(3, "An error occurred"), (4, "{\"nextToken\":1}")])
    );
    assert_eq!(
        broken(&report),
        [
            (
                1,
                "this is not valid JSON; the rest of the line is left out"
            ),
            (5, "the file ends inside this event")
        ]
    );

    let (seen, report) = read_text(
        "{\"events\":[\n{\"message\":\"a\"},\n{\"message\":\"b\n\"},\n{\"message\":\"c\"}\n]}\n{\"events\":[{\"message\":\"d\"},",
    );
    assert_eq!(
        seen.iter().map(|(_, text)| &text[..]).collect::<Vec<_>>(),
        ["a", "c", "d"]
    );
    assert!(report.broken_count >= 2, "{report:?}");
}

#[test]
fn reads_compressed_text() {
    let plain = read_text(LOG);
    let (first, second) = LOG.as_bytes().split_at(30);
    for packed in [
        gz(LOG.as_bytes()),
        [gz(first), gz(second)].concat(),
        gz(&gz(LOG.as_bytes())),
        zstd::encode_all(LOG.as_bytes(), 1).expect("zst"),
        [
            zstd::encode_all(first, 1).expect("zst"),
            zstd::encode_all(second, 1).expect("zst"),
        ]
        .concat(),
    ] {
        assert_eq!(read_text(&packed), plain);
    }
    // A download that broke off.
    let long = "2026-11-22 06:54:38 UTC:abc\n".repeat(5000);
    for packed in [
        gz(long.as_bytes()),
        zstd::encode_all(long.as_bytes(), 1).expect("zst"),
    ] {
        let (_, report) = read_text(&packed[..packed.len() - 9]);
        assert_eq!(report.broken_count, 1, "{report:?}");
        assert_eq!(report.broken[0].what, "the compressed file ends early");
    }
    let (seen, report) = read_text([gz(LOG.as_bytes()), b"trailing".to_vec()].concat());
    assert_eq!((seen, report.broken_count), (plain.0, 1));
}

#[test]
fn an_entry_has_a_longest_length() {
    let options = ReadOptions {
        block_bytes: 64,
        entry_bytes: 256,
        ..ReadOptions::default()
    };
    let what = "an entry is longer than 256 bytes; its rest is left out";
    let long = "x".repeat(5000);
    let (seen, report) = read_all(
        &Inputs::from_bytes("t", format!("a\nb{long}\n\t{long}\nc\n").into_bytes()),
        &options,
    );
    assert_eq!(
        seen.iter()
            .map(|entry| (entry.line, entry.text.len()))
            .collect::<Vec<_>>(),
        [(1, 1), (2, 216), (4, 1)]
    );
    assert_eq!((broken(&report), report.lines), (vec![(2, what)], 4));

    let json =
        format!("{{\"message\":\"a\"}}\n{{\"message\":\"{long}\"}}\n{{\"message\":\"c\"}}\n");
    let (seen, report) = read_all(&Inputs::from_bytes("t", json.into_bytes()), &options);
    assert_eq!(
        seen.iter()
            .map(|entry| (entry.line, &entry.text[..]))
            .collect::<Vec<_>>(),
        [(1, "a"), (3, "c")]
    );
    assert_eq!(broken(&report), [(2, what)]);

    let csv = format!("@message,@ptr\na,1\n\"{long}\",2\nc,3\n");
    let (seen, report) = read_all(&Inputs::from_bytes("t", csv.into_bytes()), &options);
    assert_eq!(
        seen.iter()
            .map(|entry| (entry.line, &entry.text[..]))
            .collect::<Vec<_>>(),
        [(2, "a"), (4, "c")]
    );
    assert_eq!(broken(&report), [(3, what)]);
}

struct Lengths;

impl Visitor for Lengths {
    type Worker = ();
    type Output = usize;
    fn worker(&self) {}
    fn output(&self) -> usize {
        0
    }
    fn visit(&self, (): &mut (), output: &mut usize, entry: &Entry<'_>) {
        assert!(entry.text != b"panic", "asked to");
        *output += entry.text.len();
    }
}

#[test]
fn reports_progress_and_stops_when_asked() {
    let text = "abcdefg\n".repeat(100_000);
    let inputs = Inputs::from_bytes("t", text.into_bytes());
    let options = ReadOptions {
        block_bytes: 1000,
        ..ReadOptions::default()
    };
    let (mut blocks, mut last, mut sum) = (0, None, 0);
    read(
        &inputs,
        &options,
        &Lengths,
        |progress| last = Some(progress),
        |length| {
            (blocks, sum) = (blocks + 1, sum + length);
            ControlFlow::Continue(())
        },
    );
    assert_eq!(
        last,
        Some(Progress {
            done: 800_000,
            total: Some(800_000)
        })
    );
    assert!(blocks > 700 && sum == 700_000);
    let mut blocks = 0;
    read(
        &inputs,
        &options,
        &Lengths,
        |_| {},
        |_| {
            blocks += 1;
            if blocks == 3 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        },
    );
    assert_eq!(blocks, 3);
}

#[test]
#[should_panic(expected = "asked to")]
fn a_panic_of_the_visitor_reaches_the_caller() {
    let text = format!("{}panic\n{}", "a\n".repeat(1000), "b\n".repeat(100_000));
    let options = ReadOptions {
        block_bytes: 64,
        ..ReadOptions::default()
    };
    let inputs = Inputs::from_bytes("t", text.into_bytes());
    read(
        &inputs,
        &options,
        &Lengths,
        |_| {},
        |_| ControlFlow::Continue(()),
    );
}

/// Logs with all kinds of line ends.
fn messy() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just(b"\n".to_vec()),
        3 => Just(b"\n\t".to_vec()),
        1 => Just(b"\r\n".to_vec()),
        1 => Just(b"\n2026-11-22T06:55:28.000Z x".to_vec()),
        1 => Just(b"{\"message\":\"a\\n\\tb\"}".to_vec()),
        1 => Just(b"{\"events\":[{\"message\":\"a\"},".to_vec()),
        1 => Just(b"\"".to_vec()),
        4 => "[a-z,]{0,80}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn small_blocks_and_threads_change_nothing(text in messy(), block_bytes in 64_usize..400, threads in 1_usize..4, format in 0_usize..9) {
        let format = Format::ALL.get(format).copied();
        let text = if format == Some(Format::Csv) { [b"@message,@ptr\n".to_vec(), text].concat() } else { text };
        let inputs = Inputs::from_bytes("t", text);
        let whole = ReadOptions { format, threads: Some(1), ..ReadOptions::default() };
        let cut = ReadOptions { format, threads: Some(threads), block_bytes, ..ReadOptions::default() };
        let (expected, expected_report) = read_all(&inputs, &whole);
        let (seen, mut report) = read_all(&inputs, &cut);
        prop_assert_eq!(seen, expected);
        // Foreign JSON is quoted as far as it was seen.
        if !matches!(format, Some(Format::Postgres | Format::Export | Format::AwsText)) {
            report.foreign = expected_report.foreign.clone();
        }
        prop_assert_eq!(report, expected_report);
    }

    /// The same events, in every form that people have them in.
    #[test]
    fn all_formats_give_the_same_entries(messages in prop::collection::vec("[a-z0-9 ,\"\\\\:@{}\\[\\]]{1,40}(\n\t[a-z,\"]{0,9}){0,2}", 1..12)) {
        let prefix = "2026-11-22 06:55:28 UTC:";
        let messages: Vec<String> = messages.iter().map(|text| format!("{prefix}{text}")).collect();
        let export: String = messages.iter().map(|text| format!("2026-11-22T06:55:28.000Z {text}\n")).collect();
        let event = |text: &String| serde_json::json!({"timestamp": 1, "message": text, "logStreamName": "s"});
        let events: Vec<_> = messages.iter().map(event).collect();
        let rows: Vec<_> = messages
            .iter()
            .map(|text| serde_json::json!([{"field": "@message", "value": text}, {"field": "@ptr", "value": "x"}]))
            .collect();
        let lines: String = events.iter().map(|event| format!("{event}\n")).collect();
        let csv: String = messages.iter().map(|text| format!("1,\"{}\"\n", text.replace('"', "\"\""))).collect();
        let document = serde_json::json!({"events": events, "searchedLogStreams": []});
        for text in [
            messages.join("\n"),
            export,
            document.to_string(),
            serde_json::to_string_pretty(&document).expect("json"),
            lines,
            serde_json::json!({"results": rows, "status": "Complete"}).to_string(),
            serde_json::json!(messages).to_string(),
            format!("@timestamp,@message\n{csv}"),
        ] {
            let (seen, report) = read_text(&text);
            let texts: Vec<String> = seen.into_iter().map(|(_, text)| text).collect();
            prop_assert_eq!(&texts, &messages, "{}", text);
            prop_assert_eq!((report.foreign_count, report.broken_count), (0, 0));
        }
    }
}
