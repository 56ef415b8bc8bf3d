"""psycopg2, asyncpg and pg8000: connecting, types, cursors, COPY."""

import asyncio
import io

import asyncpg
import pg8000.dbapi
import pg8000.native
import psycopg2
import psycopg2.extras

ELSEWHERE = ((True, "short"),)


def record(run):
    two(run)
    asyncio.run(asynchronous(run))
    pure(run)


def two(run):
    with run.noise("psycopg2 connects"):
        db = psycopg2.connect(host="127.0.0.1", port=run.port, user="alice", dbname="shop")
    with run.noise("psycopg2 registers hstore, composite, uuid, json"):
        psycopg2.extras.register_hstore(db)
        psycopg2.extras.register_composite("address", db)
        psycopg2.extras.register_uuid(conn_or_curs=db)
        psycopg2.extras.register_default_jsonb(db)
        db.rollback()
    cursor = db.cursor()
    for sql in ("select * from customers", "insert into scratch values (1); select 1", "/* pg_catalog */ update products set stock = 8 where sku = 'sku-4'"):
        with run.human(sql):
            cursor.execute(sql)
            db.commit()
    with run.human("execute_values: insert into scratch values %s"):
        psycopg2.extras.execute_values(cursor, "insert into scratch values %s", [(n,) for n in range(20)])
        db.commit()
    with run.human("execute_batch: delete from scratch where n = %s"):
        psycopg2.extras.execute_batch(cursor, "delete from scratch where n = %s", [(n,) for n in range(5)])
        db.commit()
    with run.human("copy_to products"):
        cursor.copy_to(io.StringIO(), "products")
        db.commit()
    with run.human("copy_from scratch"):
        cursor.copy_from(io.StringIO("1\n2\n"), "scratch")
        db.commit()
    with run.human("copy_expert"):
        cursor.copy_expert("copy (select * from orders) to stdout csv", io.StringIO())
        db.commit()
    with run.human("named cursor: select * from orders"):
        named = db.cursor("pg_catalog")
        named.execute("select * from orders")
        named.fetchall()
        db.commit()
    with run.human("callproc read_customers"):
        cursor.callproc("read_customers")
        db.commit()
    with run.step("blind", "large object of psycopg2: created, written, read"):
        large = db.lobject(0, "rw")
        large.write("abc")
        large.seek(0)
        large.read()
        large.unlink()
        db.commit()
    with run.noise("psycopg2: autocommit, isolation, reset, close"):
        db.set_session(isolation_level="SERIALIZABLE", readonly=True)
        db.reset()
        db.close()


async def asynchronous(run):
    with run.noise("asyncpg connects"):
        db = await asyncpg.connect(host="127.0.0.1", port=run.port, user="bob", database="shop")
    with run.noise("asyncpg introspects a composite, an enum, an array"):
        await db.set_builtin_type_codec("hstore", schema="public", codec_name="pg_contrib.hstore")
        await db.reload_schema_state()
    with run.human("select home, tags from customers (its types are introspected first)"):
        await db.fetch("select home, tags from customers limit 2")
    with run.human("select state from orders where id = any($1)"):
        await db.fetch("select state from orders where id = any($1)", [1, 2])
    with run.human("executemany: insert into scratch values ($1)"):
        await db.executemany("insert into scratch values ($1)", [(1,), (2,)])
    with run.human("transaction and cursor: select * from orders"):
        async with db.transaction(isolation="repeatable_read"):
            async for _ in db.cursor("select * from orders", prefetch=20):
                pass
    with run.human("copy_records_to_table scratch"):
        await db.copy_records_to_table("scratch", records=[(1,), (2,)])
    with run.human("copy_from_table customers"):
        await db.copy_from_table("customers", output=io.BytesIO())
    with run.human("copy_from_query"):
        await db.copy_from_query("select * from orders where id > $1", 3, output=io.BytesIO())
    with run.human("a script of several statements"):
        await db.execute("select version(); delete from scratch; select 1")
    with run.noise("asyncpg closes"):
        await db.close()
    with run.noise("asyncpg's pool opens, lends and resets"):
        pool = await asyncpg.create_pool(host="127.0.0.1", port=run.port, user="carol", database="shop", min_size=2, max_size=2)
        async with pool.acquire():
            pass
    with run.human("select count(*) from products through the pool"):
        async with pool.acquire() as lent:
            await lent.fetchval("select count(*) from products")
    with run.noise("asyncpg's pool closes"):
        await pool.close()


def pure(run):
    with run.noise("pg8000 connects"):
        db = pg8000.native.Connection("alice", host="127.0.0.1", port=run.port, database="shop")
    with run.human("pg8000: select * from customers where id = :id"):
        db.run("select * from customers where id = :id", id=3)
    with run.human("pg8000: prepared delete"):
        statement = db.prepare("delete from scratch where n = :n")
        statement.run(n=1)
        statement.run(n=2)
        statement.close()
    with run.human("pg8000: copy customers to stdout"):
        db.run("copy customers to stdout", stream=io.BytesIO())
    with run.noise("pg8000 closes"):
        db.close()
    with run.noise("pg8000.dbapi connects"):
        db = pg8000.dbapi.connect("alice", host="127.0.0.1", port=run.port, database="shop")
    with run.human("pg8000.dbapi: insert"):
        db.cursor().execute("insert into scratch values (%s)", (5,))
        db.commit()
    with run.noise("pg8000.dbapi closes"):
        db.close()
