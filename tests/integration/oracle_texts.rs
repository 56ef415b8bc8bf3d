//! Texts of SQL for the oracle: every place where an expression can stand, and every way to hide a call in it.
//!
//! A text is made of templates. In a template a blank is a gap that must be there and `·` one that may be; `{e}` is
//! an expression, `{p}` one that binds tightly, `{q}` a query, `{f}` a function's name, `{t}` a type, `{o}` an operator, `{a}` an
//! attribute, `{i}` a name, `{s}` a literal, `{r}` what may stand in FROM. Most texts have one name that no list has, at a random
//! place: all around it is harmless, so that nothing else stops the reader.

#![allow(clippy::indexing_slicing, reason = "helpers of tests may panic")]

/// Numbers that depend on the seed alone (Vigna's splitmix64).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// A number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap_or(0)
    }

    /// True in so many of 100 cases.
    pub(crate) fn percent(&mut self, share: usize) -> bool {
        self.below(100) < share
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// Names that some list has.
pub(crate) struct Listed {
    /// Functions, qualified or not.
    pub(crate) functions: Vec<String>,
    /// Types, as they are written.
    pub(crate) types: Vec<String>,
    /// Attributes that may be selected from an expression in parentheses.
    pub(crate) attributes: Vec<String>,
}

/// Names of functions that no list has: plain ones, keywords that may name a function, and every way to write them.
const FUNCTIONS: &[&str] = &[
    "lo_get",
    "k",
    "K",
    "a",
    "_",
    "k1",
    "k$1",
    "pos",
    "key",
    "keys",
    "col",
    "cols",
    "colnum",
    "elem",
    "idx",
    "koi",
    "ord",
    "n",
    "over",
    "filter",
    "within",
    "by",
    "of",
    "no",
    "at",
    "zone",
    "key",
    "value",
    "names",
    "path",
    "columns",
    "passing",
    "plan",
    "each",
    "recursive",
    "materialized",
    "ordinality",
    "partition",
    "rows",
    "range",
    "groups",
    "first",
    "last",
    "next",
    "operator",
    "prepare",
    "execute",
    "escape",
    "uescape",
    "include",
    "cascade",
    "set",
    "sets",
    "cube",
    "rollup",
    "returning_",
    "matched",
    "conflict",
    "nothing",
    "explain",
    "analyze",
    "show",
    "values_",
    "copy",
    "declare",
    "cursor",
    "hold",
    "format",
    "encoding",
    "delimiter",
    "quote",
    "left",
    "right",
    "join",
    "inner",
    "cross",
    "full",
    "outer",
    "natural",
    "is",
    "isnull",
    "notnull",
    "like",
    "ilike",
    "similar",
    "overlaps",
    "verbose",
    "freeze",
    "binary",
    "tablesample",
    "authorization",
    "collation",
    "concurrently",
    "temp",
    "temporary",
    "view",
    "index",
    "trigger",
    "procedure",
    "function",
    "type",
    "domain",
    "schema",
    "system",
    "user_",
    "session",
    "role",
    "double",
    "precision_",
    "varying",
    "without",
    "year",
    "day",
    "hour",
    "second",
    "e",
    "b",
    "x",
    "u",
    "json_",
    "xml",
    "text",
    "date",
    "\"lo_get\"",
    "\"k\"",
    "\"Count\"",
    "\"count \"",
    "\"count(\"",
    "\"pg_catalog.count\"",
    "\"a\"\"b\"",
    "U&\"lo\\005fget\"",
    "u&\"lo!005fget\" uescape '!'",
    "U&\"k\"",
    "\"select\"",
    "\"as\"",
    "\"with\"",
    "public.count",
    "pg_temp.count",
    "x.y.z",
    "a.b.c.d",
    "pg_catalog.lo_get",
    "PG_CATALOG.LO_GET",
    "pg_catalog . lo_get",
    "pg_catalog/**/./**/lo_get",
    "pg_catalog.\"lo_get\"",
    "\"pg_catalog\".\"lo_get\"",
    "\"pg_catalog\".lo_get",
    "\"Pg_catalog\".count",
    "pg_catalog.pg_catalog.count",
    "information_schema.count",
    "public.current_schema",
    "pg_catalog.\"Count\"",
    "U&\"public\".count",
    "lo_gét",
    "é",
    "日本",
    "count\u{a0}",
    "\u{212a}",
    "ver\u{17f}ion",
    "\u{feff}count",
];

/// Types that no list has.
const TYPES: &[&str] = &[
    "lot",
    "d",
    "D",
    "n",
    "k",
    "e",
    "b",
    "x",
    "u",
    "key",
    "value",
    "over",
    "filter",
    "by",
    "names",
    "left",
    "is",
    "t1",
    "d$1",
    "\"d\"",
    "\"Text\"",
    "\"text \"",
    "\"pg_catalog.text\"",
    "U&\"\\0064\"",
    "u&\"d\" uescape '!'",
    "\"a\"\"b\"",
    "pg_temp.d",
    "public.text",
    "x.y.z",
    "pg_catalog.lot",
    "pg_catalog . lot",
    "pg_temp.\"text\"",
    "\"pg_temp\".text",
    "pg_temp/**/.text",
    "é",
    "日本",
    "text\u{a0}",
    "public.pg_class",
    "pg_temp.oid",
    "d%type",
    "a.b%type",
];

/// Operators that no list has.
const OPERATORS: &[&str] = &[
    "@>>@",
    "<%",
    "%>",
    "=@",
    "<>%",
    "###",
    "?@",
    "*=",
    "+++",
    "|/|",
    "&&&",
    "~~@",
    "operator·(public.+)",
    "operator·(·public·.·=·)",
    "OPERATOR(x.y.=)",
    "operator(pg_temp.||)",
    "operator(\"pg_catalog \".=)",
    "operator(pg_catalog.@>>@)",
    "operator(\"Pg_catalog\".+)",
];

const LISTED_OPERATORS: &[&str] = &[
    "=",
    "<>",
    "!=",
    "<",
    ">",
    "<=",
    ">=",
    "+",
    "-",
    "*",
    "/",
    "%",
    "||",
    "~",
    "!~",
    "~*",
    "&",
    "|",
    "and",
    "or",
    "^",
    "operator(pg_catalog.=)",
    "OPERATOR(pg_catalog.~)",
    "operator(pg_catalog.+)",
    "is distinct from",
    "like",
    "not like",
    "ilike",
    "@>",
    "<@",
    "&&",
    "->",
    "->>",
    "#>",
    "<<",
    ">>",
];

/// Attributes that no list has.
const ATTRIBUTES: &[&str] = &[
    "peek",
    "k",
    "\"peek\"",
    "U&\"pee\\006b\"",
    "é",
    "over",
    "key",
    "lo_get",
    "a.peek",
    "k[1]",
    "PEEK",
];

/// Names of columns, tables and aliases, and what is called like a keyword.
const NAMES: &[&str] = &[
    "a",
    "b",
    "relname",
    "pg_class",
    "c1",
    "a$1",
    "é",
    "\"a\"",
    "\"A b\"",
    "\"a(\"",
    "\"a\"\"(\"",
    "key",
    "value",
    "over",
    "filter",
    "names",
    "ordinality",
    "materialized",
    "x",
    "e",
    "n",
    "u",
    "operator",
    "prepare",
    "recursive",
    "k",
    "pos",
    "U&\"\\0061\"",
    "t",
];

/// Literals and what stands in their place.
const LITERALS: &[&str] = &[
    "'x'",
    "'x'",
    "''",
    "'it''s'",
    "'('",
    "'lo_get('",
    "'--'",
    "'/*'",
    "'*/'",
    "'\"'",
    "'a\\b'",
    "'a\\\\'",
    "E'\\''",
    "e'a\\\\'",
    "E'\\\\\\''",
    "'\\'",
    "'a\\'''",
    "$$x$$",
    "$$'$$",
    "$q$ ' $$ $q$",
    "$q$(/*$q$",
    "U&'\\0061'",
    "u&'!0061' uescape '!'",
    "B'101'",
    "X'1F'",
    "N'x'",
    "'a'\n'b'",
    "'a' --c\n 'b'",
    "'é'",
];

const VALUES: &[&str] = &[
    "1",
    "1",
    "0",
    "1.5",
    ".5",
    "1.",
    "1e5",
    "1e-5",
    "1_000",
    "0x1F",
    "$1",
    "$12",
    "null",
    "true",
    "false",
    "current_user",
    "current_date",
    "current_timestamp",
    "current_timestamp(3)",
    "localtime",
    "session_user",
    "-1",
    "+ 1",
    "- 1",
    "*1",
];

/// Gaps that a lexer can get wrong.
const GAPS: &[&str] = &[
    "\n",
    "\t",
    "\r\n",
    "\r",
    "\u{c}",
    "\u{b}",
    "  ",
    "/**/",
    " /**/ ",
    "/* ( */",
    "/* ' */",
    "/* \" */",
    "/* $$ */",
    "/* /* */ */",
    "/*/**/*/",
    "/*/*/**/*/*/",
    "/***/",
    "/*-- */",
    "--\n",
    "-- (\n",
    " --'\n",
    "--/*\n",
    "--\r",
    "-- x\r\n",
    " \n\t ",
    "\u{a0}",
    "\u{2028}",
    "\u{85}",
    "\u{3000}",
];

/// Expressions that bind tightly.
const PRIMARIES: &[&str] = &[
    "{i}",
    "{i}",
    "{i}.{i}",
    "{v}",
    "{s}",
    "({e})",
    "{f}·({e})",
    "{f}·({e},·{e})",
    "{f}·()",
    "{f}·(*)",
    "{i}[{e}]",
    "{i}[{e}:{e}]",
    "({e})[1]",
    "({q})",
    "array[{e},·{e}]",
    "array·({q})",
    "row·({e},·{e})",
    "({e},·{e})",
    "case when {e} then {e} else {e} end",
    "case {e} when {e} then·({e})end",
    "exists·({q})",
    "cast·({e} as {t})",
    "coalesce·({e},·{e})",
    "({e})·.·{a}",
    "({i}.{i})·.·{a}",
    "({e})[1].{a}",
    "({f}·({e})).{a}",
    "({e}).{a}.{a}",
    "({q}).{a}",
    "(row({e})).{a}",
    "(array[{e}])[1].{a}",
    "(({e})).{a}",
    "({e})·.·*",
    "not·({e})",
];

/// Expressions. Those that hide a call in a rare place are as frequent as the usual ones.
const EXPRESSIONS: &[&str] = &[
    "$1.{a}",
    "$1[1].{a}",
    "{i}[1].{a}",
    "{i}.{i}[1].{a}",
    "$1::{t}.{i}",
    "(($1)).{a}[1]",
    "{i}.{i}.{i}.{i}",
    "{p}",
    "{p}",
    "{p}·{o}·{p}",
    "{p} {o} {p}",
    "{o} {p}",
    "{p}·::·{t}",
    "{p}::{t}",
    "{p}::text::·{t}",
    "{p}::{t}::text",
    "{p}::{t}·[]",
    "{p}::{t}[3]",
    "{p}::{t} array",
    "{p}::{t} array[3]",
    "{p}::{t}·(3)",
    "{p}::{t}[] {o} {p}",
    "{p}::{t} is not null",
    "{p}::{t} collate \"C\"",
    "{p} collate pg_catalog.default",
    "{p}·::·{t} at time zone {p}",
    "-{p}::{t}",
    "{i}::{t}[1]",
    "({p}::{t})[1]",
    "{s}::{t}",
    "'{}'::{t}[]",
    // Types with and without keywords.
    "{p}::int",
    "{p}::bigint[]",
    "{p}::varchar(3)",
    "{p}::character varying (3)",
    "{p}::double precision",
    "{p}::timestamp (3) with time zone",
    "{p}::time without time zone",
    "{p}::interval day to second (3)",
    "{p}::bit varying",
    "{p}::numeric (3, 1)",
    "{p}::national character varying",
    // Typed literals.
    "{t} {s}",
    "{t}{s}",
    "{t}·{s}",
    "{t}·(3)·{s}",
    "{t}(3) {s}",
    "interval {s} day",
    "interval·(3)·{s}",
    "interval {s}",
    "date {s}",
    "timestamp with time zone {s}",
    "time {s}",
    "bit {s}",
    "char·(1)·{s}",
    "varchar {s}",
    "double precision {s}",
    "{t} $$x$$",
    "{t}$$x$$",
    "{t} e'x'",
    "{t} U&'x'",
    "{t} 'a'\n'b'",
    "int {s}",
    "boolean {s}",
    "json {s}",
    "{s} {o} {t} {s}",
    "({t} {s})",
    "{t} (1, 2) {s}",
    // Casts.
    "cast·({e} as {t})",
    "cast·({e} as {t}[])",
    "CAST ( {e} AS {t}·(3) )",
    "cast({e} as int)",
    "treat·({e} as {t})",
    "cast·(row·({e}) as {t})",
    "row·({e})::{t}",
    "({e},·{e})::{t}",
    "array[{e}]::{t}[]",
    "array[]::{t}[]",
    "array·({q})::{t}[]",
    "({q})::{t}",
    "null::{t}",
    "$1::{t}",
    "{i}.*::{t}",
    "{f}·({e})::{t}",
    "case when {e} then {e} end::{t}",
    "xmlserialize·(content {e} as {t})",
    "xmlserialize(document {e} as {t} indent)",
    "json_value·({e},·'$' returning {t})",
    "json_query({e}, '$' returning {t} with wrapper)",
    "json_object·('a':·{e} returning {t})",
    "json_object('a' value {e})",
    "json_object({e}: {e} absent on null)",
    "json_array·({e},·{e} returning {t})",
    "json_array·({q} returning {t})",
    "json_arrayagg({e} order by {e} returning {t})",
    "json_objectagg({e}: {e} returning {t})",
    "json_serialize({e} returning {t})",
    "json_scalar·({e})",
    "json·({e} with unique keys)",
    "json_exists({e}, '$' passing {e} as x)",
    "json_value({e}, '$' default {e} on empty default {e} on error)",
    "{e} is json object",
    // Calls.
    "{f}·({e})",
    "{f} ({e})",
    "{f}·()",
    "{f}·(*)",
    "{f}·(all {e})",
    "{f}·(distinct {e})",
    "{f}·({e},·{e} order by {e})",
    "{f}·({e} order by {e} using <)",
    "{f}·(variadic {e})",
    "{f}·({e},·variadic {e})",
    "{f}·(a·=>·{e})",
    "{f}·(a·:=·{e})",
    "{f}({e}, \"b\" => {e})",
    "{f}·({e})·filter·(where {e})",
    "{f}·() over·()",
    "{f}·() over·(partition by {e} order by {e})",
    "{f}·({e}) over w",
    "{f}·() over·({i} rows between {e} preceding and {e} following)",
    "{f}·({e})·within group·(order by {e})",
    "{f}·({e}) within group (order by {e} desc nulls last)·filter·(where {e})·over·(order by {e})",
    "{f}·({f}·({f}·({e})))",
    "count·(*)·filter·(where {e}) over·(order by {e})",
    "count(*)filter(where {f}(1))",
    "{f}·({q})",
    "{f}(({e}))",
    // Syntax of its own.
    "coalesce·({e},·{e})",
    "nullif·({e},·{e})",
    "greatest·({e},·{e})",
    "least ({e})",
    "extract·(day from {e})",
    "extract({s} from {e})",
    "substring·({e} from {e} for {e})",
    "substring({e} for {e})",
    "substring({e} similar {p} escape {p})",
    "trim·(both {e} from {e})",
    "trim({e})",
    "trim(leading from {e})",
    "overlay·({e} placing {e} from {e} for {e})",
    "position·({p} in {p})",
    "normalize·({e}, nfc)",
    "{p} is nfc normalized",
    "collation for·({e})",
    "grouping·({e})",
    "xmlelement·(name {i},·xmlattributes·({e} as {i}),·{e})",
    "xmlforest·({e} as {i})",
    "xmlconcat·({e})",
    "xmlparse·(content {e})",
    "xmlpi·(name {i},·{e})",
    "xmlroot·({e}, version {e}, standalone yes)",
    "xmlexists·({p} passing {p})",
    "current_schema",
    "current_catalog",
    "merge_action·()",
    // Operators.
    "{p} {o} any·({e})",
    "{p} {o} all·(array[{e}])",
    "{p} = some·({q})",
    "{p} in·({e},·{e})",
    "{p} not in·({q})",
    "({e},·{e}) = ({e},·{e})",
    "{p} between {p} and {p}",
    "{p} between symmetric {p} and {p}",
    "{p} like {p} escape {p}",
    "{p} not ilike {p}",
    "{p} similar to {p}",
    "{p} is distinct from {p}",
    "{p} is not null",
    "{p} isnull",
    "{p} notnull",
    "{p} is true",
    "{p} is document",
    "{p} at time zone {p}",
    "{p} at local",
    "({e},·{e}) overlaps ({e},·{e})",
    "not {e}",
    "{p} and {p} or {p}",
    "- {p}",
    "-{p}",
    "~{p}",
    "@ {p}",
    "|/ {p}",
    "!! {p}",
    "{p}-{p}",
    "{p} -{p}",
    "{p}- {p}",
    "{p}--\n{p}",
    "{p}/{p}",
    "{p} /{p}",
    "{p}/ {p}",
    "{p}+{p}",
    "{p}*{p}",
    "{p}-·({e})",
    "{p}/·({e})",
    "{p} -{f}(1)",
    "{p}/{f}(1)",
    "{p}-/**/{f}(1)",
    "{p}+--\n{f}(1)",
    "{p} <{f}(1)",
    "{p}={f}(1)",
    "{p}||{f}(1)",
    "{p}::text||{f}(1)",
    "{p}*-{f}(1)",
    "{p}<-{f}(1)",
    "{p}->{f}(1)",
    "{p}^{f}(1)",
    "{p}%{f}(1)",
    "{p}!~{f}(1)",
    "{p}@{f}(1)",
    "{p}#{f}(1)",
    "{p}&{f}(1)",
    // Numbers and parameters that touch the next word.
    "'x'and {f}(1)",
    "\"a\"and {f}(1)",
    "{i}[1]and {f}(1)",
    "(1)and(1)or {f}(1)",
    // What one setting of the server reads as a literal and another as two.
    "'\\' || {f}(1) || '\\'",
    "'\\' || ', {f}(1), '\\''",
    "'\\\\', {f}(1), E'\\\\'",
    "E'\\'' || {f}(1) || '\\'",
    "'\\\\' || {f}(1)",
    "'\\\\''||{f}(1)||'",
    "E'\\\\' || {f}(1) || E'\\\\'",
    "$$'$$ || {f}(1) || $$'$$",
    "$a$ $$ $a$ || {f}(1) || $a$$$$a$",
    "$é$'$é$ || {f}(1) || $é$'$é$",
    "a$$ || {f}(1) || b$$",
    "a$b$ || {f}(1)",
    "\"a\\\" || {f}(1) || \"b\\\"",
    "\"a'\" || {f}(1) || \"'b\"",
    "'\"' || {f}(1) || '\"'",
    "/* ' */ {f}(1) /* ' */",
    "/* /* */ ' */ {f}(1) /* ' */",
    "/*/*/ ' */*/ {f}(1) /* ' */",
    "--'\r{f}(1) --'\n",
    "--'\u{b}\n{f}(1)",
    "--'\u{85}\n{f}(1)",
    "x'1f'||{f}(1)",
    "b'1'::{t}",
    "B'1'{o}{p}",
];

const SOURCES: &[&str] = &[
    "{i}",
    "pg_class",
    "pg_catalog.pg_class c",
    "pg_class as {i}",
    "pg_class {i}·({i},·{i})",
    "pg_class as {i}·({i})",
    "only pg_class",
    "only·(pg_class)",
    "pg_class *",
    "{f}·({e})",
    "{f}·({e}) {i}",
    "{f}·({e}) as {i}",
    "{f}·({e}) {i}·({i})",
    "{f}·({e}) as {i}·({i},·{i})",
    "{f}·({e}) as {i}·({i} {t},·{i} {t})",
    "{f}·({e}) {i}·({i} {t})",
    "{f}·({e}) as·({i} {t})",
    "{f}·({e}) with ordinality",
    "{f}·({e}) with ordinality {i}·({i},·{i})",
    "{f}·({e}) with ordinality as {i}·({i})",
    "lateral {f}·({e})",
    "rows from·({f}·({e}),·{f}·({e}) as·({i} {t})) with ordinality as {i}",
    "lateral rows from ({f}({e}))",
    "({q}) {i}",
    "({q}) as {i}",
    "({q}) {i}·({i})",
    "({q})",
    "lateral ({q}) as {i}·({i},·{i})",
    "(values ({e},·{e})) {i}",
    "(values ({e})) as {i}·({i})",
    "pg_class tablesample {f}·({e})",
    "pg_class c tablesample system·({e}) repeatable·({e})",
    "pg_class a join {r} on {e}",
    "pg_class a left join {r} using·({i})",
    "pg_class a natural join {r}",
    "pg_class a cross join {r}",
    "pg_class a full outer join {r} on·({e})",
    "(pg_class a join {r} on {e}) as {i}",
    "pg_class a inner join lateral {f}·({e}) {i} on true",
    "pg_class,{r}",
    "pg_class a,·lateral {r}",
    "current_schema",
    "current_user",
    "xmltable·({p} passing {p} columns {i} {t} path {p} default {p},·{i} for ordinality) {i}",
    "xmltable(xmlnamespaces({p} as {i}), {p} passing by ref {p} columns {i} int not null)",
    "json_table·({e},·'$' passing {e} as x columns·({i} {t} path '$',·{i} for ordinality,·nested path '$' columns·({i} {t} exists))) {i}",
    "json_table({e}, '$' columns ({i} {t} default {e} on empty))",
    "coalesce·({e})",
    "cast·({e} as {t})",
    "unnest·({e},·{e}) {i}·({i})",
    "{f}()",
    "{f} ()",
];

const QUERIES: &[&str] = &[
    "with a as ({q}), {i}·({i}) as·({q}) select 1 from {i},·{f}·({i}) as·({i} {t})",
    "select 1 from {i}, {f}·({i}) as·({i} text)",
    "with {i}·({i}) as ({q}) select {e} from {i} join {f}·({i}) {i}·({i}) on {e}",
    "select {e} from {i} *,·{f}·({i})",
    "select {e} from only·({i}) {i}·({i}), {f}·({i})",
    "select {e} from ({i} join {r} using·({i})) {i}·({i}),·{f}·({i})",
    "select {e} from {r} where {e} group by·({e}),·{f}·({e})",
    "select distinct on·({e},·{e}) {f}·({e}), {e} from {r}",
    "select distinct on·({e})·{t}·{s}",
    "select distinct on·({e})·{i}::{t}",
    "select distinct {f}·({e})",
    "select all·{f}·({e})",
    "select {e} limit {f}·(1) offset {f}(1)",
    "select {e} fetch first {v} rows only",
    "select {e} from {r} join {i} using·({i}) as {i}, {f}(1)",
    "select {e} from {r} order by·({e})·,·{f}·(1) desc",
    "select {e}, {i} ordinality,·{f}·({e})",
    "select {i} as recursive,·{f}·(1)",
    "with recursive a as materialized·({q}) select materialized,·{f}(1) from a materialized",
    "select {e}",
    "select {e} from {r}",
    "select {e}, {e} as {i} from {r} where {e}",
    "select {e} {i} from pg_class",
    "select {e} \"b\",{e}c from pg_class",
    "select all {e}",
    "select distinct {e}",
    "select distinct on·({e}) {e} from {r}",
    "select distinct on·(1)·{p}",
    "select distinct on (1){p}",
    "select distinct on ({e}) ({e})",
    "select from {r} where {e}",
    "select * from {r}",
    "select *,{e} from pg_class",
    "select{p}",
    "select·{p}from {r}",
    "select 1 from pg_class where {e}",
    "select 1 from pg_class where·({e})",
    "select 1 from pg_class group by {e}",
    "select 1 group by grouping sets·(({e}),·rollup·({e}),·cube·({e},·{e}),·())",
    "select 1 from pg_class group by distinct {e} having {e}",
    "select 1 from pg_class having·({e})",
    "select 1 order by {e}",
    "select 1 order by {e} desc nulls first,·{e} using <",
    "select 1 order by {e} using {o}",
    "select 1 limit {e}",
    "select 1 limit·({e}) offset {e}",
    "select 1 offset·({e}) rows",
    "select 1 fetch first·({e}) rows only",
    "select 1 from pg_class order by 1 fetch next ({e}) rows with ties",
    "select 1 from pg_class window w as·(partition by {e} order by {e} rows between {e} preceding and {e} following)",
    "select count(*) over w from pg_class window w as ({e2} range unbounded preceding exclude ties)",
    "values·({e},·{e}),·({e},·default)",
    "values·({e}) order by {e}",
    "table pg_class",
    "(select {e})",
    "({q}) union all ({q})",
    "select {e} union select {e}",
    "select {e} except all select {e} order by 1",
    "(({q})) intersect values ({e})",
    "with {i} as·({q}) select {e}",
    "with {i}·({i},·{i}) as·({q}) select {e} from {i}",
    "with {i} as materialized·({q}) select {e}",
    "with {i} as not materialized·({q})·select {e}",
    "with {i}·({i}) as materialized ({q}),·{i} as·({q}) select {e}",
    "with recursive {i}·({i}) as·(select {e} union all select {e} from {i}) select * from {i}",
    "with recursive {i} (a) as ({q} union all {q}) search depth first by a set b cycle a set c to {t} 'a' default 'b' using p select {e}",
    "with {i} as (insert into t values ({e}) returning {e}) select 1",
    "select {e} into {i} from pg_class",
    "select {e} from pg_class for update of pg_class nowait",
    "select·({e})",
    "select·({e}){i}",
    "select 1{i}, {e}",
    "select case {e} when {e} then {e} end",
    "select {e} where exists·({q})",
    "select {e} from ({q}) {i} where {e} in·({q})",
    "select {t} {s}, {e}",
    "select {t} {s} from pg_class",
    "select a,{t}{s}",
];

const STATEMENTS: &[&str] = &[
    "{q}",
    "{q}",
    "{q}",
    "{q}",
    "{q}",
    "{q}",
    "{q};",
    "{q};{q}",
    "select 1;·{q}",
    ";{q}",
    "/* x */{q}",
    "--x\n{q}",
    "{q} -- x",
    "{q} /* ; */",
    "({q})",
    "execute {i}·({e})",
    "execute {i}·({e},·{e})",
    "explain execute {i}·({e})",
    "explain analyze {q}",
    "explain·(analyze,·format json) {q}",
    "explain (costs off) execute {i}({e})",
    "create table {i} as execute {i}·({e})",
    "create temp table {i} as {q}",
    "create table {i}·({i}) as {q} with no data",
    "prepare {i} as {q}",
    "prepare {i}·({t}) as {q}",
    "prepare {i}·({t},·{t}[]) as {q}",
    "prepare {i}(pg_catalog.oid) as {q}",
    "prepare {i} ({t}) as select $1",
    "declare {i} cursor for {q}",
    "declare {i} binary insensitive no scroll cursor with hold for {q}",
    "fetch 10 from {i}",
    "copy·({q}) to stdout",
    "copy ({q}) to stdout with (format csv)",
    "copy t·({i}) from stdin where {e}",
    "copy t to program {s}",
    "insert into t values·({e},·default)",
    "insert into t·({i},·{i}) values·({e},·{e}),·({e},·{e})",
    "insert into t as {i}·({i}) overriding user value {q}",
    "insert into t {q} on conflict·(({e})) where {e} do update set {i} = {e} where {e} returning {e}",
    "insert into t ({i}) values ({e}) on conflict on constraint {i} do nothing returning *,·{e} as {i}",
    "insert into t ({i}[{e}], {i}.{i}) values ({e}, {e})",
    "insert into t·({q})",
    "insert into t default values returning {e}",
    "update t set {i} = {e}",
    "update t set {i}·=·{e},·({i},·{i}) =·({e},·{e}) from {r} where {e} returning {e}",
    "update t {i} set ({i}) = ({q}), {i} = default where current of {i}",
    "update t set {i}[{e}] = {e}, ({i}, {i}) = row·({e},·{e})",
    "delete from t where {e}",
    "delete from t {i} using {r} where {e} returning {e}",
    "with {i} as ({q}) delete from t using {i} where {e}",
    "with {i}·({i}) as ({q}) update t set {i} = {e}",
    "merge into t using {r} on {e} when matched and {e} then update set {i} = {e} when not matched and {e} then insert·({i}) values·({e})",
    "merge into t as {i} using ({q}) {i} on·({e}) when not matched by source and {e} then delete when matched then do nothing returning {e}",
    "merge into t using pg_class {i} on {e} when not matched then insert values ({e}, default)",
    "create table {i}·({i} {t} default {e} check·({e}),·check·({e}))",
    "create table {i}·({i} int generated always as·({e}) stored)",
    "create table {i} ({i} {t}, exclude using gist ({e2} with {o}))",
    "create table {i} ({i} {t} collate \"C\" not null) partition by range·(({e}))",
    "create temp table {i} partition of t for values in·({p},·{p})",
    "create table {i} partition of t for values from·({p}) to·({p})",
    "create table {i} of {t}",
    "alter table t add check·({e})",
    "alter table t add column {i} {t} default {e}",
    "alter table t alter column {i} type {t} using {e}",
    "alter table t alter {i} set default {e}",
    "create index on t·(({e}))",
    "create unique index {i} on t using btree·({f}·({e}),·({e}) collate \"C\" desc) include·({i}) where {e}",
    "create view {i}·({i}) as {q}",
    "create or replace view {i} as {q}",
    "create materialized view {i} as {q}",
    "create rule {i} as on insert to t where {e} do instead {q}",
    "create policy {i} on t using·({e}) with check·({e})",
    "create trigger {i} before insert on t for each row when·({e}) execute function {f}·()",
    "create trigger {i} after update on t execute procedure {f}({s})",
    "create domain {i} as {t} default {e} check·({e})",
    "create statistics {i} on·({e}),·({e}) from t",
    "alter domain {i} add check ({e})",
    "create function {i}·({i} {t} default {e}) returns {t} return {e}",
    "create function {i}({t}) returns {t} language sql as {s}",
    "create function {i}() returns {t} begin atomic {q}; end",
    "create publication {i} for table t where·({e})",
    "create type {i} as·({i} {t})",
    "create cast·({t} as {t}) with function {f}·({t})",
    "create aggregate {i}·({t}) (sfunc = {f}, stype = {t})",
    "create operator @>>@ (leftarg = {t}, function = {f})",
    "create event trigger {i} on ddl_command_end execute function {f}·()",
    "call {f}·({e})",
    "do {s}",
    "do language plpgsql {s}",
    "lock table t",
    "set x to {s}",
    "show {i}",
    "listen {i}",
    "comment on function {f}·({t}) is {s}",
    "grant execute on function {f}({t}) to {i}",
    "drop function {f}·({t})",
    "truncate t",
    "begin; {q}; commit",
    "set datestyle=iso;{q}",
];

/// A text, and the templates that it was made of: as list and place.
pub(crate) struct Text {
    pub(crate) sql: String,
    pub(crate) templates: Vec<&'static str>,
}

/// Every template, for those who ask whether each was used.
pub(crate) fn templates() -> impl Iterator<Item = &'static str> {
    [PRIMARIES, EXPRESSIONS, SOURCES, QUERIES, STATEMENTS]
        .into_iter()
        .flatten()
        .copied()
}

