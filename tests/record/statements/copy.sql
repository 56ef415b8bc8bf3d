-- human: out
copy customers to stdout
-- human: out, columns and csv
copy public.customers (id, name) to stdout with (format csv, header)
-- human: out, binary
copy sales.orders to stdout (format binary)
-- human: out of a query
copy (select * from orders where total > 100) to stdout
-- human: out of a query that writes
copy (delete from scratch returning *) to stdout
-- human: out of a query that calls a function
copy (select read_customers()) to stdout
-- human: out of a query of catalog data that holds users' data
copy (select * from pg_catalog.pg_stats where schemaname = 'public') to stdout
-- human: out of a query that hides a function
copy (select lo_get(4711) from pg_catalog.pg_class limit 1) to stdout
-- aside: out of a catalog
copy (select relname from pg_catalog.pg_class) to stdout
-- human dba: out of a catalog relation with secrets
copy pg_catalog.pg_authid to stdout
-- human dba: out of the statistics
copy pg_catalog.pg_statistic to '/dev/null'
-- aside carol: to a file, nothing of the users
copy (select 1) to '/dev/null'
-- human dba: to a file
copy customers to '/dev/null'
-- human dba: to a program
copy customers to program 'cat > /dev/null'
-- human dba: in from a program
copy scratch from program 'seq 1 3'
-- human dba: in from a file, a line of text a column
copy public.version from program 'echo 5'
-- human: in
copy scratch from stdin
-- human: in, columns
copy scratch (n) from stdin with (format csv)
-- human: in, to a partitioned table
copy sales.measurements from stdin
-- human: in, with a condition
copy scratch from stdin where n > 5
-- human: out of an odd name
copy "Odd, ""Schema"""."Tab,le ""x""" to stdout
-- human: out of a name like a catalog's
copy public."pg_class" to stdout
