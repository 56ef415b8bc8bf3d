-- The people of every recording. `recorder` drives and is never audited.
create role recorder superuser login;
create role alice login;
create role bob login;
create role carol login;
create role dba superuser login;
create role mallory login;
create role support nologin;
create role fdw_remote login password 'remote-secret';
grant support to alice, bob, carol, mallory;
select :version >= 14 as has_all_data \gset
\if :has_all_data
grant pg_read_all_data, pg_write_all_data to support;
\endif
grant pg_monitor, pg_read_server_files, pg_write_server_files, pg_execute_server_program, pg_signal_backend to carol;
alter role carol createrole createdb replication;
alter role dba replication;
