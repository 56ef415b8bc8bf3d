"""What drivers, mappers, browsers and agents send at connect and to describe a database, in our own words of SQL."""

from people import through_psql, through_psycopg

VARIANTS = ((True, "short"), (False, "short"))
ELSEWHERE = ((True, "short"),)


def record(run):
    # Some columns have no binary form.
    through_psycopg(run, ["tools"], binary=False)
    through_psql(run, ["tools"], only="psql")
