use super::*;

/// Functions, types and the word at which reading stops.
fn read(text: &str) -> (Vec<&str>, Vec<&str>, Option<Unreadable>) {
    let reading = Reading::of(text.as_bytes());
    let names = |names: &[Name]| {
        names
            .iter()
            .map(|name| &text[name.start..name.end])
            .collect::<Vec<_>>()
    };
    (
        names(&reading.calls),
        names(&reading.types),
        reading.stop.map(|stop| stop.why),
    )
}

#[track_caller]
fn calls(text: &str, expected: &[&str]) {
    assert_eq!(read(text), (expected.to_vec(), vec![], None), "{text}");
}

#[track_caller]
fn types(text: &str, expected: &[&str]) {
    assert_eq!(read(text), (vec![], expected.to_vec(), None), "{text}");
}

#[track_caller]
fn stops(text: &str, why: Unreadable) {
    assert_eq!(read(text).2, Some(why), "{text}: {:?}", read(text));
}

#[test]
fn calls_are_found_wherever_they_stand() {
    calls("SELECT lo_get (16400)", &["lo_get"]);
    calls(
        "select pg_catalog.lower(x), a.f(1)",
        &["pg_catalog.lower", "a.f"],
    );
    calls("select count /* ( */ -- x\n (*)", &["count"]);
    calls("select distinct on (1) k(16400)", &["k"]);
    calls("select distinct on (1) k(oid) from pg_class", &["k"]);
    calls(
        "select over(16400), filter(1), by(2), materialized(3), join(4)",
        &["over", "filter", "by", "materialized", "join"],
    );
    calls("select 'a' like 'b' escape join(1)", &["join"]);
    calls("select x at time zone join(1)", &["join"]);
    calls("select not materialized(1)", &["materialized"]);
    calls(
        "select partition, by(1), a partition, by (2)",
        &["by", "by"],
    );
    calls("select 1 where not like('a', 'b')", &["like"]);
    calls("select * from t tablesample m(1)", &["m"]);
    calls("select * from t cross join join(1) j", &["join"]);
    calls(
        "select json_object('a' value join(1))",
        &["json_object", "join"],
    );
    assert_eq!(
        read("select treat(1 as x)"),
        (vec!["treat"], vec!["x"], None)
    );
    calls("select double(1), varying(2)", &["double", "varying"]);
    assert_eq!(read("select * from f(16400) as (a int, b text)").0, ["f"]);
    assert_eq!(read("select * from f(16400) as (values lot)").0, ["f"]);
    assert_eq!(
        read("select * from rows from (f(1) as (a lot), g(2)) as x(a, b)"),
        (vec!["f", "g"], vec!["lot"], None)
    );
}

