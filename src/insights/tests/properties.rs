//! Properties over generated trees, texts and events.

use proptest::prelude::*;

use super::super::syntax::{
    Column, Command, Comparison, Direction, Expr, ExprKind, Name, Operator, Parse, ParsePattern,
    Pattern, Period, Query, RegexLiteral, SortKey, Span, Stage, Stats, Unit,
};
use super::super::{Couple, Event, MissingField, Options, Program, open_questions, parse};
use super::{event, program_with};

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z_][a-z0-9_.]{0,6}",
        "@[a-zA-Z.:]{1,6}",
        "[a-z]{1,3}[- :é][a-z]{0,3}",
        Just("and".to_owned()),
        Just("LIKE".to_owned()),
        Just("@message".to_owned()),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[ -&(-\\[\\]-z|}~é]{0,8}", "[a-z']{0,5}", "[a-z\"]{0,5}"]
}

fn regex() -> impl Strategy<Value = RegexLiteral> {
    prop_oneof![
        "[a-z|\"' #()]{1,6}",
        Just(r"a\/b\\".to_owned()),
        Just(r"(?<n>[^\/]+)".to_owned())
    ]
    .prop_map(|pattern| RegexLiteral {
        span: Span::default(),
        pattern,
    })
}

fn expr(kind: ExprKind) -> Expr {
    Expr {
        span: Span::default(),
        kind,
    }
}

fn some_name() -> impl Strategy<Value = Name> {
    name().prop_map(|text| Name {
        span: Span::default(),
        text,
    })
}

fn literal() -> impl Strategy<Value = Expr> {
    prop_oneof![
        text().prop_map(ExprKind::Text),
        "-?[0-9]{1,3}(\\.[0-9]{1,2})?".prop_map(ExprKind::Number)
    ]
    .prop_map(expr)
}

fn expression() -> impl Strategy<Value = Expr> {
    let unit = prop_oneof![
        Just(Unit::Millisecond),
        Just(Unit::Second),
        Just(Unit::Minute),
        Just(Unit::Hour),
        Just(Unit::Day)
    ];
    let leaf = prop_oneof![
        name().prop_map(|name| expr(ExprKind::Field(name))),
        literal(),
        (1u32..=24, unit).prop_map(|(count, unit)| expr(ExprKind::Period(Period { count, unit }))),
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        let boxed = inner.clone().prop_map(Box::new);
        let operator = prop_oneof![
            Just(Operator::Add),
            Just(Operator::Subtract),
            Just(Operator::Multiply),
            Just(Operator::Divide),
            Just(Operator::Remainder),
            Just(Operator::Power)
        ];
        let comparison = prop_oneof![
            Just(Comparison::Equal),
            Just(Comparison::NotEqual),
            Just(Comparison::Less),
            Just(Comparison::LessOrEqual),
            Just(Comparison::Greater),
            Just(Comparison::GreaterOrEqual)
        ];
        let pattern = prop_oneof![
            text().prop_map(Pattern::Text),
            regex().prop_map(Pattern::Regex)
        ];
        prop_oneof![
            (
                "[a-z]{1,5}[0-9]",
                prop::collection::vec(inner.clone(), 0..3)
            )
                .prop_map(|(text, args)| {
                    ExprKind::Call {
                        name: Name {
                            span: Span::default(),
                            text,
                        },
                        args,
                    }
                }),
            boxed.clone().prop_map(ExprKind::Negate),
            (operator, boxed.clone(), boxed.clone())
                .prop_map(|(operator, a, b)| ExprKind::Arithmetic(operator, a, b)),
            (comparison, boxed.clone(), boxed.clone())
                .prop_map(|(comparison, a, b)| ExprKind::Compare(comparison, a, b)),
            (
                boxed.clone(),
                any::<bool>(),
                prop::collection::vec(literal(), 1..4)
            )
                .prop_map(|(subject, negated, list)| ExprKind::In {
                    subject,
                    negated,
                    list
                }),
            (boxed.clone(), any::<bool>(), pattern).prop_map(|(subject, negated, pattern)| {
                ExprKind::Like {
                    subject,
                    negated,
                    pattern,
                }
            }),
            prop::collection::vec(inner.clone(), 2..4).prop_map(ExprKind::And),
            prop::collection::vec(inner.clone(), 2..4).prop_map(ExprKind::Or),
            boxed.prop_map(ExprKind::Not),
        ]
        .prop_map(expr)
    })
}

fn column() -> impl Strategy<Value = Column> {
    (expression(), prop::option::of(some_name())).prop_map(|(expr, alias)| Column { expr, alias })
}

