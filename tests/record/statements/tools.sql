-- noise: a pool's first questions
SELECT current_schema(), session_user, pg_backend_pid()
-- noise: a pool's probe
SELECT 1
-- noise: a pool's probe with a name
select 1 as ping where true
-- noise: a pool's probe on values
VALUES (1)
-- noise: rows of constants
VALUES (1, 'one'), (2, 'two'), (NULL, 'none'), (-3, '')
-- noise: rows of constants in a from
SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS v(id, name)
-- noise psql: a pool that opens a read only transaction
BEGIN\; SET TRANSACTION ISOLATION LEVEL READ COMMITTED\; SET LOCAL statement_timeout = 5000\; SELECT version();
-- noise: noise of an empty transaction
rollback
-- noise psql: a driver that sets up its session in one text
SET client_encoding = 'UTF8'\; SET standard_conforming_strings = on\; SET datestyle TO ISO, MDY\; SELECT current_setting('TimeZone'), pg_client_encoding();
-- noise psql: a proxy that asks for the role of the server
start transaction read only\; select pg_is_in_recovery()\; commit;
-- noise: is this the primary
SELECT CASE WHEN pg_is_in_recovery() THEN 'replica' ELSE 'primary' END, current_setting('transaction_read_only')
-- noise: settings of the session as one row
select current_setting('server_version_num')::int as number, current_setting('server_version') as name, current_setting('max_identifier_length')::int8
-- noise: a setting that may not exist
SELECT current_setting('citus.version', true) IS NOT NULL, coalesce(current_setting('app.tenant', true), '')
-- noise: a session variable
SELECT set_config('app.tenant', '42', true), set_config('search_path', 'public', false)
-- noise: Npgsql: types that a database has, with those of their elements
SELECT ns.nspname, t.oid, t.typname, t.typtype, t.typnotnull, t.elemtypoid
FROM (
    SELECT typ.oid, typ.typnamespace, typ.typname, typ.typtype, typ.typrelid, typ.typnotnull, typ.relkind, elemtyp.oid AS elemtypoid, elemtyp.typname AS elemtypname, elemcls.relkind AS elemrelkind,
        CASE WHEN elemproc.proname = 'array_recv' THEN 'a' ELSE elemtyp.typtype END AS elemtyptype, typ.typcategory
    FROM (
        SELECT t.oid, t.typnamespace, t.typname, t.typrelid, t.typnotnull, c.relkind, t.typelem AS elemoid, t.typcategory,
            CASE WHEN p.proname = 'array_recv' THEN 'a' ELSE t.typtype END AS typtype,
            CASE WHEN p.proname = 'array_recv' THEN t.typelem WHEN t.typtype = 'r' THEN r.rngsubtype WHEN t.typtype = 'd' THEN t.typbasetype END AS elemtypoid
        FROM pg_type AS t LEFT JOIN pg_class AS c ON (c.oid = t.typrelid) LEFT JOIN pg_proc AS p ON p.oid = t.typreceive LEFT JOIN pg_range AS r ON r.rngtypid = t.oid
    ) AS typ
    LEFT JOIN pg_type AS elemtyp ON elemtyp.oid = typ.elemtypoid LEFT JOIN pg_class AS elemcls ON elemcls.oid = elemtyp.typrelid LEFT JOIN pg_proc AS elemproc ON elemproc.oid = elemtyp.typreceive
) AS t JOIN pg_namespace AS ns ON ns.oid = t.typnamespace
WHERE typtype IN ('b', 'r', 'm', 'e', 'd') OR (typtype = 'c' AND relkind = 'c') OR (typtype = 'p' AND typname IN ('record', 'void', 'unknown')) OR (typtype = 'a' AND (elemtyptype IN ('b', 'r', 'm', 'e', 'd') OR (elemtyptype = 'p' AND elemtypname IN ('record', 'void'))))
ORDER BY CASE WHEN typtype IN ('b', 'e', 'p') THEN 0 WHEN typtype = 'c' THEN 1 WHEN typtype = 'r' THEN 2 ELSE 3 END
-- noise: Npgsql: attributes of composite types
SELECT typ.oid, att.attname, att.atttypid FROM pg_type AS typ JOIN pg_namespace AS ns ON (ns.oid = typ.typnamespace) JOIN pg_class AS cls ON (cls.oid = typ.typrelid) JOIN pg_attribute AS att ON (att.attrelid = typ.typrelid)
WHERE (typ.typtype = 'c' AND cls.relkind = 'c') AND attnum > 0 AND NOT attisdropped ORDER BY typ.oid, att.attnum
-- noise: Npgsql: labels of enums
SELECT pg_type.oid, enumlabel FROM pg_enum JOIN pg_type ON pg_type.oid = enumtypid ORDER BY oid, enumsortorder
-- noise: Entity Framework: does the database have tables
SELECT CASE WHEN COUNT(*) = 0 THEN FALSE ELSE TRUE END FROM pg_class AS cls JOIN pg_namespace AS ns ON ns.oid = cls.relnamespace
WHERE cls.relkind IN ('r', 'v', 'm', 'f', 'p') AND ns.nspname NOT IN ('pg_catalog', 'information_schema') AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE classid = (SELECT cls.oid FROM pg_class AS cls JOIN pg_namespace AS ns ON ns.oid = cls.relnamespace WHERE relname = 'pg_class' AND ns.nspname = 'pg_catalog') AND objid = cls.oid AND deptype IN ('e', 'x'))
-- noise: Entity Framework: is the history table there
SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relname = '__EFMigrationsHistory')
-- noise: Entity Framework: columns for scaffolding
SELECT nspname, cls.relname, typ.typname, basetyp.typname AS basetypname, attname, description, collname, attisdropped, attidentity::text, attgenerated::text, ''::text AS attcompression,
    format_type(typ.oid, atttypmod) AS formatted_typname, format_type(basetyp.oid, typ.typtypmod) AS formatted_basetypname,
    CASE WHEN pg_proc.proname = 'array_recv' THEN 'a' ELSE typ.typtype END AS typtype, CASE WHEN pg_proc.proname = 'array_recv' THEN elemtyp.typname ELSE NULL END AS elemtypname,
    NOT (attnotnull OR typ.typnotnull) AS nullable, CASE WHEN atthasdef THEN (SELECT pg_get_expr(adbin, cls.oid) FROM pg_attrdef WHERE adrelid = cls.oid AND adnum = attr.attnum) END AS default_sql,
    CASE WHEN deptype IS NULL THEN NULL ELSE seqclass.relname::text END AS seq
FROM pg_class AS cls JOIN pg_namespace AS ns ON ns.oid = cls.relnamespace LEFT OUTER JOIN pg_attribute AS attr ON attrelid = cls.oid LEFT OUTER JOIN pg_type AS typ ON attr.atttypid = typ.oid LEFT OUTER JOIN pg_proc ON pg_proc.oid = typ.typreceive
    LEFT OUTER JOIN pg_type AS elemtyp ON (elemtyp.oid = typ.typelem) LEFT OUTER JOIN pg_type AS basetyp ON (basetyp.oid = typ.typbasetype) LEFT OUTER JOIN pg_description AS des ON des.objoid = cls.oid AND des.objsubid = attnum
    LEFT OUTER JOIN pg_collation AS coll ON coll.oid = attr.attcollation LEFT OUTER JOIN pg_depend AS dep ON dep.refobjid = cls.oid AND dep.refobjsubid = attr.attnum AND dep.deptype = 'i' LEFT OUTER JOIN pg_class AS seqclass ON seqclass.oid = dep.objid
WHERE cls.relkind IN ('r', 'v', 'm', 'f', 'p') AND nspname NOT IN ('pg_catalog', 'information_schema') AND attnum > 0 ORDER BY attnum
-- noise: node-postgres users: types by name
SELECT typname, oid, typarray FROM pg_type WHERE typname = ANY ('{hstore,geometry,citext}'::text[]) ORDER BY oid
-- noise: Prisma: version and schema
SELECT EXISTS(SELECT 1 FROM pg_namespace WHERE nspname = 'public'), version(), current_setting('server_version_num')::integer as numeric_version
-- noise: Prisma: tables
SELECT tbl.relname AS table_name, namespace.nspname AS namespace, (tbl.relhassubclass and tbl.relkind = 'p') AS is_partition, (tbl.relhassubclass and tbl.relkind = 'r') AS has_subclass, tbl.relrowsecurity AS has_row_level_security, reloptions, obj_description(tbl.oid, 'pg_class') AS description
FROM pg_class AS tbl INNER JOIN pg_namespace AS namespace ON namespace.oid = tbl.relnamespace WHERE tbl.relkind IN ('r', 'p') AND namespace.nspname = ANY (ARRAY['public', 'sales']) ORDER BY namespace, table_name
-- noise: Prisma: columns
SELECT oid.namespace, info.table_name, info.column_name, format_type(att.atttypid, att.atttypmod) AS formatted_type, info.numeric_precision, info.numeric_scale, info.numeric_precision_radix, info.datetime_precision, info.data_type, info.udt_schema AS type_schema_name, info.udt_name AS full_data_type,
    pg_get_expr(attdef.adbin, attdef.adrelid) AS column_default, info.is_nullable, info.is_identity, info.character_maximum_length, col_description(att.attrelid, ordinal_position) AS description
FROM information_schema.columns info JOIN pg_attribute att ON att.attname = info.column_name
JOIN (SELECT pg_class.oid, relname, pg_namespace.nspname AS namespace FROM pg_class JOIN pg_namespace ON pg_namespace.oid = pg_class.relnamespace AND pg_namespace.nspname = ANY (ARRAY['public']) WHERE reltype > 0) AS oid ON oid.oid = att.attrelid AND relname = info.table_name AND namespace = info.table_schema
LEFT OUTER JOIN pg_attrdef attdef ON attdef.adrelid = att.attrelid AND attdef.adnum = att.attnum AND table_schema = namespace WHERE table_schema = ANY (ARRAY['public']) ORDER BY namespace, table_name, ordinal_position
-- noise: Prisma: foreign keys
SELECT con.oid AS con_id, att2.attname AS child_column, cl.relname AS parent_table, ns2.nspname AS parent_schema, att.attname AS parent_column, con.confdeltype, con.confupdtype, rel_ns.nspname AS referenced_schema_name, conname AS constraint_name, child, parent, table_name, namespace, condeferrable, condeferred
FROM (SELECT ns.nspname AS namespace, unnest(con1.conkey) AS parent, unnest(con1.confkey) AS child, cl.relname AS table_name, ns.nspname AS schema_name, generate_subscripts(con1.conkey, 1) AS colidx, con1.oid, con1.confrelid, con1.conrelid, con1.conname, con1.confdeltype, con1.confupdtype, con1.condeferrable, con1.condeferred
    FROM pg_class cl JOIN pg_constraint con1 ON con1.conrelid = cl.oid JOIN pg_namespace ns ON cl.relnamespace = ns.oid WHERE ns.nspname = ANY (ARRAY['public']) AND con1.contype = 'f' ORDER BY colidx) con