struct Maker<'a> {
    dice: Dice,
    listed: &'a Listed,
    /// How many names that no list has may still be put in.
    hidden: usize,
    /// Whether gaps are odd ones.
    odd: bool,
    templates: Vec<&'static str>,
    out: String,
}

/// Deeper than this, only names and literals follow.
const DEPTH: usize = 4;

impl Maker<'_> {
    /// A name that a list has, or one that no list has.
    fn name(&mut self, listed: fn(&Listed) -> &[String], hidden: &[&'static str]) {
        if self.hidden > 0 && self.dice.percent(50) {
            self.hidden -= 1;
            let name = *self.dice.pick(hidden);
            self.out.push_str(name);
        } else {
            let name = self.dice.pick(listed(self.listed)).clone();
            self.out.push_str(&name);
        }
    }

    fn gap(&mut self, must: bool) {
        if self.odd && self.dice.percent(12) {
            let gap = *self.dice.pick(GAPS);
            self.out.push_str(gap);
        } else if must {
            self.out.push(' ');
        }
    }

    fn one_of(&mut self, list: &'static [&'static str], depth: usize) {
        let template = *self.dice.pick(list);
        self.templates.push(template);
        self.render(template, depth + 1);
    }

    fn render(&mut self, template: &'static str, depth: usize) {
        let deep = depth > DEPTH;
        let mut rest = template;
        while let Some(first) = rest.chars().next() {
            let hole = rest.strip_prefix('{').and_then(|rest| rest.split_once('}'));
            // Not every brace is a hole: `'{}'` is an array.
            let Some((hole, behind)) = hole.filter(|(hole, _)| !hole.is_empty()) else {
                match first {
                    ' ' => self.gap(true),
                    '·' => self.gap(false),
                    other => self.out.push(other),
                }
                rest = &rest[first.len_utf8()..];
                continue;
            };
            rest = behind;
            match hole {
                "e" | "e2" if !deep => self.one_of(EXPRESSIONS, depth),
                "p" if !deep => self.one_of(PRIMARIES, depth),
                "q" if !deep => self.one_of(QUERIES, depth),
                "r" if !deep => self.one_of(SOURCES, depth),
                "q" => self.out.push_str("select 1"),
                "r" => self.out.push_str("pg_class"),
                "f" => self.name(|listed| &listed.functions, FUNCTIONS),
                "t" => self.name(|listed| &listed.types, TYPES),
                "a" => self.name(|listed| &listed.attributes, ATTRIBUTES),
                "o" if self.hidden > 0 && self.dice.percent(30) => {
                    self.hidden -= 1;
                    let operator = *self.dice.pick(OPERATORS);
                    self.render(operator, depth);
                }
                "o" => {
                    let operator = *self.dice.pick(LISTED_OPERATORS);
                    self.out.push_str(operator);
                }
                "s" => {
                    let literal = *self.dice.pick(LITERALS);
                    self.out.push_str(literal);
                }
                "v" => {
                    let value = *self.dice.pick(VALUES);
                    self.out.push_str(value);
                }
                "i" => {
                    // Mostly what stops nobody.
                    let name = if self.dice.percent(60) {
                        "a"
                    } else {
                        *self.dice.pick(NAMES)
                    };
                    self.out.push_str(name);
                }
                _ => {
                    let end = if self.dice.percent(50) {
                        "a"
                    } else {
                        *self.dice.pick(VALUES)
                    };
                    self.out.push_str(end);
                }
            }
        }
    }
}

