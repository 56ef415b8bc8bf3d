-- The server, the database, and the current role.
select
    current_setting('server_version_num'),
    current_setting('server_version'),
    current_database(),
    current_user,
    pg_is_in_recovery(),
    (select rolsuper from pg_roles where rolname = current_user),
    exists (select from pg_roles where rolname = 'rds_superuser'),
    exists (
        select from pg_roles where rolname = 'rds_superuser' and pg_has_role(current_user, oid, 'member'))
