"""SQLAlchemy: connecting, reflection, the ORM's statements, sqlacodegen, Alembic's comparison."""

import contextlib
import io

from sqlalchemy import MetaData, Table, create_engine, func, insert, inspect, select, text, update
from sqlalchemy.orm import Session

ELSEWHERE = ((True, "short"),)


def record(run):
    engine = create_engine(f"postgresql+psycopg2://alice@127.0.0.1:{run.port}/shop", pool_pre_ping=True)
    with run.noise("connect"):
        engine.connect().close()
    inspector = inspect(engine)
    for name in ("get_schema_names", "get_table_names", "get_view_names", "get_materialized_view_names", "get_temp_table_names", "get_sequence_names", "get_enums", "get_domains", "get_foreign_table_names"):
        with run.noise(f"inspector.{name}"):
            getattr(inspector, name)()
    for name in ("get_columns", "get_pk_constraint", "get_foreign_keys", "get_indexes", "get_unique_constraints", "get_check_constraints", "get_table_comment", "get_table_options", "has_table"):
        with run.noise(f"inspector.{name}('orders')"):
            getattr(inspector, name)("orders")
    with run.noise("inspector.get_view_definition"):
        inspector.get_view_definition("customer_totals")
    for schema in (None, "sales"):
        with run.noise(f"MetaData.reflect({schema})"):
            meta = MetaData()
            meta.reflect(engine, schema=schema, views=True)
    meta = MetaData()
    with run.noise("autoload of customers, orders"):
        customers = Table("customers", meta, autoload_with=engine)
        orders = Table("orders", meta, autoload_with=engine)
    with run.noise("pre-ping"):
        engine.connect().close()
    with run.human("select through Core"), engine.begin() as db:
        db.execute(select(customers.c.name, func.count(orders.c.id)).join(orders).group_by(customers.c.name)).all()
    with run.human("insert many through Core"), engine.begin() as db:
        db.execute(insert(customers), [{"name": f"Many {n}"} for n in range(30)])
    with run.human("update through a session"), Session(engine) as session:
        session.execute(update(customers).where(customers.c.id == 1).values(note="orm"))
        session.commit()
    with run.human("stream_results"), engine.connect() as db:
        db.execution_options(stream_results=True, max_row_buffer=10).execute(select(orders)).all()
    with run.human("text with a comment"), engine.begin() as db:
        db.execute(text("select /* pg_catalog.pg_class */ * from customers where name <> :n"), {"n": "information_schema"})
    for driver in ("psycopg", "pg8000", "asyncpg"):
        if driver != "asyncpg":
            other = create_engine(f"postgresql+{driver}://bob@127.0.0.1:{run.port}/shop")
            with run.noise(f"connect and reflect with {driver}"):
                MetaData().reflect(other, only=["customers"])
            with run.human(f"select name from customers with {driver}"), other.begin() as db:
                db.execute(select(customers.c.name)).all()
            other.dispose()
    with run.noise("sqlacodegen"), contextlib.redirect_stdout(io.StringIO()):
        from sqlacodegen.generators import DeclarativeGenerator

        meta = MetaData()
        meta.reflect(engine, only=["customers", "orders", "products"])
        DeclarativeGenerator(meta, engine, ()).generate()
    with run.noise("alembic compares the metadata"), engine.connect() as db:
        from alembic.autogenerate import compare_metadata
        from alembic.migration import MigrationContext

        compare_metadata(MigrationContext.configure(db), meta)
    engine.dispose()
