"""The statements of people, typed into psql (simple protocol)."""

from people import through_psql

ELSEWHERE = ((True, "short"),)

FILES = ("dml", "copy", "names", "functions", "catalogs", "hidden")


def record(run):
    through_psql(run, FILES)
