-- human: large object read beside a catalog
SELECT lo_get(4711) FROM pg_class LIMIT 1
-- human dba: server file beside a catalog
select relname, pg_read_file('/etc/hostname') from pg_catalog.pg_class limit 1
-- human dba: server file in where
select relname from pg_catalog.pg_class where pg_read_file('/etc/hostname') like '%' limit 1
-- human dba: server file in order by
select relname from pg_catalog.pg_class order by pg_read_file('/etc/hostname') limit 1
-- human dba: server file in a case
select case when relkind = 'r' then pg_read_file('/etc/hostname') end from pg_catalog.pg_class limit 1
-- human dba: server file in a lateral join
select c.relname, f.* from pg_catalog.pg_class c cross join lateral pg_read_file('/etc/hostname') f limit 1
-- human dba: server file in a subquery
select relname, (select pg_read_file('/etc/hostname')) from pg_catalog.pg_class limit 1
-- human dba: server file in limit
select relname from pg_catalog.pg_class limit length(pg_read_file('/etc/hostname'))
-- human dba: server file quoted
select "pg_read_file"('/etc/hostname') from pg_catalog.pg_class limit 1
-- human dba: server file qualified and quoted
select "pg_catalog"."pg_read_file"('/etc/hostname') from pg_catalog.pg_class limit 1
-- human: unicode escapes
select U&"lo\005fget"(4711) from pg_catalog.pg_class limit 1
-- human: unicode escapes with another escape character
select U&"lo!005fget" uescape '!' (4711) from pg_catalog.pg_class limit 1
-- human: comment between name and parenthesis
select lo_get/* pg_catalog */(4711) from pg_catalog.pg_class limit 1
-- human: line comment between name and parenthesis
select lo_get -- (
(4711) from pg_catalog.pg_class limit 1
-- human: nested comment between
select lo_get /* a /* b */ ( */ (4711) from pg_catalog.pg_class limit 1
-- human: white space between
select lo_get
	 (4711) from pg_catalog.pg_class limit 1
-- human: form feed between
select lo_get (4711) from pg_catalog.pg_class limit 1
-- human: capitals
SELECT LO_GET(4711) FROM PG_CATALOG.PG_CLASS LIMIT 1
-- human: qualified with comments
select pg_catalog /**/ . /**/ lo_get(4711) from pg_catalog.pg_class limit 1
-- human: apostrophes that mislead a naive reader
select E'\'', lo_get(4711), '''' from pg_catalog.pg_class limit 1
-- human: backslash in a plain string
select '\', lo_get(4711), '\' from pg_catalog.pg_class limit 1
-- human: dollar quotes that mislead
select $$'$$, lo_get(4711), $$'$$ from pg_catalog.pg_class limit 1
-- human: tagged dollar quotes that mislead
select $a$ $$ ' $a$, lo_get(4711), $b$ $$ ' $b$ from pg_catalog.pg_class limit 1
-- human: a comment in a string
select '/*', lo_get(4711), '*/' from pg_catalog.pg_class limit 1
-- human: a string in a comment
select 1 /* ' */, lo_get(4711) /* ' */ from pg_catalog.pg_class limit 1
-- human: quoted names that mislead
select 1 as "'", lo_get(4711) as "'x" from pg_catalog.pg_class limit 1
-- human: a parameter marker beside an identifier with a dollar
select relname as a$b$c, lo_get(4711) as d$b$ from pg_catalog.pg_class limit 1
-- human: national and bit strings
select n'x', b'1', x'1F', lo_get(4711) from pg_catalog.pg_class limit 1
-- human: unicode string with a quote
select U&'\0027', lo_get(4711), U&'\0027' from pg_catalog.pg_class limit 1
-- human: strings continued on the next line
select 'a'
'b', lo_get(4711) from pg_catalog.pg_class limit 1
-- human: function in a filter of an aggregate
select count(*) filter (where lo_get(4711) is not null) from pg_catalog.pg_class
-- human: function in a window
select sum(length(lo_get(4711))) over () from pg_catalog.pg_class limit 1
-- human: function as an argument's name
select query_to_xml(tableforest => false, nulls => true, targetns => '', query => 'select * from customers') from pg_catalog.pg_class limit 1
-- human: function in group by and having
select relkind from pg_catalog.pg_class group by relkind, lo_get(4711) having lo_get(4711) is not null
-- human: function in rows from
select * from pg_catalog.pg_class, rows from (query_to_xml('select * from customers', true, false, '')) x limit 1
-- human: function in values
values (lo_get(4711))
-- human: function in a join's condition
select a.relname from pg_catalog.pg_class a join pg_catalog.pg_type t on t.oid = a.reltype and lo_get(4711) is not null limit 1
-- human: function in distinct on
select distinct on (query_to_xml('select name from customers limit 1', true, false, '')::text) relname from pg_catalog.pg_class
-- human: function in a cte
with x as materialized (select query_to_xml('select * from customers', true, false, '') as d) select relname, d from pg_catalog.pg_class, x limit 1
-- human: query in dollar quotes
select query_to_xml($q$select * from customers$q$, true, false, '') from pg_catalog.pg_namespace limit 1
-- human: query in pieces
select query_to_xml('sel' || 'ect * from cust' || 'omers', true, false, '') from pg_catalog.pg_namespace limit 1
-- human: table as a number
select table_to_xml(c.oid, true, false, '') from pg_catalog.pg_class c where relname = 'customers'
-- human: every table
select table_to_xml(c.oid, true, false, '') from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where n.nspname = 'sales' and relkind = 'r'
-- human dba: files of a folder
select d, pg_read_file('/etc/' || d, 0, 1, true) from pg_catalog.pg_ls_dir('/etc') d where d = 'hostname'
-- human: users' function beside a catalog
select relname, read_customers() from pg_catalog.pg_class limit 1
-- human: users' table in a subquery of a catalog query's where
select relname from pg_catalog.pg_class where relname in (select name from customers) or true limit 1
-- human: users' table through an inlined function beside a catalog
select relname, add_tax(relpages::numeric) from pg_catalog.pg_class limit 1
-- human: sequence in a catalog query
select c.relname, nextval(c.oid) from pg_catalog.pg_class c where relkind = 'S' limit 1
-- human: sequence's value in a catalog query
select c.relname, pg_sequence_last_value(c.oid) from pg_catalog.pg_class c where relkind = 'S'
-- human: dynamic comparison
select relname from pg_catalog.pg_class where relname::text = any (xpath('//name/text()', query_to_xml('select name from customers', true, false, ''))::text[])
-- human dba: write of a file
select lo_export(4711, '/dev/null') from pg_catalog.pg_class limit 1
-- human psql: exactly a probe, then more
select 1 \; delete from scratch where n = 1;
-- human psql: a string of statements, noise in front
select version() \; select relname from pg_catalog.pg_class limit 1 \; delete from scratch where n = 99 \; select 1;
-- human psql: a string of statements, noise behind
insert into scratch values (8) \; SELECT 1;
-- human psql: begin, work, commit in one string
begin \; update products set stock = 4 \; commit;
-- human: a very long statement, the table at its end
select '<<x*100000>>', id from customers limit 1
-- human: a very long comment with noise in front
/* pg_catalog.pg_class <<p*20000>> */ delete from scratch
-- human: very many commas and quotes
select '<<"*600>>', '<<,*600>>' from customers limit 1
-- human: users' SQL function that is inlined and reads a large object
select relname, picture(4711) from pg_catalog.pg_class limit 1
-- human: users' operator that is inlined and reads a large object
select relname, @@@ 4711::oid from pg_catalog.pg_class limit 1
-- human: users' view of a catalog that reads a large object
select * from peeking limit 1
-- aside: a schema of the users before pg_catalog
set search_path = shadow, pg_catalog
-- blind: users' inlined function in the place of a catalog's (the record is that of a tool)
select c.oid, obj_description(c.oid, 'pg_class') from pg_class c limit 1
-- blind: users' inlined operator in the place of a catalog's (the record is that of a tool)
select c.oid from pg_catalog.pg_class c where c.relname = 'customers'::text
-- aside: back
reset search_path