#[test]
fn what_the_grammar_has_before_a_parenthesis_is_no_call() {
    for text in [
        "select a, b from (select 1) x where a in (1) and (b = any (array[1])) or not (c)",
        "select coalesce(a, b), nullif(a, 1), extract(epoch from b), trim(both ' ' from a), greatest(1, 2)",
        "select case when (a) then (b) else (c) end, exists (select 1), row(1, 2), array(select 1)",
        "select a from t order by (a), b limit (1)",
        "select * from (values (1), (2)) v(a)",
        "with a as (select 1), b (x, y) as (select 1, 2), c(z) as not materialized (table a) select 1",
        "with recursive r (n) as (select 1 union all select n from r) select * from r",
        "select * from a left join (b cross join c) on (a.x = b.x) join (d) using (y)",
        "select a from t group by grouping sets ((a), (b))",
        "select 'a' like ('b'), 'a' not like ('b'), 'a' ilike ('b')",
        "select (a, b) overlaps (c, d)",
        "select a operator(pg_catalog.=) b, c OPERATOR ( pg_catalog . ~ ) d",
        "select interval '1 day', timestamp '2020-01-01', date_part, time with time zone '1', bit varying '1', int '1'",
        "select interval(3) '1 day', varchar(3) 'a', 1::numeric(10, 2), a::double precision, b::character varying(3)[]",
        "select a::timestamp(3) with time zone, cast(b as time without time zone)",
        "select 'a' 'b', E'\\n', $1, $$ lo_get(1) $$, \"lo_get\", a.\"b\".c, x.* from t",
        "select a at time zone 'utc', b like 'x' escape '!', c between 'a' and 'b'",
        "select * from t where a = 'x' and \"b\" <> 'y' collate pg_catalog.default",
        "",
        "select a[1], b[1:2], c[d] from t;",
        "select 2 ^ 3, a || b, c -> 'x', d @> e, -1, a- -1, case when a then 1 end = 2, null = 1, current_user ~ 'a'",
        "copy pg_class to stdout; set x to 'y'",
        "select *, a.*, 2 * 3 from t where value = 'x' and not + 1 > - 2",
    ] {
        calls(text, &[]);
    }
    calls(
        "select count(*) filter (where a), sum(b) over (partition by c), max(d) over w from t window w as (order by e)",
        &["count", "sum", "max"],
    );
    calls(
        "select * from generate_series(1, 32) pos(n), f() as g(h), k() with ordinality cols(a, b), l() as \"m\" (n)",
        &["generate_series", "f", "k", "l"],
    );
    calls("select left(a, 1), right(b, 2)", &["left", "right"]);
}

#[test]
fn casts_are_found_in_every_spelling() {
    types("select '16400'::d", &["d"]);
    types("select '1'::pg_temp . d", &["pg_temp . d"]);
    types(
        "select cast('1' as d), d '1', \"d\" '1', pg_temp.d'1'",
        &["d", "d", "\"d\"", "pg_temp.d"],
    );
    types(
        "select '{1}'::d[], row(1)::d, null::d[3][4]",
        &["d", "d", "d"],
    );
    types(
        "select 1::oid::regclass::text",
        &["oid", "regclass", "text"],
    );
    types("select like '1'", &["like"]);
    types(
        "select escape '1', over '2', zone '3', by '4'",
        &["escape", "over", "zone", "by"],
    );
    types(
        "prepare getX (pg_catalog.text, int, d[]) as select $1",
        &["pg_catalog.text", "d"],
    );
    types("select a from t as x(a d, b int)", &["d"]);
    types(
        "select \"char\" 'x', 'y'::\"char\"",
        &["\"char\"", "\"char\""],
    );
    types("select 1::int4range", &["int4range"]);
    types(
        "select x::double, double 'x', varying 'y', z::varying",
        &["double", "double", "varying", "varying"],
    );
    types("select e 'x', b /* */ 'y', n\n'z'", &["e", "b", "n"]);
}

#[test]
fn what_can_be_read_in_two_ways_ends_the_reading() {
    stops("select 'a\\' || lo_get(1) --'", Unreadable::BackslashQuote);
    stops(
        "select U&\"lo!005fget\" uescape '!' (1)",
        Unreadable::UnicodeEscape,
    );
    stops("select 1from pg_class", Unreadable::NumberWithLetters);
    stops("select 1 /* /* */", Unreadable::Unclosed);
    stops("select (1", Unreadable::Unclosed);
    stops("select \"lo_get\"(1)", Unreadable::QuotedCall);
    stops("select pg_catalog.\"lo_get\"(1)", Unreadable::QuotedCall);
    stops("select a === b", Unreadable::Operator);
    stops("select a operator(public.=) b", Unreadable::Operator);
    stops("select operator(16400)", Unreadable::Operator);
    stops(
        "select relname, @@@ 4711::oid from pg_class",
        Unreadable::Operator,
    );
    stops("select ~ 4711::oid", Unreadable::Operator);
    stops("select relname, * 4711::oid", Unreadable::Operator);
    stops("select 1 where * oid", Unreadable::Operator);
    stops("select (row(16400)::lot).peek", Unreadable::Attribute);
    stops("select (lower(a)).n", Unreadable::Attribute);
    stops("select a[1].peek", Unreadable::Attribute);
    stops("select $1.peek", Unreadable::Attribute);
    stops("select ('x').n", Unreadable::Attribute);
    stops("select ((select 1)).n", Unreadable::Attribute);
    stops("select k(16400) 'x'", Unreadable::Form);
    stops("select 1)", Unreadable::Form);
    stops("select pg_catalog .lower (1)", Unreadable::QuotedCall);
    stops("{call f()}", Unreadable::Byte);
    stops("COPY pg_class TO PROGRAM 'cat >/tmp/x'", Unreadable::File);
    stops("select 1; /* */ copy t to '/tmp/x'", Unreadable::File);
    stops("copy t (a) from E'/tmp/x'", Unreadable::File);
}

