"""Runs inside pgAdmin's own environment: its application object, asked through its own test client."""

import builtins
import json
import os
import sys
import time

builtins.SERVER_MODE = False
import pgadmin4  # noqa: E402

package = os.path.dirname(pgadmin4.__file__) if getattr(pgadmin4, "__file__", None) else list(pgadmin4.__path__)[0]
sys.path.insert(0, package)
out = sys.stdout
sys.stdout = sys.stderr
import config  # noqa: E402

data = os.environ["PGADMIN_DATA"]
os.makedirs(data, exist_ok=True)
config.DATA_DIR = data
config.SQLITE_PATH = os.path.join(data, "pgadmin4.db")
config.LOG_FILE = os.path.join(data, "log")
config.SESSION_DB_PATH = os.path.join(data, "sessions")
config.STORAGE_DIR = os.path.join(data, "storage")
config.AZURE_CREDENTIAL_CACHE_DIR = os.path.join(data, "azure")
config.KERBEROS_CCACHE_DIR = os.path.join(data, "kerberos")
config.MASTER_PASSWORD_REQUIRED = False
config.USE_OS_SECRET_STORAGE = False
config.UPGRADE_CHECK_ENABLED = False
config.WTF_CSRF_ENABLED = False
config.CONSOLE_LOG_LEVEL = 50
config.SERVER_MODE = False

from pgAdmin4 import app  # noqa: E402

app.config["WTF_CSRF_ENABLED"] = False
app.PGADMIN_INT_KEY = ""
client = app.test_client()


def step(label, note):
    print(f"@step {label}\t{json.dumps(note)}", file=out, flush=True)
    sys.stdin.readline()


def ask(method, path, **options):
    try:
        answer = getattr(client, method)(path, follow_redirects=True, **options)
    except Exception as fault:  # a fault of pgAdmin's, as its browser would see a status of 500
        print(f"{method} {path}: {fault}", file=sys.stderr)
        return {}
    try:
        body = json.loads(answer.data)
    except ValueError:
        body = {}
    if answer.status_code >= 400:
        print(f"{method} {path}: {answer.status_code} {answer.data[:300]!r}", file=sys.stderr)
    return body


def nodes(path):
    body = ask("get", path)
    found = body.get("data", body) if isinstance(body, dict) else body
    return found if isinstance(found, list) else []


def number(found, label):
    for node in found:
        if node.get("label") == label:
            return node["_id"]
    raise KeyError(f"{label} is not among {[n.get('label') for n in found]}")


client.get("/browser/", follow_redirects=True)
server = ask("post", "/browser/server/obj/1/", data=json.dumps({
    "name": "recorded", "db": "shop", "username": "carol", "host": os.environ["PGHOST"], "port": int(os.environ["PGPORT"]), "sslmode": "prefer",
    "password": "", "save_password": False, "gid": 1, "connection_params": [{"name": "sslmode", "value": "prefer", "keyword": "sslmode"}], "connect_now": False,
}), content_type="application/json")
sid = server["node"]["_id"]

step("noise", "connect to the server")
ask("post", f"/browser/server/connect/1/{sid}", data=json.dumps({"password": ""}), content_type="application/json")
step("noise", "server node, its children")
ask("get", f"/browser/server/obj/1/{sid}")
nodes(f"/browser/server/children/1/{sid}")
step("noise", "databases")
databases = nodes(f"/browser/database/nodes/1/{sid}/")
did = number(databases, "shop")
step("noise", "connect to the database")
ask("post", f"/browser/database/connect/1/{sid}/{did}")
step("noise", "database: properties, children, SQL, statistics, dependencies, dependents")
ask("get", f"/browser/database/obj/1/{sid}/{did}")
nodes(f"/browser/database/children/1/{sid}/{did}")
for part in ("sql", "stats", "dependency", "dependent"):
    ask("get", f"/browser/database/{part}/1/{sid}/{did}")
for kind in ("role", "tablespace"):
    step("noise", f"{kind}s of the server")
    for one in nodes(f"/browser/{kind}/nodes/1/{sid}/")[:2]:
        for part in ("obj", "sql", "dependency", "dependent", "stats"):
            ask("get", f"/browser/{kind}/{part}/1/{sid}/{one['_id']}")
for kind in ("cast", "event_trigger", "extension", "foreign_data_wrapper", "language", "publication", "subscription"):
    step("noise", f"{kind}s of the database")
    ask("get", f"/browser/{kind}/obj/1/{sid}/{did}/")
    for one in nodes(f"/browser/{kind}/nodes/1/{sid}/{did}/")[:2]:
        for part in ("obj", "sql", "dependency", "dependent"):
            ask("get", f"/browser/{kind}/{part}/1/{sid}/{did}/{one['_id']}")
step("noise", "schemas")
schemas = nodes(f"/browser/schema/nodes/1/{sid}/{did}/")
scid = number(schemas, "public")
for part in ("obj", "sql", "stats", "dependency", "dependent"):
    ask("get", f"/browser/schema/{part}/1/{sid}/{did}/{scid}")
