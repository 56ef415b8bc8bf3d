import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.StringReader;
import java.io.StringWriter;
import java.sql.CallableStatement;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Types;
import java.util.Properties;
import org.postgresql.PGConnection;

/** Says each step on stdout and waits for a line on stdin before it takes it. */
public class Client {
    interface Work {
        void run() throws Exception;
    }

    static final BufferedReader IN = new BufferedReader(new InputStreamReader(System.in));

    static void step(String label, String note, Work work) throws Exception {
        String quoted = note.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n").replace("\t", "\\t");
        System.out.println("@step " + label + "\t\"" + quoted + "\"");
        System.out.flush();
        IN.readLine();
        work.run();
    }

    static void drain(ResultSet rows) throws SQLException {
        try (rows) {
            while (rows.next()) {
                rows.getString(1);
            }
        }
    }

    static void human(Connection db, String sql) throws Exception {
        step("human", sql, () -> {
            try (Statement statement = db.createStatement()) {
                statement.execute(sql);
            }
        });
    }

    public static void main(String[] arguments) throws Exception {
        String url = arguments[0];
        Connection[] held = new Connection[1];
        step("noise", "connect", () -> held[0] = DriverManager.getConnection(url, "alice", ""));
        Connection db = held[0];
        metadata(db);
        work(db);
        step("noise", "isValid, getters, close", () -> {
            db.isValid(5);
            db.getSchema();
            db.getTransactionIsolation();
            db.setReadOnly(true);
            db.setReadOnly(false);
            db.setSchema("sales");
            db.setNetworkTimeout(Runnable::run, 1000);
            db.close();
        });
        for (String mode : new String[] {"simple", "extendedForPrepared", "extendedCacheEverything"}) {
            step("noise", "connect with preferQueryMode=" + mode, () -> held[0] = DriverManager.getConnection(url + "?ApplicationName=jobs&preferQueryMode=" + mode, "bob", ""));
            human(held[0], "select name from customers where id = 7");
            step("human", "call archive_sql()", () -> {
                try (CallableStatement call = held[0].prepareCall("call archive_sql()")) {
                    call.execute();
                }
            });
            held[0].close();
        }
        pool(url);
    }

    static void metadata(Connection db) throws Exception {
        DatabaseMetaData meta = db.getMetaData();
        step("noise", "getTables", () -> drain(meta.getTables(null, null, "%", null)));
        step("noise", "getTables of some types", () -> drain(meta.getTables("shop", "public", "cust%", new String[] {"TABLE", "VIEW", "PARTITIONED TABLE", "MATERIALIZED VIEW", "FOREIGN TABLE", "SEQUENCE"})));
        step("noise", "getColumns", () -> drain(meta.getColumns(null, "public", "orders", "%")));
        step("noise", "getColumns of all", () -> drain(meta.getColumns(null, null, "%", "%")));
        step("noise", "getPrimaryKeys", () -> drain(meta.getPrimaryKeys(null, "public", "orders")));
        step("noise", "getImportedKeys", () -> drain(meta.getImportedKeys(null, "public", "orders")));
        step("noise", "getExportedKeys", () -> drain(meta.getExportedKeys(null, "public", "customers")));
        step("noise", "getCrossReference", () -> drain(meta.getCrossReference(null, "public", "customers", null, "public", "orders")));
        step("noise", "getIndexInfo", () -> drain(meta.getIndexInfo(null, "public", "orders", false, true)));
        step("noise", "getTypeInfo", () -> drain(meta.getTypeInfo()));
        step("noise", "getSchemas", () -> drain(meta.getSchemas()));
        step("noise", "getSchemas matching", () -> drain(meta.getSchemas(null, "sa%")));
        step("noise", "getCatalogs", () -> drain(meta.getCatalogs()));
        step("noise", "getTableTypes", () -> drain(meta.getTableTypes()));
        step("noise", "getSQLKeywords", meta::getSQLKeywords);
        step("noise", "getFunctions", () -> drain(meta.getFunctions(null, null, "%")));
        step("noise", "getFunctionColumns", () -> drain(meta.getFunctionColumns(null, "public", "%", "%")));
        step("noise", "getProcedures", () -> drain(meta.getProcedures(null, null, "%")));
        step("noise", "getProcedureColumns", () -> drain(meta.getProcedureColumns(null, "public", "%", "%")));
        step("noise", "getTablePrivileges", () -> drain(meta.getTablePrivileges(null, "public", "%")));
        step("noise", "getColumnPrivileges", () -> drain(meta.getColumnPrivileges(null, "public", "orders", "%")));
        step("noise", "getBestRowIdentifier", () -> drain(meta.getBestRowIdentifier(null, "public", "orders", 1, true)));
        step("noise", "getVersionColumns", () -> drain(meta.getVersionColumns(null, "public", "orders")));
        step("noise", "getUDTs", () -> drain(meta.getUDTs(null, null, "%", null)));
        step("noise", "getClientInfoProperties", () -> drain(meta.getClientInfoProperties()));
        step("noise", "getMaxColumnNameLength and other getters", () -> {
            meta.getMaxColumnNameLength();
            meta.getDatabaseProductVersion();
            meta.getUserName();
            meta.getDefaultTransactionIsolation();
            meta.isReadOnly();
            meta.getMaxIndexLength();
        });
    }