JOIN pg_attribute att ON att.attrelid = con.confrelid AND att.attnum = con.child JOIN pg_class cl ON cl.oid = con.confrelid JOIN pg_attribute att2 ON att2.attrelid = con.conrelid AND att2.attnum = con.parent JOIN pg_class rel_cl ON con.confrelid = rel_cl.oid JOIN pg_namespace rel_ns ON rel_cl.relnamespace = rel_ns.oid JOIN pg_namespace ns2 ON ns2.oid = cl.relnamespace
ORDER BY namespace, table_name, constraint_name, con_id, con.colidx
-- noise: Prisma: indexes
WITH rawindex AS (
    SELECT indrelid, indexrelid, indisunique, indisprimary, unnest(indkey) AS indkeyid, generate_subscripts(indkey, 1) AS indkeyidx, unnest(indclass) AS indclass, unnest(indoption) AS indoption
    FROM pg_index WHERE indpred IS NULL AND array_position(indkey::int2[], 0::int2) IS NULL
)
SELECT schemainfo.nspname AS namespace, indexinfo.relname AS index_name, tableinfo.relname AS table_name, columninfo.attname AS column_name, rawindex.indisunique AS is_unique, rawindex.indisprimary AS is_primary_key, rawindex.indkeyidx AS column_index, opclass.opcname AS opclass, opclass.opcdefault AS opcdefault, indexaccess.amname AS index_algo,
    CASE rawindex.indoption & 1 WHEN 1 THEN 'DESC' ELSE 'ASC' END AS column_order, CASE rawindex.indoption & 2 WHEN 2 THEN true ELSE false END AS nulls_first, pc.condeferrable AS condeferrable, pc.condeferred AS condeferred
FROM rawindex INNER JOIN pg_class AS tableinfo ON tableinfo.oid = rawindex.indrelid INNER JOIN pg_class AS indexinfo ON indexinfo.oid = rawindex.indexrelid INNER JOIN pg_namespace AS schemainfo ON schemainfo.oid = tableinfo.relnamespace
LEFT JOIN pg_attribute AS columninfo ON columninfo.attrelid = tableinfo.oid AND columninfo.attnum = rawindex.indkeyid INNER JOIN pg_am AS indexaccess ON indexaccess.oid = indexinfo.relam LEFT JOIN pg_opclass AS opclass ON opclass.oid = rawindex.indclass LEFT JOIN pg_constraint pc ON rawindex.indexrelid = pc.conindid AND pc.contype <> 'f'
WHERE schemainfo.nspname = ANY (ARRAY['public']) ORDER BY namespace, table_name, index_name, column_index
-- noise: Prisma: enums
SELECT t.typname AS name, e.enumlabel AS value, n.nspname AS namespace, obj_description(t.oid, 'pg_type') AS description FROM pg_type t JOIN pg_enum e ON t.oid = e.enumtypid JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE n.nspname = ANY (ARRAY['public']) ORDER BY e.enumsortorder
-- noise: Prisma: procedures
SELECT p.proname AS name, n.nspname AS namespace, CASE WHEN l.lanname = 'internal' THEN p.prosrc ELSE pg_get_functiondef(p.oid) END AS definition FROM pg_proc p LEFT JOIN pg_namespace n ON p.pronamespace = n.oid LEFT JOIN pg_language l ON p.prolang = l.oid WHERE n.nspname = ANY (ARRAY['public']) AND p.prokind <> 'a'
-- noise: Prisma: views
SELECT viewname AS view_name, definition AS view_sql, schemaname AS namespace, obj_description(format('%I.%I', schemaname, viewname)::regclass, 'pg_class') AS description FROM pg_catalog.pg_views WHERE schemaname = ANY (ARRAY['public'])
-- noise: Prisma: an advisory lock
SELECT pg_advisory_lock(72707369)
-- noise: TypeORM: schema and database
SELECT * FROM current_schema()
-- noise: TypeORM: the database
SELECT * FROM current_database()
-- noise: TypeORM: columns
SELECT columns.*, pg_catalog.col_description(('"' || table_catalog || '"."' || table_schema || '"."' || table_name || '"')::regclass::oid, ordinal_position) as description, ('"' || "udt_schema" || '"."' || "udt_name" || '"')::"regtype"::text AS "regtype", pg_catalog.format_type("col_attr"."atttypid", "col_attr"."atttypmod") AS "format_type"
FROM "information_schema"."columns" LEFT JOIN "pg_catalog"."pg_attribute" AS "col_attr" ON "col_attr"."attname" = "columns"."column_name" AND "col_attr"."attrelid" = ( SELECT "cls"."oid" FROM "pg_catalog"."pg_class" AS "cls" LEFT JOIN "pg_catalog"."pg_namespace" AS "ns" ON "ns"."oid" = "cls"."relnamespace" WHERE "cls"."relname" = "columns"."table_name" AND "ns"."nspname" = "columns"."table_schema" )
WHERE ("table_schema" = 'public' AND "table_name" = 'orders')
-- noise: TypeORM: constraints
SELECT "ns"."nspname" AS "table_schema", "t"."relname" AS "table_name", "cnst"."conname" AS "constraint_name", pg_get_constraintdef("cnst"."oid") AS "expression", CASE "cnst"."contype" WHEN 'p' THEN 'PRIMARY' WHEN 'u' THEN 'UNIQUE' WHEN 'c' THEN 'CHECK' WHEN 'x' THEN 'EXCLUDE' END AS "constraint_type", "a"."attname" AS "column_name"
FROM "pg_constraint" "cnst" INNER JOIN "pg_class" "t" ON "t"."oid" = "cnst"."conrelid" INNER JOIN "pg_namespace" "ns" ON "ns"."oid" = "cnst"."connamespace" LEFT JOIN "pg_attribute" "a" ON "a"."attrelid" = "cnst"."conrelid" AND "a"."attnum" = ANY ("cnst"."conkey") WHERE "t"."relkind" IN ('r', 'p') AND (("ns"."nspname" = 'public' AND "t"."relname" = 'orders'))
-- noise: TypeORM: indexes
SELECT "ns"."nspname" AS "table_schema", "t"."relname" AS "table_name", "i"."relname" AS "constraint_name", "a"."attname" AS "column_name", CASE "ix"."indisunique" WHEN 't' THEN 'TRUE' ELSE 'FALSE' END AS "is_unique", pg_get_expr("ix"."indpred", "ix"."indrelid") AS "condition", "types"."typname" AS "type_name", "am"."amname" AS "index_type"
FROM "pg_class" "t" INNER JOIN "pg_index" "ix" ON "ix"."indrelid" = "t"."oid" INNER JOIN "pg_attribute" "a" ON "a"."attrelid" = "t"."oid" AND "a"."attnum" = ANY ("ix"."indkey") INNER JOIN "pg_namespace" "ns" ON "ns"."oid" = "t"."relnamespace" INNER JOIN "pg_class" "i" ON "i"."oid" = "ix"."indexrelid" INNER JOIN "pg_type" "types" ON "types"."oid" = "a"."atttypid" INNER JOIN "pg_am" "am" ON "i"."relam" = "am"."oid" LEFT JOIN "pg_constraint" "cnst" ON "cnst"."conname" = "i"."relname" WHERE "t"."relkind" IN ('r', 'p') AND "cnst"."contype" IS NULL AND (("ns"."nspname" = 'public' AND "t"."relname" = 'orders'))
-- noise: TypeORM: the installed version of an extension
SELECT * FROM pg_extension WHERE extname = 'uuid-ossp'
-- noise: Sequelize: version
SHOW SERVER_VERSION
-- noise: Sequelize: types and enums
WITH ranges AS (SELECT pg_range.rngtypid, pg_type.typname AS rngtypname, pg_type.typarray AS rngtyparray, pg_range.rngsubtype FROM pg_range LEFT OUTER JOIN pg_type ON pg_type.oid = pg_range.rngtypid)
SELECT pg_type.typname, pg_type.typtype, pg_type.oid, pg_type.typarray, ranges.rngtypname, ranges.rngtypid, ranges.rngtyparray FROM pg_type LEFT OUTER JOIN ranges ON pg_type.oid = ranges.rngsubtype WHERE (pg_type.typtype IN ('b', 'e'))
-- noise: Sequelize: indexes
SELECT i.relname AS name, ix.indisprimary AS primary, ix.indisunique AS unique, ix.indkey AS indkey, array_agg(a.attnum) as column_indexes, array_agg(a.attname) AS column_names, pg_get_indexdef(ix.indexrelid) AS definition FROM pg_class t, pg_class i, pg_index ix, pg_attribute a
WHERE t.oid = ix.indrelid AND i.oid = ix.indexrelid AND a.attrelid = t.oid AND t.relkind = 'r' and t.relname = 'orders' GROUP BY i.relname, ix.indexrelid, ix.indisprimary, ix.indisunique, ix.indkey ORDER BY i.relname
-- noise: Sequelize: the columns of a table
SELECT pk.constraint_type as "Constraint", c.column_name as "Field", c.column_default as "Default", c.is_nullable as "Null", (CASE WHEN c.udt_name = 'hstore' THEN c.udt_name ELSE c.data_type END) || (CASE WHEN c.character_maximum_length IS NOT NULL THEN '(' || c.character_maximum_length || ')' ELSE '' END) as "Type",
    (SELECT array_agg(e.enumlabel) FROM pg_catalog.pg_type t JOIN pg_catalog.pg_enum e ON t.oid = e.enumtypid WHERE t.typname = c.udt_name) AS "special", (SELECT pgd.description FROM pg_catalog.pg_statio_all_tables AS st INNER JOIN pg_catalog.pg_description pgd on (pgd.objoid = st.relid) WHERE c.ordinal_position = pgd.objsubid AND c.table_name = st.relname) AS "Comment"
