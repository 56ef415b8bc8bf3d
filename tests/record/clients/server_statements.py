"""A few statements of people with log_statement all and log_min_duration_statement 0."""

from people import through_psql, through_psycopg

VARIANTS = ((True, "short"), (True, "long"))
SETTINGS = {"log_statement": "all", "log_min_duration_statement": "0", "log_duration": "on"}


def record(run):
    through_psycopg(run, ("settings",))
    with run.noise("connect"):
        db = run.connect("bob", "shop", autocommit=True)
    for sql, parameters in (
        ("select name from customers where id = %s or name = %s", (3, 'x, "y"\nz')),
        ("insert into customers (name, note) values (%s, %s)", ("größe", None)),
        ("/* pg_catalog */ delete from scratch where n = %s", (7,)),
        ("select relname, lo_get(%s::oid) from pg_catalog.pg_class where relname <> %s limit 1", (4711, ",READ,SELECT,TABLE,pg_catalog.pg_class,")),
    ):
        with run.human(sql):
            db.execute(sql, parameters)
    with run.noise("close"):
        db.close()
    through_psql(run, ("names",))
