"""psycopg 3: client and server cursors, pipeline mode, COPY, the pool, prepared statements, types."""

import time

import psycopg
from psycopg.types import TypeInfo
from psycopg.types.composite import CompositeInfo
from psycopg.types.enum import EnumInfo
from psycopg_pool import ConnectionPool

ELSEWHERE = ((True, "short"),)


def record(run):
    with run.noise("connect"):
        db = run.connect("alice", "shop", application_name="notebook")
    with run.noise("fetch the types of hstore, an enum and a composite"):
        TypeInfo.fetch(db, "hstore")
        EnumInfo.fetch(db, "order_state")
        CompositeInfo.fetch(db, "address")
        db.rollback()

    def human(sql, *parameters):
        with run.human(sql):
            db.execute(sql, *parameters)
            db.commit()

    human("select * from customers where id = %s", (3,))
    human("insert into scratch values (%s)", (3,))
    human("select id from orders; delete from scratch; select 1")
    with run.human("executemany: insert into products values (%s, %s, 1)"):
        db.cursor().executemany("insert into products values (%s, %s, 1)", [(f"x{n}", "many") for n in range(5)])
        db.commit()
    with run.human("pipeline: update customers, beside harmless statements"):
        with db.pipeline():
            db.execute("select version()")
            db.execute("update customers set note = %s where id = 1", ("p",))
            db.execute("select 1 from pg_catalog.pg_class limit 1")
        db.commit()
    with run.human("server cursor: select * from orders"):
        with db.cursor(name="big one, READ,SELECT") as cursor:
            cursor.execute("select * from orders")
            cursor.fetchmany(10)
            cursor.fetchall()
        db.commit()
    with run.human("stream: select * from customers"):
        list(db.cursor().stream("select * from customers"))
        db.commit()
    with run.human("copy orders to stdout"):
        with db.cursor().copy("copy orders to stdout") as copy:
            list(copy)
        db.commit()
    with run.human("copy scratch from stdin (format binary)"):
        with db.cursor().copy("copy scratch from stdin (format binary)") as copy:
            copy.set_types(["int4"])
            copy.write_row((5,))
        db.commit()
    with run.human("prepared: select name from customers where id = %s"):
        for n in range(8):
            db.execute("select name from customers where id = %s", (n,), prepare=True)
        db.commit()
    with run.human("two-phase: update customers"):
        db.tpc_begin(db.xid(1, "g", "b"))
        db.execute("update customers set note = 'two' where id = 2")
        db.tpc_commit()
    with run.aside("set the role, the isolation and read only"):
        db.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
        db.execute("set application_name = 'DBeaver 24.0 - Metadata'")
        db.commit()
    human("/*pga4dash*/ select * from customers")
    with run.noise("close"):
        db.close()
    with run.noise("a pool with its checks"):
        pool = ConnectionPool(f"host=127.0.0.1 port={run.port} user=bob dbname=shop", min_size=2, max_size=3, check=ConnectionPool.check_connection, open=False)
        pool.open(wait=True)
        time.sleep(0.2)
        with pool.connection():
            pass
    with run.human("select count(*) from products through the pool"):
        with pool.connection() as db:
            db.execute("select count(*) from products")
    with run.noise("close the pool"):
        pool.close()