FROM information_schema.columns c LEFT JOIN (SELECT tc.table_schema, tc.table_name, cu.column_name, tc.constraint_type FROM information_schema.table_constraints tc JOIN information_schema.key_column_usage cu ON tc.table_schema = cu.table_schema and tc.table_name = cu.table_name and tc.constraint_name = cu.constraint_name and tc.constraint_type = 'PRIMARY KEY') pk ON pk.table_schema = c.table_schema AND pk.table_name = c.table_name AND pk.column_name = c.column_name
WHERE c.table_name = 'orders' AND c.table_schema = 'public'
-- noise: Knex: is a table there
select * from information_schema.tables where table_name = 'knex_migrations' and table_schema = current_schema()
-- noise: Knex: columns
select * from information_schema.columns where table_name = 'orders' and table_catalog = current_database() and table_schema = current_schema()
-- noise: ActiveRecord: types
SELECT t.oid, t.typname, t.typelem, t.typdelim, t.typinput, r.rngsubtype, t.typtype, t.typbasetype FROM pg_type as t LEFT JOIN pg_range as r ON oid = rngtypid WHERE t.typname IN ('int2', 'int4', 'int8', 'oid', 'float4', 'float8', 'numeric', 'bool', 'timestamptz') OR t.typtype IN ('r', 'e', 'd') OR t.typinput = 'array_in(cstring,oid,integer)'::regprocedure OR t.typelem != 0
-- noise: ActiveRecord: columns
SELECT a.attname, format_type(a.atttypid, a.atttypmod), pg_get_expr(d.adbin, d.adrelid), a.attnotnull, a.atttypid, a.atttypmod, c.collname, col_description(a.attrelid, a.attnum) AS comment, attidentity AS identity, attgenerated as attgenerated
FROM pg_attribute a LEFT JOIN pg_attrdef d ON a.attrelid = d.adrelid AND a.attnum = d.adnum LEFT JOIN pg_type t ON a.atttypid = t.oid LEFT JOIN pg_collation c ON a.attcollation = c.oid AND a.attcollation <> t.typcollation WHERE a.attrelid = '"orders"'::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
-- noise: ActiveRecord: the primary key
SELECT a.attname FROM ( SELECT indrelid, indkey, generate_subscripts(indkey, 1) idx FROM pg_index WHERE indrelid = '"orders"'::regclass AND indisprimary ) i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[i.idx] ORDER BY i.idx
-- noise: ActiveRecord: the sequence of a primary key
SELECT attr.attname, nsp.nspname, seq.relname FROM pg_class seq, pg_attribute attr, pg_depend dep, pg_constraint cons, pg_namespace nsp WHERE seq.oid = dep.objid AND seq.relkind = 'S' AND attr.attrelid = dep.refobjid AND attr.attnum = dep.refobjsubid AND attr.attrelid = cons.conrelid AND attr.attnum = cons.conkey[1] AND seq.relnamespace = nsp.oid AND cons.contype = 'p' AND dep.classid = 'pg_class'::regclass AND dep.refobjid = '"orders"'::regclass
-- noise: ActiveRecord: another way to the sequence
SELECT t.attname as attname, CASE WHEN pg_get_expr(def.adbin, def.adrelid) !~* 'nextval' THEN NULL WHEN split_part(pg_get_expr(def.adbin, def.adrelid), '''', 2) ~ '.' THEN substr(split_part(pg_get_expr(def.adbin, def.adrelid), '''', 2), strpos(split_part(pg_get_expr(def.adbin, def.adrelid), '''', 2), '.') + 1) ELSE split_part(pg_get_expr(def.adbin, def.adrelid), '''', 2) END
FROM pg_class t0 JOIN pg_attribute t ON (t0.oid = t.attrelid) JOIN pg_attrdef def ON (def.adrelid = t.attrelid AND def.adnum = t.attnum) JOIN pg_constraint cons ON (cons.conrelid = def.adrelid AND cons.conkey[1] = def.adnum) WHERE t0.oid = '"orders"'::regclass AND cons.contype = 'p' AND pg_get_expr(def.adbin, def.adrelid) ~* 'nextval|uuid_generate|gen_random_uuid'
-- noise: ActiveRecord: foreign keys
SELECT t2.oid::regclass::text AS to_table, c.conname AS name, c.confupdtype AS on_update, c.confdeltype AS on_delete, c.convalidated AS valid, c.condeferrable AS deferrable, c.condeferred AS deferred, c.conrelid, c.confrelid, (SELECT array_agg(a.attname ORDER BY idx) FROM (SELECT idx, c.conkey[idx] AS conkey_elem FROM generate_subscripts(c.conkey, 1) AS idx) indexed_conkeys JOIN pg_attribute a ON a.attrelid = t1.oid AND a.attnum = indexed_conkeys.conkey_elem) AS conkey_names
FROM pg_constraint c JOIN pg_class t1 ON c.conrelid = t1.oid JOIN pg_class t2 ON c.confrelid = t2.oid JOIN pg_namespace n ON c.connamespace = n.oid WHERE c.contype = 'f' AND t1.relname = 'orders' AND n.nspname = ANY (current_schemas(false)) ORDER BY c.conname
-- noise: ActiveRecord: indexes
SELECT distinct i.relname, d.indisunique, d.indkey, pg_get_indexdef(d.indexrelid), pg_catalog.obj_description(i.oid, 'pg_class') AS comment, d.indisvalid, ARRAY( SELECT pg_get_indexdef(d.indexrelid, k + 1, true) FROM generate_subscripts(d.indkey, 1) AS k ORDER BY k ) AS columns FROM pg_class t INNER JOIN pg_index d ON t.oid = d.indrelid INNER JOIN pg_class i ON d.indexrelid = i.oid LEFT JOIN pg_namespace n ON n.oid = t.relnamespace WHERE i.relkind IN ('i', 'I') AND d.indisprimary = 'f' AND t.relname = 'orders' AND n.nspname = ANY (current_schemas(false)) ORDER BY i.relname
-- noise: ActiveRecord: an advisory lock
SELECT pg_try_advisory_lock(4095263467310535)
-- noise: ActiveRecord: enums
SELECT type.typname AS name, type.OID AS oid, n.nspname AS schema, array_agg(enum.enumlabel ORDER BY enum.enumsortorder) AS value FROM pg_enum AS enum JOIN pg_type AS type ON (type.oid = enum.enumtypid) JOIN pg_namespace n ON type.typnamespace = n.oid WHERE n.nspname = ANY (current_schemas(false)) GROUP BY type.OID, n.nspname, type.typname
-- noise: GORM: is a column there
SELECT count(*) FROM INFORMATION_SCHEMA.columns WHERE table_schema = CURRENT_SCHEMA() AND table_name = 'orders' AND column_name = 'total'
-- noise: GORM: columns, constraints, types
SELECT c.column_name, c.is_nullable = 'YES', c.udt_name, c.character_maximum_length, c.numeric_precision, c.numeric_precision_radix, c.numeric_scale, c.datetime_precision, 8 * typlen, c.column_default, pd.description, c.identity_increment FROM information_schema.columns AS c JOIN pg_type AS pgt ON c.udt_name = pgt.typname LEFT JOIN pg_catalog.pg_description as pd ON pd.objsubid = c.ordinal_position AND pd.objoid = (SELECT oid FROM pg_catalog.pg_class WHERE relname = c.table_name AND relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = c.table_schema)) where table_catalog = 'shop' AND table_schema = CURRENT_SCHEMA() AND table_name = 'orders'
-- noise: GORM: indexes
SELECT ct.relname AS table_name, ci.relname AS index_name, i.indisunique AS non_unique, i.indisprimary AS primary, a.attname AS column_name FROM pg_index i LEFT JOIN pg_class ct ON ct.oid = i.indrelid LEFT JOIN pg_class ci ON ci.oid = i.indexrelid LEFT JOIN pg_attribute a ON a.attrelid = ct.oid LEFT JOIN pg_constraint con ON con.conindid = i.indexrelid WHERE a.attnum = ANY(i.indkey) AND con.oid IS NULL AND ct.relkind = 'r' AND ct.relname = 'orders'
-- noise: sqlx: a type by its number
SELECT typname, typtype, typcategory, typrelid, typelem, typbasetype FROM pg_catalog.pg_type WHERE oid = 23
-- noise: sqlx: nullability of result columns
SELECT (NOT pg_attribute.attnotnull) AS nullable FROM (VALUES (0, 16400, 1::int2), (1, 16400, 2)) AS col(idx, table_id, col_idx) LEFT JOIN pg_catalog.pg_attribute ON table_id IS NOT NULL AND attrelid = table_id AND attnum = col_idx ORDER BY col.idx
-- noise: sqlx: an advisory lock from a name
SELECT pg_advisory_lock(hashtextextended('shop', 0)), current_database()
-- noise: diesel: columns
SELECT column_name, udt_name, udt_schema::information_schema.sql_identifier, is_nullable, character_maximum_length, col_description((quote_ident(table_schema) || '.' || quote_ident(table_name))::regclass::oid, ordinal_position::int4) FROM information_schema.columns WHERE table_name = 'orders' AND table_schema = 'public' ORDER BY ordinal_position
-- noise: diesel: keys of a table
SELECT key_column_usage.column_name FROM information_schema.key_column_usage WHERE key_column_usage.constraint_name IN (SELECT table_constraints.constraint_name FROM information_schema.table_constraints WHERE table_constraints.constraint_type = 'PRIMARY KEY') AND key_column_usage.table_name = 'orders' AND key_column_usage.table_schema = 'public' ORDER BY key_column_usage.ordinal_position
-- noise: Ecto: types
SELECT t.oid, t.typname, t.typsend, t.typreceive, t.typoutput, t.typinput, coalesce(d.typelem, t.typelem), coalesce(r.rngsubtype, 0), ARRAY (SELECT a.atttypid FROM pg_attribute AS a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) FROM pg_type AS t LEFT JOIN pg_type AS d ON t.typbasetype = d.oid LEFT JOIN pg_range AS r ON r.rngtypid = t.oid OR r.rngmultitypid = t.oid OR (t.typbasetype <> 0 AND r.rngtypid = t.typbasetype) WHERE (t.typrelid = 0) AND (t.typelem = 0 OR NOT EXISTS (SELECT 1 FROM pg_catalog.pg_type s WHERE s.typrelid != 0 AND s.oid = t.typelem))
-- noise: Doctrine: tables
SELECT quote_ident(table_name) AS table_name, table_schema AS schema_name FROM information_schema.tables WHERE table_schema NOT LIKE 'pg\_%' AND table_schema != 'information_schema' AND table_name != 'geometry_columns' AND table_type != 'VIEW'
-- noise: Doctrine: columns
SELECT a.attnum, quote_ident(a.attname) AS field, t.typname AS type, format_type(a.atttypid, a.atttypmod) AS complete_type, (SELECT tc.collcollate FROM pg_catalog.pg_collation tc WHERE tc.oid = a.attcollation) AS collation, (SELECT t1.typname FROM pg_catalog.pg_type t1 WHERE t1.oid = t.typbasetype) AS domain_type, (SELECT format_type(t2.typbasetype, t2.typtypmod) FROM pg_catalog.pg_type t2 WHERE t2.typtype = 'd' AND t2.oid = a.atttypid) AS domain_complete_type, a.attnotnull AS isnotnull, a.attidentity,
    (SELECT 't' FROM pg_index WHERE c.oid = pg_index.indrelid AND pg_index.indkey[0] = a.attnum AND pg_index.indisprimary = 't') AS pri, (SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE c.oid = pg_attrdef.adrelid AND pg_attrdef.adnum = a.attnum) AS default, (SELECT pg_description.description FROM pg_description WHERE pg_description.objoid = c.oid AND a.attnum = pg_description.objsubid) AS comment
