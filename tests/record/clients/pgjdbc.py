"""The JDBC driver: DatabaseMetaData, statements, batches, cursors, copy, large objects, and a HikariCP pool."""

import subprocess

from recorder import CACHE, HERE

ELSEWHERE = ((True, "short"),)

JARS = "/usr/share/java/postgresql.jar:/usr/share/java/HikariCP.jar:/usr/share/java/slf4j-api.jar:/usr/share/java/slf4j-nop.jar"


def record(run):
    classes = CACHE / "jdbc"
    classes.mkdir(exist_ok=True)
    subprocess.run(["javac", "-cp", JARS, "-d", str(classes), str(HERE / "jdbc" / "Client.java")], check=True)
    run.drive(["java", "-cp", f"{classes}:{JARS}", "Client", f"jdbc:postgresql://127.0.0.1:{run.port}/shop"], run.environment())
