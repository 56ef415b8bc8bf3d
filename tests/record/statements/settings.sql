-- human: select
select * from customers where id = 3
-- human: select again
select * from customers where id = 3
-- human: insert of lines, quotes and commas
insert into customers (name, note) values ('O''Hara, "x"', 'a
b')
-- human: function
select order_count(3)
-- human: function that loops
do $$ declare r record; begin for r in select * from customers limit 3 loop update customers set note = r.name where id = r.id; end loop; end $$
-- human: merge
merge into sales.targets t using sales.orders s on s.id = t.id when matched then update set amount = s.amount
-- human: copy
copy customers to stdout
-- human: copy in
copy scratch from stdin
-- human: truncate
truncate scratch
-- human: create table as
create table kept as select * from customers
-- human: partitions
select count(*) from sales.measurements
-- human: prepare
prepare p as select name from customers where id = $1
-- human: execute
execute p(1)
-- human: execute again
execute p(1)
-- human: statistics
select most_common_vals from pg_stats where tablename = 'orders'
-- human: large object
select lo_get(4711)
-- human: large object beside a catalog
select relname, lo_get(4711) from pg_catalog.pg_class limit 1
-- human dba: a server file
select pg_read_file('/etc/hostname')
-- human: procedure
call archive_sql()
-- human: name with a comma and a quote
select * from "Odd, ""Schema"""."Tab,le ""x"""
-- aside: begin
begin
-- aside: set
set local work_mem = '8MB'
-- aside: commit
commit
-- aside: catalog
select relname from pg_catalog.pg_class where relname = 'orders'
-- aside: create table
create table made (a int primary key)
-- aside: role
grant select on made to bob
-- aside: error
select 1 / 0
-- aside: password
alter role alice password 'secret'
