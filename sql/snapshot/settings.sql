-- Settings of roles and databases that affect the audit; an empty name means "every".
select
    coalesce(r.rolname, ''),
    coalesce(d.datname, ''),
    lower(split_part(entry, '=', 1)),
    substr(entry, strpos(entry, '=') + 1)
from pg_db_role_setting s
left join pg_roles r on r.oid = s.setrole
left join pg_database d on d.oid = s.setdatabase
cross join unnest(s.setconfig) as entry
where (lower(entry) like 'pgaudit.%' or lower(entry) like 'pgvigil.%' or lower(entry) like 'log\_min\_messages=%')
  and (s.setrole = 0 or r.oid is not null)
  and (s.setdatabase = 0 or d.oid is not null)
order by 1, 2, 3