/// A text from the templates.
pub(crate) fn generated(dice: &mut Dice, listed: &Listed) -> Text {
    let hidden = *dice.pick(&[0, 0, 1, 1, 1, 1, 1, 1, 1, 3]);
    let odd = dice.percent(40);
    let mut maker = Maker {
        dice: Dice::new(dice.next()),
        listed,
        hidden,
        odd,
        templates: Vec::new(),
        out: String::new(),
    };
    maker.one_of(STATEMENTS, 0);
    Text {
        sql: maker.out,
        templates: maker.templates,
    }
}

/// What a change puts into a recorded text.
const PIECES: &[&str] = &[
    "k(1)",
    " k(1) ",
    "lo_get(1)",
    " over(1)",
    " filter(1)",
    " pos(1)",
    "::d",
    "::\"d\"",
    ".peek",
    " d 'x' ",
    " d'x'",
    "(",
    ")",
    ",",
    ";",
    "'",
    "\"",
    "$$",
    "--",
    "/*",
    "*/",
    "\\",
    "\\'",
    "E'",
    "U&'",
    "::",
    ".",
    "=",
    "-",
    "/",
    " @>>@ ",
    "operator(public.=)",
    " as ",
    " with ",
    "a",
    "1",
    " k",
    " k ",
    "\"k\"",
    "[1]",
    ":=",
    "=>",
    "variadic ",
    " and k(1) ",
    " or k(1) ",
    "||k(1)",
    "-k(1)",
    "/**/",
    "\u{a0}",
    "é",
    "$1",
    "{}",
    "*",
    " array",
    " ordinality ",
    " distinct on (1) k(1) ",
    " cast(a as d) ",
    " row(1)::d ",
    " (row(1)::lot).peek ",
    " tablesample k(1) ",
    " lateral k(1) ",
    " materialized ",
    " recursive ",
    " not ",
    " in ",
    " by ",
    " of ",
    " limit k(1)",
    " returning k(1)",
    "; execute p(k(1))",
];

