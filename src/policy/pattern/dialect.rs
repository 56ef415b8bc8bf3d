//! The dialect of regular expressions: which ones we take, which ones mean the same in every engine, how they are
//! compiled.
//!
//! The dialect of the service is not documented beyond hints (Hyperscan in its guide of 2022,
//! named groups, `(?i)`). Patterns are compiled over bytes with ASCII meaning.

use regex_automata::meta;
use regex_syntax::ast::{
    self, AssertionKind, Ast, ClassSetItem, Flag, FlagsItemKind, GroupKind, LiteralKind,
    RepetitionKind, RepetitionRange,
};

use super::fault::Fault;

/// How deep a pattern may nest.
const MAX_NEST: u32 = 64;
/// Bytes that one compiled pattern may take: generous for a list of a thousand names.
const MAX_PROGRAM: usize = 16 << 20;

/// Checks that a pattern means the same in every dialect that the service may use.
///
/// Besides what no query may hold (look-around, backreferences, possessive quantifiers, set
/// operations in classes), it refuses whatever differs between PCRE, Hyperscan, Java and Rust: `$`,
/// `.`, Perl classes, word boundaries, flags, `(?P<…>)`, counted repetitions of what may be half a
/// character, and non-ASCII characters in classes or under a repetition. `[\s\S]` is fine.
///
/// # Errors
/// The first fault, with its span inside `pattern`.
pub fn portable_pattern(pattern: &str) -> Result<(), Fault> {
    let ast = syntax(pattern)?;
    check(&ast, true)?;
    build(pattern).map(drop)
}

/// Why [`portable`] refuses a pattern.
pub(super) enum Refused {
    /// It is not a regular expression.
    Syntax(Fault),
    /// Engines read it in different ways.
    Dialect(Fault),
}

/// As [`portable_pattern`], without compiling the pattern.
pub(super) fn portable(pattern: &str) -> Result<(), Refused> {
    let ast = syntax(pattern).map_err(|fault| match fault.help {
        // What another engine knows is a question of dialect.
        Some(_) if is_of_other_engines(pattern, &fault) => Refused::Dialect(fault),
        _ => Refused::Syntax(fault),
    })?;
    check(&ast, true).map_err(Refused::Dialect)
}

/// Look-around and backreferences, which this engine does not have.
fn is_of_other_engines(pattern: &str, fault: &Fault) -> bool {
    let written = pattern.get(fault.span.clone()).unwrap_or_default();
    written.starts_with("(?") || written.starts_with('\\')
}

/// Whether the empty text matches.
pub(super) fn matches_nothing_at_all(pattern: &str) -> bool {
    regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .build()
        .parse(pattern)
        .is_ok_and(|hir| hir.properties().minimum_len() == Some(0))
}

/// How every pattern is read: over bytes, with ASCII meaning.
pub(super) fn bytes() -> regex_automata::util::syntax::Config {
    regex_automata::util::syntax::Config::new()
        .unicode(false)
        .utf8(false)
        .nest_limit(MAX_NEST)
}

/// Parses and checks a pattern that stands in a query; spans are inside the pattern.
pub(crate) fn accepted(pattern: &str) -> Result<Ast, Fault> {
    let ast = syntax(pattern)?;
    check(&ast, false)?;
    Ok(ast)
}

/// Compiles a pattern that was accepted.
pub(crate) fn build(pattern: &str) -> Result<meta::Regex, Fault> {
    let config = meta::Config::new()
        .utf8_empty(false)
        .nfa_size_limit(Some(MAX_PROGRAM))
        .onepass_size_limit(Some(MAX_PROGRAM))
        .hybrid_cache_capacity(4 << 20);
    meta::Builder::new()
        .configure(config)
        .syntax(bytes())
        .build(pattern)
        .map_err(|error| {
            let whole = 0..pattern.len();
            if error.size_limit().is_some() {
                return Fault::new(whole, "this regular expression is too large")
                    .help("use smaller counts in `{…}`");
            }
            match error.syntax_error() {
                Some(error) => Fault::new(
                    whole,
                    format!(
                        "this regular expression is not understood: {}",
                        brief(&error.to_string())
                    ),
                ),
                None => Fault::new(whole, "this regular expression cannot be compiled"),
            }
        })
}

