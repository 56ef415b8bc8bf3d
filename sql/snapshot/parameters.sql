-- The settings of this pgAudit (none if it is not loaded), and those of the log that decide which records are missing.
select name, setting, source
from pg_settings
where name like 'pgaudit.%'
   or name in ('log_connections', 'log_min_error_statement', 'log_min_messages', 'log_replication_commands')
order by name
