"""Writes tests/recordings/FACTS.md: what the records of the tools' noise look like, counted from the recordings."""

from __future__ import annotations

import csv
import gzip
import re
import sys
from collections import Counter, defaultdict

from recorder import CATALOG, ENTRY, RECORDINGS, audit_fields

# Catalog relations in which users' data, queries or secrets lie.
HOLDING = {
    "pg_catalog." + name
    for name in """pg_authid pg_shadow pg_user pg_roles pg_group pg_stats pg_statistic pg_statistic_ext pg_statistic_ext_data pg_stats_ext
    pg_stats_ext_exprs pg_largeobject pg_subscription pg_user_mapping pg_user_mappings pg_stat_activity pg_stat_statements pg_stat_replication
    pg_hba_file_rules pg_file_settings pg_config pg_cursors pg_prepared_statements pg_prepared_xacts pg_settings pg_foreign_server
    pg_replication_slots pg_stat_ssl pg_stat_gssapi pg_locks pg_db_role_setting""".split()
}
CALL = re.compile(r"(?:\b(\w+)\s*\.\s*)?\b([a-z_][a-z0-9_]*)\s*\(", re.I)
NOT_CALLS = set(
    """in and or not on as from where select values any all some exists case when then else over with using by array row distinct union
    join left cross lateral if is like interval numeric varchar char int coalesce nullif greatest least cast filter within group trim
    substring position overlay extract having limit set into table index key check references default character materialized end between except operator collate""".split()
)


def entries(name: str):
    path = RECORDINGS / f"{name}.log"
    text = path.read_bytes() if path.exists() else gzip.decompress((RECORDINGS / f"{name}.log.gz").read_bytes())
    with open(RECORDINGS / f"{name}.labels.tsv") as file:
        rows = [row.rstrip("\n").split("\t") for row in file][1:]
    label_of = {}
    for first, last, label, note in rows:
        for line in range(int(first), int(last) + 1):
            label_of[line] = (label, note)
    current, started = [], 0
    for number, line in enumerate(text.split(b"\n")[:-1], 1):
        if ENTRY.match(line):
            if current:
                yield *label_of[started], b"\n".join(current)
            current, started = [line], number
        else:
            current.append(line)
    if current:
        yield *label_of[started], b"\n".join(current)


def shorten(text: str, limit: int = 1500) -> str:
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"'\d+'|\b\d{4,}\b", "N", text)
    text = re.sub(r"^(LOCK TABLE ).*?( IN )", r"\1… \2", text)
    return text if len(text) <= limit else text[:limit] + " …"


def main() -> None:
    csv.field_size_limit(10**9)
    names = sorted({p.name.removesuffix(".labels.tsv") for p in RECORDINGS.glob("*.on-short.labels.tsv") if not re.search(r"_\d+\.", p.name)})
    out = ["# Facts found in the recordings", "", "Made by `tests/record/facts.py` from the recordings with `log_relation = on` and the short prefix. Do not edit.", ""]
    relations, functions, table = Counter(), Counter(), []
    by_tool, holding = {}, {}
    for name in names:
        tool = name.split(".")[0]
        counts = Counter()
        odd: dict[str, dict[tuple, Counter]] = {k: defaultdict(Counter) for k in ("no object", "outside", "no text", "not READ or MISC")}
        held: dict[str, Counter] = defaultdict(Counter)
        for label, note, entry in entries(name):
            fields = audit_fields(entry)
            if fields is None:
                counts["other lines"] += 1
                continue
            counts[label] += 1
            if label != "noise":
                continue
            _, _, sub, klass, command, kind, relation, statement = fields[:8]
            if relation and kind != "FUNCTION":
                relations[f"{kind} {relation}"] += 1
            for schema, call in CALL.findall(statement):
                if call.lower() not in NOT_CALLS and not re.fullmatch(r"[ntcapr]|int\d", call):
                    functions[call.lower()] += 1
            key = (klass, command, kind, relation)
            if klass not in ("READ", "MISC"):
                odd["not READ or MISC"][key][shorten(statement)] += 1
            elif relation in HOLDING:
                held[shorten(statement)][f"{klass},{command},{kind},{relation}"] += 1
            elif relation and not relation.startswith(CATALOG):
                odd["outside"][key][shorten(statement)] += 1
            elif not relation and klass != "MISC":
                odd["no object"][key][shorten(statement)] += 1
            elif not relation:
                odd["no object"][key][shorten(statement, 120)] += 1
            if not statement:
                odd["no text"][key][""] += 1
        table.append((tool, counts))
        by_tool[tool] = odd
        holding[tool] = held
    out += ["## Records per label", "", "| recording | human | noise | aside | other lines |", "| --- | --- | --- | --- | --- |"]
    out += [f"| {tool} | {c['human']} | {c['noise']} | {c['aside']} | {c['other lines']} |" for tool, c in table]
    titles = {
        "no object": "Noise without an object",
        "outside": "Noise on objects outside pg_catalog and information_schema",
        "no text": "Noise with an empty statement (bodies of catalog SQL functions that were not inlined)",
        "not READ or MISC": "Noise of another class than READ and MISC",
    }
    for kind, title in titles.items():
        out += ["", f"## {title}", ""]
        for tool, odd in by_tool.items():
            if not odd[kind]:
                continue
            out += [f"### {tool}", ""]
            for key, statements in sorted(odd[kind].items()):
                if kind == "no text":
                    out.append(f"- `{','.join(key)}`: {sum(statements.values())}")
                    continue
                out.append(f"- `{','.join(key)}`")
                for statement, times in statements.most_common(40):
                    out.append(f"  - {times} × ``` {statement} ```")
            out.append("")
    out += ["## Noise on catalog relations that can hold users' data or secrets, by statement", ""]
    for tool, held in holding.items():
        if held:
            out += [f"### {tool}", ""]
            out += [f"- {', '.join(f'`{key}` {times}' for key, times in keys.items())}: ``` {statement} ```" for statement, keys in held.items()]
            out.append("")
    out += ["## Relations in noise", ""]
    out += [f"- {relation}: {times}" for relation, times in sorted(relations.items())]
    out += ["", "## Names called like functions in noise (from the text: a few are types or keywords)", "", ", ".join(f"{n} ({c})" for n, c in sorted(functions.items())), ""]
    (RECORDINGS / "FACTS.md").write_text("\n".join(out))
    print(f"{len(names)} recordings, {len(relations)} relations, {len(functions)} functions", file=sys.stderr)


if __name__ == "__main__":
    main()