#[test]
fn attributes_of_known_values_are_fine() {
    calls("select (d).grantee, (i.keys).x, (d).*", &[]);
    calls(
        "select (information_schema._pg_expandarray(i.indkey)).n",
        &["information_schema._pg_expandarray"],
    );
    calls("select (aclexplode(relacl)).grantee", &["aclexplode"]);
}

#[test]
fn parameters_of_execute_are_constants_or_not() {
    let execute = |text: &str| Reading::of(text.as_bytes()).execute;
    for text in [
        "EXECUTE getX",
        "execute getX(1, 'x', null, -1, +2.5, true)",
        "execute \"get X\" (1)",
    ] {
        assert_eq!(execute(text), Some(Parameters::Constant), "{text}");
    }
    for text in [
        "execute getX(lo_get(1))",
        "execute getX('1'::d)",
        "execute getX(d '1')",
        "execute getX((select 1))",
        "execute getX(1 + 2)",
        "execute values(lo_get(1))",
        "execute filter(lo_get(1))",
        "execute execute(lo_get(1))",
        "EXPLAIN ANALYZE EXECUTE getX(convert_from(lo_get(16400),'utf8'))",
        "create table t as execute getX(cast('1' as d))",
    ] {
        assert_eq!(execute(text), Some(Parameters::Computed), "{text}");
    }
    for text in ["grant execute on function f to alice", "select 1"] {
        assert_eq!(execute(text), None, "{text}");
    }
}

#[test]
fn what_postgresqls_grammar_found_stays_found() {
    calls("select distinct on (1) filter(k)", &["filter"]);
    calls("select distinct on (1) over()", &["over"]);
    calls("select distinct on (1) join(1)", &["join"]);
    calls("select distinct on (1) not like('a', 'b')", &["like"]);
    calls("select a between sets(1) and 2", &["sets"]);
    calls(
        "select overlay('a', 'b', 1), substring('a' for 1)",
        &["overlay", "substring"],
    );
    for text in [
        "select * from f(1) filter(a lot)",
        "select * from f(1) over(a lot)",
        "select * from f(1) int(a lot)",
        "select * from f(1) as materialized(a lot)",
        "select * from f(1) with ordinality as bit(a lot)",
    ] {
        assert_eq!(read(text), (vec!["f"], vec!["lot"], None), "{text}");
    }
    types("select * from current_schema as (a lot)", &["lot"]);
    types("prepare int(lot) as select 1", &["lot"]);
    stops("select 1 where 1 #= 2", Unreadable::Operator);
    calls(
        "select count(*) over (partition by a), count(*) over (rows between unbounded preceding and current row)",
        &["count", "count"],
    );
}

/// A statement of a megabyte that takes a minute to read would stop whoever watches.
#[test]
fn long_texts_are_read_in_linear_time() {
    const TIMES: usize = 200_000;
    for repeated in ["f(", "f(a,", "execute x; (", "(", "f() g(", "a.b as c("] {
        let text = repeated.repeat(TIMES);
        assert!(Reading::of(text.as_bytes()).stop.is_some(), "{repeated}");
    }
    let nested = format!("select {}1{}", "f(".repeat(TIMES), ")".repeat(TIMES));
    assert_eq!(Reading::of(nested.as_bytes()).calls.len(), TIMES);
}