/// A recorded text with one or two changes, each at the border of two words.
pub(crate) fn changed(dice: &mut Dice, text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..=dice.below(2) {
        let words = words(&text);
        if words.is_empty() {
            break;
        }
        let (start, end) = *dice.pick(&words);
        let (before, word, after) = (&text[..start], &text[start..end], &text[end..]);
        text = match dice.below(8) {
            // A call in the place of a word, and a call out of what stood in parentheses.
            0 => format!("{before}{}{after}", dice.pick(PIECES)),
            1 => {
                let places: Vec<usize> = text.match_indices('(').map(|(at, _)| at).collect();
                if places.is_empty() {
                    continue;
                }
                let (before, after) = text.split_at(*dice.pick(&places));
                format!("{before} {}{after}", dice.pick(FUNCTIONS))
            }
            2 => {
                let places: Vec<usize> = text.match_indices(')').map(|(at, _)| at + 1).collect();
                if places.is_empty() {
                    continue;
                }
                let (before, after) = text.split_at(*dice.pick(&places));
                format!("{before}{}{after}", dice.pick(PIECES))
            }
            3 => {
                let places: Vec<usize> = text.match_indices("::").map(|(at, _)| at + 2).collect();
                if places.is_empty() {
                    continue;
                }
                let (before, after) = text.split_at(*dice.pick(&places));
                let rest = after
                    .trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "_.\"".contains(c));
                format!("{before}{}{rest}", dice.pick(TYPES))
            }
            4 => {
                let places: Vec<usize> = text.match_indices(' ').map(|(at, _)| at).collect();
                if places.is_empty() {
                    continue;
                }
                let (before, after) = text.split_at(*dice.pick(&places));
                format!("{before}{}{}", dice.pick(GAPS), &after[1..])
            }
            5 => format!("{before}{after}"),
            6 => format!("{before}{word}{}{after}", dice.pick(PIECES)),
            _ => format!("{before}{}{after}", dice.pick(FUNCTIONS)),
        };
    }
    text
}

