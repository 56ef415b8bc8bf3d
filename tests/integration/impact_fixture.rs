//! Results of `rules impact` to draw: a real-looking one, and the ends of the range.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use pgvigil::rules::hearing::Cost;
use pgvigil::rules::impact::report::{
    AccountImpact, Approvals, Attack, Change, Counterexample, Direction, Evasion, Example,
    ExclusionImpact, FORMAT_VERSION, Fault, Group, Hearing, HearingChange, Hears, ImpactReport,
    Logs, Revision, Row, Tests, Timeline, Totals,
};

fn text(text: &str) -> String {
    text.to_owned()
}

/// An exclusion that the change leaves alone.
fn quiet(id: &str, title: &str, silenced: u64) -> ExclusionImpact {
    ExclusionImpact {
        id: text(id),
        title: text(title),
        reason: text(
            "every tool asks this when it connects; the answer describes the database, not its data",
        ),
        owner: text("data-platform@example.com"),
        ticket: Some(text("SEC-402")),
        file: text("rules/exclusions.yaml"),
        line: 14,
        last_day: Some(text("2027-05-31")),
        days_left: Some(190),
        accepted_by: None,
        change: Change::Unchanged,
        direction: Direction::Unchanged,
        why: String::new(),
        opens: Vec::new(),
        counterexample: None,
        silenced_base: silenced,
        silenced_head: silenced,
        newly_silent: 0,
        users: 9,
        share: silenced as f64 / 390_118.0,
        max_share: None,
        last_used: (silenced > 0).then(|| text("2026-11-22T09:58:41Z")),
        attack: Some(Attack {
            tried: 312,
            evasions: Vec::new(),
            silent: 0,
        }),
        tests: Some(Tests {
            silences: 4,
            near_misses: 3,
            killed: 41,
            mutants: 41,
            survivors: Vec::new(),
        }),
    }
}

fn heard(direction: Hears, key: &str, sentence: &str, cost: Option<&str>) -> HearingChange {
    HearingChange {
        key: text(key),
        direction,
        sentence: text(sentence),
        people: Vec::new(),
        owners: vec![text("data-platform@example.com")],
        cost: cost.map(text),
        measured_by: Cost::default(),
    }
}

fn group(
    user: &str,
    command: &str,
    object: &str,
    records: u64,
    by: &str,
    statement: &str,
) -> Group {
    Group {
        user: text(user),
        class: text(if command == "SELECT" { "READ" } else { "WRITE" }),
        command: text(command),
        object: text(object),
        records,
        by: vec![text(by)],
        is_grave: command != "SELECT",
        first: text("2026-11-08T00:12:09Z"),
        last: text("2026-11-22T08:03:17Z"),
        examples: vec![Example {
            file: text("orders-2026-11.log.gz"),
            line: 48_211,
            statement: text(statement),
        }],
    }
}

/// A day's wave with a peak, the same at every call.
fn wave(steps: u64, height: u64, seed: u64) -> Vec<u64> {
    (0..steps)
        .map(|step| {
            let hour = step * 6 % 24;
            let day = [1, 6, 9, 4][usize::try_from(hour / 6).unwrap()];
            height * day * (7 + (step * 31 + seed * 17) % 5) / 90
        })
        .collect()
}

fn sum(rows: &[Vec<u64>]) -> Vec<u64> {
    let steps = rows.iter().map(Vec::len).max().unwrap_or(0);
    (0..steps)
        .map(|step| {
            rows.iter()
                .map(|row| row.get(step).copied().unwrap_or(0))
                .sum()
        })
        .collect()
}