/// The last line of a many-line message.
fn brief(message: &str) -> &str {
    let last = message.lines().next_back().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last)
}

pub(crate) fn syntax(pattern: &str) -> Result<Ast, Fault> {
    ast::parse::ParserBuilder::new()
        .nest_limit(MAX_NEST)
        .build()
        .parse(pattern)
        .map_err(|error| {
            let (mut start, end) = (error.span().start.offset, error.span().end.offset);
            if start == end && start > 0 && pattern.is_char_boundary(start - 1) {
                start -= 1;
            }
            let span = start..end;
            use ast::ErrorKind as Kind;
            let fault = |message: &str, help: &str| Fault::new(span.clone(), message).help(help);
            match error.kind() {
                Kind::UnsupportedLookAround => fault(
                    "look-around is not documented for the service",
                    "use a second `filter` with `like` or `not like`",
                ),
                Kind::UnsupportedBackreference => fault(
                    "backreferences are not documented for the service",
                    "spell the repeated text out",
                ),
                Kind::ClassUnclosed => fault(
                    "this class is not closed",
                    "end it with `]`; write a slash in it as `\\/` and a bracket as `\\[`",
                ),
                Kind::GroupUnclosed => fault(
                    "this group is not closed",
                    "end it with `)`, or write a parenthesis as `\\(`",
                ),
                Kind::GroupUnopened => fault(
                    "this parenthesis closes nothing",
                    "write a parenthesis as `\\)`",
                ),
                Kind::RepetitionCountUnclosed
                | Kind::RepetitionCountDecimalEmpty
                | Kind::DecimalEmpty
                | Kind::RepetitionCountInvalid => fault(
                    "this repetition is not understood",
                    "write `{2}`, `{2,}` or `{0,3}`; a brace itself is `\\{`",
                ),
                Kind::RepetitionMissing => fault(
                    "there is nothing before this repetition",
                    "escape the character with a backslash",
                ),
                Kind::EscapeUnrecognized => fault(
                    "not every engine has this escape",
                    "spell the characters out",
                ),
                Kind::GroupNameDuplicate { .. } => fault(
                    "two groups of the same name",
                    "give each group a name of its own",
                ),
                Kind::NestLimitExceeded(_) => {
                    Fault::new(span.clone(), "this regular expression nests too deeply")
                }
                other => Fault::new(
                    span.clone(),
                    format!(
                        "this regular expression is not understood: {}",
                        lowercase_first(&other.to_string())
                    ),
                ),
            }
        })
}

fn lowercase_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(chars).collect()
    })
}

fn check(ast: &Ast, strict: bool) -> Result<(), Fault> {
    ast::visit(ast, Checker { strict })
}

struct Checker {
    /// Refuse also what we take with ASCII meaning.
    strict: bool,
}

fn at(span: &ast::Span, message: &str, help: &str) -> Fault {
    Fault::new(span.start.offset..span.end.offset, message).help(help)
}

impl ast::Visitor for Checker {
    type Output = ();
    type Err = Fault;

