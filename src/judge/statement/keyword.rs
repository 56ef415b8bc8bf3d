//! What the grammar makes of a word (src/include/parser/kwlist.h of PostgreSQL 13 to 18).
//!
//! Only what decides whether a parenthesis or a constant may follow a word is told apart. Whether a word is reserved
//! must hold for every server: a word that an older one takes for a name is one here too.

/// The part of a word in the grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    /// A name, or a keyword that makes no difference.
    None,
    /// Reserved: no function, type or column has such a name without quotes.
    Reserved,
    /// `into`, which is reserved: a relation follows it, and no call.
    Into,
    /// Reserved too, and an operand by itself or the end of one: `null`, `end`, `current_user`, …
    Value,
    As,
    Not,
    On,
    With,
    Distinct,
    /// `order`, `group`: what `by` follows.
    Order,
    /// `partition`.
    Partition,
    Cast,
    /// May name a column, and neither a function nor a type: `coalesce`, `exists`, `values`, … Not `overlay` and
    /// `substring`: with plain arguments they call whatever function has that name.
    Column,
    /// `grouping`, which `sets` follows.
    Grouping,
    /// A type that the grammar spells: `integer`, `varchar`, …
    GrammarType,
    /// `time` and `timestamp`, behind which `zone` may stand.
    Time,
    /// `varying`, behind `character` and `bit`. Elsewhere it names what it likes.
    Varying,
    /// `double`, which is a type of the grammar before `precision` alone.
    Double,
    /// `precision`.
    Precision,
    By,
    /// `like`, `ilike`.
    Like,
    Escape,
    Zone,
    Over,
    Filter,
    Join,
    /// `left`, `cross`, …: what `join` follows.
    JoinKind,
    Materialized,
    Operator,
    Ordinality,
    Overlaps,
    Sets,
    Prepare,
    Execute,
    /// A word that a call in an expression may follow, so that it is not the end of an operand.
    Prefix,
}

impl Keyword {
    /// Whether no function, type, column or alias has such a name without quotes.
    pub(super) fn is_reserved(self) -> bool {
        matches!(
            self,
            Self::Reserved
                | Self::Into
                | Self::Value
                | Self::As
                | Self::Not
                | Self::On
                | Self::With
                | Self::Distinct
                | Self::Order
                | Self::Cast
        )
    }

    pub(super) fn of(word: &[u8]) -> Self {
        // The longest keyword is `current_timestamp`.
        let mut lower = [0_u8; 18];
        let Some(lower) = lower.get_mut(..word.len()) else {
            return Self::None;
        };
        lower.copy_from_slice(word);
        lower.make_ascii_lowercase();
        match &*lower {
            b"as" => Self::As,
            b"into" => Self::Into,
            b"not" => Self::Not,
            b"on" => Self::On,
            b"with" => Self::With,
            b"distinct" => Self::Distinct,
            b"order" | b"group" => Self::Order,
            b"partition" => Self::Partition,
            b"cast" => Self::Cast,
            b"all" | b"analyse" | b"analyze" | b"and" | b"any" | b"array" | b"asc"
            | b"asymmetric" | b"both" | b"case" | b"check" | b"collate" | b"column"
            | b"constraint" | b"create" | b"default" | b"deferrable" | b"desc" | b"do"
            | b"else" | b"except" | b"fetch" | b"for" | b"foreign" | b"from" | b"grant"
            | b"having" | b"in" | b"initially" | b"intersect" | b"lateral" | b"leading"
            | b"limit" | b"offset" | b"only" | b"or" | b"placing" | b"primary" | b"references"
            | b"returning" | b"select" | b"some" | b"symmetric" | b"table" | b"then" | b"to"
            | b"trailing" | b"union" | b"unique" | b"using" | b"variadic" | b"when" | b"where"
            | b"window" => Self::Reserved,
            b"end" | b"false" | b"null" | b"true" | b"current_catalog" | b"current_date"
            | b"current_role" | b"current_time" | b"current_timestamp" | b"current_user"
            | b"localtime" | b"localtimestamp" | b"session_user" | b"user" => Self::Value,
            b"grouping" => Self::Grouping,
            b"between" | b"coalesce" | b"exists" | b"extract" | b"greatest" | b"least"
            | b"nullif" | b"position" | b"row" | b"trim" | b"values" => Self::Column,
            b"bigint" | b"bit" | b"boolean" | b"char" | b"character" | b"dec" | b"decimal"
            | b"float" | b"int" | b"integer" | b"interval" | b"national" | b"nchar"
            | b"numeric" | b"real" | b"smallint" | b"varchar" => Self::GrammarType,
            b"time" | b"timestamp" => Self::Time,
            b"varying" => Self::Varying,
            b"double" => Self::Double,
            b"precision" => Self::Precision,
            b"by" => Self::By,
            b"like" | b"ilike" => Self::Like,
            b"escape" => Self::Escape,
            b"zone" => Self::Zone,
            b"over" => Self::Over,
            b"filter" => Self::Filter,
            b"join" => Self::Join,
            b"left" | b"right" | b"inner" | b"outer" | b"full" | b"cross" | b"natural" => {
                Self::JoinKind
            }
            b"materialized" => Self::Materialized,
            b"operator" => Self::Operator,
            b"ordinality" => Self::Ordinality,
            b"overlaps" => Self::Overlaps,
            b"sets" => Self::Sets,
            b"prepare" => Self::Prepare,
            b"execute" => Self::Execute,
            b"function" | b"procedure" | b"return" | b"unbounded" | b"at" | b"is" | b"isnull"
            | b"notnull" | b"similar" | b"set" | b"call" | b"local" | b"within"
            | b"tablesample" | b"repeatable" | b"passing" | b"columns" | b"normalized"
            | b"document" | b"unknown" | b"range" | b"rows" | b"groups" | b"preceding"
            | b"following" | b"first" | b"next" | b"last" | b"sql" | b"update" | b"delete"
            | b"insert" | b"merge" | b"matched" | b"explain" | b"verbose" | b"recursive"
            | b"value" | b"path" | b"binary" | b"collation" | b"freeze" | b"concurrently" => {
                Self::Prefix
            }
            _ => Self::None,
        }
    }
}