/// A pull request that widens one exclusion, adds one, removes one, and is refused.
pub(crate) fn realistic() -> ImpactReport {
    let probe = ExclusionImpact {
        ticket: Some(text("https://tickets.example.com/SEC-431")),
        owner: text("bob@example.com"),
        reason: text("DBeaver asks for the metadata of each table that it draws in its tree"),
        line: 88,
        last_day: Some(text("2027-03-01")),
        days_left: Some(99),
        change: Change::Changed,
        direction: Direction::Widened,
        why: text(
            "`command` was SELECT and is now any command; `object` lost the schema pg_catalog",
        ),
        counterexample: Some(Counterexample {
            user: text("alice"),
            class: text("WRITE"),
            command: text("UPDATE"),
            object_type: text("TABLE"),
            object: text("public.accounts"),
            statement: Some(text(
                "UPDATE public.accounts\n   SET balance = 0 /* pg_catalog */",
            )),
        }),
        silenced_base: 12_480,
        silenced_head: 13_684,
        newly_silent: 1_204,
        users: 3,
        share: 0.035_1,
        last_used: Some(text("2026-11-22T09:41:12Z")),
        max_share: Some(0.03),
        attack: Some(Attack {
            tried: 312,
            evasions: vec![
                Evasion {
                    does: text("deletes rows of a protected table, with the catalog in a comment"),
                    statement: text("DELETE FROM public.accounts /* pg_catalog */"),
                },
                Evasion {
                    does: text("copies a table, with the catalog in a literal"),
                    statement: text(
                        "COPY (SELECT *, 'pg_catalog.pg_class' FROM public.accounts)\n  TO STDOUT",
                    ),
                },
            ],
            silent: 17,
        }),
        tests: Some(Tests {
            silences: 3,
            near_misses: 2,
            killed: 41,
            mutants: 44,
            survivors: vec![
                text("without the condition `command`"),
                text("with the user `carol` beside `bob`"),
                text("with the relation `public.accounts`"),
            ],
        }),
        ..quiet("dbeaver-catalog", "DBeaver metadata probe", 0)
    };
    let added = ExclusionImpact {
        line: 131,
        owner: text("reporting@example.com"),
        reason: text("the nightly job of the report reads its own summary table"),
        change: Change::Added,
        direction: Direction::Widened,
        why: text("it is new"),
        silenced_head: 96,
        newly_silent: 96,
        users: 1,
        share: 0.000_246,
        last_used: Some(text("2026-11-22T02:00:04Z")),
        accepted_by: None,
        ticket: Some(text("SEC-440")),
        ..quiet("report-summary", "The report reads its summary", 0)
    };
    let removed = ExclusionImpact {
        change: Change::Removed,
        direction: Direction::Narrowed,
        why: text("it is gone"),
        silenced_base: 410,
        silenced_head: 0,
        share: 0.0,
        users: 0,
        attack: None,
        tests: None,
        last_used: None,
        ..quiet("old-etl-role", "The retired loader", 0)
    };
    let mut ending = quiet(
        "jdbc-keywords",
        "The JDBC driver reads the grammar's words",
        1_911,
    );
    ending.last_day = Some(text("2026-12-01"));
    ending.days_left = Some(9);
    let exclusions = vec![
        quiet("catalog-metadata", "Catalog reads of tools", 288_004),
        quiet("information-schema", "Views of information_schema", 41_090),
        probe,
        ending,
        added,
        quiet("pg-dump-cursors", "Cursors of pg_dump", 0),
        quiet("expandarray-body", "The body of _pg_expandarray", 0),
        removed,
    ];

    let silent = vec![
        group(
            "bob",
            "SELECT",
            "pg_catalog.pg_class",
            1_084,
            "dbeaver-catalog",
            "SELECT c.oid, c.relname FROM pg_catalog.pg_class c WHERE c.relkind = '***'",
        ),
        group(
            "report_job",
            "SELECT",
            "report.summary",
            96,
            "report-summary",
            "SELECT * FROM report.summary WHERE day = '***'",
        ),
        group(
            "carol",
            "SELECT",
            "pg_catalog.pg_attribute",
            96,
            "dbeaver-catalog",
            "SELECT a.* FROM pg_catalog.pg_attribute a",
        ),
        group(
            "alice",
            "UPDATE",
            "public.accounts",
            24,
            "dbeaver-catalog",
            "UPDATE public.accounts\n   SET balance = *** /* pg_catalog */",
        ),
    ];
    let loud = vec![
        group(
            "etl_old",
            "INSERT",
            "staging.orders",
            380,
            "old-etl-role",
            "INSERT INTO staging.orders VALUES (***)",
        ),
        group(
            "etl_old",
            "SELECT",
            "staging.runs",
            30,
            "old-etl-role",
            "SELECT max(id) FROM staging.runs",
        ),
    ];
    let steps = 57;
    let users: Vec<Row> = [
        ("bob", 900, 4_400),
        ("carol", 240, 2_100),
        ("alice", 310, 1_400),
        ("etl_old", 25, 0),
        ("report_job", 12, 40),
    ]
    .into_iter()
    .zip(1..)
    .map(|((name, counted, silenced), seed)| Row {
        name: text(name),
        counted: wave(steps, counted, seed),
        silenced: wave(steps, silenced, seed + 3),
    })
    .collect();
    let by_exclusion: Vec<Row> = [
        ("catalog-metadata", 6_300),
        ("information-schema", 1_200),
        ("dbeaver-catalog", 390),
        ("jdbc-keywords", 40),
        ("report-summary", 10),
        ("pg-dump-cursors", 0),
        ("expandarray-body", 0),
    ]
    .into_iter()
    .zip(11..)
    .map(|((name, height), seed)| Row {
        name: text(name),
        counted: Vec::new(),
        silenced: wave(steps, height, seed),
    })
    .collect();
    let mut hearing = Hearing::default();
    hearing.extend([
        heard(
            Hears::Less,
            "users/until",
            "carol is no longer audited in prod from 3 December 2026",
            Some("412 records in these logs"),
        ),
        heard(
            Hears::NotComparable,
            "engine",
            "prod is watched by the engine `log-alarm` instead of `monitor`, which counts, keeps and notifies in another way",
            None,
        ),
        heard(
            Hears::More,
            "clusters",
            "the cluster `billing` is watched in prod too",
            None,
        ),
    ]);
    ImpactReport {
        format_version: FORMAT_VERSION,
        hearing,
        pgvigil: text("0.1.0"),
        today: text("2026-11-22"),
        env: text("production"),
        base: Revision {
            name: text("origin/main"),
            commit: Some(text("5ca8218d0c1f6a1e0f6f0e7ad7d0d28f3d1c9a10")),
            rules_digest: text("0b54a2d2f3dd5b8cf7f0eb4bb0d1a6d8a8a2c3f4e5d6c7b8a9f0e1d2c3b4a596"),
        },
        head: Revision {
            name: text("widen-dbeaver"),
            commit: Some(text("b00481b6f0c2a4d8e1937a5b6c4d2e0f18a9b7c6")),
            rules_digest: text("9e107d9d372bb6826bd81d3542a419d6e4d909c290d0fb1ca068ffaddf22cbd0"),
        },
        logs: Logs {
            unread: Vec::new(),
            files: vec![
                text("orders-2026-11.log.gz"),
                text("billing-2026-11.log.gz"),
            ],
            bytes: 1_264_300_118,
            entries: 2_911_204,
            foreign: 0,
            broken: 2,
            first: Some(text("2026-11-08T00:00:02Z")),
            last: Some(text("2026-11-22T09:59:58Z")),
        },
        totals: Totals {
            records: 812_440,
            of_accounts: 422_322,
            of_people: 390_118,
            counted_base: 46_223,
            counted_head: 45_333,
            silenced_base: 343_895,
            silenced_head: 344_785,
            newly_silent: 1_300,
            newly_loud: 410,
            share_base: 343_895.0 / 390_118.0,
            share_head: 344_785.0 / 390_118.0,
        },
        exclusions,
        signals_off: vec![text("privilege")],
        accounts: vec![AccountImpact {
            role: text("svc_report_*"),
            is_pattern: true,
            change: Change::Added,
            reason: text("the roles of the report's workers"),
            owner: text("reporting@example.com"),
        }],
        newly_silent: silent,
        newly_loud: loud,
        groups_left_out: 0,
        direction: Direction::Widened,
        faults: vec![
            Fault {
                code: text("impact/evasion"),
                exclusion: Some(text("dbeaver-catalog")),
                message: text("a person can hide a DELETE on public.accounts behind it"),
                help: text(
                    "name the objects: `relation: [pg_catalog.pg_class]`, and only `command: [SELECT]`",
                ),
            },
            Fault {
                code: text("impact/share"),
                exclusion: Some(text("dbeaver-catalog")),
                message: text("silences 3.51 % of what people did, and 3 % are allowed"),
                help: text("narrow it, or raise `max_silenced_share` in a change of its own"),
            },
        ],
        approvals: Approvals {
            required: 2,
            reasons: vec![
                text("an exclusion was widened"),
                text("what is protected falls silent"),
            ],
            owners: vec![text("bob@example.com"), text("reporting@example.com")],
            not_by: vec![text("bob@example.com")],
            authors: vec![text("bob@example.com")],
        },
        timeline: Timeline {
            step_seconds: 21_600,
            start: 1_794_096_000,
            counted: sum(&users
                .iter()
                .map(|row| row.counted.clone())
                .collect::<Vec<_>>()),
            silenced: sum(&users
                .iter()
                .map(|row| row.silenced.clone())
                .collect::<Vec<_>>()),
            by_user: users,
            by_exclusion,
        },
    }
}

