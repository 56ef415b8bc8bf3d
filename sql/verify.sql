-- Reads the settings back, and stops if a declared role is not audited as declared.
do $verify$
declare
    wrong text;
begin
    -- A function that a user of this database wrote must not run in place of the system's.
    perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);

    select string_agg(fault, '; ' order by fault)
    into wrong
    from (
        select format('%s: %s is not %s', desired.role, desired.setting, desired.value)
        from pg_temp.pgvigil_desired desired
        join pg_roles r on r.rolname = desired.role
        where not exists (
            select from pg_db_role_setting s cross join unnest(s.setconfig) as entry
            where s.setrole = r.oid and s.setdatabase = 0
              and entry = desired.setting || '=' || desired.value
        )
        union all
        select format('%s: %s in database %s', r.rolname, entry, d.datname)
        from pg_db_role_setting s
        join pg_roles r on r.oid = s.setrole
        join pg_database d on d.oid = s.setdatabase
        cross join unnest(s.setconfig) as entry
        where r.rolname in (select role from pg_temp.pgvigil_desired)
          and entry like 'pgaudit.%' and entry not like 'pgaudit.role=%'
    ) as faults (fault);
    if wrong is not null then
        raise exception 'not audited as declared: %', wrong;
    end if;
end
$verify$;

-- Every role that can log in, and its audit now.
select
    r.rolname as role,
    case
        when exists (select from pg_temp.pgvigil_desired where role = r.rolname) then 'audited'
        when exists (select from pg_temp.pgvigil_unaudited where r.rolname ~ role_pattern) then 'not audited, declared'
        else 'UNDECLARED'
    end as status,
    (select string_agg(entry || coalesce(' in ' || d.datname, ''), '; ' order by d.datname nulls first, entry)
     from pg_db_role_setting s
     left join pg_database d on d.oid = s.setdatabase
     cross join unnest(s.setconfig) as entry
     where s.setrole = r.oid and entry like 'pgaudit.%') as settings,
    case
        when r.rolsuper then 'superuser: can switch auditing off'
        when exists (
            select from pg_roles a where a.rolname = 'rds_superuser' and pg_has_role(r.oid, a.oid, 'member')
        ) then 'rds_superuser: can switch auditing off'
        else ''
    end as remark
from pg_roles r
where r.rolcanlogin
order by
    exists (select from pg_temp.pgvigil_desired where role = r.rolname),
    exists (select from pg_temp.pgvigil_unaudited where r.rolname ~ role_pattern),
    r.rolname;