fn command() -> impl Strategy<Value = Command> {
    let names = || prop::collection::vec(some_name(), 1..3);
    let columns = || prop::collection::vec(column(), 1..3);
    let direction = prop::option::of(prop_oneof![
        Just(Direction::Ascending),
        Just(Direction::Descending)
    ]);
    let key = (name(), direction).prop_map(|(name, direction)| SortKey {
        expr: expr(ExprKind::Field(name)),
        direction,
    });
    let glob = names().prop_map(|names| {
        let text = format!("x{}", "*y".repeat(names.len()));
        ParsePattern::Glob {
            span: Span::default(),
            text,
            names,
        }
    });
    let pattern = prop_oneof![glob, regex().prop_map(ParsePattern::Regex)];
    prop_oneof![
        columns().prop_map(Command::Fields),
        names().prop_map(Command::Display),
        expression().prop_map(Command::Filter),
        (prop::option::of(some_name()), pattern)
            .prop_map(|(source, pattern)| Command::Parse(Parse { source, pattern })),
        (columns(), prop::collection::vec(column(), 0..3))
            .prop_map(|(aggregates, by)| Command::Stats(Stats { aggregates, by })),
        prop::collection::vec(key, 1..3).prop_map(Command::Sort),
        (1u64..=100_000).prop_map(Command::Limit),
        names().prop_map(Command::Dedup),
    ]
}

fn query() -> impl Strategy<Value = Query> {
    let comments = || prop::collection::vec("( [a-z|'/]{1,8})?", 0..2);
    let stage = (comments(), command()).prop_map(|(comments, command)| Stage {
        span: Span::default(),
        comments,
        command,
    });
    (prop::collection::vec(stage, 1..5), comments()).prop_map(|(stages, trailing_comments)| Query {
        stages,
        trailing_comments,
    })
}

/// Patterns of heads: classes, literals, groups, alternations and repetitions of each other.
fn head_pattern() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "[a-d]{1,2}",
        Just("[ab]".to_owned()),
        Just("[^a]".to_owned()),
        Just(r"[\s\S]".to_owned()),
        Just(r"\z".to_owned()),
        Just("^".to_owned()),
        Just("a*".to_owned()),
        Just("[ab]+".to_owned()),
        Just("[^b]*?".to_owned()),
        Just("[a-c]{1,2}".to_owned()),
        Just("b{0,2}?".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            3 => prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
            2 => prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join("|"))),
            1 => (inner, prop::sample::select(vec!["", "?", "*", "+", "??", "*?", "+?", "{2}", "{1,3}", "{2,}", "{0,2}?"]))
                .prop_map(|(part, times)| format!("({part}){times}")),
        ]
    })
}

