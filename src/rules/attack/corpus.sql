-- Statements that read or change protected data, and the records that pgAudit writes for them with
-- log_relation on and off. The records are recorded, not written: `PGVIGIL_UPDATE=1 cargo test attack`
-- runs every statement on a server (setup.sql made what they need) and writes these lines anew.
--
--   action NAME (reads|changes): TITLE    steps, each ends at a line that ends with `;`
--   rider NAME (reads|changes): TITLE     one expression that needs no relation in its statement
--   {true} is a condition, {as} an alias, {with} a list of CTEs: where text can be planted
--   TAB `of N`                            the record's text is that of step N
--   TAB `text …`                          the record's text is another: the body of a function, a query in a text

-- action select (reads): reads a table
{with}SELECT owner, secret FROM pgvigil_attack.accounts{as} WHERE {true};
-- on READ,SELECT,TABLE,pgvigil_attack.accounts
-- off READ,SELECT,,

-- action select-limit (reads): reads a table, without a condition
SELECT secret FROM pgvigil_attack.accounts;
-- on READ,SELECT,TABLE,pgvigil_attack.accounts
-- off READ,SELECT,,

-- action select-for-update (reads): reads and locks rows
{with}SELECT secret FROM pgvigil_attack.accounts{as} WHERE {true} FOR UPDATE;
-- on READ,SELECT,TABLE,pgvigil_attack.accounts
-- off READ,SELECT,,

-- action table (reads): reads a table with TABLE
TABLE pgvigil_attack.accounts;
-- on READ,SELECT,TABLE,pgvigil_attack.accounts
-- off READ,SELECT,,

-- action values (reads): reads a table inside VALUES
VALUES ((SELECT max(secret) FROM pgvigil_attack.accounts WHERE {true}));
-- on READ,SELECT,TABLE,pgvigil_attack.accounts
-- off READ,SELECT,,

-- action array-table (reads): reads a table as an array
SELECT array(SELECT secret FROM pgvigil_attack.accounts WHERE {true});
-- on READ,SELECT,TABLE,pgvigil_attack.accounts
-- off READ,SELECT,,

-- action exists (reads): asks whether rows exist
SELECT EXISTS (SELECT FROM pgvigil_attack.accounts WHERE secret LIKE 'h%' AND {true});
-- on READ,SELECT,TABLE,pgvigil_attack.accounts
-- off READ,SELECT,,

-- action view (reads): reads a table through a view
{with}SELECT owner FROM pgvigil_attack.owners{as} WHERE {true};
-- on READ,SELECT,VIEW,pgvigil_attack.owners
-- on MISC,???,VIEW,pgvigil_attack.owners
-- on READ,SELECT,TABLE,pgvigil_attack.accounts
-- off READ,SELECT,,

-- action materialized-view (reads): reads a materialized view
SELECT * FROM pgvigil_attack.totals{as} WHERE {true};
-- on READ,SELECT,MATERIALIZED VIEW,pgvigil_attack.totals
-- off READ,SELECT,,

-- action catalog-join (reads): reads a table beside a catalog
SELECT c.relname, a.secret FROM pg_catalog.pg_class c, pgvigil_attack.accounts a WHERE {true} LIMIT 1;
-- on READ,SELECT,TABLE,pg_catalog.pg_class
-- on READ,SELECT,TABLE,pgvigil_attack.accounts
-- off READ,SELECT,,

-- action catalog-union (reads): reads a table after a catalog
SELECT relname::text FROM pg_catalog.pg_class UNION ALL SELECT secret FROM pgvigil_attack.accounts WHERE {true};
-- on READ,SELECT,TABLE,pg_catalog.pg_class
-- on READ,SELECT,TABLE,pgvigil_attack.accounts
-- off READ,SELECT,,

-- action catalog-subquery (reads): reads a table in the condition of a catalog query
SELECT relname FROM pg_catalog.pg_class WHERE relname IN (SELECT secret FROM pgvigil_attack.accounts) AND {true};
-- on READ,SELECT,TABLE,pg_catalog.pg_class
-- on READ,SELECT,TABLE,pgvigil_attack.accounts
-- off READ,SELECT,,

-- action delete (changes): deletes rows
{with}DELETE FROM pgvigil_attack.accounts{as} WHERE {true};
-- on WRITE,DELETE,TABLE,pgvigil_attack.accounts
-- off WRITE,DELETE,,