step("noise", "catalogs")
nodes(f"/browser/catalog/nodes/1/{sid}/{did}/")
base = f"1/{sid}/{did}/{scid}"
found = {}
for kind in ("aggregate", "collation", "domain", "fts_configuration", "fts_dictionary", "fts_parser", "fts_template", "foreign_table", "function", "mview", "operator", "procedure", "sequence", "table", "trigger_function", "type", "view"):
    step("split" if kind == "sequence" else "noise", f"{kind}s of the schema")
    ask("get", f"/browser/{kind}/obj/{base}/")
    found[kind] = nodes(f"/browser/{kind}/nodes/{base}/")
    for one in found[kind][:1]:
        for part in ("obj", "sql", "dependency", "dependent"):
            ask("get", f"/browser/{kind}/{part}/{base}/{one['_id']}")
tables = found["table"]
tid = number(tables, "orders")
step("noise", "table orders: properties, SQL, statistics, dependencies, dependents, children")
for part in ("obj", "sql", "stats", "dependency", "dependent"):
    ask("get", f"/browser/table/{part}/{base}/{tid}")
nodes(f"/browser/table/children/{base}/{tid}")
for kind in ("column", "index", "row_security_policy", "rule", "trigger", "foreign_key", "exclusion_constraint", "primary_key", "unique_constraint"):
    step("split" if kind == "column" else "noise", f"{kind}s of orders")
    ask("get", f"/browser/{kind}/obj/{base}/{tid}/")
    for one in nodes(f"/browser/{kind}/nodes/{base}/{tid}/")[:1]:
        for part in ("obj", "sql", "stats", "dependency", "dependent"):
            ask("get", f"/browser/{kind}/{part}/{base}/{tid}/{one['_id']}")
step("human", "count rows of orders: pgAdmin counts them itself when asked")
ask("get", f"/browser/table/count_rows/{base}/{tid}")
charts = "session_stats,tps_stats,ti_stats,to_stats,bio_stats"
step("noise", "dashboard of the server")
ask("get", f"/dashboard/dashboard_stats/{sid}?chart_names={charts}")
for part in ("activity", "locks", "prepared", "config", "replication_slots", "replication_stats"):
    ask("get", f"/dashboard/{part}/{sid}")
step("noise", "dashboard of the database")
ask("get", f"/dashboard/dashboard_stats/{sid}/{did}?chart_names={charts}")
for part in ("activity", "locks", "prepared"):
    ask("get", f"/dashboard/{part}/{sid}/{did}")
step("noise", "dashboard: system statistics")
ask("get", f"/dashboard/check_extension/system_statistics/{sid}/{did}")

trans = 1000001
step("noise", "the query tool opens")
ask("post", f"/sqleditor/initialize/sqleditor/{trans}/1/{sid}/{did}", data=json.dumps({"dbname": "shop"}), content_type="application/json")
ask("get", f"/sqleditor/status/{trans}")


def run(sql):
    ask("post", f"/sqleditor/query_tool/start/{trans}", data=json.dumps({"sql": sql, "explain_plan": None}), content_type="application/json")
    for _ in range(50):
        body = ask("get", f"/sqleditor/poll/{trans}")
        if (body.get("data") or {}).get("status") != "Busy":
            return body
        time.sleep(0.05)


for sql in ("select * from customers", "update customers set note = 'by pgAdmin' where id = 4;", "/*pga4dash*/ select count(*) from orders", "insert into scratch values (3); select 1;", "select pg_catalog.pg_class.relname, x.secret from pg_catalog.pg_class, public.\"pg_class\" x"):
    step("human", f"query tool: {sql}")
    run(sql)
step("noise", "query tool: where the result's columns come from, and what more it asks of itself")
ask("get", f"/sqleditor/status/{trans}")
step("noise", "query tool: autocompletion")
ask("post", f"/sqleditor/autocomplete/{trans}", data=json.dumps(["select * from cust", "select * from cust"]), content_type="application/json")
step("human", "query tool: explain analyze")
ask("post", f"/sqleditor/query_tool/start/{trans}", data=json.dumps({"sql": "select * from customers", "explain_plan": {"format": "json", "analyze": True, "verbose": False, "buffers": False, "costs": False, "timing": False, "settings": False, "summary": False, "wal": False}}), content_type="application/json")
ask("get", f"/sqleditor/poll/{trans}")
step("noise", "the query tool closes")
ask("delete", f"/sqleditor/close/{trans}")
trans += 1
step("noise", "view data opens")
ask("post", f"/sqleditor/initialize/viewdata/{trans}/3/table/1/{sid}/{did}/{tid}", data=json.dumps({"dbname": "shop"}), content_type="application/json")
step("human", "view data: all rows of orders")
ask("get", f"/sqleditor/view_data/start/{trans}")
for _ in range(50):
    if (ask("get", f"/sqleditor/poll/{trans}").get("data") or {}).get("status") != "Busy":
        break
    time.sleep(0.05)
step("noise", "view data closes")
ask("delete", f"/sqleditor/close/{trans}")
step("noise", "search objects")
ask("get", f"/search_objects/search/{sid}/{did}?text=cust&type=all")
step("noise", "the ERD tool opens")
ask("post", f"/erd/initialize/2000001/1/{sid}/{did}")
step("noise", "disconnect")
ask("delete", f"/browser/database/connect/1/{sid}/{did}")
ask("delete", f"/browser/server/connect/1/{sid}")
out.flush()
os._exit(0)
