"""psqlODBC through unixODBC: SQLTables, SQLColumns and their like."""

import pyodbc


def record(run):
    with run.noise("connect"):
        db = pyodbc.connect(f"DRIVER={{PostgreSQL Unicode}};SERVER=127.0.0.1;PORT={run.port};DATABASE=shop;UID=alice", autocommit=True)
    cursor = db.cursor()
    calls = {
        "SQLTables": lambda: cursor.tables(),
        "SQLTables of a schema": lambda: cursor.tables(schema="public", tableType="TABLE"),
        "SQLColumns": lambda: cursor.columns(table="orders"),
        "SQLPrimaryKeys": lambda: cursor.primaryKeys("orders", schema="public"),
        "SQLForeignKeys": lambda: cursor.foreignKeys(foreignTable="orders", foreignSchema="public"),
        "SQLStatistics": lambda: cursor.statistics("orders", schema="public"),
        "SQLSpecialColumns": lambda: cursor.rowIdColumns("orders", schema="public"),
        "SQLSpecialColumns, versions": lambda: cursor.rowVerColumns("orders", schema="public"),
        "SQLProcedures": lambda: cursor.procedures(),
        "SQLProcedureColumns": lambda: cursor.procedureColumns(procedure="read_customers"),
        "SQLGetTypeInfo": lambda: cursor.getTypeInfo(),
    }
    for name, call in calls.items():
        with run.noise(name):
            call()
            cursor.fetchall()
    for sql, parameters in (("select * from customers where id = ?", (3,)), ("insert into scratch values (?)", (4,)), ("update products set stock = 1; select 1", ()), ("call archive_sql()", ())):
        with run.human(sql):
            cursor.execute(sql, *parameters)
            cursor.commit()
    with run.human("executemany: insert into scratch values (?)"):
        cursor.fast_executemany = True
        cursor.executemany("insert into scratch values (?)", [(1,), (2,)])
    with run.noise("close"):
        db.close()