-- action update (changes): changes rows
{with}UPDATE pgvigil_attack.accounts{as} SET secret = NULL WHERE {true};
-- on WRITE,UPDATE,TABLE,pgvigil_attack.accounts
-- off WRITE,UPDATE,,

-- action insert (changes): adds rows
{with}INSERT INTO pgvigil_attack.notes SELECT 1, 'x' WHERE {true};
-- on WRITE,INSERT,TABLE,pgvigil_attack.notes
-- off WRITE,INSERT,,

-- action insert-returning (changes): adds rows and reads them
INSERT INTO pgvigil_attack.notes SELECT id, secret FROM pgvigil_attack.accounts WHERE {true} RETURNING body;
-- on WRITE,INSERT,TABLE,pgvigil_attack.notes
-- on READ,SELECT,TABLE,pgvigil_attack.accounts
-- off WRITE,INSERT,,

-- action merge (changes): merges into a table
{with}MERGE INTO pgvigil_attack.accounts t USING (VALUES (1)) v (id) ON v.id = t.id AND {true} WHEN MATCHED THEN DELETE;
-- on WRITE,DELETE,TABLE,pgvigil_attack.accounts
-- off MISC,???,,

-- action truncate (changes): empties a table
TRUNCATE pgvigil_attack.notes;
-- on WRITE,TRUNCATE TABLE,,
-- off WRITE,TRUNCATE TABLE,,

-- action cte-delete (changes): deletes in a CTE
WITH gone AS (DELETE FROM pgvigil_attack.accounts WHERE {true} RETURNING secret) SELECT * FROM gone;
-- on WRITE,DELETE,TABLE,pgvigil_attack.accounts
-- off READ,SELECT,,

-- action cte-delete-catalog (changes): deletes in a CTE beside a catalog
WITH gone AS (DELETE FROM pgvigil_attack.accounts WHERE {true}) SELECT relname FROM pg_catalog.pg_class LIMIT 1;
-- on READ,SELECT,TABLE,pg_catalog.pg_class
-- on WRITE,DELETE,TABLE,pgvigil_attack.accounts
-- off READ,SELECT,,

-- action copy-to (reads): copies a table out
COPY pgvigil_attack.accounts TO STDOUT;
-- on READ,SELECT,TABLE,pgvigil_attack.accounts
-- off READ,COPY,,

-- action copy-query (reads): copies a query out
COPY (SELECT secret FROM pgvigil_attack.accounts WHERE {true}) TO STDOUT;
-- on READ,SELECT,TABLE,pgvigil_attack.accounts
-- on READ,COPY,,
-- off READ,SELECT,,
-- off READ,COPY,,

-- action copy-delete (changes): copies deleted rows out
COPY (DELETE FROM pgvigil_attack.accounts WHERE {true} RETURNING *) TO STDOUT;
-- on WRITE,DELETE,TABLE,pgvigil_attack.accounts
-- on READ,COPY,,
-- off WRITE,DELETE,,
-- off READ,COPY,,

-- action copy-large-object (reads): copies a large object out
COPY (SELECT lo_get(471100) WHERE {true}) TO STDOUT;
-- on READ,SELECT,,
-- on READ,COPY,,
-- off READ,SELECT,,
-- off READ,COPY,,

-- action copy-from (changes): copies into a table
COPY pgvigil_attack.notes FROM STDIN;
-- on WRITE,INSERT,TABLE,pgvigil_attack.notes
-- off WRITE,COPY,,

-- action select-into (reads): copies a table into another
SELECT secret INTO TEMP pgvigil_attack_kept FROM pgvigil_attack.accounts WHERE {true};
-- on READ,SELECT,TABLE,pgvigil_attack.accounts
-- on DDL,SELECT INTO,,
-- off READ,SELECT,,
-- off DDL,SELECT INTO,,

-- action create-table-as (reads): copies a table into a new one
CREATE TEMP TABLE pgvigil_attack_kept AS SELECT secret FROM pgvigil_attack.accounts WHERE {true};
-- on READ,SELECT,TABLE,pgvigil_attack.accounts
-- on DDL,CREATE TABLE AS,,
-- off READ,SELECT,,
-- off DDL,CREATE TABLE AS,,

