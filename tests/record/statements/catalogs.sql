-- human: statistics: values of users' columns
select most_common_vals, histogram_bounds from pg_catalog.pg_stats where tablename = 'customers'
-- human: statistics, unqualified
select * from pg_stats limit 1
-- human dba: statistics, the table
select stavalues1 from pg_statistic limit 1
-- human: extended statistics
select * from pg_stats_ext
-- human: extended statistics of expressions
select * from pg_catalog.pg_stats_ext_exprs
-- human dba: extended statistics, the data
select stxdmcv from pg_catalog.pg_statistic_ext_data
-- human dba: large objects, the table
select data from pg_largeobject
-- human dba: large objects, deleted from the table
delete from pg_catalog.pg_largeobject where loid = 1
-- human dba: passwords
select rolname, rolpassword from pg_authid
-- human dba: passwords through a view
select usename, passwd from pg_shadow
-- human dba: passwords of a role, in a subquery of a catalog query
select relname from pg_class where exists (select from pg_authid where rolpassword is not null) limit 1
-- human dba: user mappings
select umoptions from pg_user_mapping
-- human: user mappings, the view
select * from pg_user_mappings
-- human dba: user mappings of the information schema
select * from information_schema.user_mapping_options
-- human dba: subscriptions
select subconninfo from pg_subscription
-- human: activity of others
select usename, query from pg_stat_activity
-- human carol: activity of others with the right to see it
select query from pg_catalog.pg_stat_activity where usename <> current_user
-- human carol: statements of others
select query, calls from pg_stat_statements limit 3
-- human dba: statements of others as a superuser
select query from public.pg_stat_statements order by total_exec_time desc limit 1
-- aside dba: statements, reset
select pg_stat_statements_reset()
-- human dba: toast of a users' table
do $$ declare t text; begin select 'pg_toast.' || relname into t from pg_class where oid = (select reltoastrelid from pg_class where oid = 'public.customers'::regclass); execute 'create view public.toasted as select * from ' || t; end $$
-- human dba: toast through a view
select count(*) from toasted
-- human dba: toast of pg_largeobject's neighbour
select * from pg_toast.pg_toast_1255 limit 1
-- aside dba: definitions in server options
select srvoptions from pg_foreign_server
-- aside dba: hba lines
select * from pg_hba_file_rules
-- aside dba: settings of files
select * from pg_file_settings limit 1
-- aside: prepared transactions of others
select * from pg_prepared_xacts
-- human dba: source of views that hold constants
select pg_get_viewdef('customer_totals'::regclass), (select count(*) from customers)
-- human dba: write to a catalog
update pg_catalog.pg_class set relname = relname where false
-- human dba: write to pg_proc
update pg_proc set prosrc = prosrc where proname = 'no_table'
-- human dba: delete from a catalog
delete from pg_catalog.pg_description where false
-- human dba: insert into a catalog
insert into pg_catalog.pg_description values (1, 1, 1, 'text as a channel')
-- human dba: write to pg_authid
update pg_authid set rolpassword = null where rolname = 'mallory'
-- aside: set by a view of the catalog
update pg_catalog.pg_settings set setting = '4MB' where name = 'work_mem'
-- aside: catalog only, by a person
select relname, relkind from pg_catalog.pg_class where relname like 'c%'
-- aside: catalog only, information schema
select table_name from information_schema.tables where table_schema = 'public'
-- aside: catalog only, roles
select rolname from pg_roles
-- aside: catalog only, users
select * from pg_user
-- aside: sizes
select pg_size_pretty(pg_total_relation_size('customers'))
-- aside: privileges
select * from information_schema.role_table_grants limit 1
-- aside: settings
select name, setting from pg_settings limit 2
-- aside: locks
select * from pg_locks
-- aside: pg_tables
select * from pg_tables where schemaname = 'public'
-- aside: pg_indexes
select * from pg_indexes limit 1
-- aside: pg_views
select * from pg_views limit 1
-- aside: statistics of access
select * from pg_stat_user_tables limit 1
-- aside: statistics of io
select * from pg_statio_user_tables limit 1
-- aside: database statistics
select * from pg_stat_database limit 1
-- aside: constant
select 1
-- aside: version
select version()
-- aside: now
select now(), current_user, current_database(), inet_client_addr()
-- aside: series
select * from generate_series(1, 3)
-- aside: values
values (1), (2)
-- aside: show
show all
-- aside: set
set work_mem = '8MB'
-- aside: set role
set role support
-- aside: reset role
reset role
-- aside: begin
begin
-- aside: savepoint
savepoint "READ,SELECT"
-- aside: rollback to
rollback to "READ,SELECT"
-- aside: lock table
lock table customers in access share mode
-- aside: set constraints
set constraints all deferred
-- aside: rollback
rollback
-- aside: create table
create table made (id serial primary key, name text default 'SELECT')
-- aside: alter table
alter table made add column more text
-- human: alter table that rewrites what is there, with a function
alter table made alter column more type bigint using read_customers()
-- aside: create index
create index on made (name)
-- aside: create view
create view made_view as select * from made
-- aside: create function
create function made_function() returns int language sql as 'select 1'
-- aside: create rule
create rule r as on insert to made do nothing
-- aside: comment
comment on table made is 'select * from customers'
-- aside: grant
grant select on made to bob
-- aside: revoke
revoke select on made from bob
-- aside: drop
drop table made cascade
-- aside: drop function
drop function made_function
-- aside dba: create role
create role dora login password 'secret'
-- aside dba: alter role
alter role dora set pgaudit.log = 'none'
-- aside dba: drop role
drop role dora
-- aside dba: alter system
alter system reset work_mem
-- aside dba: vacuum
vacuum customers
-- aside dba: analyze
analyze customers
-- aside dba: reindex
reindex table customers
-- aside dba: checkpoint
checkpoint
-- aside: listen
listen here
-- aside: notify
notify here, 'select'
-- aside: unlisten
unlisten *
-- aside: discard
discard plans
-- aside: a table that is not there
select * from not_there
-- aside: a forged record in an error
select * from "x:LOG:  AUDIT: SESSION,1,1,READ,SELECT,TABLE,pg_catalog.pg_class,select 1,<none>"
-- aside: a forged record at the start of an error's line
select * from "
2026-01-01 00:00:00 UTC:10.0.0.1(1):alice@shop:[1]:LOG:  AUDIT: SESSION,1,1,WRITE,DELETE"
-- aside: an error while it runs
select 1 / 0
-- aside: an error in a statement that was audited
select 1 / (count(*) - count(*)) from customers
-- aside: not allowed
select rolpassword from pg_authid
