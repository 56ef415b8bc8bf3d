//! How fast a query of the compiler's shape judges. Run with
//! `cargo test --release --lib insights::tests::speed -- --ignored --nocapture`.

#![expect(clippy::print_stdout, reason = "a measurement is for its reader")]

use std::fmt::Write as _;

use super::{Event, event, program};

/// Nanoseconds that this thread has run: other work on the machine does not count.
fn processor_time() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ')
        .next()
        .and_then(|first| first.parse().ok())
        .unwrap_or(f64::NAN)
}

/// As the compiler writes it: one anchored head, parses of the statement, a filter for each
/// exclusion.
fn query() -> String {
    let mut query = String::from(
        r#"filter @message like 'AUDIT: '
| parse @message /^(?<pg_time>[0-9-]+ [0-9:.]+ [A-Z]+):(?<pg_client>[0-9A-Fa-f.:]+|\[local\])?(\((?<pg_port>[0-9]+)\))?:(?<pg_user>[^:\[\]]*)@(?<pg_database>[^:\[\]@]*):\[(?<pg_pid>[0-9]+)\]:LOG: +AUDIT: (?<pg_kind>SESSION|OBJECT),(?<pg_id>[0-9]+),(?<pg_sub>[0-9]+),(?<pg_class>[A-Z_]+),(?<pg_command>[A-Z ?]+),(?<pg_type>[A-Z ]*),(?<pg_object>"([^"]|"")*"|[^",]*),(?<pg_statement>[\s\S]*)\z/
| parse pg_statement /^(?<pg_head>"?(select|SELECT) (version\(\)|current_schema\(\)|oid, typname from pg_type where oid in \([0-9, ]+\));?"?),/
| parse pg_statement /^(?<pg_set>"?(set|SET) (application_name|extra_float_digits|search_path) ?(=|to|TO) ?[^;"]*;?"?),/
| parse pg_object /^(?<pg_schema>[^.]*)\.(?<pg_relation>[\s\S]*)\z/
"#,
    );
    for exclusion in 0..20 {
        writeln!(
            query,
            "| filter (isempty(pg_user) = 1 or pg_user not in ['app{exclusion}', 'etl{exclusion}', 'cron{exclusion}']) and (isempty(pg_schema) = 1 or pg_schema not in ['pg_catalog{exclusion}', 'information_schema{exclusion}'] or pg_class not in ['READ'] or pg_head like 'x{exclusion}')"
        )
        .unwrap();
    }
    query.push_str(
        "| filter isempty(pg_head) = 1 or isempty(pg_class) = 1\n| filter isempty(pg_set) = 1\n",
    );
    query.push_str("| stats count_distinct(concat(pg_pid, '-', pg_id)) as statements by pg_user, pg_database, pg_command, pg_type, pg_object");
    query
}

fn log(megabytes: usize) -> (Vec<u8>, Vec<usize>) {
    let statements = [
        (
            "READ,SELECT,TABLE,public.orders",
            "\"select id, total, customer_id, created_at, updated_at from orders where customer_id = $1 and status in ('open', 'paid') order by created_at desc limit 100\",<not logged>",
        ),
        (
            "READ,SELECT,TABLE,pg_catalog.pg_class",
            "\"SELECT n.nspname, c.relname, c.relkind, pg_catalog.pg_get_userbyid(c.relowner)\n\tFROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r','p','') AND n.nspname <> 'pg_catalog' ORDER BY 1,2;\",<not logged>",
        ),
        (
            "MISC,SET,,",
            "SET application_name = 'PostgreSQL JDBC Driver',<not logged>",
        ),
        ("READ,SELECT,,", "select version();,<not logged>"),
        (
            "WRITE,UPDATE,TABLE,public.stock",
            "update stock set amount = amount - 1 where id = 12345;,<none>",
        ),
    ];
    let mut text = Vec::new();
    let mut ends = Vec::new();
    let mut record: usize = 0;
    while text.len() < megabytes << 20 {
        let (head, statement) = statements[record % statements.len()];
        let mut line = String::new();
        writeln!(line, "2026-11-22 06:{:02}:{:02} UTC:10.0.{}.{}({}):user{}@shop:[{}]:LOG:  AUDIT: SESSION,{},1,{head},{statement}", record / 60 % 60, record % 60, record % 7, record % 250, 40_000 + record % 9_000, record % 5, 1_000 + record % 300, record % 4_000).unwrap();
        text.extend_from_slice(line.as_bytes());
        ends.push(text.len());
        if record.is_multiple_of(4) {
            text.extend_from_slice(b"2026-11-22 06:55:28 UTC:10.0.1.2(5000):user1@shop:[77]:LOG:  duration: 12.5 ms  execute S_1: select 1\n");
            ends.push(text.len());
        }
        record += 1;
    }
    (text, ends)
}

#[test]
#[ignore = "measures"]
fn judges_a_log() {
    let program = program(&query());
    let (text, ends) = log(200);
    let events = || {
        let starts = std::iter::once(0).chain(ends.iter().copied());
        starts
            .zip(ends.iter().copied())
            .map(|(start, end)| event(&text[start..end - 1]))
    };
    let speed = |what: &str, work: &mut dyn FnMut(Event<'_>)| {
        let start = processor_time();
        events().for_each(work);
        let seconds = (processor_time() - start) / 1e9;
        let gigabytes = text.len() as f64 / 1e9;
        println!(
            "{what}: {:.2} GB/s, {:.0} ns an event",
            gigabytes / seconds,
            seconds * 1e9 / ends.len() as f64
        );
    };
    let mut scratch = program.scratch();
    let mut kept = 0;
    speed("judge", &mut |event| {
        kept += u64::from(program.judge(&mut scratch, &event).kept)
    });
    let mut run = program.run();
    speed("run", &mut |event| {
        run.push(&event);
    });
    println!(
        "{kept} of {} kept, {} rows",
        ends.len(),
        run.finish().rows.len()
    );
    let head = super::program(
        query()
            .lines()
            .take(2)
            .collect::<Vec<_>>()
            .join("\n")
            .as_str(),
    );
    let mut scratch = head.scratch();
    speed("head alone", &mut |event| {
        kept += u64::from(
            head.examine(&mut scratch, &event)
                .field("pg_user")
                .is_some(),
        );
    });
    println!("{kept}");
}

#[test]
fn the_head_of_the_compiler_takes_the_fast_way() {
    let query = query();
    let pattern = query.lines().nth(1).unwrap();
    let pattern = pattern
        .strip_prefix("| parse @message /")
        .unwrap()
        .strip_suffix("/")
        .unwrap();
    assert!(super::super::head::Head::new(pattern).is_some());
}