-- action refresh (reads): refreshes a materialized view
REFRESH MATERIALIZED VIEW pgvigil_attack.totals;
-- on MISC,???,MATERIALIZED VIEW,pgvigil_attack.totals
-- on MISC,???,MATERIALIZED VIEW,pgvigil_attack.totals
-- on READ,SELECT,TABLE,pgvigil_attack.accounts
-- on DDL,REFRESH MATERIALIZED VIEW,,
-- off READ,SELECT,,
-- off DDL,REFRESH MATERIALIZED VIEW,,

-- action function (reads): calls a function that reads
SELECT pgvigil_attack.read_accounts();
-- on READ,SELECT,,
-- on FUNCTION,EXECUTE,FUNCTION,pgvigil_attack.read_accounts
-- on READ,SELECT,TABLE,pgvigil_attack.accounts	text (SELECT max(secret) FROM pgvigil_attack.accounts)
-- off READ,SELECT,,
-- off FUNCTION,EXECUTE,FUNCTION,pgvigil_attack.read_accounts
-- off READ,SELECT,,	text (SELECT max(secret) FROM pgvigil_attack.accounts)

-- action function-catalog (reads): calls a function that reads, beside a catalog
SELECT relname, pgvigil_attack.read_accounts() FROM pg_catalog.pg_class LIMIT 1;
-- on READ,SELECT,TABLE,pg_catalog.pg_class
-- on FUNCTION,EXECUTE,FUNCTION,pgvigil_attack.read_accounts
-- on READ,SELECT,TABLE,pgvigil_attack.accounts	text (SELECT max(secret) FROM pgvigil_attack.accounts)
-- off READ,SELECT,,
-- off FUNCTION,EXECUTE,FUNCTION,pgvigil_attack.read_accounts
-- off READ,SELECT,,	text (SELECT max(secret) FROM pgvigil_attack.accounts)

-- action function-from (reads): calls a function that reads, as a table
SELECT * FROM pgvigil_attack.read_accounts();
-- on READ,SELECT,,
-- on FUNCTION,EXECUTE,FUNCTION,pgvigil_attack.read_accounts
-- on READ,SELECT,TABLE,pgvigil_attack.accounts	text (SELECT max(secret) FROM pgvigil_attack.accounts)
-- off READ,SELECT,,
-- off FUNCTION,EXECUTE,FUNCTION,pgvigil_attack.read_accounts
-- off READ,SELECT,,	text (SELECT max(secret) FROM pgvigil_attack.accounts)

-- action function-writes (changes): calls a function that deletes
SELECT pgvigil_attack.erase_accounts();
-- on READ,SELECT,,
-- on FUNCTION,EXECUTE,FUNCTION,pgvigil_attack.erase_accounts
-- on WRITE,DELETE,TABLE,pgvigil_attack.accounts	text DELETE FROM pgvigil_attack.accounts
-- off READ,SELECT,,
-- off FUNCTION,EXECUTE,FUNCTION,pgvigil_attack.erase_accounts
-- off WRITE,DELETE,,	text DELETE FROM pgvigil_attack.accounts

-- action function-standard (reads): calls a SQL function in standard form
SELECT pgvigil_attack.peek();
-- on READ,SELECT,,
-- on FUNCTION,EXECUTE,FUNCTION,pgvigil_attack.peek
-- on READ,SELECT,TABLE,pgvigil_attack.accounts	text
-- off READ,SELECT,,
-- off FUNCTION,EXECUTE,FUNCTION,pgvigil_attack.peek
-- off READ,SELECT,,	text

-- action function-definer (reads): calls a SECURITY DEFINER function
SELECT pgvigil_attack.as_owner();
-- on READ,SELECT,,
-- on FUNCTION,EXECUTE,FUNCTION,pgvigil_attack.as_owner
-- on READ,SELECT,TABLE,pgvigil_attack.accounts	text (SELECT max(secret) FROM pgvigil_attack.accounts)
-- off READ,SELECT,,
-- off FUNCTION,EXECUTE,FUNCTION,pgvigil_attack.as_owner
-- off READ,SELECT,,	text (SELECT max(secret) FROM pgvigil_attack.accounts)