/// What people put into names, comments and statements to break a report.
pub(crate) const HOSTILE: [&str; 22] = [
    "<script>window.owned=1;document.title='owned'</script>",
    "</script><script>window.owned=1</script>",
    "</style><style>body{display:none}</style>",
    "</td></tr></table><h1>approved</h1>",
    "<img src=x onerror=\"window.owned=1\">",
    "\"><svg onload=window.owned=1>",
    "' autofocus onfocus='window.owned=1",
    "javascript:window.owned=1",
    "[click](javascript:alert(1)) ![x](https://evil.example/x.png)",
    "https://evil.example/ www.evil.example #12 GH-12",
    "@everyone @org/team a@evil.example",
    "`x` ```` ``` ~~~ |cell|\\| **bold** _it_",
    "\n```\n# heading\n\n</details>\n<!-- pgvigil impact other -->",
    "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m",
    "\u{202e}desrever\u{2066}\u{200b}\u{feff}\u{e0041}",
    "::error::owned\n::add-mask::x\r\n ::set-output name=a::b",
    "##[error]owned ##vso[task.complete]",
    "]]><![CDATA[ --> <!-- ",
    "line\u{2028}separator\u{2029}paragraph\0nul",
    "{{7*7}} ${7*7} <%= 7 %> &lt;b&gt; &#60;",
    "漢字 é ✓ 👩‍💻",
    "=HYPERLINK(\"http://evil.example\")",
];