FROM pg_attribute a, pg_class c, pg_type t, pg_namespace n WHERE a.attnum > 0 AND a.attrelid = c.oid AND a.atttypid = t.oid AND n.oid = c.relnamespace AND c.relname = 'orders' AND n.nspname = ANY(current_schemas(false)) ORDER BY a.attnum
-- noise: Doctrine: sequences of a database
SELECT sequence_name AS relname, sequence_schema AS schemaname, minimum_value AS min_value, increment AS increment_by FROM information_schema.sequences WHERE sequence_catalog = 'shop' AND sequence_schema NOT LIKE 'pg\_%' AND sequence_schema != 'information_schema'
-- noise: Doctrine: search paths
SELECT string_to_array(current_setting('search_path'), ',') AS search_paths, current_schemas(false)
-- noise: Eloquent: tables
select c.relname as name, n.nspname as schema, pg_total_relation_size(c.oid) as size, obj_description(c.oid, 'pg_class') as comment from pg_class c, pg_namespace n where c.relkind in ('r', 'p') and n.oid = c.relnamespace and n.nspname not in ('pg_catalog', 'information_schema') order by c.relname
-- noise: Eloquent: is a table there
select exists (select 1 from pg_class c, pg_namespace n where n.nspname = current_schema() and c.relname = 'migrations' and c.relkind in ('r', 'p') and n.oid = c.relnamespace)
-- noise: Eloquent: columns
select a.attname as name, t.typname as type_name, format_type(a.atttypid, a.atttypmod) as type, (select tc.collcollate from pg_catalog.pg_collation tc where tc.oid = a.attcollation) as collation, not a.attnotnull as nullable, (select pg_get_expr(adbin, adrelid) from pg_attrdef where c.oid = pg_attrdef.adrelid and pg_attrdef.adnum = a.attnum) as default, a.attgenerated as generated, col_description(c.oid, a.attnum) as comment from pg_attribute a, pg_class c, pg_type t, pg_namespace n where c.relname = 'orders' and n.nspname = current_schema() and a.attnum > 0 and a.attrelid = c.oid and a.atttypid = t.oid and n.oid = c.relnamespace order by a.attnum
-- noise: Eloquent: indexes
select ic.relname as name, string_agg(a.attname, ',' order by indseq.ord) as columns, am.amname as "type", i.indisunique as "unique", i.indisprimary as "primary" from pg_index i join pg_class tc on tc.oid = i.indrelid join pg_namespace tn on tn.oid = tc.relnamespace join pg_class ic on ic.oid = i.indexrelid join pg_am am on am.oid = ic.relam join lateral unnest(i.indkey) with ordinality as indseq(num, ord) on true left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = indseq.num where tc.relname = 'orders' and tn.nspname = current_schema() group by ic.relname, am.amname, i.indisunique, i.indisprimary
-- noise: Eloquent: foreign keys
select c.conname as name, string_agg(la.attname, ',' order by conseq.ord) as columns, fn.nspname as foreign_schema, fc.relname as foreign_table, string_agg(fa.attname, ',' order by conseq.ord) as foreign_columns, c.confupdtype as on_update, c.confdeltype as on_delete from pg_constraint c join pg_class tc on c.conrelid = tc.oid join pg_namespace tn on tn.oid = tc.relnamespace join pg_class fc on c.confrelid = fc.oid join pg_namespace fn on fn.oid = fc.relnamespace join lateral unnest(c.conkey) with ordinality as conseq(num, ord) on true join pg_attribute la on la.attrelid = c.conrelid and la.attnum = conseq.num join pg_attribute fa on fa.attrelid = c.confrelid and fa.attnum = c.confkey[conseq.ord] where c.contype = 'f' and tc.relname = 'orders' and tn.nspname = current_schema() group by c.conname, fn.nspname, fc.relname, c.confupdtype, c.confdeltype
-- noise: DBeaver: session
SELECT current_schema(), session_user, current_database()
-- noise: DBeaver: the database
SELECT db.oid, db.*, pg_catalog.pg_encoding_to_char(db.encoding) AS encoding_name FROM pg_catalog.pg_database db WHERE datallowconn AND NOT datistemplate OR db.datname = 'shop' ORDER BY db.datname
-- noise: DBeaver: schemas
SELECT n.oid, n.*, d.description FROM pg_catalog.pg_namespace n LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid = n.oid AND d.objsubid = 0 AND d.classoid = 'pg_namespace'::regclass ORDER BY nspname
-- noise: DBeaver: types of a schema
SELECT t.oid, t.*, c.relkind, format_type(nullif(t.typbasetype, 0), t.typtypmod) as base_type_name, d.description FROM pg_catalog.pg_type t LEFT OUTER JOIN pg_catalog.pg_type et ON et.oid = t.typelem LEFT OUTER JOIN pg_catalog.pg_class c ON c.oid = t.typrelid LEFT OUTER JOIN pg_catalog.pg_description d ON t.oid = d.objoid WHERE t.typname IS NOT NULL AND (c.relkind IS NULL OR c.relkind = 'c') AND (et.typcategory IS NULL OR et.typcategory <> 'C')
-- noise: DBeaver: tables
SELECT c.oid, c.*, d.description, pg_catalog.pg_get_expr(c.relpartbound, c.oid) as partition_expr, pg_catalog.pg_get_partkeydef(c.oid) as partition_key FROM pg_catalog.pg_class c INNER JOIN pg_catalog.pg_namespace ns ON ns.oid = c.relnamespace LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid = c.oid AND d.objsubid = 0 AND d.classoid = 'pg_class'::regclass WHERE ns.nspname = 'public' AND c.relkind NOT IN ('i', 'I', 'c')
-- noise: DBeaver: columns
SELECT c.relname, a.*, pg_catalog.pg_get_expr(ad.adbin, ad.adrelid, true) as def_value, dsc.description, dep.objid FROM pg_catalog.pg_attribute a INNER JOIN pg_catalog.pg_class c ON (a.attrelid = c.oid) LEFT OUTER JOIN pg_catalog.pg_attrdef ad ON (a.attrelid = ad.adrelid AND a.attnum = ad.adnum) LEFT OUTER JOIN pg_catalog.pg_description dsc ON (c.oid = dsc.objoid AND a.attnum = dsc.objsubid) LEFT OUTER JOIN pg_depend dep on dep.refobjid = a.attrelid AND dep.deptype = 'i' and dep.refobjsubid = a.attnum and dep.classid = dep.refclassid WHERE NOT a.attisdropped AND c.oid = 'orders'::regclass ORDER BY a.attnum
-- noise: DBeaver: sizes of tables
select c.oid, pg_catalog.pg_total_relation_size(c.oid) as total_rel_size, pg_catalog.pg_relation_size(c.oid) as rel_size FROM pg_class c WHERE c.relnamespace = 2200
-- noise: DBeaver: words and settings
select * from pg_catalog.pg_get_keywords()
-- noise: DBeaver: functions of a schema
SELECT p.oid as poid, p.*, CASE WHEN p.prokind = 'a' THEN a.aggfinalfn ELSE NULL END AS agg, pg_catalog.pg_get_expr(p.proargdefaults, 0) as arg_defaults, d.description FROM pg_catalog.pg_proc p LEFT OUTER JOIN pg_catalog.pg_aggregate a ON a.aggfnoid = p.oid LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid = p.oid WHERE p.pronamespace = 'public'::regnamespace ORDER BY p.proname
-- noise: DBeaver: roles
SELECT a.oid, a.*, pd.description FROM pg_catalog.pg_roles a LEFT JOIN pg_catalog.pg_shdescription pd ON a.oid = pd.objoid ORDER BY a.rolname
-- noise: DBeaver: is the role a superuser
SELECT * FROM pg_catalog.pg_roles WHERE rolname = current_user
-- noise: DBeaver: extensions
SELECT e.oid, a.name, e.extversion, e.extrelocatable, n.nspname AS schema_name, a.default_version, a.installed_version, a.comment FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace JOIN pg_catalog.pg_available_extensions a ON a.name = e.extname
-- noise: DBeaver: triggers and rules
SELECT x.oid, x.*, p.pronamespace as func_schema_id, d.description FROM pg_catalog.pg_trigger x LEFT OUTER JOIN pg_catalog.pg_proc p ON p.oid = x.tgfoid LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid = x.oid WHERE x.tgrelid = 'products'::regclass AND NOT x.tgisinternal
-- noise: DBeaver: grants of columns
SELECT a.attname, a.attacl FROM pg_catalog.pg_attribute a WHERE a.attrelid = 'orders'::regclass AND NOT a.attisdropped AND a.attacl IS NOT NULL
-- noise: DBeaver: the text of a view
SELECT pg_catalog.pg_get_viewdef('customer_totals'::regclass, true), pg_catalog.pg_relation_is_updatable('customer_totals'::regclass, true) & 8 = 8
-- noise: DataGrip: the server
select version(), current_database() as db, current_user as usr, current_schemas(false) as path, pg_is_in_recovery() as replica, txid_current() as tx
-- noise: DataGrip: age of the system
select L.transactionid::varchar::bigint as transaction_id from pg_catalog.pg_locks L where L.transactionid is not null order by pg_catalog.age(L.transactionid) desc limit 1
-- noise: DataGrip: snapshot without an assigned number
select case when pg_catalog.pg_is_in_recovery() then null else (pg_catalog.txid_current() % 4294967296)::varchar::bigint end as current_txid
-- noise: DataGrip: databases
select N.oid::bigint as id, datname as name, D.description, datistemplate as is_template, datallowconn as allow_connections, pg_catalog.pg_get_userbyid(N.datdba) as "owner" from pg_catalog.pg_database N left join pg_catalog.pg_shdescription D on N.oid = D.objoid order by case when datname = pg_catalog.current_database() then -1::bigint else N.oid::bigint end
-- noise: DataGrip: schemas with states
select N.oid::bigint as id, N.xmin as state_number, nspname as name, D.description, pg_catalog.pg_get_userbyid(N.nspowner) as "owner" from pg_catalog.pg_namespace N left join pg_catalog.pg_description D on N.oid = D.objoid order by case when nspname = pg_catalog.current_schema() then -1::bigint else N.oid::bigint end
-- noise: DataGrip: relations
select T.relkind as table_kind, T.relname as table_name, T.oid as table_id, T.xmin as table_state_number, false as table_with_oids, T.reltablespace as tablespace_id, T.reloptions as options, T.relpersistence as persistence, (select pg_catalog.array_agg(inhparent::bigint order by inhseqno)::varchar from pg_catalog.pg_inherits where T.oid = inhrelid) as ancestors, T.relispartition as is_partition, pg_catalog.pg_get_partkeydef(T.oid) as partition_key, pg_catalog.pg_get_expr(T.relpartbound, T.oid) as partition_expression, T.relam am_id, pg_catalog.pg_get_userbyid(T.relowner) as "owner" from pg_catalog.pg_class T where relnamespace = 2200::oid and relkind in ('r', 'm', 'v', 'f', 'p') and pg_catalog.age(T.xmin) <= coalesce(nullif(greatest(pg_catalog.age(3::varchar::xid), -1), -1), 2147483647) order by table_kind, table_id
-- noise: DataGrip: columns with defaults
with T as ( select distinct T.oid as table_id, T.relname as table_name from pg_catalog.pg_class T, pg_catalog.pg_attribute A where T.relnamespace = 2200::oid and T.relkind in ('r', 'm', 'v', 'f', 'p') and A.attrelid = T.oid )
select T.table_id, C.attnum as column_position, C.attname as column_name, C.xmin as column_state_number, C.atttypmod as type_mod, C.attndims as dimensions_number, pg_catalog.format_type(C.atttypid, C.atttypmod) as type_spec, C.atttypid as type_id, C.attnotnull as mandatory, pg_catalog.pg_get_expr(D.adbin, T.table_id) as column_default_expression, not C.attislocal as column_is_inherited, C.attisdropped as column_is_dropped, C.attidentity as identity_kind, C.attgenerated as generated from T join pg_catalog.pg_attribute C on T.table_id = C.attrelid left join pg_catalog.pg_attrdef D on (C.attrelid, C.attnum) = (D.adrelid, D.adnum) where attnum > 0 order by table_id, attnum
-- noise: DataGrip: routines
with languages as (select oid as lang_oid, lanname as lang from pg_catalog.pg_language), routines as (select proname as r_name, prolang as lang_oid, oid as r_id, xmin as r_state_number, proargnames as arg_names, proargmodes as arg_modes, proargtypes::int[] as in_arg_types, proallargtypes::int[] as all_arg_types, pg_catalog.pg_get_expr(proargdefaults, 0) as arg_defaults, provariadic as arg_variadic_id, prorettype as ret_type_id, proretset as ret_set, prokind as kind, provolatile as volatile_kind, proisstrict as is_strict, prosecdef as is_security_definer, proconfig as configuration_parameters, procost as cost, pg_catalog.pg_get_userbyid(proowner) as "owner", prorows as rows from pg_catalog.pg_proc where pronamespace = 2200::oid and not (prokind = 'a'))
select * from routines natural join languages
-- noise: DataGrip: sources of views and rules
select R.ev_class as view_id, R.oid as rule_id, pg_catalog.pg_get_ruledef(R.oid, true) as source_text from pg_catalog.pg_rewrite R where R.ev_class in (select oid from pg_catalog.pg_class where relnamespace = 2200::oid) order by 1
-- noise: DataGrip: constraints
select T.oid table_id, relkind table_kind, C.oid::bigint con_id, C.xmin::varchar::bigint con_state_id, conname con_name, contype con_kind, conkey con_columns, conindid index_id, confrelid ref_table_id, condeferrable is_deferrable, condeferred is_init_deferred, confupdtype on_update, confdeltype on_delete, connoinherit no_inherit, pg_catalog.pg_get_expr(conbin, T.oid) con_expression, confkey ref_columns, conexclop::int[] excl_operators, array(select unnest::regoper::varchar from unnest(conexclop)) excl_operators_str from pg_catalog.pg_constraint C join pg_catalog.pg_class T on C.conrelid = T.oid where relkind in ('r', 'v', 'f', 'p') and relnamespace = 2200::oid and contype in ('p', 'u', 'f', 'c', 'x') and connamespace = 2200::oid order by 3
-- noise: DataGrip: grants
select T.oid as object_id, T.relacl as acl from pg_catalog.pg_class T where relnamespace = 2200::oid and relacl is not null order by object_id
-- noise: DataGrip: roles with what they are members of
select R.oid::bigint as role_id, rolname as role_name, rolsuper is_super, rolinherit is_inherit, rolcreaterole can_createrole, rolcreatedb can_createdb, rolcanlogin can_login, rolreplication is_replication, rolconnlimit conn_limit, rolvaliduntil valid_until, rolbypassrls bypass_rls, rolconfig config, D.description from pg_catalog.pg_roles R left join pg_catalog.pg_shdescription D on D.objoid = R.oid
-- noise: Metabase: tables
SELECT n.nspname AS "schema", c.relname AS "name", CASE c.relkind WHEN 'r' THEN 'TABLE' WHEN 'p' THEN 'PARTITIONED TABLE' WHEN 'v' THEN 'VIEW' WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE NULL END AS type, d.description AS description, stat.n_live_tup AS estimated_row_count FROM pg_catalog.pg_class AS c INNER JOIN pg_catalog.pg_namespace AS n ON c.relnamespace = n.oid LEFT JOIN pg_catalog.pg_description AS d ON (c.oid = d.objoid) AND (d.objsubid = 0) AND (d.classoid = 'pg_class'::regclass) LEFT JOIN pg_stat_user_tables AS stat ON (n.nspname = stat.schemaname) AND (c.relname = stat.relname) WHERE (c.relnamespace = n.oid) AND (n.nspname !~ '^pg_') AND (n.nspname <> 'information_schema') AND c.relkind IN ('r', 'p', 'v', 'f', 'm') ORDER BY type ASC, schema ASC, name ASC
-- noise: Metabase: fields
SELECT c.column_name AS name, c.udt_name AS "database-type", c.ordinal_position - 1 AS "database-position", c.table_schema AS "table-schema", c.table_name AS "table-name", pk.column_name IS NOT NULL AS "pk?", COL_DESCRIPTION(CAST(CAST(FORMAT('%I.%I', CAST(c.table_schema AS TEXT), CAST(c.table_name AS TEXT)) AS REGCLASS) AS OID), c.ordinal_position) AS "field-comment", ((column_default IS NULL) OR (LOWER(column_default) = 'null')) AND (is_nullable = 'NO') AND NOT (((column_default IS NOT NULL) AND (column_default LIKE '%nextval(%')) OR (is_identity <> 'NO')) AS "database-required"
FROM information_schema.columns AS c LEFT JOIN (SELECT tc.table_schema, tc.table_name, kc.column_name FROM information_schema.table_constraints AS tc INNER JOIN information_schema.key_column_usage AS kc ON (tc.constraint_name = kc.constraint_name) AND (tc.table_schema = kc.table_schema) AND (tc.table_name = kc.table_name) WHERE tc.constraint_type = 'PRIMARY KEY') AS pk ON (c.table_schema = pk.table_schema) AND (c.table_name = pk.table_name) AND (c.column_name = pk.column_name) WHERE c.table_schema !~ '^information_schema|catalog_history|pg_' AND (c.table_schema IN ('public'))
-- noise: Metabase: privileges of tables
with table_privileges as (
    select NULL as role, t.schemaname as schema, t.objectname as table, pg_catalog.has_any_column_privilege(current_user, '"' || replace(t.schemaname, '"', '""') || '"' || '.' || '"' || replace(t.objectname, '"', '""') || '"', 'update') as update, pg_catalog.has_any_column_privilege(current_user, '"' || replace(t.schemaname, '"', '""') || '"' || '.' || '"' || replace(t.objectname, '"', '""') || '"', 'select') as select, pg_catalog.has_table_privilege(current_user, '"' || replace(t.schemaname, '"', '""') || '"' || '.' || '"' || replace(t.objectname, '"', '""') || '"', 'delete') as delete
    from (select schemaname, tablename as objectname from pg_catalog.pg_tables union select schemaname, viewname as objectname from pg_catalog.pg_views union select schemaname, matviewname as objectname from pg_catalog.pg_matviews) t where t.schemaname !~ '^pg_' and t.schemaname <> 'information_schema' and pg_catalog.has_schema_privilege(current_user, t.schemaname, 'usage')
)
select t.* from table_privileges t
-- noise: Metabase: time zone and enums
SELECT nspname, typname FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid LEFT JOIN pg_namespace n ON n.oid = t.typnamespace GROUP BY nspname, typname
-- noise: Grafana: version
SELECT current_setting('server_version_num')::int/100 as version
-- noise: Grafana: tables of the search path
SELECT CASE WHEN quote_ident(table_schema) IN ( SELECT CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END FROM generate_series(array_lower(string_to_array(current_setting('search_path'),','),1), array_upper(string_to_array(current_setting('search_path'),','),1)) as i, string_to_array(current_setting('search_path'),',') s ) THEN quote_ident(table_name) ELSE quote_ident(table_schema) || '.' || quote_ident(table_name) END AS "table" FROM information_schema.tables WHERE quote_ident(table_schema) NOT IN ('information_schema', 'pg_catalog', '_timescaledb_cache', '_timescaledb_config') ORDER BY CASE WHEN quote_ident(table_schema) IN ('public') THEN 0 ELSE 1 END, 1
-- noise: Grafana: is an extension there
SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'
-- noise: Tableau and Power BI: rows of a type catalog
select TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE from INFORMATION_SCHEMA.tables where TABLE_SCHEMA not in ('information_schema', 'pg_catalog') order by TABLE_SCHEMA, TABLE_NAME
-- noise: Power BI: character sets
select character_set_name from INFORMATION_SCHEMA.character_sets
-- noise: Power BI: keys
select pkcol.COLUMN_NAME as PK_COLUMN_NAME, fkcol.TABLE_SCHEMA AS FK_TABLE_SCHEMA, fkcol.TABLE_NAME AS FK_TABLE_NAME, fkcol.COLUMN_NAME as FK_COLUMN_NAME, fkcol.ORDINAL_POSITION as ORDINAL, fkcon.CONSTRAINT_SCHEMA || '_' || fkcol.TABLE_NAME || '_' || 'customers' || '_' || fkcon.CONSTRAINT_NAME as FK_NAME from (select distinct constraint_catalog, constraint_schema, unique_constraint_schema, constraint_name, unique_constraint_name from INFORMATION_SCHEMA.REFERENTIAL_CONSTRAINTS) fkcon inner join INFORMATION_SCHEMA.KEY_COLUMN_USAGE fkcol on fkcon.CONSTRAINT_SCHEMA = fkcol.CONSTRAINT_SCHEMA and fkcon.CONSTRAINT_NAME = fkcol.CONSTRAINT_NAME inner join INFORMATION_SCHEMA.KEY_COLUMN_USAGE pkcol on fkcon.UNIQUE_CONSTRAINT_SCHEMA = pkcol.CONSTRAINT_SCHEMA and fkcon.UNIQUE_CONSTRAINT_NAME = pkcol.CONSTRAINT_NAME where pkcol.TABLE_NAME = 'customers' and pkcol.ORDINAL_POSITION = fkcol.ORDINAL_POSITION order by FK_NAME, fkcol.ORDINAL_POSITION
-- noise: postgres_exporter: start and settings
SELECT EXTRACT(EPOCH FROM pg_postmaster_start_time()) AS start_time_seconds
-- noise: postgres_exporter: replication lag
SELECT CASE WHEN NOT pg_is_in_recovery() THEN 0 WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0 ELSE GREATEST(0, EXTRACT(EPOCH FROM (now() - pg_last_xact_replay_timestamp()))) END AS lag, CASE WHEN pg_is_in_recovery() THEN 1 ELSE 0 END AS is_replica
-- noise: postgres_exporter: settings
SELECT name, setting, COALESCE(unit, ''), short_desc, vartype FROM pg_settings WHERE vartype IN ('bool', 'integer', 'real') AND name != 'sync_commit_cancel_wait'
-- noise: postgres_exporter: sizes of databases
SELECT pg_database.datname, pg_database.datconnlimit, pg_database_size(pg_database.datname) FROM pg_database WHERE datallowconn
-- noise: postgres_exporter: counters of tables
SELECT current_database() datname, schemaname, relname, seq_scan, seq_tup_read, idx_scan, idx_tup_fetch, n_tup_ins, n_tup_upd, n_tup_del, n_tup_hot_upd, n_live_tup, n_dead_tup, n_mod_since_analyze, COALESCE(last_vacuum, '1970-01-01Z') as last_vacuum, COALESCE(last_autovacuum, '1970-01-01Z') as last_autovacuum, vacuum_count, autovacuum_count, pg_indexes_size(relid) as indexes_size, pg_table_size(relid) as table_size FROM pg_stat_user_tables
-- noise: postgres_exporter: counters of blocks
SELECT current_database() datname, schemaname, relname, heap_blks_read, heap_blks_hit, idx_blks_read, idx_blks_hit, toast_blks_read, toast_blks_hit, tidx_blks_read, tidx_blks_hit FROM pg_statio_user_tables
-- noise: postgres_exporter: background writer
SELECT buffers_clean, maxwritten_clean, buffers_alloc, stats_reset FROM pg_stat_bgwriter
-- noise: postgres_exporter: archiver, replication, slots
SELECT *, extract(epoch from now() - last_archived_time) AS last_archive_age FROM pg_stat_archiver
-- noise: postgres_exporter: replication
SELECT *, (case pg_is_in_recovery() when 't' then pg_last_wal_receive_lsn() else pg_current_wal_lsn() end) AS pg_current_wal_lsn, (case pg_is_in_recovery() when 't' then pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_lsn('0/0'))::float else pg_wal_lsn_diff(pg_current_wal_lsn(), pg_lsn('0/0'))::float end) AS pg_current_wal_lsn_bytes FROM pg_stat_replication
-- noise: postgres_exporter: slots
SELECT slot_name, database, active, CASE WHEN pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_last_wal_receive_lsn(), restart_lsn) ELSE pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) END AS retained FROM pg_replication_slots
-- noise: postgres_exporter: locks
SELECT pg_database.datname, tmp.mode, COALESCE(count, 0) as count FROM (VALUES ('accesssharelock'), ('rowsharelock'), ('exclusivelock')) AS tmp(mode) CROSS JOIN pg_database LEFT JOIN (SELECT database, lower(mode) AS mode, count(*) AS count FROM pg_locks WHERE database IS NOT NULL GROUP BY database, lower(mode)) AS tmp2 ON tmp.mode = tmp2.mode and pg_database.oid = tmp2.database ORDER BY 1
-- noise: postgres_exporter: progress of vacuum
SELECT p.pid, p.datname, p.relid::regclass, p.phase, p.heap_blks_total, p.heap_blks_scanned, p.heap_blks_vacuumed FROM pg_stat_progress_vacuum p
-- noise: postgres_exporter: progress of analyze and indexes
SELECT a.pid, a.phase, i.phase FROM pg_stat_progress_analyze a FULL JOIN pg_stat_progress_create_index i USING (pid)
-- noise: postgres_exporter: transaction numbers
SELECT datname, age(datfrozenxid) AS frozen, mxid_age(datminmxid) AS multi, txid_snapshot_xmin(txid_current_snapshot()), 2000000000 - age(datfrozenxid) FROM pg_database
-- noise: Datadog: version and extensions
SELECT extname, nspname schemaname FROM pg_extension left join pg_namespace on extnamespace = pg_namespace.oid
-- noise: Datadog: databases
SELECT psd.datname, 2 ^ 31 - age(datfrozenxid) as wraparound, psd.numbackends, psd.xact_commit, psd.xact_rollback, psd.blks_read, psd.blks_hit, psd.tup_returned, psd.deadlocks, psd.temp_bytes, pg_database_size(psd.datname) as size FROM pg_stat_database psd JOIN pg_database pd ON psd.datname = pd.datname WHERE psd.datname not ilike 'template%' AND psd.datname not ilike 'rdsadmin'
-- noise: Datadog: locks
SELECT mode, locktype, pn.nspname, pd.datname, pc.relname, granted, fastpath, count(*) AS count FROM pg_locks l JOIN pg_database pd ON (l.database = pd.oid) JOIN pg_class pc ON (l.relation = pc.oid) LEFT JOIN pg_namespace pn ON (pn.oid = pc.relnamespace) WHERE l.mode IS NOT NULL AND pc.relname NOT LIKE 'pg^_%' ESCAPE '^' GROUP BY pd.datname, pc.relname, pn.nspname, locktype, mode, granted, fastpath
-- noise: Datadog: functions
WITH overloaded_funcs AS (SELECT funcname FROM pg_stat_user_functions s GROUP BY s.funcname HAVING COUNT(*) > 1) SELECT s.schemaname, CASE WHEN o.funcname IS NULL OR p.proargnames IS NULL THEN p.proname ELSE p.proname || '_' || array_to_string(p.proargnames, '_') END funcname, calls, self_time, total_time FROM pg_proc p JOIN pg_stat_user_functions s ON p.oid = s.funcid LEFT JOIN overloaded_funcs o ON o.funcname = s.funcname
-- noise: Datadog: indexes that are not used
SELECT schemaname, relname, indexrelname, idx_scan, idx_tup_read, idx_tup_fetch, pg_relation_size(indexrelid) as index_size FROM pg_stat_user_indexes WHERE idx_scan >= 0 AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = indexrelid)
-- noise: Datadog: bloat is computed from classes
SELECT count(*), sum(c.relpages::float8 * current_setting('block_size')::int8), ceil(avg(c.reltuples))::bigint, bool_or(c.relhastriggers), repeat('=', 3), char_length(max(c.relname::text)) FROM pg_class c WHERE c.relkind = ANY ('{r,m}'::char[])
-- noise: Datadog: the replica's delay
SELECT abs(round(coalesce(extract(epoch from now() - pg_last_xact_replay_timestamp()), 0))) AS delay WHERE (SELECT pg_is_in_recovery())
-- noise: Datadog: statistics of the write ahead log and of slots
SELECT wal_records, wal_fpi, wal_bytes, wal_buffers_full FROM pg_stat_wal
-- noise: pgbouncer: its own checks
SELECT 'keepalive'::text, now()::timestamptz(0), clock_timestamp() - statement_timestamp()
-- noise: pgbouncer: the parameters
SELECT name, setting FROM pg_settings WHERE name IN ('DateStyle', 'client_encoding', 'TimeZone', 'standard_conforming_strings', 'application_name')
-- noise: Debezium: server information
SELECT version(), current_user, current_database(), pg_current_wal_lsn(), (CASE pg_is_in_recovery() WHEN 't' THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END), txid_current()
-- noise: Debezium: roles
SELECT oid, rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication FROM pg_roles WHERE pg_has_role('alice', oid, 'member')
-- noise: Debezium: the slot
select * from pg_replication_slots where slot_name = 'debezium' and database = 'shop' and plugin = 'pgoutput'
-- noise: Debezium: publications
SELECT puballtables, schemaname, tablename FROM pg_publication p LEFT JOIN pg_publication_tables t ON p.pubname = t.pubname WHERE p.pubname = 'dbz_publication'
-- noise: Debezium: replica identities
SELECT relreplident FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON c.relnamespace = n.oid WHERE n.nspname = 'public' and c.relname = 'orders'
-- noise: Debezium: types
SELECT t.oid AS oid, t.typname AS name, t.typelem AS element, t.typbasetype AS parentoid, t.typtypmod as modifiers, t.typcategory as category, e.values as enum_values FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON (t.typnamespace = n.oid) LEFT JOIN (SELECT t.enumtypid as id, array_agg(t.enumlabel) as values FROM pg_catalog.pg_enum t GROUP BY id) e ON (t.oid = e.id) WHERE n.nspname != 'pg_toast'
-- noise: Airflow and SQLAlchemy: is a table there
SELECT pg_catalog.pg_class.relname FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace ON pg_catalog.pg_namespace.oid = pg_catalog.pg_class.relnamespace WHERE pg_catalog.pg_class.relname = 'alembic_version'::VARCHAR AND pg_catalog.pg_class.relkind = ANY (ARRAY['r'::VARCHAR, 'p'::VARCHAR, 'f'::VARCHAR, 'v'::VARCHAR, 'm'::VARCHAR]) AND pg_catalog.pg_table_is_visible(pg_catalog.pg_class.oid) AND pg_catalog.pg_namespace.nspname != 'pg_catalog'::VARCHAR
-- noise: Airflow: an advisory lock
SELECT pg_try_advisory_lock(1, 2), pg_advisory_unlock(1, 2)
-- noise: dbt: relations
select table_catalog as database, table_name as name, table_schema as schema, case table_type when 'BASE TABLE' then 'table' else 'view' end as kind from information_schema.tables where table_schema ilike 'public' union all select current_database(), matviewname, schemaname, 'materialized_view' from pg_matviews where schemaname ilike 'public'
-- noise: dbt: columns
select 'shop' as table_database, sch.nspname as table_schema, tbl.relname as table_name, case tbl.relkind when 'v' then 'VIEW' else 'BASE TABLE' end as table_type, tbl_desc.description as table_comment, col.attname as column_name, col.attnum as column_index, pg_catalog.format_type(col.atttypid, col.atttypmod) as column_type, col_desc.description as column_comment, pg_get_userbyid(tbl.relowner) as table_owner from pg_catalog.pg_namespace sch join pg_catalog.pg_class tbl on tbl.relnamespace = sch.oid join pg_catalog.pg_attribute col on col.attrelid = tbl.oid left outer join pg_catalog.pg_description tbl_desc on (tbl_desc.objoid = tbl.oid and tbl_desc.objsubid = 0) left outer join pg_catalog.pg_description col_desc on (col_desc.objoid = tbl.oid and col_desc.objsubid = col.attnum) where (upper(sch.nspname) = upper('public')) and not pg_is_other_temp_schema(sch.oid) and tbl.relpersistence in ('p', 'u') and tbl.relkind in ('r', 'v', 'f', 'p', 'm') and col.attnum > 0 and not col.attisdropped order by sch.nspname, tbl.relname, col.attnum
-- noise: dbt: what depends on what
with relation as ( select pg_rewrite.ev_class as class, pg_rewrite.oid as id from pg_rewrite ), class as ( select oid as id, relname as name, relnamespace as schema, relkind as kind from pg_class ), dependency as ( select distinct pg_depend.objid as id, pg_depend.refobjid as ref from pg_depend ), schema as ( select pg_namespace.oid as id, pg_namespace.nspname as name from pg_namespace where nspname != 'information_schema' and nspname not like 'pg\_%' ), referenced as ( select relation.id AS id, referenced_class.name, referenced_class.schema, referenced_class.kind from relation join class as referenced_class on relation.class = referenced_class.id where referenced_class.kind in ('r', 'v', 'm') ), relationships as ( select referenced.name as referenced_name, referenced.schema as referenced_schema_id, dependent_class.name as dependent_name, dependent_class.schema as dependent_schema_id, referenced.kind as kind from referenced join dependency on referenced.id = dependency.id join class as dependent_class on dependency.ref = dependent_class.id where (referenced.name != dependent_class.name or referenced.schema != dependent_class.schema) ) select referenced_schema.name as referenced_schema, relationships.referenced_name, dependent_schema.name as dependent_schema, relationships.dependent_name, relationships.kind from relationships join schema as dependent_schema on relationships.dependent_schema_id = dependent_schema.id join schema as referenced_schema on relationships.referenced_schema_id = referenced_schema.id group by 1, 2, 3, 4, 5 order by 1, 2
-- noise: Hasura: tables as documents
SELECT schema.nspname AS table_schema, "table".relname AS table_name, coalesce(json_agg(DISTINCT jsonb_build_object('name', attname, 'position', attnum, 'type', json_build_object('name', coalesce(base_type.typname, type.typname), 'type', type.typtype), 'is_nullable', NOT attnotnull, 'description', pg_catalog.col_description("table".oid, attnum))) FILTER (WHERE attnum > 0), '[]') AS columns, to_jsonb(array_remove(array_agg(DISTINCT pk.conname), NULL)) AS keys
FROM pg_catalog.pg_class "table" JOIN pg_catalog.pg_namespace schema ON schema.oid = "table".relnamespace LEFT JOIN pg_catalog.pg_attribute ON attrelid = "table".oid AND NOT attisdropped LEFT JOIN pg_catalog.pg_type type ON type.oid = atttypid LEFT JOIN pg_catalog.pg_type base_type ON type.typtype = 'd' AND base_type.oid = type.typbasetype LEFT JOIN pg_catalog.pg_constraint pk ON pk.conrelid = "table".oid WHERE "table".relkind IN ('r', 'v', 'm', 'f', 'p') AND schema.nspname NOT LIKE 'pg_%' GROUP BY 1, 2
-- noise: Hasura: functions as documents
SELECT p.proname AS function_name, n.nspname AS function_schema, (SELECT row_to_json(info.*) FROM (SELECT CASE WHEN p.provariadic = 0::oid THEN false ELSE true END AS has_variadic, CASE WHEN p.provolatile::text = 'i'::character(1)::text THEN 'IMMUTABLE'::text ELSE 'OTHER'::text END AS function_type, p.proretset AS returns_set, (SELECT coalesce(json_agg(json_build_object('oid', argument.type_id)), '[]') FROM (SELECT unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) AS type_id) argument) AS input_arg_types, to_json(coalesce(p.proargnames, ARRAY[]::text[])) AS input_arg_names) info) AS function_info FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname NOT LIKE 'pg_%' AND n.nspname NOT IN ('information_schema')
-- noise: PostgREST: database settings of roles
with role_setting as ( select r.rolname, unnest(r.rolconfig) as setting from pg_auth_members m join pg_roles r on r.oid = m.roleid where member = current_user::regrole::oid ), kv_settings AS ( SELECT rolname, substr(setting, 1, strpos(setting, '=') - 1) as key, lower(substr(setting, strpos(setting, '=') + 1)) as value FROM role_setting ), iso_setting AS ( SELECT rolname, value FROM kv_settings WHERE key = 'default_transaction_isolation' ) select kv.rolname, i.value as iso_lvl, coalesce(array_agg(row(kv.key, kv.value)) filter (where key <> 'default_transaction_isolation'), '{}') as role_settings from kv_settings kv join pg_settings ps on ps.name = kv.key left join iso_setting i on i.rolname = kv.rolname group by kv.rolname, i.value
-- noise: PostgREST: settings of the database
WITH all_settings AS ( SELECT string_to_array(unnest(setconfig), '=') AS k, setdatabase FROM pg_catalog.pg_db_role_setting WHERE setrole = current_user::regrole::oid AND setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())) ) SELECT DISTINCT ON (k[1]) k[1], k[2] FROM all_settings ORDER BY k[1], setdatabase DESC NULLS LAST
-- noise: PostgREST: relationships
SELECT traint.connamespace::regnamespace AS schema_name, conrelid::regclass AS table_name, traint.conname, confrelid::regclass AS foreign, array_agg(row(cols.attname, refs.attname) order by ord) AS column_info, (conrelid::regclass = confrelid::regclass) AS is_self, count(*) over (partition by conrelid) AS number FROM pg_constraint traint CROSS JOIN LATERAL unnest(traint.conkey, traint.confkey) WITH ORDINALITY AS _(col, ref, ord) JOIN pg_attribute cols ON cols.attrelid = conrelid AND cols.attnum = col JOIN pg_attribute refs ON refs.attrelid = confrelid AND refs.attnum = ref WHERE confrelid != 0 GROUP BY 1, 2, 3, 4, conrelid, confrelid
-- noise: PostgREST: functions with their arguments
WITH arguments AS ( SELECT oid, array_agg(row(COALESCE(name, ''), type::regtype::text, idx <= (pronargs - pronargdefaults), COALESCE(mode = 'v', FALSE)) ORDER BY idx) AS args FROM pg_proc, unnest(proargnames, proargtypes, proargmodes) WITH ORDINALITY AS _ (name, type, mode, idx) WHERE type IS NOT NULL GROUP BY oid ) SELECT pn.nspname AS proc_schema, p.proname AS proc_name, d.description AS proc_description, COALESCE(a.args, '{}') AS args, tn.nspname AS schema, COALESCE(comp.relname, t.typname) AS name, p.proretset AS rettype_is_setof, p.provolatile, p.provariadic > 0 as hasvariadic, lower((regexp_split_to_array((regexp_split_to_array(iso_config, '='))[2], ','))[1]) AS iso FROM pg_proc p LEFT JOIN arguments a ON a.oid = p.oid JOIN pg_namespace pn ON pn.oid = p.pronamespace JOIN pg_type t ON t.oid = p.prorettype JOIN pg_namespace tn ON tn.oid = t.typnamespace LEFT JOIN pg_class comp ON comp.oid = t.typrelid LEFT JOIN pg_description as d ON d.objoid = p.oid LEFT JOIN LATERAL unnest(proconfig) iso_config ON iso_config LIKE 'default_transaction_isolation%' WHERE pn.nspname = ANY ('{public}'::text[]) AND prokind = 'f'
-- noise: PostgREST: the time zones
SELECT name FROM pg_timezone_names
-- noise: PostgREST: settings of a request
select set_config('search_path', '"public"', true), set_config('role', 'alice', true), set_config('request.jwt.claims', '{"role":"web"}', true), set_config('request.method', 'GET', true)
-- noise: Supabase: columns by their parts
with columns as ( SELECT c.oid :: int8 AS table_id, nc.nspname AS schema, c.relname AS table, (c.oid || '.' || a.attnum) AS id, a.attnum AS ordinal_position, a.attname AS name, CASE WHEN a.atthasdef THEN pg_get_expr(ad.adbin, ad.adrelid) ELSE NULL END AS default_value, CASE WHEN t.typtype = 'd' THEN CASE WHEN bt.typelem <> 0 :: oid AND bt.typlen = -1 THEN 'ARRAY' WHEN nbt.nspname = 'pg_catalog' THEN format_type(t.typbasetype, NULL) ELSE 'USER-DEFINED' END ELSE CASE WHEN t.typelem <> 0 :: oid AND t.typlen = -1 THEN 'ARRAY' WHEN nt.nspname = 'pg_catalog' THEN format_type(a.atttypid, NULL) ELSE 'USER-DEFINED' END END AS data_type, COALESCE(bt.typname, t.typname) AS format, a.attidentity IN ('a', 'd') AS is_identity, NOT (a.attnotnull OR t.typtype = 'd' AND t.typnotnull) AS is_nullable, (c.relkind IN ('r', 'p') OR c.relkind IN ('v', 'f') AND pg_column_is_updatable(c.oid, a.attnum, FALSE)) AS is_updatable, array_to_json( array( SELECT enumlabel FROM pg_catalog.pg_enum enums WHERE enums.enumtypid = coalesce(bt.oid, t.oid) OR enums.enumtypid = coalesce(bt.typelem, t.typelem) ORDER BY enums.enumsortorder ) ) AS enums, col_description(c.oid, a.attnum) AS comment FROM pg_attribute a LEFT JOIN pg_attrdef ad ON a.attrelid = ad.adrelid AND a.attnum = ad.adnum JOIN ( pg_class c JOIN pg_namespace nc ON c.relnamespace = nc.oid ) ON a.attrelid = c.oid JOIN ( pg_type t JOIN pg_namespace nt ON t.typnamespace = nt.oid ) ON a.atttypid = t.oid LEFT JOIN ( pg_type bt JOIN pg_namespace nbt ON bt.typnamespace = nbt.oid ) ON t.typtype = 'd' AND t.typbasetype = bt.oid WHERE NOT pg_is_other_temp_schema(nc.oid) AND a.attnum > 0 AND NOT a.attisdropped AND (c.relkind IN ('r', 'v', 'm', 'f', 'p')) AND ( pg_has_role(c.relowner, 'USAGE') OR has_column_privilege( c.oid, a.attnum, 'SELECT, INSERT, UPDATE, REFERENCES' ) ) ) select * from columns
-- noise: Supabase: policies
SELECT pol.oid :: int8 AS id, n.nspname AS schema, c.relname AS table, c.oid :: int8 AS table_id, pol.polname AS name, CASE WHEN pol.polpermissive THEN 'PERMISSIVE' :: text ELSE 'RESTRICTIVE' :: text END AS action, CASE WHEN pol.polroles = '{0}' :: oid [] THEN array_to_json( string_to_array('public' :: text, '' :: text) :: name [] ) ELSE array_to_json( ARRAY( SELECT pg_roles.rolname FROM pg_roles WHERE pg_roles.oid = ANY (pol.polroles) ORDER BY pg_roles.rolname ) ) END AS roles, CASE pol.polcmd WHEN 'r' :: "char" THEN 'SELECT' :: text WHEN 'a' :: "char" THEN 'INSERT' :: text WHEN '*' :: "char" THEN 'ALL' :: text ELSE NULL :: text END AS command, pg_get_expr(pol.polqual, pol.polrelid) AS definition, pg_get_expr(pol.polwithcheck, pol.polrelid) AS check FROM pg_policy pol JOIN pg_class c ON c.oid = pol.polrelid LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
-- noise: PostGraphile: everything as one document
with accessible_roles(_oid) as ( select oid _oid, pg_roles.* from pg_roles where rolname = current_user ), namespace as ( select 'namespace' as "kind", nsp.oid as "id", nsp.nspname as "name", dsc.description as "description" from pg_catalog.pg_namespace as nsp left join pg_catalog.pg_description as dsc on dsc.objoid = nsp.oid and dsc.classoid = 'pg_catalog.pg_namespace'::regclass where nsp.nspname = any (array['public']) ) select row_to_json(x) as object from namespace as x union all select json_build_object('version', current_setting('server_version_num')::int)
-- noise: pgcli: functions, keywords, casing
SELECT n.nspname schema_name, p.proname func_name, p.proargnames, COALESCE(proallargtypes::regtype[], proargtypes::regtype[])::text[], p.proargmodes, prorettype::regtype::text return_type, p.prokind = 'a' is_aggregate, p.prokind = 'w' is_window, p.proretset is_set_returning, d.deptype = 'e' is_extension, pg_get_expr(proargdefaults, 0) AS arg_defaults FROM pg_catalog.pg_proc p INNER JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace LEFT JOIN pg_depend d ON d.objid = p.oid and d.deptype = 'e' WHERE p.prorettype::regtype != 'trigger'::regtype ORDER BY 1, 2
-- noise: pgcli: foreign keys
SELECT s_p.nspname AS parentschema, t_p.relname AS parenttable, unnest((select array_agg(attname ORDER BY i) from (select unnest(confkey) as attnum, generate_subscripts(confkey, 1) as i) x JOIN pg_catalog.pg_attribute c USING(attnum) WHERE c.attrelid = fk.confrelid)) AS parentcolumn, s_c.nspname AS childschema, t_c.relname AS childtable FROM pg_catalog.pg_constraint fk JOIN pg_catalog.pg_class t_p ON t_p.oid = fk.confrelid JOIN pg_catalog.pg_namespace s_p ON s_p.oid = t_p.relnamespace JOIN pg_catalog.pg_class t_c ON t_c.oid = fk.conrelid JOIN pg_catalog.pg_namespace s_c ON s_c.oid = t_c.relnamespace WHERE fk.contype = 'f'
-- noise: Superset and SQLAlchemy: identity columns and domains
SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), (SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid) FROM pg_catalog.pg_attrdef d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef) AS DEFAULT, a.attnotnull, a.attrelid as table_oid, pgd.description as comment, a.attgenerated as generated, (SELECT json_build_object('always', a.attidentity = 'a', 'start', s.seqstart, 'increment', s.seqincrement, 'minvalue', s.seqmin, 'maxvalue', s.seqmax, 'cache', s.seqcache, 'cycle', s.seqcycle) FROM pg_catalog.pg_sequence s JOIN pg_catalog.pg_class c on s.seqrelid = c."oid" WHERE c.relkind = 'S' AND a.attidentity != '' AND s.seqrelid = pg_catalog.pg_get_serial_sequence(a.attrelid::regclass::text, a.attname)::regclass::oid) as identity_options FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_description pgd ON (pgd.objoid = a.attrelid AND pgd.objsubid = a.attnum) WHERE a.attrelid = 'orders'::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
-- noise: Fivetran and Airbyte: tables that a role may read
SELECT n.nspname, c.relname, has_table_privilege(current_user, c.oid, 'SELECT') AS readable, has_column_privilege(c.oid, 1::smallint, 'select'), (c.reltuples * greatest(c.relpages, 1))::bigint AS guess FROM pg_class c JOIN pg_namespace n ON c.relnamespace = n.oid WHERE c.relkind IN ('r', 'p', 'v') AND n.nspname NOT IN ('pg_internal', 'information_schema', 'pg_catalog') AND NOT (c.relispartition)
-- noise: Airbyte: wraparound
select (txid_snapshot_xmin(txid_current_snapshot()) >> 32) AS num_wraparound, txid_snapshot_xmin(txid_current_snapshot()) & 4294967295 as xmin_raw
-- noise: Hibernate: sequences and tables of JDBC
select * from information_schema.sequences
-- noise: Hibernate: the next type
SELECT pg_type.typname, pg_type.oid, typinput::pg_catalog.regproc = 'pg_catalog.array_in'::pg_catalog.regproc as is_array, typtype, typname FROM pg_catalog.pg_type LEFT JOIN (select ns.oid as nspoid, ns.nspname, r.r from pg_namespace as ns join ( select s.r, (current_schemas(false))[s.r] as nspname from generate_series(1, array_upper(current_schemas(false), 1)) as s(r) ) as r using ( nspname )) as sp ON sp.nspoid = typnamespace WHERE pg_type.oid = 16400 ORDER BY sp.r, pg_type.oid DESC
-- noise: jOOQ: versions and tables
select 1 as "one", cast('a' as varchar(10)) as "text", current_date, localtimestamp(3), current_timestamp at time zone 'utc'
-- noise: Flyway: before a migration
SELECT COUNT(*) FROM pg_namespace WHERE nspname = 'public'
-- noise: Flyway: is the schema empty
SELECT EXISTS ( SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_catalog.pg_depend d ON d.objid = c.oid AND d.deptype = 'e' WHERE n.nspname = 'public' AND d.objid IS NULL AND c.relkind IN ('r', 'v', 'S', 't') UNION ALL SELECT t.oid FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_catalog.pg_depend d ON d.objid = t.oid AND d.deptype = 'e' WHERE n.nspname = 'public' AND d.objid IS NULL AND t.typcategory NOT IN ('A', 'C') )
-- noise: Flyway: an advisory lock in a transaction
SELECT pg_try_advisory_xact_lock(77431708279161)
-- noise: Liquibase: sequences and defaults
SELECT c.relname AS "SEQUENCE_NAME", s.seqmin AS "MIN_VALUE", s.seqmax AS "MAX_VALUE", s.seqincrement AS "INCREMENT_BY", s.seqcycle AS "WILL_CYCLE", s.seqstart AS "START_VALUE", s.seqcache AS "CACHE_SIZE", pg_catalog.format_type(s.seqtypid, NULL) AS "SEQ_TYPE" FROM pg_class c JOIN pg_namespace ns on c.relnamespace = ns.oid JOIN pg_sequence s on c.oid = s.seqrelid WHERE c.relkind = 'S' AND ns.nspname = 'public' AND c.oid not in (select ds.objid FROM pg_depend ds where ds.refobjsubid > 0 and ds.deptype in ('i'))
-- noise: golang-migrate: database and schema
SELECT CURRENT_DATABASE(), CURRENT_SCHEMA()
-- noise: golang-migrate: is the table there
SELECT COUNT(1) FROM information_schema.tables WHERE table_schema = 'public' AND table_name = 'schema_migrations' LIMIT 1
-- noise: numbers from a series
SELECT n FROM generate_series(1, 3) AS t(n)
-- noise: numbers with their places
SELECT * FROM unnest(ARRAY['a', 'b']) WITH ORDINALITY AS x(value, place)
-- noise: rows of settings
SELECT name, setting FROM pg_show_all_settings() AS s WHERE name = 'server_encoding'
-- noise: who am I, in all words
SELECT user, current_user, session_user, current_role, current_catalog, inet_client_addr(), inet_client_port(), inet_server_addr(), inet_server_port()
-- noise: a clock
SELECT extract(epoch from clock_timestamp())::float8, date_trunc('second', now()), to_char(now(), 'YYYY-MM-DD"T"HH24:MI:SS.MS'), timezone('utc', now()), age(now(), pg_postmaster_start_time())
-- noise: a random identifier
SELECT gen_random_uuid(), md5(random()::text), encode(sha256('x'::bytea), 'hex')
-- noise: an identifier in its parts
SELECT parse_ident('public.orders'), quote_literal('x'), format('%I.%I', 'public', 'orders')::regclass::oid, to_regclass('public.schema_migrations') IS NULL
-- noise: a document in its parts
SELECT json_build_object('version', version(), 'recovery', pg_is_in_recovery(), 'uptime', extract(epoch from now() - pg_postmaster_start_time()))
-- noise: a subquery of constants
SELECT count(*) FROM (SELECT 1 AS a UNION ALL SELECT 2) t
-- noise: information_schema with its own types
SELECT table_name::information_schema.sql_identifier, CAST(ordinal_position AS integer), data_type::information_schema.character_data FROM information_schema.columns WHERE table_schema = 'public' LIMIT 3
-- noise: partitions
SELECT p.relid::regclass, p.parentrelid::regclass, p.isleaf, p.level, pg_partition_root(p.relid) FROM pg_partition_tree('sales.measurements') AS p
-- noise: who may what on columns
SELECT grantor, grantee, table_name, privilege_type FROM information_schema.role_table_grants WHERE table_schema = 'public' AND grantee = ANY (ARRAY['support', current_user])
-- noise: acl as rows
SELECT c.relname, a.grantee::regrole::text, a.privilege_type, a.is_grantable FROM pg_class c CROSS JOIN LATERAL aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) AS a WHERE c.relnamespace = 'public'::regnamespace
-- noise: sequences by their class
SELECT s.seqrelid::regclass::text, format_type(s.seqtypid, null), (pg_sequence_parameters(s.seqrelid)).* FROM pg_sequence s
-- noise: text search configurations
SELECT cfgname, get_current_ts_config()::text, to_tsvector('simple', 'a b')::text FROM pg_ts_config
-- noise: event triggers and languages
SELECT evtname, evtevent, evtenabled, evtfoid::regproc::text, evttags FROM pg_event_trigger UNION ALL SELECT lanname, NULL, NULL, lanplcallfoid::regproc::text, NULL FROM pg_language
-- noise: hidden dependencies
WITH RECURSIVE tree AS (SELECT 'orders'::regclass::oid AS id, 0 AS depth UNION SELECT d.objid, depth + 1 FROM pg_depend d JOIN tree t ON d.refobjid = t.id WHERE depth < 3) SELECT pg_describe_object('pg_class'::regclass, id, 0), max(depth) FROM tree WHERE id IN (SELECT oid FROM pg_class) GROUP BY id
-- noise psql: a questionnaire in one text
select 1\; select version()\; select current_database(), current_schema();
-- noise: lines that end as on another system
SELECT n.nspname,
       c.relname
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r'
-- noise: a question in lines that end as on another system
SELECT
  version(),
  current_database()
