"""pgbench: initialisation and its transactions are work on users' tables."""

import subprocess

VARIANTS = ((True, "short"), (True, "long"), (False, "short"))


def record(run):
    def go(*argv):
        subprocess.run(["pgbench", *argv, "app"], env=run.environment("dba", "app"), capture_output=True, check=True)

    with run.human("pgbench -i: drops, creates, fills"):
        go("-i", "-s", "1")
    with run.step("split", "pgbench: five transactions"):
        go("-t", "5", "-n")
    with run.step("split", "pgbench: prepared"):
        go("-t", "3", "-n", "-M", "prepared", "-S")
    with run.step("split", "pgbench: with vacuum"):
        go("-t", "1")