/// Every text of the report is hostile, each place with another one.
pub(crate) fn hostile() -> ImpactReport {
    let mut number = 0;
    let mut next = || {
        number += 1;
        let one = HOSTILE[number % HOSTILE.len()];
        if number % 17 == 0 {
            format!("{one}{}", "w".repeat(300))
        } else {
            text(one)
        }
    };
    let mut report = realistic();
    report.env = next();
    report.pgvigil = next();
    report.today = next();
    for side in [&mut report.base, &mut report.head] {
        side.name = next();
        side.commit = Some(next());
        side.rules_digest = next();
    }
    for file in &mut report.logs.files {
        *file = next();
    }
    report.logs.first = Some(next());
    report.logs.last = Some(next());
    // Enough exclusions that every text comes to every place.
    let pattern = report.exclusions[2].clone();
    report.exclusions = (0..HOSTILE.len()).map(|_| pattern.clone()).collect();
    for exclusion in &mut report.exclusions {
        for place in [
            &mut exclusion.id,
            &mut exclusion.title,
            &mut exclusion.reason,
            &mut exclusion.owner,
            &mut exclusion.file,
            &mut exclusion.why,
        ] {
            *place = next();
        }
        exclusion.ticket = Some(next());
        exclusion.last_day = Some(next());
        exclusion.accepted_by = Some(next());
        exclusion.last_used = Some(next());
        exclusion.share = f64::NAN;
        exclusion.counterexample = Some(Counterexample {
            user: next(),
            class: next(),
            command: next(),
            object_type: next(),
            object: next(),
            statement: Some(next()),
        });
        for evasion in exclusion
            .attack
            .iter_mut()
            .flat_map(|attack| &mut attack.evasions)
        {
            evasion.does = next();
            evasion.statement = next();
        }
        for survivor in exclusion
            .tests
            .iter_mut()
            .flat_map(|tests| &mut tests.survivors)
        {
            *survivor = next();
        }
    }
    for account in &mut report.accounts {
        account.role = next();
        account.reason = next();
        account.owner = next();
    }
    for groups in [&mut report.newly_silent, &mut report.newly_loud] {
        let pattern = groups[0].clone();
        *groups = (0..HOSTILE.len()).map(|_| pattern.clone()).collect();
        for group in groups {
            group.is_grave = true;
            for place in [
                &mut group.user,
                &mut group.class,
                &mut group.command,
                &mut group.object,
                &mut group.first,
                &mut group.last,
            ] {
                *place = next();
            }
            group.by = vec![next(), next()];
            for example in &mut group.examples {
                example.file = next();
                example.statement = next();
            }
        }
    }
    for fault in &mut report.faults {
        fault.exclusion = Some(next());
        fault.message = next();
        fault.help = next();
    }
    let approvals = &mut report.approvals;
    for list in [
        &mut approvals.reasons,
        &mut approvals.owners,
        &mut approvals.not_by,
        &mut approvals.authors,
    ] {
        *list = HOSTILE.iter().map(|one| text(one)).collect();
    }
    for rows in [
        &mut report.timeline.by_user,
        &mut report.timeline.by_exclusion,
    ] {
        for row in rows {
            row.name = next();
        }
    }
    report
}

