//! Properties over generated trees, texts and events.

use proptest::prelude::*;

use super::super::syntax::{
    Column, Command, Comparison, Direction, Expr, ExprKind, Name, Operator, Parse, ParsePattern,
    Pattern, Period, Query, RegexLiteral, SortKey, Span, Stage, Stats, Unit,
};
use super::super::{Event, MissingField, Options, Program, open_questions, parse};
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

proptest! {
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

    /// A verdict does not depend on the events before it; clean queries do not depend on missing fields.
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
    /// too: the first of all filters that reject.
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
