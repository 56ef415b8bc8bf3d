"""Records one client against a throw-away server, and says of every log line which step it belongs to."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

HERE = Path(__file__).resolve().parent
RECORDINGS = Path(os.environ.get('RECORDINGS') or HERE.parent / "recordings")
CACHE = HERE.parent / ".cache" / "record"
RELEASES = HERE.parent / "postgres" / "releases"
INSTALLED = 15
CLUSTER = HERE.parent / "postgres" / "cluster"
PEOPLE = ("alice", "bob", "carol", "dba")
LABELS = ("human", "blind", "aside", "noise", "split")
GZIP_OVER = 150_000

# An entry starts with a time; its further lines start with a tab.
ENTRY = re.compile(rb"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? UTC:")
OWN = re.compile(rb"^\S+ \S+ UTC:(\[local\]|[0-9a-f.:]+\(\d+\)):recorder@")
MARK = re.compile(rb"LOG:  (?:00000: )?PGVIGIL-LABEL (\d+)$")
HEAD = re.compile(rb":(?:LOG|WARNING|ERROR|FATAL|STATEMENT|DETAIL|HINT|CONTEXT|QUERY|LOCATION):  (?:(?!AUDIT)[0-9A-Z]{5}: )?(?:AUDIT: ((?:SESSION|OBJECT),.*))?", re.S)
PID = re.compile(rb":\[(\d+)\]:")
HOLDING = ("pg_catalog.pg_stats", "pg_catalog.pg_statistic", "pg_catalog.pg_largeobject")
RESTORED = re.compile(r"(?i)^truncate |^COPY |^INSERT |^DECLARE _pg_dump_cursor|^SELECT last_value, is_called FROM |\b(setval|lo_\w+|loread|lowrite)\(")
CATALOG = ("pg_catalog.", "information_schema.", "pg_toast.")


@dataclass
class Step:
    label: str
    note: str
    by_statement: bool = False
    entries: list[int] = field(default_factory=list)


def audit_fields(entry: bytes) -> list[str] | None:
    """The fields of a pgAudit record, or None for any other entry."""
    found = HEAD.search(entry)
    if not found or not found[1]:
        return None
    text = found[1].decode("utf-8", "replace").replace("\n\t", "\n")
    return next(csv.reader(io.StringIO(text, newline="")))


class Recording:
    """One run of one client: a server, its roles and databases, and the steps so far."""

    def __init__(
        self, client: str, relation: bool, prefix: str, settings: dict[str, str] | None = None, enrol: dict[str, str] | None = None, version: int = INSTALLED
    ):
        name = client if version == INSTALLED else f"{client}_{version}"
        self.name = f"{name}.{'on' if relation else 'off'}-{prefix}"
        self.relation, self.prefix, self.version = relation, prefix, version
        self.steps: list[Step] = []
        self.problems: list[str] = []
        # Programs of another version see only what lies in their root.
        place = None if version == INSTALLED else Path(subprocess.run([str(RELEASES), "root", str(version)], check=True, capture_output=True, text=True).stdout.strip()) / "srv"
        self.dir = Path(tempfile.mkdtemp(prefix="pgvigil-record-", dir=place))
        self.dir.chmod(0o755)
        options = {"shared_preload_libraries": "pg_stat_statements,pgaudit", "wal_level": "logical", **(settings or {})}
        argv = [str(CLUSTER), "start", str(self.dir), "--prefix", prefix, "--version", str(version)]
        for name, value in options.items():
            argv += ["--set", f"{name}={value}"]
        out = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
        self.server = dict(line.split("=", 1) for line in out.splitlines())
        self.bin = Path(self.server["bin"])
        self.port, self.socket, self.log = int(self.server["port"]), self.server["socket"], Path(self.server["log"])
        try:
            self._furnish(enrol or {})
        except BaseException:
            self.close()
            raise

    def _furnish(self, enrol: dict[str, str]) -> None:
        self._script("postgres", HERE / "roles.sql")
        for database, owner in (("app", "postgres"), ("shop", "postgres")):
            subprocess.run([*self._psql("postgres"), "-c", f"create database {database} owner {owner}"], check=True)
            self._script(database, HERE / f"{database}.sql")
        with self.connect("recorder", "shop", autocommit=True) as db:
            audit = {"log": "all", "log_catalog": "on", "log_relation": "on" if self.relation else "off", **enrol}
            for person in PEOPLE:
                for name, value in audit.items():
                    db.execute(f"alter role {person} set pgaudit.{name} = '{value}'")
        self.control = self.connect("recorder", "postgres", autocommit=True)
        self.log.touch()

    def _psql(self, database: str) -> list[str]:
        user = "recorder" if database != "postgres" else "postgres"
        return ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-v", f"version={self.version}", "-v", "VERBOSITY=terse", "-h", self.socket, "-p", str(self.port), "-U", user, "-d", database, "-v", f"port={self.port}"]

    def _script(self, database: str, path: Path) -> None:
        subprocess.run([*self._psql(database), "-f", str(path)], check=True, stdout=subprocess.DEVNULL)

    def program(self, name: str) -> str:
        """A client of the server's own version."""
        return name if self.version == INSTALLED else str(self.bin / name)

    def connect(self, user: str, database: str, **options) -> psycopg.Connection:
        return psycopg.connect(host="127.0.0.1", port=self.port, user=user, dbname=database, **options)

    def environment(self, user: str = "alice", database: str = "shop", **more: str) -> dict[str, str]:
        keep = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        home = self.dir / "home"
        home.mkdir(exist_ok=True)
        return {**keep, "HOME": str(home), "LC_ALL": "C.UTF-8", "PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGUSER": user, "PGDATABASE": database, **more}

    # Steps

    def quiet(self, settle: float = 0.01) -> None:
        """Waits until no client is at work any more."""
        calm = 0
        deadline = time.monotonic() + 60
        while calm < 2:
            row = self.control.execute(
                "select count(*) from pg_stat_activity where state in ('active', 'fastpath function call')"
                " and usename <> 'recorder' and backend_type in ('client backend', 'parallel worker')"
            ).fetchone()
            calm = calm + 1 if row == (0,) else 0
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name}: still at work after a minute")
            time.sleep(settle)

    def begin(self, label: str, note: str, by_statement: bool = False, settle: float = 0.01) -> None:
        if label not in LABELS:
            raise ValueError(f"no such label: {label}")
        self.quiet(settle)
        self.steps.append(Step(label, note, by_statement))
        self._mark(len(self.steps) - 1)

    def _mark(self, number: int) -> None:
        self.control.execute(f"do $$ begin raise log 'PGVIGIL-LABEL {number}'; end $$")
        mark = f" PGVIGIL-LABEL {number}\n".encode()
        deadline = time.monotonic() + 20
        while mark not in self.log.read_bytes()[-20000:]:
            if time.monotonic() > deadline:
                raise TimeoutError("the marker did not reach the log")
            time.sleep(0.003)

    @contextlib.contextmanager
    def step(self, label: str, note: str, by_statement: bool = False, settle: float = 0.01):
        self.begin(label, note, by_statement, settle)
        yield
        self.end(settle)

    def end(self, settle: float = 0.01) -> None:
        """What comes now, until the next step, is nobody's statement: noise between steps."""
        self.begin("noise", "between steps", settle=settle)

    def human(self, note: str):
        return self.step("human", note)

    def noise(self, note: str):
        return self.step("noise", note)

    def aside(self, note: str):
        return self.step("aside", note)

    # A client in another language says its steps on stdout and waits for a line before it goes on.

    def drive(self, argv: list[str], environment: dict[str, str], cwd: Path | None = None, settle: float = 0.01) -> None:
        child = subprocess.Popen(argv, env=environment, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for line in child.stdout:
            if line.startswith("@step "):
                label, _, note = line[6:].rstrip("\n").partition("\t")
                self.begin(label, json.loads(note), settle=settle)
                child.stdin.write("\n")
                child.stdin.flush()
            elif os.environ.get("RECORD_VERBOSE"):
                print(line, end="", file=sys.stderr)
        if child.wait() != 0:
            raise RuntimeError(f"{self.name}: {argv[0]} ended with {child.returncode}")
        self.end()

    # The result

    def finish(self) -> None:
        self.end()
        time.sleep(0.05)
        self.control.close()
        entries: list[list[bytes]] = []
        for line in self.log.read_bytes().split(b"\n")[:-1]:
            if ENTRY.match(line):
                entries.append([line])
            elif entries:
                entries[-1].append(line)
        step, kept = None, []
        for lines in entries:
            if OWN.match(lines[0]):
                mark = MARK.search(lines[0])
                step = int(mark[1]) if mark else step
            elif step is not None:
                kept.append((step, lines))
        self._write(kept)

    def _write(self, kept: list[tuple[int, list[bytes]]]) -> None:
        text = b"".join(b"\n".join(lines) + b"\n" for _, lines in kept)
        rows, line, seen = [], 1, set()
        for number, lines in kept:
            first, last = line, line + len(lines) - 1
            line = last + 1
            entry = b"\n".join(lines)
            fields = audit_fields(entry)
            group, label, note = self._judge(number, entry, fields)
            seen.add(number)
            if rows and rows[-1]["group"] == group:
                row = rows[-1]
                row["last"] = last
                if label == "human" and row["label"] != "human":
                    row["label"], row["note"] = label, note
            else:
                row = {"group": group, "first": first, "last": last, "label": label, "note": note, "audit": 0, "told": False, "error": False}
                rows.append(row)
            row["audit"] += fields is not None
            row["told"] |= fields is not None and (fields[3] in ("READ", "WRITE", "FUNCTION") or fields[4] == "???")
            row["error"] |= fields is None and b":ERROR:  " in lines[0]
        for row in rows:
            # Statements of people are written for the installed version: another may not have the form.
            if self.version != INSTALLED and row["label"] in ("human", "blind") and row["error"]:
                row["label"], row["note"] = "aside", f"failed: {row['note']}"
        for number, one in enumerate(self.steps):
            if one.label == "human" and number not in seen:
                self.problems.append(f"no record at all: {one.note}")
        for row in rows:
            if row["label"] == "human" and not row["audit"]:
                self.problems.append(f"no audit record: {row['note']}")
            elif row["label"] == "human" and not row["told"]:
                self.problems.append(f"no record that tells: {row['note']}")
            elif row["label"] == "blind" and row["told"]:
                self.problems.append(f"not blind: {row['note']}")
            elif row["label"] == "human" and row["error"]:
                self.problems.append(f"failed: {row['note']}")
        RECORDINGS.mkdir(exist_ok=True)
        for old in RECORDINGS.glob(f"{self.name}.*"):
            old.unlink()
        if len(text) > GZIP_OVER:
            (RECORDINGS / f"{self.name}.log.gz").write_bytes(gzip.compress(text, 9, mtime=0))
        else:
            (RECORDINGS / f"{self.name}.log").write_bytes(text)
        with open(RECORDINGS / f"{self.name}.labels.tsv", "w") as out:
            out.write("first_line\tlast_line\tlabel\tnote\n")
            for row in rows:
                # Of a person's statement in a blind spot of pgAudit there is no record that could be counted.
                label, note = row["label"], row["note"]
                if label == "blind":
                    label, note = "aside", f"blind spot: {note}"
                out.write(f"{row['first']}\t{row['last']}\t{label}\t{tidy(note)}\n")

    def _judge(self, number: int, entry: bytes, fields: list[str] | None):
        """The range that an entry belongs to, its label and its note."""
        step = self.steps[number]
        if step.label != "split":
            return number, step.label, step.note
        # Split after the fact, statement by statement: it is a person's when it names a relation of the users.
        pid = PID.search(entry)
        if fields is None:
            return (number, "other"), "aside" if b"ERROR" in entry else "noise", step.note
        group = (number, pid and pid[1], fields[1])
        if fields[3] in ("DDL", "ROLE"):
            return group, "aside", f"{step.note}: {fields[7]}"
        if fields[6]:
            # pg_dump 18 reads the values of all sequences beside the catalog of them.
            holds = not fields[6].startswith(CATALOG) or fields[6] in HOLDING or "pg_get_sequence_data(" in fields[7]
            theirs = holds and fields[3] in ("READ", "WRITE", "FUNCTION")
        else:
            theirs = fields[3] in ("READ", "WRITE") and RESTORED.search(fields[7])
        return group, "human" if theirs else "noise", f"{step.note}: {fields[7]}" if theirs else step.note

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self.control.close()
        subprocess.run([str(CLUSTER), "stop", str(self.dir)], check=False)
        shutil.rmtree(self.dir, ignore_errors=True)


def tidy(note: str) -> str:
    note = note if len(note) <= 300 else note[:297] + "..."
    return "".join({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}.get(c, c) for c in note)
