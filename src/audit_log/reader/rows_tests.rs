use super::super::super::{EntryKind, Suspicion, judge_entry};
use super::*;
use proptest::prelude::*;

fn units(text: &[u8], is_last: bool) -> (usize, Vec<(String, UnitKind)>) {
    let cut = RowCutter::default().cut(&Window {
        text,
        is_last,
        file: 0,
        first_line: 1,
    });
    let of = |unit: &Unit| {
        let text = String::from_utf8_lossy(&text[unit.start..unit.end]).into_owned();
        (text, unit.kind)
    };
    (cut.len, cut.units.iter().map(of).collect())
}

fn row(user: &str, statement: &str) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let record = format!(
        "AUDIT: SESSION,1,1,READ,SELECT,TABLE,public.t,{},<not logged>",
        quoted(statement)
    );
    format!(
        "2026-11-20 10:00:00.171 UTC,{},\"shop\",20652,\"10.0.1.23:50322\",60801957.4ff7,11,\"SELECT\",2026-11-20 09:23:51 UTC,5/12,0,LOG,00000,{},,,,,,,,,\"psql\"\n",
        quoted(user),
        quoted(&record)
    )
}

#[test]
fn a_line_that_is_no_row_opens_no_quote() {
    let text = format!("{}\"\n{}", row("alice", "select 1"), row("bob", "select 2"));
    let (len, found) = units(text.as_bytes(), true);
    assert_eq!(len, text.len());
    let kinds: Vec<_> = found.iter().map(|(_, kind)| *kind).collect();
    assert_eq!(kinds, [UnitKind::Whole, UnitKind::Stray, UnitKind::Whole]);
}

#[test]
fn a_row_whose_end_is_missing_swallows_no_other() {
    let first = row("alice", "select 'a long text'");
    for cut in 30..first.len() - 1 {
        let text = format!("{}\n{}", &first[..cut], row("bob", "select 2"));
        let (_, found) = units(text.as_bytes(), true);
        let (last, kind) = found.last().expect("a row");
        assert!(
            last.contains("\"bob\"") && *kind == UnitKind::Whole && !last.contains("alice"),
            "{cut}: {found:?}"
        );
    }
}

#[test]
fn a_statement_that_looks_like_rows_is_one_statement() {
    let text = row(
        "alice",
        &format!("select '\n{}'", row("mallory", "select 1")),
    );
    let (_, found) = units(text.as_bytes(), true);
    assert_eq!(found.len(), 1);
    let read = read(found[0].0.as_bytes(), false, LogLinePrefix::Short).expect("a row");
    match judge_entry(&read.entry, LogLinePrefix::Short) {
        EntryKind::Audit { prefix, .. } => assert_eq!(prefix.user, b"alice"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_row_of_pgauditlogtofile_is_a_record() {
    let row = b"2026-11-20 10:10:20.237 CET,alice,shop,347977,[local],66431bea.54f49,1,SELECT,2026-11-20 10:08:10 CET,8/3270528,0,00000,OBJECT,5,1,READ,SELECT,TABLE,public.account,\"select password, x from account;\",<none>,,,,,,,,,psql";
    for form in LogLinePrefix::ALL {
        let read = read(row, false, form).expect("a row");
        assert!(!read.is_cut);
        match judge_entry(&read.entry, form) {
            EntryKind::Audit {
                prefix,
                record,
                doubt: None,
            } => {
                assert_eq!(
                    (prefix.user, prefix.database),
                    (&b"alice"[..], &b"shop"[..])
                );
                assert_eq!(
                    &*record.statement.decoded().unwrap(),
                    b"select password, x from account;"
                );
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_row_that_ends_in_its_message_counts_as_cut() {
    let text = row("alice", "select a, b from t");
    let end = text.find("from").unwrap();
    let read = read(&text.as_bytes()[..end], true, LogLinePrefix::Long).expect("a row");
    assert!(read.is_cut);
    assert!(matches!(
        judge_entry(&read.entry, LogLinePrefix::Long),
        EntryKind::Suspicious {
            reason: Suspicion::Record(_),
            ..
        }
    ));
}

proptest! {
    /// Rows come out as they went in, whatever people type, and wherever the windows end.
    #[test]
    fn rows_come_out_as_they_went_in(
        statements in prop::collection::vec("[a-z\",\\n 0-9:]{0,60}", 1..6),
        user in "[a-z\",@ ]{1,10}",
        window in 200usize..900,
    ) {
        let rows: Vec<String> = statements.iter().map(|text| row(&user, text)).collect();
        let text = rows.concat();
        let (_, found) = units(text.as_bytes(), true);
        let texts: Vec<&str> = found.iter().map(|(text, _)| text.as_str()).collect();
        let expected: Vec<&str> = rows.iter().map(|row| row.trim_end()).collect();
        prop_assert_eq!(&texts, &expected);
        let (len, first) = units(&text.as_bytes()[..window.min(text.len())], false);
        let (_, rest) = units(&text.as_bytes()[len..], true);
        prop_assert_eq!([first, rest].concat(), found);
        for (row, statement) in rows.iter().zip(&statements) {
            let read = read(row.trim_end().as_bytes(), false, LogLinePrefix::Short).expect("a row");
            prop_assert!(!read.is_cut);
            let whole = String::from_utf8_lossy(&read.entry).replace("\n\t", "\n");
            let quoted = statement.replace('"', "\"\"");
            prop_assert!(whole.contains(&quoted), "{}", whole);
        }
    }
}
