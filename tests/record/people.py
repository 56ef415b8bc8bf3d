"""Runs the files of statements through psql and through psycopg, as the people of the headers."""

from __future__ import annotations

import psycopg

import statements
from clients.psql import Terminal


def through_psql(run, files, database="shop", only=None, **environment):
    """Every statement, or those that go through psql alone."""
    sessions = {}
    block = run.dir / "home" / "block.sql"
    for name in files:
        for statement in statements.read(name):
            if statement.only == "extended" or only not in (None, statement.only):
                continue
            if statement.role not in sessions:
                with run.noise("connect"):
                    sessions[statement.role] = Terminal(run, statement.role, database, **environment)
            psql = sessions[statement.role]
            end = "" if statement.only == "psql" else ";"
            # In a block of COPY FROM STDIN the data follows.
            data = "\n1\n\\.\n" if "from stdin" in statement.sql.lower() else "\n"
            if "measurements from stdin" in statement.sql:
                data = "\n2026-04-04\teu\t4\n\\.\n"
            block.write_bytes((statement.sql + end + data).encode())
            run.begin(statement.label, statement.note)
            psql.enter(f"\\i {block}")
            run.end()
    for psql in sessions.values():
        psql.quit()


def through_psycopg(run, files, database="shop", binary=True, **options):
    sessions = {}
    for name in files:
        for statement in statements.read(name):
            if statement.only == "psql":
                continue
            if statement.role not in sessions:
                with run.noise("connect"):
                    sessions[statement.role] = run.connect(statement.role, database, autocommit=True, prepare_threshold=None, **options)
            db = sessions[statement.role]
            run.begin(statement.label, statement.note)
            try:
                if "from stdin" in statement.sql.lower():
                    with db.cursor().copy(statement.sql) as copy:
                        copy.write("2026-04-04\teu\t4\n" if "measurements" in statement.sql else "1\n")
                elif "to stdout" in statement.sql.lower():
                    with db.cursor().copy(statement.sql) as copy:
                        for _ in copy:
                            pass
                else:
                    # Named or unnamed, both through the extended protocol.
                    db.cursor(binary=binary).execute(statement.sql, prepare=len(statement.sql) % 2 == 0)
            except psycopg.Error as error:
                if statement.label != "aside":
                    run.problems.append(f"{type(error).__name__} {error.diag.message_primary or error}: {statement.note}")
            run.end()
    for db in sessions.values():
        db.close()