-- action function-version (reads): calls a function named like the system's
SELECT pgvigil_attack.version();
-- on READ,SELECT,,
-- on FUNCTION,EXECUTE,FUNCTION,pgvigil_attack.version
-- on READ,SELECT,TABLE,pgvigil_attack.accounts	text (SELECT max(secret) FROM pgvigil_attack.accounts)
-- off READ,SELECT,,
-- off FUNCTION,EXECUTE,FUNCTION,pgvigil_attack.version
-- off READ,SELECT,,	text (SELECT max(secret) FROM pgvigil_attack.accounts)

-- action function-shadows (reads): calls a function that stands before the system's
SET search_path = pgvigil_attack, pg_catalog;
-- on MISC,SET,,
-- off MISC,SET,,
SELECT version();
-- on READ,SELECT,,
-- on FUNCTION,EXECUTE,FUNCTION,pgvigil_attack.version
-- on READ,SELECT,TABLE,pgvigil_attack.accounts	text (SELECT max(secret) FROM pgvigil_attack.accounts)
-- off READ,SELECT,,
-- off FUNCTION,EXECUTE,FUNCTION,pgvigil_attack.version
-- off READ,SELECT,,	text (SELECT max(secret) FROM pgvigil_attack.accounts)
RESET search_path;
-- on MISC,RESET,,
-- off MISC,RESET,,

-- action call (changes): calls a procedure that deletes
CALL pgvigil_attack.erase();
-- on FUNCTION,EXECUTE,FUNCTION,pgvigil_attack.erase
-- on WRITE,DELETE,TABLE,pgvigil_attack.accounts	text DELETE FROM pgvigil_attack.accounts
-- on MISC,CALL,,
-- off FUNCTION,EXECUTE,FUNCTION,pgvigil_attack.erase
-- off WRITE,DELETE,,	text DELETE FROM pgvigil_attack.accounts
-- off MISC,CALL,,

-- action do (changes): deletes in a DO block
DO $$ BEGIN DELETE FROM pgvigil_attack.accounts; END $$;
-- on FUNCTION,DO,,
-- on WRITE,DELETE,TABLE,pgvigil_attack.accounts	text DELETE FROM pgvigil_attack.accounts
-- off FUNCTION,DO,,
-- off WRITE,DELETE,,	text DELETE FROM pgvigil_attack.accounts

-- action do-dynamic (changes): deletes in a DO block, from a text
DO $$ BEGIN EXECUTE 'dele' || 'te from pgvigil_attack.accounts'; END $$;
-- on FUNCTION,DO,,
-- on WRITE,DELETE,TABLE,pgvigil_attack.accounts	text delete from pgvigil_attack.accounts
-- off FUNCTION,DO,,
-- off WRITE,DELETE,,	text delete from pgvigil_attack.accounts

-- action prepare-select (reads): prepares a query and runs it
PREPARE pgvigil_attack_p AS SELECT secret FROM pgvigil_attack.accounts WHERE {true};
-- on READ,PREPARE,,
-- off READ,PREPARE,,
EXECUTE pgvigil_attack_p;
-- on READ,SELECT,TABLE,pgvigil_attack.accounts	of 1
-- on MISC,EXECUTE,,
-- off READ,SELECT,,	of 1
-- off MISC,EXECUTE,,
DEALLOCATE pgvigil_attack_p;
-- on MISC,DEALLOCATE,,
-- off MISC,DEALLOCATE,,

-- action prepare-delete (changes): prepares a DELETE and runs it
PREPARE pgvigil_attack_p AS DELETE FROM pgvigil_attack.accounts WHERE {true};
-- on WRITE,PREPARE,,
-- off WRITE,PREPARE,,
EXECUTE pgvigil_attack_p;
-- on WRITE,DELETE,TABLE,pgvigil_attack.accounts	of 1
-- on MISC,EXECUTE,,
-- off WRITE,DELETE,,	of 1
-- off MISC,EXECUTE,,
DEALLOCATE pgvigil_attack_p;
-- on MISC,DEALLOCATE,,
-- off MISC,DEALLOCATE,,

-- action prepare-large-object (reads): prepares the reading of a large object beside a catalog, and runs it
PREPARE pgvigil_attack_p AS SELECT lo_get(471100) FROM pg_catalog.pg_class WHERE {true} LIMIT 1;
-- on READ,PREPARE,,
-- off READ,PREPARE,,
EXECUTE pgvigil_attack_p;
-- on READ,SELECT,TABLE,pg_catalog.pg_class	of 1
-- on MISC,EXECUTE,,
-- off READ,SELECT,,	of 1
-- off MISC,EXECUTE,,
DEALLOCATE pgvigil_attack_p;
-- on MISC,DEALLOCATE,,
-- off MISC,DEALLOCATE,,

