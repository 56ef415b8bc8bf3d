-- Reads back what was set, and stops where a declared role is not audited as declared.
do $verify$
declare
    wrong text;
begin
    select string_agg(format('%s: %s is not %s', desired.role, desired.setting, desired.value), '; ' order by 1)
    into wrong
    from pgvigil_desired desired
    join pg_roles r on r.rolname = desired.role
    where not exists (
        select from pg_db_role_setting s cross join unnest(s.setconfig) as entry
        where s.setrole = r.oid and s.setdatabase = 0
          and entry = desired.setting || '=' || desired.value
    );
    if wrong is not null then
        raise exception 'not audited as declared: %', wrong;
    end if;
end
$verify$;

-- Every role that can log in, and how it is audited now.
select
    r.rolname as role,
    case
        when exists (select from pgvigil_desired where role = r.rolname) then 'audited'
        when exists (select from pgvigil_unaudited where r.rolname ~ role_pattern) then 'not audited, declared'
        else 'UNDECLARED'
    end as status,
    (select string_agg(entry, '; ' order by entry)
     from pg_db_role_setting s cross join unnest(s.setconfig) as entry
     where s.setrole = r.oid and s.setdatabase = 0 and entry like 'pgaudit.%') as settings,
    case when r.rolsuper then 'superuser: can switch auditing off' else '' end as remark
from pg_roles r
where r.rolcanlogin
order by 2 desc, 1;
