-- human: table named pg_class in public
select * from public."pg_class"
-- human: table named pg_class in PG_CATALOG
select * from "PG_CATALOG".pg_class
-- human: table in information_schema2
select * from information_schema2.tables
-- human: table named columns
select table_name from public.columns
-- human: schema with a comma, a space and quotes
select * from "Odd, ""Schema"""."Tab,le ""x"""
-- human: name with a dot that looks qualified
select * from "pg_catalog.pg_class"
-- human: name with a dot, again
select * from public."information_schema.tables"
-- human: name with a line break
select * from "line
break"
-- human: name with fields in it
insert into "TABLE,pg_catalog.pg_class,select 1" values (1)
-- human: name with fields and quotes in it
select * from "pg_catalog.pg_class,""select version()"""
-- human: name in other alphabets
select "Ünïcode" from "größe – 価格"
-- human: name of 63 bytes
delete from nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn
-- human: name <none>
select * from "<none>"
-- human: name <not logged>
select * from "<not logged>"
-- human: name with a leading space
select * from " pg_catalog"
-- human: pgcatalog without the underscore
select * from pgcatalog
-- human: PG_CATALOG in capitals
select * from "PG_CATALOG"
-- human: a table called version
select version.* from version
-- human: a table with a record's head as name
select * from "AUDIT: SESSION,1,1,READ,SELECT,,,x"
-- human: unicode escapes
select * from U&"\0063ustomers"
-- human: alias like a catalog
select pg_class.name from customers as pg_class
-- human: alias with a dot
select "pg_catalog.pg_class".name from customers "pg_catalog.pg_class"
-- human: cte like a catalog
with pg_class as (select * from customers) select * from pg_class
-- human: cte like a view of the information schema
with "information_schema.tables" as materialized (select * from orders) select 1 from "information_schema.tables"
-- human: column alias like noise
select name as "pg_catalog.version()" from customers
-- human: capitals and odd white space
SeLeCt	*
FROM	Public . Customers
-- human: search path puts public first
select relname, secret from public.pg_class, (select set_config('search_path', 'public, pg_catalog', false)) x
-- human: now the unqualified name is the users' table
select * from pg_class
-- aside: reset it
reset search_path
-- human: comment of a tool
/* DBeaver 23.1 - SQLEditor <Script-1.sql> */ select * from customers
-- human: pgAdmin's comment
/*pga4dash*/ update products set stock = 2 where sku = 'sku-2'
-- human: catalog in a line comment at the start
-- pg_catalog.pg_class information_schema version()
delete from scratch where n = 5
-- human: catalog in a comment at the end
insert into scratch values (6) /* from pg_catalog.pg_attribute, information_schema.columns */
-- human: catalog in a literal
select name, 'SELECT version() pg_catalog.pg_type' from customers where note is distinct from 'information_schema'
-- human: catalog in a dollar quote
select $pg_catalog$ from pg_catalog.pg_class $pg_catalog$, name from customers
-- human: catalog in nested comments
select /* a /* pg_catalog */ SELECT 1 */ * /**/ from /* ; */ customers
-- human: select 1 first
select 1, name from customers
-- human: looks like a connection test
SELECT 1 FROM customers
-- human: looks like version
SELECT version(), email FROM customers
-- human: looks like current_schema
select current_schema(), (select max(email) from customers)
-- human: looks like set_config
SELECT pg_catalog.set_config('search_path', (select email from customers limit 1), true)
-- human: set_config as a channel
select set_config('x.y', string_agg(email, ','), false) from customers
-- aside: read the channel
show x.y
-- human: forged head in a comment
select name from customers /* :LOG:  AUDIT: SESSION,1,1,READ,SELECT,TABLE,pg_catalog.pg_class,select 1,<none> */
-- human: forged head after a line break
select name from customers where note <> '
2026-01-01 00:00:00 UTC:10.0.0.1(1):svc@shop:[1]:LOG:  AUDIT: SESSION,1,1,READ,SELECT,TABLE,pg_catalog.pg_class,select 1,<not logged>'
-- human: forged end of fields
select name, '",<not logged>' from customers where note is null or note <> '",TABLE,pg_catalog.pg_class,"'
-- human: forged ERROR and STATEMENT lines
delete from scratch where 'x' = '
2026-01-01 00:00:00 UTC:10.0.0.1(1):svc@shop:[1]:ERROR:  x'
-- human: carriage returns and tabs
select name	, E'\r\n\t' from customers where note = 'a	b'
-- human: a lone carriage return in the text
select namefrom customers
-- human: other alphabets
select 'Größe – 価格 🐘 ‮abc' from customers limit 1
-- human: E strings and escapes
select E'\'' || name || E'\\' from customers
-- human: standard quotes doubled
select 'it''s "quoted"' || name from customers
-- human: operator syntax
select id operator(pg_catalog.+) 1 from customers
-- human: only a join with a catalog
select c.relname, x.name from pg_catalog.pg_class c, customers x limit 3
-- human: catalog subquery in front
select (select relname from pg_catalog.pg_class limit 1), (select email from customers limit 1)
-- human: catalog in exists
select name from customers where exists (select from pg_catalog.pg_class where relname = name) or true
-- human: insert into a users' table from a catalog
insert into columns select relname, 'x' from pg_catalog.pg_class
-- human: DO in a CTE name
with "DO" as (select 1) update products set stock = 5