    static void work(Connection db) throws Exception {
        human(db, "select * from customers");
        step("human", "select id, total from orders where id = ?", () -> {
            try (PreparedStatement statement = db.prepareStatement("select id, total from orders where id = ?")) {
                for (long id = 1; id < 8; id++) { // named on the server from the fifth on
                    statement.setLong(1, id);
                    drain(statement.executeQuery());
                }
            }
        });
        step("human", "insert into scratch values (?) in a batch", () -> {
            try (PreparedStatement statement = db.prepareStatement("insert into scratch values (?)")) {
                for (int n = 0; n < 3; n++) {
                    statement.setInt(1, n);
                    statement.addBatch();
                }
                statement.executeBatch();
            }
        });
        step("human", "three statements in a batch", () -> {
            try (Statement statement = db.createStatement()) {
                statement.addBatch("update customers set note = 'a' where id = 1");
                statement.addBatch("delete from scratch");
                statement.addBatch("insert into scratch values (1)");
                statement.executeBatch();
            }
        });
        human(db, "select 1; delete from scratch where n = 1; select 2");
        step("human", "insert into customers (name) values (?) returning the generated keys", () -> {
            try (PreparedStatement statement = db.prepareStatement("insert into customers (name) values (?)", Statement.RETURN_GENERATED_KEYS)) {
                statement.setString(1, "O'Hara, \"quoted\"\nsecond line");
                statement.executeUpdate();
                drain(statement.getGeneratedKeys());
            }
        });
        step("human", "select * from orders with a fetch size, in a transaction", () -> {
            db.setAutoCommit(false);
            try (Statement statement = db.createStatement()) {
                statement.setFetchSize(20);
                drain(statement.executeQuery("select * from orders"));
            }
            db.commit();
            db.setAutoCommit(true);
        });
        step("human", "update customers by an updatable result set", () -> {
            try (Statement statement = db.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_UPDATABLE);
                    ResultSet rows = statement.executeQuery("select id, note from customers where id = 2")) {
                rows.next();
                rows.updateString("note", "by result set");
                rows.updateRow();
            }
        });
        step("human", "select home, tags from customers, with the metadata of the result", () -> {
            try (Statement statement = db.createStatement(); ResultSet rows = statement.executeQuery("select id, home, tags from customers limit 1")) {
                ResultSetMetaData meta = rows.getMetaData();
                for (int n = 1; n <= meta.getColumnCount(); n++) {
                    meta.getTableName(n);
                    meta.getColumnTypeName(n);
                    meta.isAutoIncrement(n);
                    meta.isNullable(n);
                }
                rows.next();
                rows.getObject(2);
                rows.getArray(3);
            }
        });
        step("human", "{? = call read_customers()}", () -> {
            try (CallableStatement call = db.prepareCall("{? = call read_customers()}")) {
                call.registerOutParameter(1, Types.BIGINT);
                call.execute();
            }
        });
        step("human", "call quiet_procedure()", () -> {
            try (PreparedStatement call = db.prepareStatement("call quiet_procedure()")) {
                call.execute();
            }
        });
        step("human", "select {fn count(*)} from {oj customers left outer join orders on orders.customer_id = customers.id}", () -> {
            try (Statement statement = db.createStatement()) {
                drain(statement.executeQuery("select count(*), {fn curdate()} from {oj customers left outer join orders on orders.customer_id = customers.id}"));
            }
        });
        step("human", "copy customers to stdout", () -> ((PGConnection) db).getCopyAPI().copyOut("copy customers to stdout", new StringWriter()));
        step("human", "copy scratch from stdin", () -> ((PGConnection) db).getCopyAPI().copyIn("copy scratch from stdin", new StringReader("1\n2\n")));
        step("blind", "large object created, written and read through the driver", () -> {
            db.setAutoCommit(false);
            var objects = ((PGConnection) db).getLargeObjectAPI();
            long oid = objects.createLO();
            try (var large = objects.open(oid)) {
                large.write(new byte[] {1, 2, 3});
                large.seek(0);
                large.read(3);
            }
            objects.delete(oid);
            db.commit();
            db.setAutoCommit(true);
        });
        human(db, "select /* pg_catalog.pg_class */ name from customers where name <> 'information_schema.tables'");
        human(db, "/* DBeaver 24 - Metadata */ SELECT email FROM customers");
        human(db, "SELECT n.nspname, c.relname, x.secret FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace CROSS JOIN public.\"pg_class\" x");
    }

    static void pool(String url) throws Exception {
        HikariDataSource[] pool = new HikariDataSource[1];
        step("noise", "HikariCP fills with its init SQL and tests with SELECT 1", () -> {
            HikariConfig config = new HikariConfig();
            config.setJdbcUrl(url);
            config.setUsername("carol");
            config.setPassword("");
            config.setMaximumPoolSize(3);
            config.setMinimumIdle(2);
            config.setConnectionTestQuery("SELECT 1");
            config.setConnectionInitSql("SET TIME ZONE 'UTC'");
            config.setTransactionIsolation("TRANSACTION_READ_COMMITTED");
            config.setReadOnly(true);
            pool[0] = new HikariDataSource(config);
            Thread.sleep(400);
        });
        step("human", "select count(*) from orders through the pool", () -> {
            try (Connection db = pool[0].getConnection(); Statement statement = db.createStatement()) {
                drain(statement.executeQuery("select count(*) from orders"));
            }
        });
        step("noise", "HikariCP lends after a while: it tests the connection", () -> {
            Thread.sleep(700);
            pool[0].getConnection().close();
        });
        step("noise", "HikariCP ends", () -> pool[0].close());
        step("noise", "HikariCP with isValid and autocommit off", () -> {
            HikariConfig config = new HikariConfig();
            config.setJdbcUrl(url);
            config.setUsername("bob");
            config.setPassword("");
            config.setMaximumPoolSize(1);
            config.setAutoCommit(false);
            config.setSchema("sales");
            pool[0] = new HikariDataSource(config);
            Thread.sleep(700);
            pool[0].getConnection().close();
        });
        step("human", "update sales.targets set amount = 1 where id = 1 through the pool", () -> {
            try (Connection db = pool[0].getConnection(); Statement statement = db.createStatement()) {
                statement.executeUpdate("update sales.targets set amount = 1 where id = 1");
                db.commit();
            }
        });
        step("noise", "HikariCP ends again", () -> pool[0].close());
    }
}
