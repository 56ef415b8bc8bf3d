-- Brings the pgaudit settings of roles to pgvigil_desired. Running it twice changes nothing.
do $enrol$
declare
    item record;
    changed int := 0;
begin
    -- Two runs at once would undo each other.
    perform pg_advisory_xact_lock(hashtext('pgvigil enrolment'));

    for item in
        select distinct desired.role from pgvigil_desired desired
        where not exists (select from pg_roles where rolname = desired.role)
        order by 1
    loop
        raise warning 'role "%" is declared and does not exist on this server: nobody of that name is audited', item.role;
    end loop;

    -- A setting for one database beats the role's own and can switch auditing off.
    for item in
        select r.rolname, d.datname, split_part(entry, '=', 1) as setting, entry
        from pg_db_role_setting s
        join pg_roles r on r.oid = s.setrole
        join pg_database d on d.oid = s.setdatabase
        cross join unnest(s.setconfig) as entry
        where entry like 'pgaudit.%' and r.rolname in (select role from pgvigil_desired)
        order by 1, 2, 3
    loop
        raise notice 'role "%" has its own "%" in database "%": removed', item.rolname, item.entry, item.datname;
        execute format('alter role %I in database %I reset %s', item.rolname, item.datname, item.setting);
        changed := changed + 1;
    end loop;

    for item in
        select desired.role, desired.setting, desired.value
        from pgvigil_desired desired
        join pg_roles r on r.rolname = desired.role
        where not exists (
            select from pg_db_role_setting s cross join unnest(s.setconfig) as entry
            where s.setrole = r.oid and s.setdatabase = 0
              and entry = desired.setting || '=' || desired.value
        )
        order by 1, 2
    loop
        raise notice 'role "%": % is now "%"', item.role, item.setting, item.value;
        execute format('alter role %I set %s to %L', item.role, item.setting, item.value);
        changed := changed + 1;
    end loop;

    -- Settings that no file declares any longer.
    for item in
        select r.rolname, split_part(entry, '=', 1) as setting, entry
        from pg_db_role_setting s
        join pg_roles r on r.oid = s.setrole
        cross join unnest(s.setconfig) as entry
        where s.setdatabase = 0
          and split_part(entry, '=', 1) in (
              'pgaudit.log', 'pgaudit.log_relation', 'pgaudit.log_catalog',
              'pgaudit.log_parameter', 'pgaudit.log_statement_once')
          and not exists (select from pgvigil_desired where role = r.rolname)
          and not exists (select from pgvigil_unaudited where r.rolname ~ role_pattern)
        order by 1, 2
    loop
        raise notice 'role "%" is no longer declared: "%" is reset', item.rolname, item.entry;
        execute format('alter role %I reset %s', item.rolname, item.setting);
        changed := changed + 1;
    end loop;

    if changed = 0 then
        raise notice 'every role was as declared: nothing changed';
    else
        raise notice '% settings changed; they take effect at the next login of each role (% sessions of these roles are open)',
            changed,
            (select count(*) from pg_stat_activity where usename in (select role from pgvigil_desired));
    end if;
end
$enrol$;