-- action cursor (reads): declares a cursor and fetches from it
DECLARE pgvigil_attack_c CURSOR FOR SELECT secret FROM pgvigil_attack.accounts WHERE {true};
-- on READ,SELECT,TABLE,pgvigil_attack.accounts
-- on READ,DECLARE CURSOR,,
-- off READ,SELECT,,
-- off READ,DECLARE CURSOR,,
FETCH ALL FROM pgvigil_attack_c;
-- on MISC,FETCH,,
-- off MISC,FETCH,,
CLOSE pgvigil_attack_c;
-- on MISC,CLOSE CURSOR,,
-- off MISC,CLOSE CURSOR,,

-- action cursor-large-object (reads): declares a cursor over a large object beside a catalog, and fetches from it
DECLARE pgvigil_attack_c CURSOR FOR SELECT lo_get(471100) FROM pg_catalog.pg_class WHERE {true} LIMIT 1;
-- on READ,SELECT,TABLE,pg_catalog.pg_class
-- on READ,DECLARE CURSOR,,
-- off READ,SELECT,,
-- off READ,DECLARE CURSOR,,
FETCH ALL FROM pgvigil_attack_c;
-- on MISC,FETCH,,
-- off MISC,FETCH,,
CLOSE pgvigil_attack_c;
-- on MISC,CLOSE CURSOR,,
-- off MISC,CLOSE CURSOR,,

-- action explain-analyze (changes): runs a DELETE under EXPLAIN ANALYZE
EXPLAIN ANALYZE DELETE FROM pgvigil_attack.accounts WHERE {true};
-- on WRITE,DELETE,TABLE,pgvigil_attack.accounts
-- on WRITE,EXPLAIN,,
-- off WRITE,DELETE,,
-- off WRITE,EXPLAIN,,

-- action explain-analyze-select (reads): runs a query under EXPLAIN ANALYZE
EXPLAIN (ANALYZE, VERBOSE) SELECT secret FROM pgvigil_attack.accounts WHERE {true};
-- on READ,SELECT,TABLE,pgvigil_attack.accounts
-- on MISC,EXPLAIN,,
-- off READ,SELECT,,
-- off MISC,EXPLAIN,,

-- action temporary-shadow (reads): reads a temporary table that is named like a catalog
CREATE TEMP TABLE pg_class AS SELECT secret AS relname FROM pgvigil_attack.accounts;
-- on READ,SELECT,TABLE,pgvigil_attack.accounts
-- on DDL,CREATE TABLE AS,,
-- off READ,SELECT,,
-- off DDL,CREATE TABLE AS,,
SELECT relname FROM pg_temp.pg_class WHERE {true};
-- on READ,SELECT,TABLE,pg_temp_3.pg_class
-- off READ,SELECT,,

-- action table-shadow (reads): reads a users' table that is named like a catalog
SELECT secret FROM pgvigil_attack.pg_class WHERE {true};
-- on READ,SELECT,TABLE,pgvigil_attack.pg_class
-- off READ,SELECT,,

-- action path-shadow (reads): reads a users' table in place of a catalog
SET search_path = pgvigil_attack, pg_catalog;
-- on MISC,SET,,
-- off MISC,SET,,
SELECT relname, secret FROM pg_class WHERE {true};
-- on READ,SELECT,TABLE,pgvigil_attack.pg_class
-- off READ,SELECT,,
RESET search_path;
-- on MISC,RESET,,
-- off MISC,RESET,,

-- action path-shadow-view (reads): reads a users' view in place of a table that tools ask for
SET search_path = pgvigil_attack;
-- on MISC,SET,,
-- off MISC,SET,,
SELECT * FROM jobs WHERE {true};
-- on READ,SELECT,VIEW,pgvigil_attack.jobs
-- on MISC,???,VIEW,pgvigil_attack.jobs
-- on READ,SELECT,TABLE,pgvigil_attack.accounts
-- off READ,SELECT,,
RESET search_path;
-- on MISC,RESET,,
-- off MISC,RESET,,

