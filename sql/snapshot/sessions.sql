-- Open sessions of clients. Without pg_read_all_stats the rows of other roles are empty, and the first column shows it.
select
    pg_has_role(current_user, 'pg_read_all_stats', 'usage'),
    usename,
    datname,
    pid,
    host(client_addr),
    application_name,
    to_char(backend_start at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
from pg_stat_activity
where usename is not null and pid <> pg_backend_pid()
  and (backend_type = 'client backend' or backend_type is null)
order by usename, pid
