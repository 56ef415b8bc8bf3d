"""What PostgreSQL's own grammar says of texts: which functions they call and which types they name.

Reads JSON lines `{"text": …}` from stdin and writes one JSON line for each, in the same order:

    error       what the parser said; then nothing else is there
    kinds       statements, nested ones too, by their node: SelectStmt, ExecuteStmt …
    calls       functions, as parts of a name: ["lo_get"], ["pg_catalog", "count"]
    syntax      functions that the grammar puts in the place of a syntax of its own: SUBSTRING(x FOR 1), x LIKE y ESCAPE z
    types       {"name": […], "grammar": …, "definition": …}. `grammar` is true for a type that is a keyword (int, varchar(3),
                interval day): it is always the one of pg_catalog. `definition` is true where DDL defines something with the
                type: a column, a domain, a parameter
    operators   as parts of a name: ["+"], ["pg_catalog", "="]
    attributes  field selections of expressions in parentheses, which may be calls: {"of": "ColumnRef", "name": "x"}
    collations  as parts of a name
    parameters  how many parameters EXECUTE has
    strings     kinds of statements that run code in a string: DO, CREATE FUNCTION
    nodes       what looks like a function and is a node of its own: CoalesceExpr, SQLValueFunction …

With the argument `keywords` it prints every word that is a keyword, and reads nothing.

A line with "escapes": true is read as with `standard_conforming_strings = off`: a backslash escapes in every literal.
"""

import json
import re
import sys

from pglast import keywords
from pglast.parser import ParseError, parse_sql_json

# Nodes of their own that are written like functions, or evaluate something.
NODES = {
    "A_ArrayExpr", "CoalesceExpr", "CurrentOfExpr", "GroupingFunc", "JsonArrayAgg", "JsonArrayConstructor", "JsonArrayQueryConstructor",
    "JsonFuncExpr", "JsonIsPredicate", "JsonObjectAgg", "JsonObjectConstructor", "JsonParseExpr", "JsonScalarExpr", "JsonSerializeExpr",
    "JsonTable", "MergeSupportFunc", "MinMaxExpr", "RangeTableFunc", "RowExpr", "SQLValueFunction", "XmlExpr", "XmlSerialize",
}  # fmt: skip

# Where a type is cast to when the statement runs, not where something is defined with it.
RUNS = {"CopyStmt", "DeleteStmt", "ExecuteStmt", "InsertStmt", "MergeStmt", "PrepareStmt", "SelectStmt", "TypeCast", "UpdateStmt"}

# Where statements and nodes name a function that they will call.
NAMED = ("funcname", "method", "plhandler", "plinline", "plvalidator", "func_name")

# A name as it is written, at its beginning.
WRITTEN = re.compile(rb'"|[uU]&"|[A-Za-z_\x80-\xff][A-Za-z0-9_$\x80-\xff]*')


def parts(names):
    """The parts of a name: ["pg_catalog", "count"]."""
    return [part["String"].get("sval", "") if "String" in part else "*" for part in names]


class NotPostgres(Exception):
    """What only the library's parser takes."""