/// Places where a word can be a name of its own or part of the grammar: every word that the grammar knows is tried in each.
const ONE_WORD: &[&str] = &[
    "select {}(1)",
    "select {} 'x'",
    "select {}'x'",
    "select 'x'::{}",
    "select 'x'::{} x",
    "select 'x'::{}(1)",
    "select {}(1) 'x'",
    "select cast('x' as {})",
    "select cast('x' as {}(1))",
    "select distinct on (1) {}(1)",
    "select distinct on (1) {} 'x'",
    "select not {}(1)",
    "select a between {}(1) and 2",
    "select a between {} 'x' and 2",
    "select * from {}(1)",
    "select * from lower('x') {}(a lot)",
    "select * from lower('x') as {}(a lot)",
    "select * from {} as (a lot)",
    "select * from lower(1) with ordinality as {}(a lot)",
    "select * from rows from (lower(1)) as {}(a lot)",
    "select (a).{}",
    "select ({}).n",
    "select a {} b",
    "select 1 {} 'x'",
    "select a.{}(1)",
    "select a {} (1)",
    "select (1) {} (1)",
    "select lower(1) {} (1)",
    "select lower(1) {} 'x'",
    "select a[1] {} (1)",
    "select 'x' {} (1)",
    "select 'x' {} 'x'",
    "execute {}(lo_get(1))",
    "execute a({} 'x')",
    "execute a({}(1))",
    "prepare {}(lot) as select 1",
    "select a is {}(1)",
    "select a is not {}(1)",
    "select a like {}(1)",
    "select a like b escape {}(1)",
    "select count(*) {} (1)",
    "select count(*) over {} (1)",
    "select 1 limit {}(1)",
    "select 1 fetch first {}(1) rows only",
    "select 1 order by a {} (1)",
    "select 1 group by {}(1)",
    "select 1 group by {} (1), {} (1)",
    "select coalesce({}(1))",
    "select extract({}(1))",
    "select extract(a from {}(1))",
    "select substring({}(1) from {}(1))",
    "select substring('x' for {} 'x')",
    "select trim(both {}(1) from 'x')",
    "select trim({}(1))",
    "select overlay('x' placing {}(1) from {}(1))",
    "select position({}(1) in {}(1))",
    "select array[{}(1)]",
    "select row({}(1))",
    "select a[{}(1)]",
    "select 1 where exists ({} (1))",
    "select a = any({}(1))",
    "select a in ({}(1))",
    "with {} (a) as (select 1) select 1",
    "with a as {} (select 1) select 1",
    "with a as not {} (select 1) select 1",
    "with a as (select 1) select {}(1)",
    "with {} as (select 1), k(a) as (select 2) select 1",
    "select * from a join b on {}(1)",
    "select * from a join {}(1) on true",
    "select * from a {} join lower(1) on true",
    "select * from a tablesample {}(1)",
    "select * from a tablesample system({}(1)) repeatable ({}(1))",
    "insert into t values ({}(1))",
    "insert into t select {}(1) on conflict do update set a = {}(1) where {}(1) returning {}(1)",
    "update t set a = {}(1) where current of {}",
    "delete from t using {}(1)",
    "merge into t using {}(1) on {}(1) when matched and {}(1) then do nothing",
    "select interval 'x' {} (1)",
    "select interval {} 'x'",
    "select 'x'::interval {} (1)",
    "select 'x'::time {} 'x'",
    "select {} time zone 'x'",
    "select a at {} zone 'x'",
    "select a at time {} 'x'",
    "select a collate {} (1)",
    "select a operator({}.+) b",
    "select {}(pg_catalog.+)",
    "select a over (partition {} (1))",
    "select count(*) over (partition {} 'x')",
    "select count(*) over (partition by {}(1) order {} (1))",
    "select count(*) over (order {} 'x')",
    "select count(*) over ({} (1))",
    "select count(*) filter ({} (1))",
    "select count({} a)",
    "select count({} (1))",
    "select count(a {} (1))",
    "select count(a {} => {}(1))",
    "select max(a) within {} (order by 1)",
    "select grouping {} (1)",
    "select 1 group by grouping {} ((1))",
    "explain {} (1)",
    "explain (costs off) {}(1)",
    "copy ({} (1)) to stdout",
    "copy (select {}(1)) to stdout",
    "declare a cursor for {} (1)",
    "call {}(1)",
    "lock {}(1)",
    "create table a as {} (1)",
    "create view {} (a) as select {}(1)",
    "select 'x'::{} varying",
    "select 'x'::{} precision",
    "select 'x'::double {}",
    "select {} precision 'x'",
    "select {} varying 'x'",
    "select {} varying(3) 'x'",
    "select {}(a, b) from pg_class",
    "select overlay({}, 'x', 1)",
    "select substring({}(1))",
    "create function {}() returns int return {}(1)",
    "select a from {} as (select 1)",
];

