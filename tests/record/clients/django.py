"""Django: inspectdb, migrate, the ORM, dbshell's and health checks' statements."""

import sys

from recorder import HERE


def record(run):
    run.drive([sys.executable, str(HERE / "django_client.py")], run.environment("bob", "shop"))