class Tree:
    def __init__(self, text):
        self.text = text.encode()
        self.found = {
            key: []
            for key in ("kinds", "calls", "syntax", "types", "operators", "attributes", "collations", "strings", "nodes")
        }
        self.found["parameters"] = 0

    def add(self, key, what):
        if what not in self.found[key]:
            self.found[key].append(what)

    def word_at(self, node):
        """The word at a node's place, in lower case; `"` for a quoted name, nothing where the node has no place."""
        at = node.get("location", 0)
        match = WRITTEN.match(self.text, at) if at >= 0 else None
        word = match.group().lower() if match else b""
        return b'"' if word == b"u" + b'&"' else word

    def walk(self, node, runs=False):
        if isinstance(node, list):
            for item in node:
                self.walk(item, runs)
        elif isinstance(node, dict):
            for key, value in node.items():
                # DROP FUNCTION and its like name functions and types, and call none; a new cast will.
                if key == "ObjectWithArgs" or (key == "func" and "objname" in value):
                    if key == "func":
                        self.add("calls", parts(value["objname"]))
                    continue
                self.kind(key, value)
                inside = runs or key in RUNS
                if isinstance(value, dict):
                    self.shape(key, value, inside)
                self.walk(value, inside)

    def by_grammar(self, name, node):
        """Whether a name of pg_catalog comes from a syntax of its own, and nobody wrote it."""
        return name[0] == "pg_catalog" and self.word_at(node) not in (b"pg_catalog", b'"')

    def shape(self, key, node, runs):
        """What a node is by its fields: many stand under a field's name and not under their own."""
        if "names" in node and "typemod" in node:
            name = parts(node["names"])
            self.add("types", {"name": name, "grammar": self.by_grammar(name, node), "definition": not runs})
        elif "funcname" in node and "funcformat" in node:
            name = parts(node["funcname"])
            self.add("syntax" if self.by_grammar(name, node) else "calls", name)
        elif "collname" in node:
            self.add("collations", parts(node["collname"]))
        else:
            for field in NAMED:
                # A new function's own name is none that it calls.
                if isinstance(node.get(field), list) and key != "CreateFunctionStmt":
                    self.add("calls", parts(node[field]))
        for field in ("operName", "useOp"):
            if field in node:
                self.add("operators", parts(node[field]))

    def kind(self, key, node):
        if key == "TypeCast" and "ParamRef" in node["arg"]:
            # The library's parser takes `t $1` for `t 'x'`, which the server's does not.
            if node["typeName"].get("location", 0) < node["arg"]["ParamRef"].get("location", 0):
                raise NotPostgres("t $1")
        elif key == "A_Expr":
            # `x BETWEEN y AND z` is no operator; IN, LIKE, NULLIF and their like name one.
            if "BETWEEN" not in node.get("kind", ""):
                self.add("operators", parts(node["name"]))
        elif key == "A_Indirection":
            of = next(iter(node["arg"]))
            for part in node["indirection"]:
                if "String" in part:
                    self.add("attributes", {"of": of, "name": part["String"].get("sval", "")})
        elif key in NODES:
            self.add("nodes", key)
        elif key.endswith("Stmt"):
            self.add("kinds", key)
            if key == "ExecuteStmt":
                self.found["parameters"] += len(node.get("params", []))
            elif key == "DoStmt" or (key == "CreateFunctionStmt" and "sql_body" not in node):
                self.add("strings", key)


# The pieces of a text, so that the plain literals are known from the rest. Comments nest: their end is found by hand.
NAME = r"[A-Za-z_\x80-\U0010ffff][A-Za-z_0-9\x80-\U0010ffff{}]*"
LITERAL = r"'(?:[^'\\]|''|\\.)*'"
PIECE = re.compile(
    rf"""(?P<comment> /\* ) | (?P<unicode> [uU]&' ) | (?P<plain> [nN]?{LITERAL} (?: [ \t\f\v]*(?:--[^\r\n]*)?[\r\n]\s*{LITERAL} )* )
        | --[^\r\n]* | "(?:[^"]|"")*" | \$(?P<tag>(?:{NAME.format("")})?)\$.*?\$(?P=tag)\$ | [eE]{LITERAL} | [bBxX]'[^']*' | {NAME.format("$")} | .""",
    re.VERBOSE | re.DOTALL,
)


def with_escapes(text):
    """The text in which every plain literal is one with escapes; nothing where the server refuses it in that mode."""
    out, at = [], 0
    while at < len(text):
        match = PIECE.match(text, at)
        end = match.end()
        if match["unicode"]:
            return None
        if match["comment"]:
            depth = 1
            while depth and end < len(text):
                step = text[end : end + 2]
                depth += (step == "/*") - (step == "*/")
                end += 2 if step in ("/*", "*/") else 1
        literal = match["plain"]
        out.append(" E" + literal[literal.index("'") :] if literal else text[at:end])
        at = end
    return "".join(out)


def parse(text):
    return json.loads(parse_sql_json(text)).get("stmts", [])


def read(line):
    text = line["text"]
    # The parser takes a C string.
    if "\0" in text:
        return {"error": "NUL"}
    if line.get("escapes"):
        text = with_escapes(text)
        if text is None:
            return {"error": "unsafe use of string constant with Unicode escapes"}
    try:
        statements = parse(text)
    except ParseError as error:
        # PL/pgSQL logs its expressions as they stand.
        text = "SELECT " + text
        try:
            statements = parse(text)
        except ParseError:
            return {"error": str(error)}
    found = Tree(text)
    try:
        found.walk(statements)
    except NotPostgres as error:
        return {"error": str(error)}
    return found.found


def main():
    if sys.argv[1:] == ["keywords"]:
        lists = ("RESERVED_KEYWORDS", "UNRESERVED_KEYWORDS", "COL_NAME_KEYWORDS", "TYPE_FUNC_NAME_KEYWORDS")
        print(json.dumps(sorted(set().union(*(getattr(keywords, name) for name in lists)))))
        return
    sys.setrecursionlimit(20_000)
    for line in sys.stdin:
        print(json.dumps(read(json.loads(line))))


main()