/// The same for two words, of which the first may change what the second is.
const TWO_WORDS: &[&str] = &[
    "select {} {}(1)",
    "select a {} {}(1)",
    "select lower(1) {} {}(1)",
    "select 1 from a where {} {}(1)",
    "select distinct on (1) {} {}(1)",
    "select * from a {} {}(1)",
    "select * from lower(1) {} {}(a lot)",
    "select {} {} 'x'",
    "select a {} {} 'x'",
    "select 'x'::{} {} 'x'",
    "select 'x'::{} {}(1)",
    "select cast('x' as {} {})",
    "select a between {} {}(1) and 2",
    "select {}({} 'x')",
    "select lower({} {}(1))",
    "select {}.{}(1)",
    "select a {} b {}(1)",
];

/// What stands in the place of words beside keywords.
const OTHERS: &[&str] = &[
    "",
    "a",
    "\"b\"",
    "a.b",
    "1",
    "'c'",
    "$1",
    "(1)",
    "lower(1)",
    "a[1]",
    ",",
    "'x'::text",
    "+",
    "=",
    ";",
    "*",
    "(",
    ")",
];

/// Every place for a word with every keyword, and `pairs` places for two words with any two.
pub(crate) fn with_keywords(dice: &mut Dice, keywords: &[String], pairs: usize) -> Vec<String> {
    let words: Vec<&str> = keywords
        .iter()
        .map(String::as_str)
        .chain(OTHERS.iter().copied())
        .collect();
    let mut texts: Vec<String> = ONE_WORD
        .iter()
        .flat_map(|place| words.iter().map(|word| place.replace("{}", word)))
        .collect();
    texts.extend((0..pairs).map(|_| {
        let place = *dice.pick(TWO_WORDS);
        let (first, second) = (*dice.pick(&words), *dice.pick(&words));
        place.replacen("{}", first, 1).replacen("{}", second, 1)
    }));
    texts
}

/// Where words, runs of blanks and other characters begin and end.
pub(crate) fn words(text: &str) -> Vec<(usize, usize)> {
    let class = |c: char| match c {
        c if c.is_whitespace() => 0,
        c if c.is_alphanumeric() || c == '_' => 1,
        _ => 2,
    };
    let mut words: Vec<(usize, usize)> = Vec::new();
    let mut last = 2;
    for (at, c) in text.char_indices() {
        let this = class(c);
        match words.last_mut() {
            Some((_, end)) if this == last && this != 2 => *end = at + c.len_utf8(),
            _ => words.push((at, at + c.len_utf8())),
        }
        last = this;
    }
    words
}
