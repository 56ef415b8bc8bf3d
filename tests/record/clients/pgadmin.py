"""pgAdmin 4: its own web application, asked what the browser would ask: tree, properties, dashboards, query tool, view data."""

from recorder import CACHE, HERE

VARIANTS = ((True, "short"), (True, "long"), (False, "short"))
ELSEWHERE = ((True, "short"),)
SERVERS = (18,)


def record(run):
    environment = run.environment("carol", PGADMIN_DATA=str(run.dir / "home" / "pgadmin"), PGADMIN_SERVER_MODE="OFF")
    run.drive([str(CACHE / "pgadmin" / "bin" / "python"), str(HERE / "other" / "pgadmin_client.py")], environment, settle=0.03)
