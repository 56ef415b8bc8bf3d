"""The statements of people, sent by psycopg (extended protocol)."""

from people import through_psycopg

ELSEWHERE = ((True, "short"),)

FILES = ("dml", "copy", "names", "functions", "catalogs", "hidden")


def record(run):
    through_psycopg(run, FILES)