    fn finish(self) -> Result<(), Fault> {
        Ok(())
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), Fault> {
        match ast {
            Ast::Flags(set) => self.flags(&set.span, &set.flags),
            Ast::Literal(literal) => self.literal(literal),
            Ast::Dot(span) if self.strict => Err(at(
                span,
                "whether `.` matches a line break differs between dialects",
                "write `[^\\n]` or `[\\s\\S]`",
            )),
            Ast::Assertion(assertion) => self.assertion(assertion),
            Ast::ClassUnicode(class) => Err(unicode_class(&class.span)),
            Ast::ClassBracketed(class) => match &class.kind {
                ast::ClassSet::Item(ClassSetItem::Perl(class)) if self.strict => {
                    Err(perl_class(class))
                }
                _ => Ok(()),
            },
            Ast::ClassPerl(class) if self.strict => Err(perl_class(class)),
            Ast::Repetition(repetition) => self.repetition(repetition),
            Ast::Group(group) => match &group.kind {
                GroupKind::NonCapturing(flags) => self.flags(&flags.span, flags),
                GroupKind::CaptureName {
                    starts_with_p: true,
                    name,
                } if self.strict => {
                    Err(at(&name.span, "not every engine has `(?P<`", "write `(?<`"))
                }
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn visit_class_set_item_pre(&mut self, item: &ClassSetItem) -> Result<(), Fault> {
        match item {
            ClassSetItem::Literal(literal) => self.class_literal(literal),
            ClassSetItem::Range(range) => {
                self.class_literal(&range.start)?;
                self.class_literal(&range.end)
            }
            ClassSetItem::Ascii(class) if self.strict => Err(at(
                &class.span,
                "not every engine has this named class",
                "spell the characters out: `[A-Za-z]`",
            )),
            ClassSetItem::Unicode(class) => Err(unicode_class(&class.span)),
            ClassSetItem::Bracketed(class) => Err(at(
                &class.span,
                "a `[` in a class means different things in different dialects",
                "write `\\[`",
            )),
            ClassSetItem::Union(union) if self.strict && !is_everything(&union.items) => {
                match union.items.iter().find_map(perl_item) {
                    Some(class) => Err(perl_class(class)),
                    None => Ok(()),
                }
            }
            ClassSetItem::Perl(_) => Ok(()),
            _ => Ok(()),
        }
    }

    fn visit_class_set_binary_op_pre(&mut self, op: &ast::ClassSetBinaryOp) -> Result<(), Fault> {
        Err(at(
            &op.span,
            "set operations in a class mean different things in different dialects",
            "escape `&`, `-` and `~`, or spell the characters out",
        ))
    }
}

impl Checker {
    fn flags(&self, span: &ast::Span, flags: &ast::Flags) -> Result<(), Fault> {
        for item in &flags.items {
            match item.kind {
                FlagsItemKind::Flag(Flag::CaseInsensitive) if self.strict => {
                    return Err(at(
                        span,
                        "which characters `(?i)` takes for equal differs between dialects",
                        "write both cases: `[Ss]`",
                    ));
                }
                FlagsItemKind::Flag(Flag::MultiLine | Flag::DotMatchesNewLine)
                | FlagsItemKind::Negation
                    if self.strict =>
                {
                    return Err(at(
                        span,
                        "flags are not documented for the service",
                        "write `[\\s\\S]` for any character, `\\n` for a line break",
                    ));
                }
                FlagsItemKind::Flag(
                    Flag::SwapGreed | Flag::Unicode | Flag::CRLF | Flag::IgnoreWhitespace,
                ) => {
                    return Err(at(
                        &item.span,
                        "this flag means different things in different dialects",
                        "only `i`, `m` and `s` are known",
                    ));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn assertion(&self, assertion: &ast::Assertion) -> Result<(), Fault> {
        let span = &assertion.span;
        match assertion.kind {
            AssertionKind::StartLine | AssertionKind::StartText | AssertionKind::EndText => Ok(()),
            AssertionKind::EndLine if self.strict => Err(at(
                span,
                "whether `$` matches before a final line break differs between dialects",
                "write `\\z`",
            )),
            AssertionKind::WordBoundary | AssertionKind::NotWordBoundary if self.strict => Err(at(
                span,
                "what a word is differs between dialects",
                "name the characters that are allowed around it: `[^A-Za-z0-9_]`",
            )),
            AssertionKind::EndLine
            | AssertionKind::WordBoundary
            | AssertionKind::NotWordBoundary => Ok(()),
            _ => Err(at(
                span,
                "not every engine has this assertion",
                "name the characters that are allowed around it",
            )),
        }
    }

    fn literal(&self, literal: &ast::Literal) -> Result<(), Fault> {
        let portable = match literal.kind {
            LiteralKind::Verbatim | LiteralKind::Meta | LiteralKind::Superfluous => true,
            LiteralKind::HexFixed(ast::HexLiteralKind::X) => true,
            LiteralKind::Special(ref kind) => !matches!(
                kind,
                ast::SpecialLiteralKind::VerticalTab | ast::SpecialLiteralKind::Bell
            ),
            _ => false,
        };
        if portable {
            return Ok(());
        }
        Err(at(
            &literal.span,
            "not every engine has this escape",
            "write the character itself, or `\\x` and two digits",
        ))
    }

    fn class_literal(&self, literal: &ast::Literal) -> Result<(), Fault> {
        if !literal.c.is_ascii() && !matches!(literal.kind, LiteralKind::HexFixed(_)) {
            return Err(at(
                &literal.span,
                "a non-ASCII character in a class means different things in different dialects",
                "write an alternation: `(é|è)`",
            ));
        }
        self.literal(literal)
    }

    fn repetition(&self, repetition: &ast::Repetition) -> Result<(), Fault> {
        let op = &repetition.op.span;
        match repetition.ast.as_ref() {
            Ast::Repetition(_) => {
                return Err(at(
                    op,
                    "a repetition of a repetition is possessive in some dialects",
                    "put the inner one into a group: `(?:a+)+`",
                ));
            }
            Ast::Literal(literal) if self.strict && !literal.c.is_ascii() => {
                return Err(at(
                    &literal.span,
                    "a repeated non-ASCII character means different things in different dialects",
                    "put it into a group: `(?:é)+`",
                ));
            }
            Ast::ClassBracketed(class)
                if self.strict && class.negated && counted(&repetition.op.kind) =>
            {
                return Err(at(
                    op,
                    "a count of `[^…]` counts bytes in some dialects and characters in others",
                    "use `*` or `+`, or name the characters",
                ));
            }
            _ => {}
        }
        if self.strict && !repetition.greedy && counted(&repetition.op.kind) {
            return Err(at(
                op,
                "not every engine has lazy counts",
                "use a class that ends where the text does",
            ));
        }
        Ok(())
    }
}

fn counted(kind: &RepetitionKind) -> bool {
    match kind {
        RepetitionKind::ZeroOrOne | RepetitionKind::ZeroOrMore | RepetitionKind::OneOrMore => false,
        RepetitionKind::Range(RepetitionRange::Exactly(count)) => *count > 1,
        RepetitionKind::Range(RepetitionRange::AtLeast(count)) => *count > 1,
        RepetitionKind::Range(RepetitionRange::Bounded(_, most)) => *most > 1,
    }
}

fn unicode_class(span: &ast::Span) -> Fault {
    at(
        span,
        "not every engine has Unicode classes",
        "spell the characters out",
    )
}

fn perl_class(class: &ast::ClassPerl) -> Fault {
    let help = match class.kind {
        ast::ClassPerlKind::Digit => "write `[0-9]`",
        ast::ClassPerlKind::Space => "write `[ \\t\\n]`",
        ast::ClassPerlKind::Word => "write `[A-Za-z0-9_]`",
    };
    at(
        &class.span,
        "which characters this class holds differs between dialects",
        help,
    )
}

fn perl_item(item: &ClassSetItem) -> Option<&ast::ClassPerl> {
    match item {
        ClassSetItem::Perl(class) => Some(class),
        _ => None,
    }
}

/// `[\s\S]` and its like: every byte, whatever the dialect holds for a blank.
pub(crate) fn is_everything(items: &[ClassSetItem]) -> bool {
    match items {
        [ClassSetItem::Perl(a), ClassSetItem::Perl(b)] => {
            a.kind == b.kind && a.negated != b.negated
        }
        _ => false,
    }
}
