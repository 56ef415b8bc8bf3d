"""psql in a terminal: what \\d and its family send, tab completion, \\copy, cursors, and what a person types."""

import subprocess
import time

import pexpect

ELSEWHERE = ((True, "short"),)

BROWSE = r'''
\conninfo
\d
\d customers
\d+ orders
\d sales.measurements
\d+ sales.measurements_2026
\d "Odd, ""Schema"""."Tab,le ""x"""
\d customer_totals
\d+ daily_sales
\d invoice_numbers
\d remote_customers
\d orders_by_state
\d "Odd, ""Schema""".*
\d+ pg_catalog.pg_authid
\dt+
\dt *.*
\dtS
\dv
\dv+
\dm+
\di+
\ds
\dE
\dn
\dn+
\du
\du+
\dg
\drds
\df
\df+ order_count
\dfa
\dfp
\dft
\dfw
\da
\dA+
\dAc
\dAf
\dAo
\dAp
\db+
\dc
\dC+
\dconfig work_*
\dd
\dD+
\ddp
\des+
\det+
\deu
\dew+
\dF+
\dFd
\dFp
\dFt
\dl
\dL+
\do public.*
\dO
\dp
\dp sales.*
\z orders
\dP+
\dPi
\dPt
\dRp
\dRp+
\dRs+
\dT
\dT+
\dx
\dx+ hstore
\dX
\dy
\l
\l+
\sf order_count
\sf+ run_anything
\sv customer_totals
\sv+ table_names
\encoding
\?
\h select
'''

COMPLETE = [
    "select * from cust", "select * from sales.", "select * from customers where na", "insert into ord", "update prod", "delete from sales.t",
    "alter table orders drop column ", "drop function ord", "alter role al", "set search_path to sa", "set work_m", "show pgaudit.", "grant select on ", "drop index ord",
    "create index on orders using ", "alter type order_state rename value ", "\\d cust", "\\df rec", "\\dn sa", "comment on column customers.", "alter database sh", "drop extension hs", "refresh materialized view da", "call arch",
    "copy cust", "alter publication sh", "alter subscription off", "reindex table ord", "drop trigger note", "alter table orders add constraint x foreign key (customer_id) references cust", "explain select * from ord", "alter system set work_m", "drop policy ", "security label on table c", "execute ", "fetch from ", "listen ", "alter server lo", "grant su",
]

HUMAN = [
    r"\copy customers to '/dev/null' csv header",
    r"\copy (select id, total from orders where total > 10) to '/dev/null'",
    r"""\copy scratch from program 'seq 1 5'""",
    "select 'select count(*) from public.' || quote_ident(t) from (values ('customers'), ('orders')) v(t) \\gexec",
    "select count(*) from orders \\watch 0.1",
    "select region, at, value from sales.measurements where value < 3 \\crosstabview region at value",
    "select id, name from customers limit 2 \\g /dev/null",
    "select id as cust, name from customers limit 1 \\gset",
    "select * from customers \\gdesc",
    "select name from customers where id = 1 \\gx",
    "select 1 \\; select count(*) from customers \\; select 2;",
    "table customers;",
    "values ((select count(*) from orders));",
    "select * from customers -- pg_catalog.pg_class version()\n;",
    "/* pg_catalog */ select name as pg_class from customers as \"information_schema\";",
]

# Large objects go through the fast path, of which pgAudit writes nothing.
BLIND = [r"\lo_import /etc/hostname", r"\lo_export 4711 /dev/null", r"\lo_unlink 4711"]


class Terminal:
    def __init__(self, run, user="alice", database="shop", options=(), **more):
        self.child = pexpect.spawn(run.program("psql"), ["-X", "--pset=pager=off", "-v", "DONE=all-done", *options], env=run.environment(user, database, TERM="xterm", **more), encoding="utf-8", codec_errors="replace", timeout=20, dimensions=(50, 400))
        self.child.setecho(False)
        self.number = 0
        self.wait()

    def enter(self, text):
        self.child.sendline(text)
        self.wait()

    def wait(self):
        """Until psql has done all it was told: what it echoes back does not contain the answer."""
        self.number += 1
        self.child.sendline(f"\\echo :DONE {self.number}")
        self.child.expect_exact(f"all-done {self.number}\r\n")

    def complete(self, text):
        """Types a text, asks for its completions twice, and throws the line away."""
        self.child.send(text + "\t\t")
        time.sleep(0.25)
        self.child.send("\x15\x03")
        time.sleep(0.1)

    def finish_watch(self):
        time.sleep(0.35)
        self.child.sendintr()
        time.sleep(0.1)
        self.wait()

    def quit(self):
        self.child.sendline("\\q")
        self.child.expect(pexpect.EOF)
        self.child.close()


def record(run):
    with run.noise("connect"):
        psql = Terminal(run)
    for command in BROWSE.strip().splitlines():
        with run.noise(command):
            psql.enter(command)
    for text in COMPLETE:
        with run.noise(f"tab after {text!r}"):
            psql.complete(text)
    with run.aside("an empty line after the completions"):
        psql.enter("")
        psql.enter("\\r")
    for text in HUMAN:
        with run.human(text):
            lines = text.split("\n")
            for line in lines[:-1]:
                psql.child.sendline(line)
            if "\\watch" in text:
                psql.child.sendline(text)
                psql.finish_watch()
            else:
                psql.enter(lines[-1])
    for text in BLIND:
        with run.step("blind", text):
            psql.enter(text)
    with run.noise("\\lo_list"):
        psql.enter("\\lo_list")
    psql.enter("\\set FETCH_COUNT 10")
    with run.human("select * from orders; with FETCH_COUNT 10"):
        psql.enter("select * from orders;")
    psql.enter("\\set FETCH_COUNT 0")
    psql.enter("\\set AUTOCOMMIT off")
    with run.human("insert into scratch values (9); with AUTOCOMMIT off"):
        psql.enter("insert into scratch values (9);")
    with run.aside("commit;"):
        psql.enter("commit;")
    psql.enter("\\set AUTOCOMMIT on")
    psql.enter("\\set ON_ERROR_ROLLBACK on")
    with run.aside("begin;"):
        psql.enter("begin;")
    with run.human("update customers set note = 'x' where id = 3; with ON_ERROR_ROLLBACK"):
        psql.enter("update customers set note = 'x' where id = 3;")
    with run.aside("commit;"):
        psql.enter("commit;")
    with run.noise("\\c app"):
        psql.enter("\\c app")
    with run.human("select * from active_users;"):
        psql.enter("select * from active_users;")
    with run.noise("psql -l, psql -c \\d, quit"):
        psql.quit()
        subprocess.run([run.program("psql"), "-X", "-l"], env=run.environment(), capture_output=True, check=True)
        subprocess.run([run.program("psql"), "-X", "-c", "\\d"], env=run.environment("carol"), capture_output=True, check=True)
    with run.noise("psql -c of metadata commands with parallel workers, which write records of their own without a user"):
        parallel = "force_parallel_mode" if run.version < 16 else "debug_parallel_query"
        environment = run.environment("carol", PGOPTIONS=f"-c {parallel}=on -c min_parallel_table_scan_size=0 -c parallel_setup_cost=0 -c parallel_tuple_cost=0")
        for command in ("\\d", "\\d orders", "\\df", "\\dT", "\\l"):
            subprocess.run([run.program("psql"), "-X", "-c", command], env=environment, capture_output=True, check=True)