-- action dotted-name (reads): reads a table whose name holds a dot
SELECT secret FROM pgvigil_attack."pg_catalog.pg_class" WHERE {true};
-- on READ,SELECT,TABLE,pgvigil_attack."pg_catalog.pg_class"
-- off READ,SELECT,,

-- action odd-name (reads): reads a table whose name holds a comma and quotes
SELECT secret FROM pgvigil_attack."a,b ""c""" WHERE {true};
-- on READ,SELECT,TABLE,pgvigil_attack."a,b ""c"""
-- off READ,SELECT,,

-- action pg-authid (reads): reads the hashes of passwords
SELECT rolname, rolpassword FROM pg_catalog.pg_authid WHERE {true};
-- on READ,SELECT,TABLE,pg_catalog.pg_authid
-- off READ,SELECT,,

-- action pg-shadow (reads): reads the hashes of passwords through a view
SELECT passwd FROM pg_catalog.pg_shadow WHERE {true};
-- on READ,SELECT,VIEW,pg_catalog.pg_shadow
-- on MISC,???,VIEW,pg_catalog.pg_shadow
-- on READ,SELECT,TABLE,pg_catalog.pg_authid
-- on READ,SELECT,TABLE,pg_catalog.pg_db_role_setting
-- off READ,SELECT,,

-- action pg-statistic (reads): reads values of columns from the statistics
SELECT stavalues1 FROM pg_catalog.pg_statistic WHERE {true};
-- on READ,SELECT,TABLE,pg_catalog.pg_statistic
-- off READ,SELECT,,

-- action pg-stats (reads): reads values of columns from the view of the statistics
SELECT most_common_vals FROM pg_catalog.pg_stats WHERE {true};
-- on READ,SELECT,VIEW,pg_catalog.pg_stats
-- on MISC,???,VIEW,pg_catalog.pg_stats
-- on READ,SELECT,TABLE,pg_catalog.pg_statistic
-- on READ,SELECT,TABLE,pg_catalog.pg_class
-- on READ,SELECT,TABLE,pg_catalog.pg_attribute
-- on READ,SELECT,TABLE,pg_catalog.pg_namespace
-- off READ,SELECT,,

-- action pg-largeobject (reads): reads the pages of large objects
SELECT data FROM pg_catalog.pg_largeobject WHERE {true};
-- on READ,SELECT,TABLE,pg_catalog.pg_largeobject
-- off READ,SELECT,,

-- action pg-stat-activity (reads): reads other sessions' statements
SELECT query FROM pg_catalog.pg_stat_activity WHERE {true};
-- on READ,SELECT,VIEW,pg_catalog.pg_stat_activity
-- on MISC,???,VIEW,pg_catalog.pg_stat_activity
-- on READ,SELECT,TABLE,pg_catalog.pg_database
-- on READ,SELECT,TABLE,pg_catalog.pg_authid
-- off READ,SELECT,,

-- action user-mapping-options (reads): reads passwords of foreign servers
SELECT option_value FROM information_schema.user_mapping_options WHERE {true};
-- on READ,SELECT,VIEW,information_schema.user_mapping_options
-- on MISC,???,VIEW,information_schema.user_mapping_options
-- on READ,SELECT,VIEW,information_schema._pg_user_mappings
-- on MISC,???,VIEW,information_schema._pg_user_mappings
-- on READ,SELECT,TABLE,pg_catalog.pg_user_mapping
-- on READ,SELECT,TABLE,pg_catalog.pg_authid
-- on READ,SELECT,VIEW,information_schema._pg_foreign_servers
-- on MISC,???,VIEW,information_schema._pg_foreign_servers
-- on READ,SELECT,TABLE,pg_catalog.pg_foreign_server
-- on READ,SELECT,TABLE,pg_catalog.pg_foreign_data_wrapper
-- on READ,SELECT,TABLE,pg_catalog.pg_authid
-- on READ,SELECT,TABLE,pg_catalog.pg_authid
-- off READ,SELECT,,

-- action catalog-update (changes): changes a catalog
UPDATE pg_catalog.pg_class SET relhasindex = relhasindex WHERE relname = 'accounts' AND {true};
-- on WRITE,UPDATE,TABLE,pg_catalog.pg_class
-- off WRITE,UPDATE,,

-- rider lo-get (reads): reads a large object
lo_get(471100);
-- on READ,SELECT,,
-- off READ,SELECT,,

