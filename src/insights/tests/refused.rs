//! What is refused, and what is underlined.

use super::super::{open_questions, parse, portable_pattern};
use super::faults;

/// Query, underlined text, a part of the message or the help.
const REFUSED: &[(&str, &str, &str)] = &[
    ("", "", "the query ends where a command is expected"),
    ("filter", "", "the query ends where a condition is expected"),
    ("filter @message like 'x' |", "|", "no stage follows"),
    (
        "| filter @message like 'x'",
        "|",
        "stands where a command is expected",
    ),
    (
        "filter @message like 'x' | pattern @message",
        "pattern",
        "cannot be reproduced",
    ),
    (
        "SOURCE logGroups(namePrefix: ['a'])",
        "SOURCE",
        "outside the query",
    ),
    (
        "filter @message like 'x' | diff",
        "diff",
        "compare two runs",
    ),
    (
        "fliter @message like 'x'",
        "fliter",
        "did you mean `filter`?",
    ),
    ("filter @message like 'x' # why", "#", "line of its own"),
    (r"filter @message = 'a\'b'", r"\", "regular expression"),
    ("filter @message = 'abc", "'abc", "not closed"),
    ("filter @message = 'a\tb'", "\t", "control character"),
    (
        "filter @message like 'a{{b}}'",
        "{{",
        "parameter of a saved query",
    ),
    ("filter @message like /a", "/a", "not closed"),
    ("filter @message like //", "//", "lines of their own"),
    ("filter @message == 'a'", "==", "write `=`"),
    ("filter @message <> 'a'", "<>", "write `!=`"),
    ("filter @message = 'a' && @log = 'b'", "&&", "write `and`"),
    (
        "filter @log = 'a' or @log = 'b' and @message = 'c'",
        "and",
        "parentheses",
    ),
    (
        "filter @log = 'a' and @log = 'b' or @message = 'c'",
        "or",
        "parentheses",
    ),
    ("filter not @log = 'a'", "not", "write `!=`"),
    ("filter not (@log) = 'a'", "not", "whole condition"),
    ("filter not (@log) like 'a'", "not", "whole condition"),
    ("filter 1 < 2 < 3", "<", "cannot be chained"),
    ("filter @log in ('a')", "(", "square brackets"),
    ("filter @log in []", "]", "a field or a value"),
    (
        "filter @log in [@message]",
        "@message",
        "quoted texts and numbers",
    ),
    ("filter @log = /a/", "/", "write `like`"),
    (
        "filter @log like @message",
        "@message",
        "a quoted text or a regular expression",
    ),
    ("filter foo-bar = 1", "-", "backticks"),
    (
        "filter user = 'x'",
        "user",
        "no stage before sets a field `user`",
    ),
    (
        "filter @mesage like 'x'",
        "@mesage",
        "did you mean `@message`?",
    ),
    (
        "filter @message",
        "@message",
        "found a value, expected a condition",
    ),
    (
        "filter isempty(@message)",
        "isempty(@message)",
        "compare it",
    ),
    (
        "filter ispresent(@message) = 1",
        "ispresent(@message)",
        "true or false",
    ),
    (
        "filter (@log = 'a') = 1",
        "(@log = 'a')",
        "found a condition, expected a value",
    ),
    (
        "filter strlenn(@message) > 1",
        "strlenn",
        "did you mean `strlen`?",
    ),
    (
        "filter strlen(@message, 1) > 1",
        "strlen(@message, 1)",
        "takes one argument, not 2",
    ),
    (
        "filter jsonParse(@message) = 1",
        "jsonParse",
        "is not a function",
    ),
    ("filter count(*) > 1", "count", "is an aggregate"),
    ("filter @timestamp > 5", "@timestamp > 5", "toMillis"),
    ("filter @timestamp like '2026'", "@timestamp", "toMillis"),
    (
        "filter isIpInSubnet(@log, '10.0.0.0/33')",
        "'10.0.0.0/33'",
        "not a subnet",
    ),
    ("filter @message like /(?=a)/", "(?=", "second `filter`"),
    (
        r"filter @message like /(a)\1/",
        r"\1",
        "spell the repeated text out",
    ),
    ("filter @message like /a++/", "+", "possessive"),
    (
        "filter @message like /[a-z&&[^b]]/",
        "a-z&&[^b]",
        "set operations",
    ),
    ("filter @message like /[[a]/", "[", "not closed"),
    (
        "filter @message like /a{,3}/",
        "{",
        "`{2}`, `{2,}` or `{0,3}`",
    ),
    (
        r"filter @message like /\p{Lu}/",
        r"\p{Lu}",
        "spell the characters out",
    ),
    (r"filter @message like /\h/", r"\h", "escape"),
    ("filter @message like /(?x)a/", "x", "only `i`, `m` and `s`"),
    ("filter @message like /[[a]]/", "[a]", "write `\\[`"),
    (r"filter @message like /[^/]/", "]", r"is written `\/`"),
    (
        "filter @message like /(a{1000}){1000}/",
        "(a{1000}){1000}",
        "too large",
    ),
    ("parse @message 'a' as b", "'a'", "no `*`"),
    ("parse @message '* *' as b", "b", "1 names for 2 `*`"),
    (
        "parse @message '**' as a, b",
        "'**'",
        "nothing between them",
    ),
    ("parse @message /(?<a>b)/ as c", "as", "drop `as`"),
    ("parse @message /a/", "a", "names no field"),
    ("parse @message /(?<a>b)(?<a>c)/", "a", "same name"),
    ("parse @message logfmt", "logfmt", "only globs"),
    (
        "parse @message /(?<a>b)/ | parse @message /(?<a>c)/",
        "/(?<a>c)/",
        "`a` is set already",
    ),
    ("parse @message '*' as @log", "@log", "field of the service"),
    ("fields strlen(@message)", "strlen(@message)", "add `as`"),
    ("fields 'a' as b, 'c' as b", "b", "is set already"),
    ("fields @ptr", "@ptr", "only in answers"),
    ("fields bin(300s) as b", "300s", "`5m` for `300s`"),
    ("fields bin(5 m) as b", "m", "without a space"),
    ("fields bin(1w) as b", "1w", "not documented"),
    ("fields bin(0m) as b", "0m", "at least one"),
    ("fields 5x as b", "5x", "not a number or a period"),
    ("fields 2 ^ 3 ^ 4 as b", "^", "no order is documented"),
    ("fields @timestamp + 1 as b", "@timestamp", "toMillis"),
    (
        "stats sum(@message) / 2 as n",
        "sum(@message) / 2",
        "not an aggregate",
    ),
    ("stats total(@message) as n", "total", "is not an aggregate"),
    ("stats pct(@message, 101) as n", "101", "from 0 to 100"),
    (
        "stats count(*) as n, count(*) as n",
        "n",
        "two columns are called `n`",
    ),
    (
        "stats count(*) as n | filter @message like 'x'",
        "@message",
        "only its own columns",
    ),
    (
        "stats count(*) as n | stats max(n) as m | stats max(m) as l",
        "stats max(m) as l",
        "two `stats` at most",
    ),
    (
        "stats count(*) as n | sort n asc | stats max(n) as m",
        "sort n asc",
        "after the second `stats`",
    ),
    (
        "stats count(*) as n by bin(5m) offset 1h",
        "offset",
        "not supported",
    ),
    (
        "sort strlen(@message) desc",
        "strlen(@message)",
        "names of columns",
    ),
    ("limit any 5", "any", "arbitrary rows"),
    ("limit 0", "0", "from 1 to 100000"),
    (
        "dedup @log | filter @log = 'a'",
        "filter @log = 'a'",
        "only `limit` may follow",
    ),
    ("display missing", "missing", "no stage before sets"),
    ("filter @log = «x»", "«", "put other characters into quotes"),
];

#[test]
fn refused_with_its_place() {
    for (text, underlined, words) in REFUSED {
        let faults = faults(text);
        let found = faults.iter().any(|fault| {
            let all = format!(
                "{} {}",
                fault.message,
                fault.help.as_deref().unwrap_or_default()
            );
            text.get(fault.span.clone()) == Some(*underlined) && all.contains(words)
        });
        let seen: Vec<_> = faults
            .iter()
            .map(|fault| (text.get(fault.span.clone()), fault))
            .collect();
        assert!(
            found,
            "{text}\nexpected `{underlined}`: {words}\nfound {seen:#?}"
        );
    }
}

#[test]
fn every_stage_tells_its_fault() {
    let text = "filter @log ==\n| fields\n| parse @message 'x' as y\n| limit 0";
    let faults = faults(text);
    let underlined: Vec<_> = faults
        .iter()
        .map(|fault| &text[fault.span.clone()])
        .collect();
    assert_eq!(underlined, ["==", "|", "'x'", "0"]);
}

#[test]
fn nesting_is_bounded() {
    for open in ["(", "not (", "abs(", "-"] {
        let text = format!("filter {}", open.repeat(100_000));
        assert!(
            faults(&text)[0].message.contains("levels of nesting"),
            "{open}"
        );
    }
    let text = format!(
        "filter @message like /{}a{}/",
        "(".repeat(1_000),
        ")".repeat(1_000)
    );
    assert!(faults(&text)[0].message.contains("nests too deeply"));
    let stages = vec!["filter @log = 'a'"; 1_001].join("|");
    assert!(faults(&stages)[0].message.contains("more than 1000 stages"));
}

#[test]
fn portable_patterns() {
    for pattern in [
        "^[0-9]+(a|b)*?c{0,3}",
        r"\[local\]:\\\/",
        r"[\s\S]*\z",
        r"(?<name>[^,]*)",
        r"\x2f\t\n",
        "Ärger",
        "[^a-z]",
        r#"("([^"]|"")*"|[^,]*)"#,
    ] {
        assert_eq!(portable_pattern(pattern), Ok(()), "{pattern}");
    }
    for (pattern, underlined) in [
        (r"a\d", r"\d"),
        (r"[\w-]", r"\w"),
        (r"\bselect", r"\b"),
        ("a$", "$"),
        ("a.b", "."),
        ("(?i)a", "(?i)"),
        ("(?s:a)", "s"),
        ("(?P<n>a)", "n"),
        ("[äö]", "ä"),
        ("ä+", "ä"),
        ("[^a]{3}", "{3}"),
        ("[[:alpha:]]", "[:alpha:]"),
        (r"\a", r"\a"),
        (r"\u0041", r"\u0041"),
        ("a{2}{3}", "{3}"),
        (r"[\S]", r"\S"),
    ] {
        let fault = portable_pattern(pattern).expect_err(pattern);
        assert_eq!(
            &pattern[fault.span.clone()],
            underlined,
            "{pattern}: {fault:?}"
        );
    }
}

const HEAD: &str = r"parse @message /^(?<u>[a-z]+) (?<v>[a-z]*)/ | ";

#[test]
fn open_questions_are_told() {
    for (text, underlined) in [
        ("filter u != 'a'", "u != 'a'"),
        ("filter u not like 'a'", "u not like 'a'"),
        ("filter u not in ['a'] or v = 'b'", "u not in ['a']"),
        ("filter ispresent(u) or u != 'b'", "u != 'b'"),
        ("filter isempty(u) = 1 and u != 'b'", "u != 'b'"),
        ("filter isempty(u) = 0 or u != 'b'", "u != 'b'"),
        ("filter not (ispresent(u))", "not "),
        ("filter not (u = 'a')", "not (u = 'a')"),
        ("filter strlen(u) = 0 or v = 'b'", "strlen(u) = 0"),
        ("fields concat(u, 'x') as w", "concat(u, 'x')"),
        ("fields u as w | filter w != 'x'", "w != 'x'"),
        ("fields coalesce(u, v) as w | filter w != 'x'", "w != 'x'"),
        ("filter u like /a$/", "$"),
        ("parse @message 'a*' as b", "'a*'"),
        ("parse @message /(?<b>x)?y/", "(?<b>x)"),
        ("parse @message /(?<b>x)|y/", "(?<b>x)"),
        ("fields 'x' as u", "u"),
        ("sort @timestamp", "@timestamp"),
        ("sort u asc", "u"),
        ("limit 5", "limit 5"),
        ("stats count(*) by v", "count(*)"),
        ("stats count(*) as n by v", "v"),
        ("stats count_distinct(concat(u, v)) as n", "concat(u, v)"),
        ("stats pct(u, 50) as n", "pct"),
        (
            "stats count(*) as n | fields n * 2 as m",
            "fields n * 2 as m",
        ),
        ("stats max(@timestamp) as n", "max(@timestamp)"),
        ("filter u = '12'", "'12'"),
        ("filter u in ['12', 'a']", "'12'"),
        ("filter u = v", "u = v"),
        ("filter u < 'a'", "u < 'a'"),
        (r#"filter u = "it's""#, r#""it's""#),
    ] {
        let text = format!("{HEAD}{text}");
        let query = parse(&text).unwrap();
        let faults = open_questions(&query);
        let found: Vec<_> = faults
            .iter()
            .map(|fault| &text[fault.span.clone()])
            .collect();
        assert!(
            found.contains(&underlined),
            "{text}\nexpected {underlined}, found {found:?} {faults:#?}"
        );
    }
}

#[test]
fn guarded_queries_are_clean() {
    for text in [
        "filter u = 'a' and v in ['b', 'c']",
        "filter u like 'a' or v like /b/",
        "filter isempty(u) = 1 or u not in ['a']",
        "filter isblank(u) = 1 or (v = 'x' or u not like /a/)",
        "filter ispresent(u) and u != 'a'",
        "filter isempty(u) != 1 and u != 'a'",
        "filter coalesce(u, '') != 'a'",
        "fields coalesce(u, '') as w | filter w != 'x' and strlen(w) > 3",
        "filter ispresent(v) | filter u != 'a' | stats count_distinct(concat(u, v)) as n by u, v | sort n desc, u asc | limit 5",
        "filter u = 'x' | filter v not like 'a'",
        r"filter ispresent(u) | parse u /^(?<w>[a-z])\z/ | filter isempty(w) = 1 or w != 'q'",
        r"parse u /^(?<w>[a-z])\z/ | filter ispresent(w) | filter u != 'a' and v != 'b' and w != 'c'",
        "filter @message not like 'a' and @logStream != 'b'",
        "stats count(*) as n by coalesce(u, '') as user | filter user != 'x' and n > 3 | sort n desc",
        "fields @timestamp, u, v | sort @timestamp desc | limit 20",
        "filter toMillis(@timestamp) >= 5 and toMillis(@timestamp) < 9",
    ] {
        let text = format!("{HEAD}{text}");
        let query = parse(&text).unwrap();
        assert_eq!(open_questions(&query), [], "{text}");
        assert_eq!(faults(&text), [], "{text}");
    }
}
