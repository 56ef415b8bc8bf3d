-- The settings that pgAudit knows here: none where it is not loaded.
select name, setting, source
from pg_settings
where name like 'pgaudit.%' or name = 'log_min_messages'
order by name