-- rider lo-put (changes): changes a large object
lo_put(471100, 0, 'x');
-- on READ,SELECT,,
-- off READ,SELECT,,

-- rider loread (reads): opens and reads a large object
loread(lo_open(471100, 262144), 100);
-- on READ,SELECT,,
-- off READ,SELECT,,

-- rider pg-read-file (reads): reads a file of the server
pg_read_file('PG_VERSION');
-- on READ,SELECT,,
-- off READ,SELECT,,

-- rider pg-ls-dir (reads): lists a folder of the server
array(SELECT pg_ls_dir('base'));
-- on READ,SELECT,,
-- off READ,SELECT,,

-- rider query-to-xml (reads): runs a text as a query
query_to_xml('select secret from pgvigil_attack.accounts', true, false, '');
-- on READ,SELECT,,
-- on READ,SELECT,TABLE,pgvigil_attack.accounts	text select secret from pgvigil_attack.accounts
-- off READ,SELECT,,
-- off READ,SELECT,,	text select secret from pgvigil_attack.accounts

-- rider table-to-xml (reads): reads a table by its name in a text
table_to_xml('pgvigil_attack.accounts', true, false, '');
-- on READ,SELECT,,
-- on READ,SELECT,TABLE,pgvigil_attack.accounts	text SELECT * FROM pgvigil_attack.accounts
-- off READ,SELECT,,
-- off READ,SELECT,,	text SELECT * FROM pgvigil_attack.accounts

-- rider ts-stat (reads): runs a text as a query for statistics
array(SELECT word FROM ts_stat('select to_tsvector(secret) from pgvigil_attack.accounts'));
-- on READ,SELECT,,
-- on READ,SELECT,TABLE,pgvigil_attack.accounts	text select to_tsvector(secret) from pgvigil_attack.accounts
-- off READ,SELECT,,
-- off READ,SELECT,,	text select to_tsvector(secret) from pgvigil_attack.accounts

-- rider nextval (changes): advances a sequence
nextval('pgvigil_attack.numbers');
-- on READ,SELECT,,
-- off READ,SELECT,,

-- rider setval (changes): sets a sequence
setval('pgvigil_attack.numbers', 4711);
-- on READ,SELECT,,
-- off READ,SELECT,,

-- rider stat-activity (reads): reads other sessions' statements
array(SELECT query FROM pg_stat_get_activity(NULL));
-- on READ,SELECT,,
-- off READ,SELECT,,

-- rider users-function (reads): calls a users' function that reads
pgvigil_attack.read_accounts();
-- on READ,SELECT,,
-- on FUNCTION,EXECUTE,FUNCTION,pgvigil_attack.read_accounts
-- on READ,SELECT,TABLE,pgvigil_attack.accounts	text (SELECT max(secret) FROM pgvigil_attack.accounts)
-- off READ,SELECT,,
-- off FUNCTION,EXECUTE,FUNCTION,pgvigil_attack.read_accounts
-- off READ,SELECT,,	text (SELECT max(secret) FROM pgvigil_attack.accounts)

-- rider users-function-definer (reads): calls a users' SECURITY DEFINER function
pgvigil_attack.as_owner();
-- on READ,SELECT,,
-- on FUNCTION,EXECUTE,FUNCTION,pgvigil_attack.as_owner
-- on READ,SELECT,TABLE,pgvigil_attack.accounts	text (SELECT max(secret) FROM pgvigil_attack.accounts)
-- off READ,SELECT,,
-- off FUNCTION,EXECUTE,FUNCTION,pgvigil_attack.as_owner
-- off READ,SELECT,,	text (SELECT max(secret) FROM pgvigil_attack.accounts)

-- rider subquery (reads): reads a table in a subquery
(SELECT max(secret) FROM pgvigil_attack.accounts);
-- on READ,SELECT,TABLE,pgvigil_attack.accounts
-- off READ,SELECT,,

-- rider table-command (reads): reads a relation with TABLE
(TABLE pgvigil_attack.totals);
-- on READ,SELECT,MATERIALIZED VIEW,pgvigil_attack.totals
-- off READ,SELECT,,

-- rider switch-off (changes): switches the audit off
set_config('pgaudit.log', 'none', true);
-- on READ,SELECT,,
-- off READ,SELECT,,
