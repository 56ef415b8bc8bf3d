-- human: plain select
select * from customers
-- human: select with a lock
select id from orders where id < 3 for update
-- human: table command
table products
-- human: values with a subquery
values ((select max(id) from orders))
-- human: exists only
select exists (select from customers where name like 'Customer 1%')
-- human: count only
select count(*) from sales.orders
-- human: lateral
select c.id, o.total from customers c cross join lateral (select total from orders where customer_id = c.id limit 1) o limit 3
-- human: recursive query
with recursive r (id) as (select 1 union all select id + 1 from r where id < 3) select r.id, c.name from r join customers c using (id)
-- human: union with a catalog
select relname::text from pg_catalog.pg_class union all select name from customers
-- human: window
select id, sum(total) over (partition by customer_id order by placed rows 2 preceding) from orders limit 2
-- human: grouping sets
select customer_id, state, sum(total) from orders group by grouping sets ((customer_id), (state), ())
-- human: tablesample
select * from big tablesample system (1)
-- human: no column at all
select from customers
-- human: whole row
select customers from customers limit 1
-- human: system column
select ctid, xmin from products limit 1
-- human: insert
insert into sales.orders (id, amount) values (100, 5)
-- human: insert of nothing
insert into sales.orders select * from sales.orders where false
-- human: insert with on conflict
insert into sales.orders values (100, 6) on conflict (id) do update set amount = excluded.amount
-- human: insert with on conflict do nothing
insert into sales.orders values (100, 6) on conflict do nothing
-- human: insert with default values
insert into audit_log default values
-- human: insert from a select
insert into scratch select id from orders limit 3
-- human: insert with returning
insert into customers (name) values ('returned') returning id, name
-- human: update
update products set price = price + 1 where sku = 'sku-3'
-- human: update with from
update orders o set total = c.id from customers c where c.id = o.customer_id and o.id = 4
-- human: update of no row
update products set price = 0 where false
-- human: update where current of
with x as (select 1) update sales.targets t set amount = 0 from x where t.id = 3
-- human: delete
delete from scratch where n = 2
-- human: delete with using
delete from scratch using orders o where o.id = scratch.n
-- human: delete with a subquery and returning
delete from orders where id in (select id from orders order by id desc limit 1) returning *
-- human: merge with update and insert
merge into sales.targets t using sales.orders s on s.id = t.id when matched then update set amount = s.amount when not matched then insert values (s.id, s.amount, 'us')
-- human: merge with delete
merge into sales.targets t using (values (3), (4)) v (id) on v.id = t.id when matched then delete
-- human: merge with insert only
merge into sales.targets t using (values (300, 1.0)) v (id, amount) on v.id = t.id when not matched then insert (id, amount) values (v.id, v.amount)
-- human: merge that does nothing
merge into sales.targets t using sales.orders s on s.id = t.id when matched then do nothing
-- human: merge that does nothing, either way
merge into sales.targets t using sales.orders s on s.id = t.id when matched then do nothing when not matched then do nothing
-- human: merge with conditions
merge into sales.targets t using sales.orders s on s.id = t.id when matched and s.amount > 50 then update set amount = 1 when matched and s.amount > 10 then delete when matched then do nothing when not matched and s.id = 7 then insert default values
-- human: merge that does nothing, its source is a catalog
merge into sales.targets t using pg_catalog.pg_class s on s.oid::int = t.id when matched then do nothing
-- human: merge into a partitioned table
merge into sales.measurements m using (values (date '2025-06-03')) v (at) on v.at = m.at when matched then update set value = 0
-- human: merge with a query that reads a catalog
with c as (select oid::int as id from pg_catalog.pg_class limit 3) merge into public.scratch t using c on c.id = t.n when matched then do nothing
-- human: cte that inserts
with x as (insert into scratch values (12) returning *) select * from x
-- human: cte that deletes, result unused
with x as (delete from scratch) select 1
-- human: cte that updates, with a catalog as main query
with pg_class as (update products set stock = 1 where sku = 'sku-1') select relname from pg_catalog.pg_class limit 1
-- human: three ctes
with a as (insert into scratch values (1) returning n), b as (update products set stock = stock returning sku), c as (delete from sales.targets returning id) select (select count(*) from a), (select count(*) from b), (select count(*) from c)
-- human: truncate
truncate scratch
-- human: truncate several
truncate table only audit_log, scratch restart identity cascade
-- human: truncate of a partition
truncate sales.measurements_2026
-- human: create table as
create table kept as select * from customers
-- aside: create table as without data
create table kept_empty as select name from customers with no data
-- human: create table as from execute
create table kept_more as table orders
-- human: select into
select id, name into kept_again from customers
-- human: create temp table as
create temp table mine as select * from orders where id < 10
-- human: read the temp table
select * from mine
-- human: read the temp table with its schema
select count(*) from pg_temp.mine
-- human: write the temp table
update mine set total = 0
-- aside: temp table
create temp table pg_class (relname text)
-- human: write a temp table with a catalog's name
insert into pg_temp.pg_class select name from customers
-- human: read a temp table with a catalog's name
select * from pg_temp.pg_class
-- aside: drop it
drop table pg_temp.pg_class
-- human: create materialized view
create materialized view mine_mat as select count(*) as n from customers
-- human: refresh it
refresh materialized view mine_mat
-- human: read it
select * from mine_mat
-- human dba: refresh concurrently
refresh materialized view concurrently daily_sales
-- human: read a view
select * from customer_totals limit 2
-- human: write through a view
update updatable_orders set total = 3 where id = 6
-- human: insert through a view
insert into updatable_orders (customer_id, total) values (3, 5)
-- human: read a users' view of a catalog
select * from table_names limit 1
-- human: partitioned parent
select count(*) from sales.measurements
-- human: partitioned parent, pruned
select value from sales.measurements where at = '2025-06-03'
-- human: partition
select count(*) from sales.measurements_2025
-- human: partitioned partition
select count(*) from sales.measurements_2026
-- human: insert into the parent
insert into sales.measurements values ('2026-03-01', 'eu', 5)
-- human: update moves a row to another partition
update sales.measurements set at = '2026-02-01', region = 'eu' where at = '2025-06-05'
-- human: inheritance, parent
select * from base_event
-- human: inheritance, only
select * from only base_event
-- human: inheritance, child
delete from child_event
-- human: foreign table over postgres_fdw
select * from remote_customers where id = 3
-- human: foreign table over file_fdw as carol
select 1 from remote_customers limit 1
-- human dba: foreign table over file_fdw
select * from passwd_file
-- human: insert over a rule
insert into ruled values (77)
-- human: fires a trigger
delete from products where sku = 'sku-9'
-- human: cascades
delete from customers where id = 49
-- human: lock inside a subquery
select 1 from (select * from orders limit 1 for share) x
-- human: domain and type names
select 'new'::order_state from orders limit 1
-- human: explain reads
explain select * from customers
-- human: explain analyze
explain (analyze, costs off) select count(*) from customers
-- human: explain analyze writes
explain analyze insert into scratch values (5)
-- human: explain of create table as
explain analyze create table never as select * from customers
-- human: explain as json
explain (format json) update products set stock = 1
-- aside: begin
begin
-- human: declare
declare c cursor for select * from customers
-- aside: fetch
fetch 2 from c
-- aside: move
move 1 in c
-- human: declare, scroll, hold, with a comment
declare pg_class scroll cursor with hold for select /* pg_catalog */ * from orders
-- human: declare for update
declare d cursor for select * from sales.orders for update
-- aside: fetch
fetch next from d
-- human: update where current of
update sales.orders set amount = 9 where current of d
-- human: delete where current of
delete from sales.orders where current of d
-- aside: commit
commit
-- aside: fetch from the held cursor
fetch all from pg_class
-- aside: close
close all
-- human: prepare
prepare p as select * from customers where id = $1
-- human: execute
execute p(1)
-- human: execute again
execute p(2)
-- human: prepare a write
prepare pg_catalog_version(int) as insert into scratch values ($1)
-- human: execute a write
execute pg_catalog_version(4)
-- human: execute into a table
create table from_prepared as execute p(4)
-- human: explain execute
explain execute p(3)
-- aside: deallocate
deallocate all
-- human: prepare with a comment and catalog words
prepare q as /* pg_catalog.pg_class */ delete from scratch where 'pg_catalog' = 'information_schema'
-- human: execute it
execute q
