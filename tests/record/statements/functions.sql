-- human: plpgsql function that reads
select read_customers()
-- human: plpgsql function that writes
select touch_customer(3)
-- human: plpgsql function with dynamic SQL
select run_anything('select string_agg(email, '','') from customers')
-- human: plpgsql function that reads no table
select no_table()
-- human: security definer
select * from secret_reader()
-- human: SQL function, scalar
select order_count(3)
-- human: SQL function, scalar, in a where clause over a catalog
select relname from pg_catalog.pg_class where customer_name(relnatts) is not null limit 1
-- human: SQL function, inlinable expression
select add_tax(10)
-- human: SQL function, inlinable expression over a table
select add_tax(total) from orders limit 1
-- human: SQL function, set-returning, inlined
select * from recent_orders(3)
-- human: SQL function, set-returning, in the select list
select recent_orders(3)
-- human: SQL function, table-returning, inlined
select name from customer_names() limit 2
-- human: SQL function that only looks like version
select version('x')
-- human: function with a schema and quotes
select "public"."read_customers"()
-- human: function as a table, over a catalog
select c.relname, f.* from pg_catalog.pg_class c, lateral customer_names() f limit 2
-- human: function in order by
select relname from pg_catalog.pg_class order by read_customers() limit 1
-- human: function in a case
select case when relname = 'x' then null else read_customers() end from pg_catalog.pg_class limit 1
-- human: operator over a reading function
select @>>@ 10::numeric
-- human: operator over a reading function, with a catalog
select relname from pg_catalog.pg_class where @>>@ relnatts::numeric limit 1
-- human: aggregate with a final function
select sum_taxed(total) from orders
-- human: aggregate with a final function over a catalog
select sum_taxed(relpages) from pg_catalog.pg_class
-- human: cast with a reading function
select cast(oid::int as order_state) from pg_catalog.pg_class limit 1
-- human: procedure that writes
call archive_orders('2026-01-03')
-- human: SQL procedure that writes
call archive_sql()
-- human: procedure that does nothing
call quiet_procedure()
-- human: do that reads
do $$ begin perform count(*) from customers; end $$
-- human: do that writes
do $$ begin update products set stock = 3; end $$
-- human: do with dynamic SQL
do $$ begin execute 'delete from ' || 'scratch'; end $$
-- human: do with a loop
do $$ declare r record; begin for r in select * from customers loop perform r.name; end loop; end $$
-- human dba: do with catalog text
do $pg_catalog$ declare n int; begin select count(*) into n from pg_catalog.pg_class; perform pg_catalog.pg_read_file('/etc/hostname') where false; select count(*) into n from customers; end $pg_catalog$
-- human: do that raises what it read
do $$ begin raise notice '%', (select max(email) from customers); end $$
-- human: extension function over a users' table
select * from crosstab('select region, at::text, value from sales.measurements where value < 4 order by 1, 2', 'select distinct at::text from sales.measurements where value < 4') as t (region text, a numeric, b numeric, c numeric)
-- human dba: raw pages
select * from heap_page_items(get_raw_page('customers', 0)) limit 1
-- human dba: dblink through a server
select * from dblink('loopback', 'select name from customers') as t (name text)
-- human dba: dblink as a superuser
select * from dblink('dbname=shop user=fdw_remote host=127.0.0.1 port=' || current_setting('port'), 'select name from customers') as t (name text)
-- human dba: dblink exec
select dblink_exec('dbname=shop user=postgres host=127.0.0.1 port=' || current_setting('port'), 'update products set stock = 9')
-- human: sequence, next
select nextval('invoice_numbers')
-- human: sequence, current
select currval('invoice_numbers')
-- human: sequence, last
select lastval()
-- human: sequence, set
select setval('invoice_numbers', 2000)
-- human: sequence, set, over a catalog
select setval('public.invoice_numbers', 2001) from pg_catalog.pg_class limit 1
-- human: sequence, read
select last_value from invoice_numbers
-- human: sequence, view of them
select * from pg_catalog.pg_sequences
-- human: large object, read
select lo_get(4711)
-- human: large object, part
select lo_get(4711, 0, 4)
-- human: large object, write
select lo_put(4711, 0, 'new')
-- human: large object, made from bytes
select lo_from_bytea(0, 'made')
-- human: large object, create
select lo_create(0)
-- human: large object, creat
select lo_creat(-1)
-- human: large object, open and read in one statement
select loread(lo_open(4711, 262144), 100)
-- human: large object, open and write in one statement
select lowrite(lo_open(4711, 131072), 'over')
-- human: large object, truncate
select lo_truncate(lo_open(4711, 131072), 2)
-- human dba: large object, import
select lo_import('/etc/hostname')
-- human dba: large object, export
select lo_export(4711, '/dev/null')
-- human dba: large object, unlink
select lo_unlink(loid) from (select oid as loid from pg_catalog.pg_largeobject_metadata where oid <> 4711 limit 1) x
-- human dba: server file
select pg_read_file('/etc/hostname')
-- human dba: server file, qualified
select pg_catalog.pg_read_file('/etc/hostname', 0, 10)
-- human dba: server file, binary
select pg_read_binary_file('/etc/hostname')
-- human dba: server folder
select * from pg_ls_dir('/etc')
-- human dba: server file's facts
select * from pg_stat_file('/etc/hostname')
-- human carol: log folder
select * from pg_ls_logdir()
-- human dba: current log file
select pg_current_logfile(), pg_read_file(pg_current_logfile())
-- human: query to xml
select query_to_xml('select * from customers limit 1', true, false, '')
-- human: table to xml
select table_to_xml('customers', true, false, '')
-- human: table to xml and schema
select table_to_xml_and_xmlschema('sales.orders', true, false, '')
-- human: schema to xml
select schema_to_xml('sales', true, false, '')
-- human dba: database to xml
select length(database_to_xml(true, false, '')::text)
-- aside: begin
begin
-- human: cursor for xml
declare xc cursor for select * from customers
-- human: cursor to xml
select cursor_to_xml('xc', 2, true, false, '')
-- aside: rollback
rollback
-- human: query to xml over a catalog
select query_to_xml('select email from customers', true, false, '') from pg_catalog.pg_class limit 1
-- human: text search statistics
select * from ts_stat('select to_tsvector(name) from customers') limit 2
-- human: text search rewrite by query
select ts_rewrite('a'::tsquery, 'select to_tsquery(''a''), to_tsquery(max(sku)) from products')
-- human dba: logical slot
select pg_create_logical_replication_slot('spy', 'test_decoding')
-- human: a write for the slot to see
update products set title = 'seen' where sku = 'sku-1'
-- human dba: changes of the slot
select * from pg_logical_slot_get_changes('spy', null, null)
-- human dba: peek the slot
select * from pg_logical_slot_peek_changes('spy', null, null)
-- aside dba: drop the slot
select pg_drop_replication_slot('spy')
-- human: activity by function
select query from pg_stat_get_activity(null)
-- human dba: activity of a backend
select pg_stat_get_backend_activity(1)
-- aside dba: terminate
select pg_terminate_backend(0)
-- aside dba: reload
select pg_reload_conf()
-- aside: advisory lock
select pg_advisory_lock(1)
-- human: notify as a channel
select pg_notify('out', (select max(email) from customers))
-- aside: notify by itself
select pg_notify('out', 'text')
-- aside dba: read any setting
select current_setting('primary_conninfo')
-- human dba: logical message
select pg_logical_emit_message(true, 'p', 'secret')
-- human: function body
select prosrc from pg_catalog.pg_proc where proname = 'run_anything' and read_customers() > 0
-- aside: function definition
select pg_get_functiondef('run_anything'::regproc)
-- human: json of a table
select json_agg(c) from customers c
-- human dba: most common values through the histogram function
select m.values from pg_statistic_ext_data, pg_mcv_list_items(stxdmcv) m
-- human dba: xpath over a query
select xpath('//row', query_to_xml('select name from customers', false, false, ''))