/// A thousand groups on each side, two hundred changed exclusions, a quarter of a year by the hour.
pub(crate) fn large() -> ImpactReport {
    let mut report = realistic();
    let pattern = report.exclusions[2].clone();
    report
        .exclusions
        .extend((0..200).map(|number| ExclusionImpact {
            id: format!("generated-{number:03}"),
            ..pattern.clone()
        }));
    for (groups, by) in [
        (&mut report.newly_silent, "dbeaver-catalog"),
        (&mut report.newly_loud, "old-etl-role"),
    ] {
        *groups = (0..1_000_u64)
            .map(|number| Group {
                is_grave: number % 97 == 0,
                ..group(
                    &format!("user_{:02}", number % 23),
                    "SELECT",
                    &format!("public.table_{number:04}"),
                    3_000 - number,
                    by,
                    "SELECT 1 FROM t",
                )
            })
            .collect();
    }
    report.groups_left_out = 77;
    let steps = 90 * 24;
    let timeline = &mut report.timeline;
    timeline.step_seconds = 3_600;
    timeline.counted = wave(steps, 900, 1);
    timeline.silenced = wave(steps, 9_000, 2);
    for row in timeline
        .by_user
        .iter_mut()
        .chain(&mut timeline.by_exclusion)
    {
        row.silenced = wave(steps, 100, 5);
    }
    report
}

/// A change that touches no exclusion, judged on logs without a record.
pub(crate) fn empty() -> ImpactReport {
    let mut report = unchanged();
    report.logs = Logs::default();
    report.totals = Totals::default();
    report.exclusions.clear();
    report.timeline = Timeline::default();
    report
}

/// A change that moves nothing.
pub(crate) fn unchanged() -> ImpactReport {
    let mut report = realistic();
    report
        .exclusions
        .retain(|exclusion| exclusion.change == Change::Unchanged);
    report.accounts.clear();
    report.signals_off.clear();
    report.hearing = Hearing::default();
    report.newly_silent.clear();
    report.newly_loud.clear();
    report.faults.clear();
    report.direction = Direction::Unchanged;
    report.approvals = Approvals::default();
    report.logs.broken = 0;
    let totals = &mut report.totals;
    totals.newly_silent = 0;
    totals.newly_loud = 0;
    totals.counted_head = totals.counted_base;
    totals.silenced_head = totals.silenced_base;
    totals.share_head = totals.share_base;
    report
}
