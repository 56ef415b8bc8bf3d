"""pgcli with its completion refresher, and pg_activity, in terminals."""

import sys
import time
from pathlib import Path

import pexpect

VARIANTS = ((True, "short"), (True, "long"), (False, "short"))
ELSEWHERE = ((True, "short"),)
BIN = Path(sys.executable).parent


def spawn(run, argv, user):
    return pexpect.spawn(argv[0], argv[1:], env=run.environment(user, "shop", TERM="xterm", PAGER="cat"), encoding="utf-8", codec_errors="replace", timeout=30, dimensions=(50, 200))


def drink(child, seconds):
    """Reads what the program shows, so that it can go on."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            child.read_nonblocking(65536, 0.1)
        except pexpect.TIMEOUT:
            pass
        except pexpect.EOF:
            return


def record(run):
    with run.step("noise", "pgcli starts and refreshes its completions", settle=0.05):
        cli = spawn(run, [str(BIN / "pgcli"), "--warn", "off"], "alice")
        drink(cli, 5)
    for label, command in (
        ("noise", "\\d orders"),
        ("noise", "\\dt"),
        ("noise", "\\df"),
        ("noise", "\\l"),
        ("noise", "\\du"),
        ("noise", "\\refresh"),
        ("human", "select * from customers limit 2;"),
        ("human", "delete from scratch;"),
        ("aside", "begin;"),
        ("human", "update products set stock = 1 where sku = 'sku-5';"),
        ("aside", "commit;"),
        ("noise", "create table made_here (a int);"),
    ):
        label = "aside" if command.startswith("create") else label
        with run.step(label, f"pgcli: {command}"):
            cli.send(command + "\r")
            drink(cli, 1.5)
    with run.noise("pgcli ends"):
        cli.send("\\q\r")
        drink(cli, 1)
        cli.close()
    with run.noise("pg_activity as a superuser for some seconds"):
        top = spawn(run, [str(BIN / "pg_activity"), "--refresh", "1", "-h", "127.0.0.1"], "dba")
        drink(top, 3)
    for key in "23145":
        with run.noise(f"pg_activity: key {key}"):
            top.send(key)
            drink(top, 1.2)
    with run.noise("pg_activity ends"):
        top.send("q")
        drink(top, 1)
        top.close()
