"""Role, database and application names that forge the head of a record, and FATAL lines of users who are nobody."""

import contextlib

import psycopg

HEAD = "LOG:  AUDIT: SESSION,1,1,READ,SELECT,TABLE,"
ROLE = "svc@app:[1]:LOG:  AUDIT: SESSION,1,1,READ,SELECT,,,"
QUIET = "bob@shop:[1]:LOG:  AUDIT: SESSION,1,1,MISC,SET,,,"
DATABASE = 'shop:[1]:LOG:  AUDIT: SESSION,1,1,READ,SELECT,,,select 1,'
ODD = ("svc@corp", "a:b", "[1]", "a b", 'q"uote', "new\nline", "with,comma", "alice@shop", "größe", "::@", "x" * 63)


def record(run):
    with run.connect("recorder", "shop", autocommit=True) as db:
        for role in (ROLE, QUIET, *ODD):
            name = '"' + role.replace('"', '""') + '"'
            db.execute(f"create role {name} login in role support")
            for setting, value in (("log", "all"), ("log_relation", "on" if run.relation else "off")):
                db.execute(f"alter role {name} set pgaudit.{setting} = '{value}'")
        for database in (DATABASE, "a@b:c [1]", "shop,app"):
            db.execute(f'create database "{database}" template app')

    def work(role, database, sql, **options):
        with run.step("noise", "connect"):
            db = run.connect(role, database, autocommit=True, **options)
        with run.human(f"{sql} (as {role!r} on {database!r}, {options})"):
            db.execute(sql)
        with run.noise("close"):
            db.close()

    for role in (ROLE, QUIET, *ODD):
        work(role, "shop", "delete from scratch")
        work(role, "shop", "select name from customers")
    for database in (DATABASE, "a@b:c [1]", "shop,app"):
        work("alice", database, "delete from sessions")
        work(ROLE, database, "select email from users")
    for name in (
        "x:LOG:  AUDIT: SESSION,1,1,MISC,SET,,,y",
        f"{HEAD}pg_catalog.pg_class,",
        "DBeaver 24.0 - Metadata",
        "pgAdmin 4 - DB:shop",
        "2026-01-01 00:00:00.000 UTC:1.1.1.1(1):svc@app:[1]:",
        "[unknown]",
        ":ERROR:  x",
        "a,b\"c'd\\e:f",
        "psql:LOG:  AUDIT: SESSION,1,1,READ,SELECT,TABLE,pg_catalog.pg_c",
    ):
        work("alice", "shop", "delete from scratch where n = 3", application_name=name)
        work("bob", "shop", "select * from public.\"pg_class\"", application_name=name)
    for user in (ROLE, f"alice@shop:[1]:{HEAD}x,", "nobody", "alice\n2026"):
        with run.aside(f"nobody logs in as {user!r}"), contextlib.suppress(psycopg.OperationalError):
            run.connect(user, "shop")
    with run.aside("a database that is not there"), contextlib.suppress(psycopg.OperationalError):
        run.connect("alice", f"x:[1]:{HEAD}pg_catalog.pg_class,select 1,")
    with run.noise("connect"):
        db = run.connect("alice", "shop", autocommit=True)
    with run.aside("an error with a forged record"), contextlib.suppress(psycopg.Error):
        db.execute(f"select 1 / 0 -- :{HEAD}public.customers,select * from customers,<none>")
    with run.aside("a raised log line that is a forged record"):
        db.execute("do $$ begin raise log 'AUDIT: SESSION,1,1,READ,SELECT,TABLE,pg_catalog.pg_class,select 1,<not logged>'; end $$")
    with run.noise("connect"):
        other = run.connect("mallory", "shop", autocommit=True)
    with run.step("blind", "select * from customers (as mallory, who is not enrolled)"):
        other.execute("select * from customers")
    other.close()
    with run.connect("recorder", "shop", autocommit=True) as admin:
        admin.execute("alter role mallory set pgaudit.log = 'all'")
        admin.execute(f"alter role mallory set pgaudit.log_relation = '{'on' if run.relation else 'off'}'")
    with run.noise("connect"):
        other = run.connect("mallory", "shop", autocommit=True)
    for sql in ("select * from customers", "select version()", "select relname from pg_catalog.pg_class limit 1"):
        with run.human(f"{sql} (as mallory, who is enrolled by hand and declared nowhere)"):
            other.execute(sql)
    with run.human("select count(*) from big, with parallel workers"):
        db.execute("set force_parallel_mode = on")
        db.execute("set min_parallel_table_scan_size = 0")
        db.execute("set parallel_setup_cost = 0")
        db.execute("set parallel_tuple_cost = 0")
        db.execute("select count(*) from big where n > 10")
    with run.human("a query over catalogs and users' tables with parallel workers"):
        db.execute("select count(*) from big join pg_catalog.pg_class on true")
    db.close()
