"""pg_dump, pg_dumpall, pg_restore: each run is split after the fact (see the README)."""

import subprocess

VARIANTS = ((True, "short"), (True, "long"), (False, "short"))
ELSEWHERE = ((True, "short"), (False, "short"))


def record(run):
    def go(what, *argv, user="dba"):
        with run.step("split", what):
            subprocess.run([run.program(argv[0]), *argv[1:]], env=run.environment(user), capture_output=True, check=True)

    out = run.dir / "home"
    run.environment()
    go("pg_dump", "pg_dump", "shop")
    go("pg_dump --format=custom", "pg_dump", "-Fc", "-f", f"{out}/shop.dump", "shop")
    go("pg_dump --inserts --table", "pg_dump", "--inserts", "--rows-per-insert=5", "-t", "customers", "-t", "sales.*", "shop", user="alice")
    with run.noise("pg_dump --schema-only"):
        subprocess.run([run.program("pg_dump"), "-s", "app"], env=run.environment("dba"), capture_output=True, check=True)
    go("pg_dump --format=directory --jobs=2", "pg_dump", "-Fd", "-j2", "-f", f"{out}/app.dir", "app")
    with run.noise("pg_dumpall --globals-only"):
        subprocess.run([run.program("pg_dumpall"), "-g", "-l", "postgres"], env=run.environment("dba"), capture_output=True, check=True)
    with run.noise("createdb"):
        subprocess.run([run.program("createdb"), "copy"], env=run.environment("dba"), capture_output=True, check=True)
    with run.aside("pg_restore: schema"):
        subprocess.run([run.program("pg_restore"), "-s", "-d", "copy", f"{out}/app.dir"], env=run.environment("dba"), capture_output=True, check=True)
    with run.step("split", "pg_restore --data-only"):
        subprocess.run([run.program("pg_restore"), "-a", "--disable-triggers", "-d", "copy", f"{out}/app.dir"], env=run.environment("dba"), capture_output=True, check=True)
    with run.aside("psql reads a dump: schema"):
        subprocess.run([run.program("createdb"), "objects"], env=run.environment("dba"), capture_output=True, check=True)
    with run.step("split", "psql reads a plain dump with large objects"):
        plain = subprocess.run([run.program("pg_dump"), "-U", "postgres", "--inserts", "-b", "-t", "users", "-t", "sessions", "app"], env=run.environment("dba"), capture_output=True, check=True).stdout
        subprocess.run([run.program("psql"), "-X", "-q", "-d", "objects"], input=plain, env=run.environment("dba"), capture_output=True, check=True)