proptest! {
    /// The matcher of heads finds the groups that the general engine finds.
    #[test]
    fn heads_match_alike(pattern in head_pattern(), texts in prop::collection::vec("[a-d]{0,8}", 1..20)) {
        use super::super::head::{Found, Head, Stack, UNSET};
        // Every group has a name, or it would not be looked at.
        let mut number = 0;
        let pattern: String = pattern
            .chars()
            .map(|c| match c {
                '(' => {
                    number += 1;
                    format!("(?<g{number}>")
                }
                _ => c.to_string(),
            })
            .collect();
        let pattern = format!("^(?:{pattern})(?<last>c?)");
        let Ok(regex) = super::super::regex::build(&pattern) else { return Ok(()) };
        let Some(head) = Head::new(&pattern) else { return Ok(()) };
        let mut stack = Stack::default();
        let mut cache = regex.create_cache();
        for text in texts {
            let mut slots = vec![UNSET; regex.group_info().slot_len()];
            let found = head.run(text.as_bytes(), &mut slots, &mut stack);
            let mut expected = vec![None; slots.len()];
            let matched = regex.search_slots_with(&mut cache, &regex_automata::Input::new(&text), &mut expected);
            match found {
                Found::GaveUp => {}
                Found::NoMatch => prop_assert!(matched.is_none(), "{pattern} {text}"),
                Found::Match { end } => {
                    prop_assert!(matched.is_some(), "{pattern} {text}");
                    let expected: Vec<_> = expected.into_iter().map(|slot| slot.map_or(UNSET, |slot| slot.get())).collect();
                    prop_assert_eq!(Some(&end), expected.get(1), "{} {}", &pattern, &text);
                    prop_assert_eq!(&slots[2..], &expected[2..], "{} {}", &pattern, &text);
                }
            }
        }
    }

    #[test]
    fn printed_queries_parse_to_the_same_tree(query in query()) {
        let text = query.to_string();
        let parsed = parse(&text).map_err(|faults| TestCaseError::fail(format!("{text}\n{faults:?}")))?;
        prop_assert_eq!(&parsed, &query, "{}", text);
        prop_assert_eq!(parsed.to_string(), text.as_str());
        for stage in &parsed.stages {
            prop_assert!(!text[stage.span.range()].is_empty());
        }
    }

    #[test]
    fn no_tree_makes_the_compiler_panic(query in query()) {
        prop_assert!(open_questions(&query).len() < 1_000);
        drop(Program::new(&query, Options::default()));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "(\\PC|[ \\n|/'\"`#@()\\[\\]=<>!*+-]|filter |parse |like |stats |fields |and |not |in ){0,60}") {
        match parse(&text) {
            Ok(query) => {
                let printed = query.to_string();
                prop_assert_eq!(parse(&printed), Ok(query), "{}", printed);
            }
            Err(faults) => {
                prop_assert!(!faults.is_empty());
                for fault in faults {
                    prop_assert!(text.get(fault.span.clone()).is_some(), "{:?}", fault);
                }
            }
        }
    }

    /// A couple gives the verdicts of its two programs, remembered or not.
    #[test]
    fn a_couple_judges_as_two_programs_do(
        events in prop::collection::vec((-3i64..4, "[ab:]{0,5}"), 1..60),
        picks in prop::collection::vec((0usize..8, 0u8..3), 0..8),
    ) {
        // The same names mean other things where the stages differ.
        let stages = [
            "parse @message /^(?<u>[ab]*):(?<v>[\\s\\S]*)/", "filter @message like 'a'", "parse v /^(?<w>a*)/", "parse v /^(?<x>b+)/",
            "filter isempty(w) = 1 or w not in ['a', 'aa']", "fields coalesce(floor(toMillis(@timestamp) / 2), 99999) as day",
            "filter day > 0 or isempty(u) = 1 or u != 'a'", "filter isempty(u) = 1 or u != 'ab'",
        ];
        let (mut base, mut head) = (stages.to_vec(), stages.to_vec());
        for (stage, what) in picks {
            let side = if what % 2 == 0 { &mut head } else { &mut base };
            side[stage] = match stage {
                0 => "parse @message /^(?<v>[ab]*):(?<u>[\\s\\S]*)/",
                2 => "parse u /(?<w>ab)/",
                4 => "filter strlen(w) < 2",
                5 => "fields toMillis(@timestamp) as day",
                7 => "filter isempty(x) = 1",
                other => stages[other],
            };
        }
        let (base, head) = (base.join("\n| "), head.join("\n| "));
        for missing in [MissingField::Null, MissingField::False] {
            let programs = [program_with(&base, missing), program_with(&head, missing)];
            let options = Options { missing, query_start_ms: 1_000 };
            let couple = Couple::new(&parse(&base).unwrap(), &parse(&head).unwrap(), options).unwrap();
            let mut scratch = couple.scratch();
            for (time, message) in &events {
                let event = Event { timestamp_ms: *time, ..event(message.as_bytes()) };
                let expected = [0, 1].map(|side: usize| programs[side].judge(&mut programs[side].scratch(), &event));
                prop_assert_eq!(couple.judge(&mut scratch, &event), expected, "{}\n{}\n{:?}", &base, &head, &message);
            }
        }
    }

    /// A text without what a pattern requires does not match, and no match begins before the place.
    #[test]
    fn what_a_pattern_requires_is_in_every_match(
        before in head_pattern(), literal in "[a-d]{3,5}", after in head_pattern(), texts in prop::collection::vec("[a-d]{0,12}", 1..20), joined in "[a-d]{0,6}"
    ) {
        use super::super::required::Required;
        let pattern = format!("(?:{before})(?<n>{literal})(?:{after})");
        let Ok(regex) = super::super::regex::build(&pattern) else { return Ok(()) };
        let Some(required) = Required::of(&pattern) else { return Ok(()) };
        for text in texts.into_iter().chain([format!("{joined}{literal}{joined}"), format!("{joined}{literal}{literal}")]) {
            let found = regex.find(text.as_bytes()).map(|found| found.range());
            let from = required.start(text.as_bytes());
            let again = from.and_then(|start| regex.find(regex_automata::Input::new(&text).range(start..))).map(|found| found.range());
            prop_assert_eq!(found, again, "{} {} {:?}", pattern, text, from);
        }
    }

    /// Remembered verdicts are the verdicts; clean queries do not depend on missing fields.
    #[test]
    fn verdicts_do_not_depend_on_what_came_before(
        messages in prop::collection::vec(prop::collection::vec(prop_oneof![Just(b'a'), Just(b'b'), Just(b' '), Just(b':'), Just(0xFF)], 0..6), 1..40)
    ) {
        let text = r"
            filter @message not like ':a'
            | parse @message /^(?<u>[a-z]*):(?<v>[^:]*)/
            | parse v /^(?<w>a+)(?<r>[\s\S]*)\z/
            | filter isempty(u) = 1 or u not in ['a', 'ab']
            | filter @message not like /bb$/
            | filter isempty(w) = 1 or (w != 'aa' and r not like 'b')";
        let program = program_with(text, MissingField::Null);
        let other = program_with(text, MissingField::False);
        let (mut scratch, mut others) = (program.scratch(), other.scratch());
        for message in &messages {
            let event = event(message);
            let verdict = program.judge(&mut scratch, &event);
            prop_assert_eq!(verdict, program.judge(&mut program.scratch(), &event));
            prop_assert_eq!(verdict, other.judge(&mut others, &event));
            let all = program.judge_all(&mut scratch, &event);
            prop_assert_eq!(verdict.rejected_by, all.first().copied());
        }
    }

    /// Verdicts that rest on what is computed from the time, the stream and the length of an event,
    /// too. The plain evaluation is that of `judge_all`, which remembers nothing.
    #[test]
    fn verdicts_by_computed_fields_are_the_plain_ones(
        events in prop::collection::vec((-3i64..4, "[ab:]{0,6}", "[xy]/?[0-9]{0,2}"), 1..60)
    ) {
        let text = r"
            fields coalesce(floor(toMillis(@timestamp) / 2), 99999) as day, bin(4ms) as bin, strlen(@message) as length
            | parse @message /^(?<u>[a-z]*):(?<v>[^:]*)/
            | parse @logStream /^(?<s>[a-z])\/(?<n>[0-9]+)/
            | fields day + 1 as next, concat(u, s) as both
            | filter day > 0 or isempty(u) = 1 or u not in ['a', 'ab']
            | filter toMillis(@timestamp) != -2 or day < -7
            | filter length < 4 or next = -1
            | filter toMillis(bin) >= -3 or isempty(s) = 1 or n > 7
            | filter isempty(both) = 1 or both != 'bx'";
        // What the conditions read is spelled, repeated or cut out of what the key has, or is not.
        let chain = r"
            parse @message /^(?<head>[a-z]*):(?<rest>[\s\S]*)/
            | parse rest /^(?<first>[ab]?)(?<second>[\s\S]*)\z/
            | parse second /^(?<whole>b*)\z/
            | parse second /b(?<inner>:+)a/
            | fields coalesce(inner, first, '-') as some, concat(head, first) as joined, strlen(whole) as size
            | filter isempty(some) = 1 or some not in [':', 'b'] or size > 1
            | filter isempty(whole) = 1 or whole != 'b'
            | filter isempty(joined) = 1 or joined not in ['aa', 'b'] or first = 'b'
            | filter isempty(head) = 1 or size != 0 or head not like /(?:a|bb)/";
        for (text, missing) in [text, chain].into_iter().flat_map(|text| [(text, MissingField::Null), (text, MissingField::False)]) {
            let program = program_with(text, missing);
            let mut scratch = program.scratch();
            for (time, message, stream) in &events {
                let event = Event { timestamp_ms: *time, log_stream: stream.as_bytes(), ..event(message.as_bytes()) };
                let verdict = program.judge(&mut scratch, &event);
                let all = program.judge_all(&mut scratch, &event);
                prop_assert_eq!(verdict.rejected_by, all.first().copied(), "{:?} {} {}", event, time, stream);
            }
        }
    }
}

/// The verdict on a day is remembered by the day, not by the time.
#[test]
fn a_day_is_remembered_as_a_day() {
    let names = |text: &str| {
        let query = parse(text).unwrap();
        let pipeline = super::super::lower::lower(&query, MissingField::Null, 0).unwrap();
        let segment = &pipeline.parts[0].segment;
        let memoable = segment.filters.iter().filter(|filter| filter.memoable);
        let count = memoable.count();
        let slots = segment.memo_slots.iter();
        let names: Vec<_> = slots
            .map(|slot| segment.slots[*slot].name.clone())
            .collect();
        (count, names)
    };
    let day = r"filter @message like 'AUDIT: '
        | parse @message /^(?<u>[a-z]*):(?<v>[^:]*)/
        | parse v /^(?<w>a+)/
        | fields coalesce(floor(toMillis(@timestamp) / 86400000), 99999) as day
        | filter day > 21143 or isempty(w) = 1 or u != 'app'";
    assert_eq!(
        names(day),
        (1, ["u", "w", "day"].map(str::to_owned).to_vec())
    );
    let raw =
        "fields concat(@message, 'x') as all | filter all != 'x' | filter toMillis(@timestamp) > 7";
    assert_eq!(names(raw), (0, Vec::new()));
}
