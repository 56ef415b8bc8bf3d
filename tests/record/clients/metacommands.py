"""psql's commands that ask the catalogs, its completion, and a whole pg_dump, each by itself: counted by `recordings_shown`."""

import subprocess

from clients.psql import COMPLETE, Terminal

VARIANTS = ((True, "short"), (False, "short"))
ELSEWHERE = VARIANTS

# Every such command of psql 15 in its forms. An older psql answers what it does not know without asking the server.
COMMANDS = r'''
\conninfo
\d
\d+
\dS
\dS+
\d customers
\d+ orders
\d+ sales.measurements
\d+ sales.measurements_2026
\d "Odd, ""Schema"""."Tab,le ""x"""
\d+ customer_totals
\d+ daily_sales
\d invoice_numbers
\d+ remote_customers
\d orders_by_state
\d+ pg_catalog.pg_class
\da
\daS
\dA
\dA+
\dAc
\dAc+
\dAf
\dAf+
\dAo
\dAo+
\dAp
\dAp+
\db
\db+
\dc
\dcS+
\dC
\dC+
\dconfig work_*
\dconfig+ work_*
\dd
\ddS
\dD
\dD+
\ddp
\dE
\dE+
\des
\det+
\deu
\dew+
\df
\df+
\dfS+
\dfa
\dfn
\dfp
\dft
\dfw
\dF
\dF+
\dFd+
\dFp+
\dFt+
\dg
\dg+
\drg
\di
\di+
\dl
\dL
\dL+
\dm
\dm+
\dn
\dn+
\dnS+
\do
\doS+
\dO
\dO+
\dp
\dp sales.*
\dP
\dP+
\dPin+
\dPt+
\drds
\dRp
\dRp+
\dRs
\ds
\ds+
\dt
\dt+
\dt *.*
\dT
\dT+
\dTS+
\du
\du+
\dv
\dv+
\dx
\dx+
\dX
\dy
\dy+
\l
\l+
\lo_list
\sf order_count
\sf+ run_anything
\sv customer_totals
\z
'''


def record(run):
    with run.noise("connect"):
        psql = Terminal(run)
    for command in COMMANDS.strip().splitlines():
        with run.noise(f"psql: {command}"):
            psql.enter(command)
    for text in COMPLETE:
        with run.noise(f"completion: tab after {text!r}"):
            psql.complete(text)
    with run.aside("an empty line after the completions"):
        psql.enter("")
        psql.enter("\\r")
    with run.noise("quit"):
        psql.quit()
    with run.step("split", "pg_dump: whole"):
        subprocess.run([run.program("pg_dump"), "shop"], env=run.environment("dba"), capture_output=True, check=True)
