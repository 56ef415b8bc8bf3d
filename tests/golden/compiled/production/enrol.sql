-- pgvigil production: audited people, rules c15b1391be75
--
-- psql --dbname DATABASE --file enrol.sql
-- Run it in every database of the cluster: roles are shared, the extension is not.
\set ON_ERROR_STOP on
\encoding UTF8
begin isolation level read committed read write;

-- Stops with a reason if pgAudit cannot work. Changes nothing.
do $require$
declare
    libraries text;
begin
    -- A function that a user of this database wrote must not run in place of the system's.
    perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);

    -- First, because a role that cannot set these settings cannot read shared_preload_libraries either.
    if not (select rolsuper from pg_roles where rolname = current_user)
        and not exists (
            select from pg_roles
            where rolname = 'rds_superuser' and pg_has_role(current_user, oid, 'member'))
    then
        raise exception 'role "%" may not set pgaudit settings of other roles', current_user
            using errcode = 'insufficient_privilege',
                  hint = 'connect as a superuser, or on Aurora and RDS as a member of rds_superuser';
    end if;

    libraries := current_setting('shared_preload_libraries');
    if not exists (
        select from unnest(string_to_array(libraries, ',')) as library
        where btrim(library, ' "') in ('pgaudit', '$libdir/pgaudit')
    ) then
        raise exception 'pgaudit is not loaded: shared_preload_libraries is "%"', libraries
            using errcode = 'object_not_in_prerequisite_state',
                  hint = 'add pgaudit to shared_preload_libraries (on Aurora and RDS in the parameter group '
                         'of the cluster or instance), then reboot';
    end if;
    if not exists (select from pg_available_extensions where name = 'pgaudit') then
        raise exception 'the extension pgaudit is not installed on this server'
            using errcode = 'object_not_in_prerequisite_state',
                  hint = 'install the package that belongs to this version of PostgreSQL';
    end if;
end
$require$;

-- Creates the extension, which adds the names of objects to records of DDL.
do $extension$
begin
    if exists (select from pg_catalog.pg_extension where extname = 'pgaudit') then
        return;
    end if;
    create extension pgaudit;
    raise notice 'the extension pgaudit is made';
exception when unique_violation or duplicate_object then
    -- Another run might have created it meanwhile.
    if not exists (select from pg_catalog.pg_extension where extname = 'pgaudit') then
        raise;
    end if;
end
$extension$;

-- The declared settings, for the statements that follow. The compiled script fills the tables;
-- they disappear with the session.
create temporary table if not exists pgvigil_desired (
    role name not null,
    setting text not null,
    value text not null,
    primary key (role, setting)
);
-- Roles that are deliberately not audited: their settings are left alone.
create temporary table if not exists pgvigil_unaudited (
    role_pattern text not null
);
-- A fingerprint that is stored with each role: it shows the next run which settings pgvigil made.
create temporary table if not exists pgvigil_fingerprint (
    role name primary key,
    fingerprint text not null
);
truncate pg_temp.pgvigil_desired, pg_temp.pgvigil_unaudited, pg_temp.pgvigil_fingerprint;

insert into pg_temp.pgvigil_desired (role, setting, value) values
    ('alice', 'pgaudit.log', 'all'),
    ('alice', 'pgaudit.log_catalog', 'on'),
    ('alice', 'pgaudit.log_parameter', 'off'),
    ('alice', 'pgaudit.log_relation', 'on'),
    ('alice', 'pgaudit.log_statement_once', 'off'),
    ('bob', 'pgaudit.log', 'all'),
    ('bob', 'pgaudit.log_catalog', 'on'),
    ('bob', 'pgaudit.log_parameter', 'off'),
    ('bob', 'pgaudit.log_relation', 'on'),
    ('bob', 'pgaudit.log_statement_once', 'off'),
    ('dba', 'pgaudit.log', 'all'),
    ('dba', 'pgaudit.log_catalog', 'on'),
    ('dba', 'pgaudit.log_parameter', 'off'),
    ('dba', 'pgaudit.log_relation', 'on'),
    ('dba', 'pgaudit.log_statement_once', 'off');
insert into pg_temp.pgvigil_fingerprint (role, fingerprint) values
    ('alice', '1-360ffb75ab109835'),
    ('bob', '1-360ffb75ab109835'),
    ('dba', '1-360ffb75ab109835');
insert into pg_temp.pgvigil_unaudited (role_pattern) values
    ('^(?:shop_worker_[0-9]+)$'),
    ('^rdsadmin$'),
    ('^shop_api$');

-- Sets the pgaudit settings of roles to those in pgvigil_desired. A second run changes nothing.
do $enrol$
declare
    item record;
    changed int;
    attempt int := 0;
    is_managed boolean;
begin
    -- A function that a user of this database wrote must not run in place of the system's.
    perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    -- People should see the notices that follow.
    perform set_config('client_min_messages', 'notice', true);
    -- Another session with an uncommitted change of a role's settings must not block this forever.
    perform set_config('lock_timeout', '1min', true);

    for item in
        select distinct desired.role from pg_temp.pgvigil_desired desired
        where not exists (select from pg_roles where rolname = desired.role)
        order by 1
    loop
        raise warning 'role "%" is declared and does not exist on this server: nobody of that name is audited', item.role;
    end loop;

    for item in
        select rolname from pg_roles
        where not rolcanlogin and rolname in (select role from pg_temp.pgvigil_desired)
        order by 1
    loop
        raise warning 'role "%" is declared and cannot log in: its settings do not reach its members', item.rolname;
    end loop;

    -- Such a name can look like the head of a record, so its records and forged ones look the same.
    for item in
        select 'role' as kind, rolname as name from pg_roles where rolcanlogin and rolname ~ '[]:[]|[[:cntrl:]]'
        union all
        select 'database', datname from pg_database where datname ~ '[]:@[]|[[:cntrl:]]'
        order by 1, 2
    loop
        raise warning 'the name of the % "%" can imitate a line of the log: rename it', item.kind, item.name;
    end loop;

    -- The server does not write records below this level, whatever pgAudit's settings are.
    for item in
        select r.rolname, coalesce(' in database ' || quote_ident(d.datname), '') as place, entry
        from pg_db_role_setting s
        join pg_roles r on r.oid = s.setrole
        left join pg_database d on d.oid = s.setdatabase
        cross join unnest(s.setconfig) as entry
        where r.rolname in (select role from pg_temp.pgvigil_desired)
          and lower(entry) in ('log_min_messages=fatal', 'log_min_messages=panic')
        order by 1, 2
    loop
        raise warning 'role "%" has "%"%: the log has none of its records', item.rolname, item.entry, item.place;
    end loop;

    -- Roles' own settings override these. But if these send records to the client at a low level, the log has none.
    for item in
        select coalesce(format('database %I', d.datname), 'all databases') as place, entry
        from pg_db_role_setting s
        left join pg_database d on d.oid = s.setdatabase
        cross join unnest(s.setconfig) as entry
        where s.setrole = 0 and split_part(entry, '=', 1) in ('pgaudit.log_client', 'pgaudit.log_level', 'log_min_messages')
        order by 1, 2
    loop
        raise warning '% has "%" for every role: records may be missing from the log', item.place, item.entry;
    end loop;

    -- Only a superuser can set a parameter of our own. Aurora and RDS have none: there the fingerprint is a comment.
    is_managed := exists (select from pg_roles where rolname = 'rds_superuser');

    -- Roles belong to all databases, but no lock that every user can take does: if two runs meet, the later one
    -- waits, fails, and finds everything done when it tries again.
    loop
        begin
            changed := 0;

            -- A setting for one database overrides the role's own, and others (log_client with log_level, log_statement)
            -- reduce the records. pgaudit.role stays as it is: it adds records and removes none.
            for item in
                select r.rolname, d.datname, split_part(entry, '=', 1) as setting, entry
                from pg_db_role_setting s
                join pg_roles r on r.oid = s.setrole
                left join pg_database d on d.oid = s.setdatabase
                cross join unnest(s.setconfig) as entry
                where r.rolname in (select role from pg_temp.pgvigil_desired)
                  and split_part(entry, '=', 1) in (
                      select name from pg_settings where name like 'pgaudit.%' and name <> 'pgaudit.role')
                  and (s.setdatabase <> 0 or not exists (
                      select from pg_temp.pgvigil_desired desired
                      where desired.role = r.rolname and desired.setting = split_part(entry, '=', 1)))
                order by 1, 2, 3
            loop
                if item.datname is null then
                    raise notice 'role "%" has its own "%": reset', item.rolname, item.entry;
                    execute format('alter role %I reset %I', item.rolname, item.setting);
                else
                    raise notice 'role "%" has its own "%" in database "%": reset',
                        item.rolname, item.entry, item.datname;
                    execute format('alter role %I in database %I reset %I', item.rolname, item.datname, item.setting);
                end if;
                changed := changed + 1;
            end loop;

            for item in
                select desired.role, desired.setting, desired.value
                from pg_temp.pgvigil_desired desired
                join pg_roles r on r.rolname = desired.role
                where not exists (
                    select from pg_db_role_setting s cross join unnest(s.setconfig) as entry
                    where s.setrole = r.oid and s.setdatabase = 0
                      and entry = desired.setting || '=' || desired.value
                )
                order by 1, 2
            loop
                raise notice 'role "%": % is now "%"', item.role, item.setting, item.value;
                execute format('alter role %I set %I to %L', item.role, item.setting, item.value);
                changed := changed + 1;
            end loop;

            -- The fingerprint of what was applied.
            for item in
                select f.role, f.fingerprint, c.description as comment,
                    (select substr(entry, strpos(entry, '=') + 1)
                     from pg_db_role_setting s cross join unnest(s.setconfig) as entry
                     where s.setrole = r.oid and s.setdatabase = 0 and entry like 'pgvigil.enrolled=%') as setting
                from pg_temp.pgvigil_fingerprint f
                join pg_roles r on r.rolname = f.role
                left join pg_shdescription c on c.objoid = r.oid and c.classoid = 'pg_authid'::regclass
                order by 1
            loop
                if not is_managed then
                    if item.setting is distinct from item.fingerprint then
                        execute format('alter role %I set pgvigil.enrolled to %L', item.role, item.fingerprint);
                    end if;
                elsif item.comment is null or item.comment ~ '^audited by pgvigil 1-[0-9a-f]{16}$' then
                    if item.comment is distinct from 'audited by pgvigil ' || item.fingerprint then
                        execute format('comment on role %I is %L', item.role,
                            'audited by pgvigil ' || item.fingerprint);
                    end if;
                else
                    raise notice 'role "%" has a comment of its own, so nothing can be noted beside it', item.role;
                end if;
            end loop;

            -- Settings that no file declares any longer: reset if a fingerprint shows that they are ours.
            for item in
                select r.rolname, split_part(entry, '=', 1) as setting, entry,
                    exists (
                        select from pg_db_role_setting m cross join unnest(m.setconfig) as mark
                        where m.setrole = r.oid and m.setdatabase = 0 and mark like 'pgvigil.enrolled=%')
                    or coalesce(c.description, '') ~ '^audited by pgvigil 1-[0-9a-f]{16}$' as is_ours
                from pg_db_role_setting s
                join pg_roles r on r.oid = s.setrole
                left join pg_shdescription c on c.objoid = r.oid and c.classoid = 'pg_authid'::regclass
                cross join unnest(s.setconfig) as entry
                where s.setdatabase = 0
                  and split_part(entry, '=', 1) in (
                      'pgaudit.log', 'pgaudit.log_relation', 'pgaudit.log_catalog',
                      'pgaudit.log_parameter', 'pgaudit.log_statement_once')
                  and not exists (select from pg_temp.pgvigil_desired where role = r.rolname)
                order by 1, 2
            loop
                if item.is_ours then
                    raise notice 'role "%" is not declared: "%" is reset', item.rolname, item.entry;
                    execute format('alter role %I reset %I', item.rolname, item.setting);
                    changed := changed + 1;
                elsif not exists (select from pg_temp.pgvigil_unaudited where item.rolname ~ role_pattern) then
                    raise notice 'role "%" is not declared, and "%" was set by somebody else: left alone',
                        item.rolname, item.entry;
                end if;
            end loop;
            for item in
                select r.rolname, c.description is not null as is_comment, exists (
                    select from pg_db_role_setting s cross join unnest(s.setconfig) as entry
                    where s.setrole = r.oid and s.setdatabase = 0 and entry like 'pgvigil.enrolled=%') as is_setting
                from pg_roles r
                left join pg_shdescription c on c.objoid = r.oid and c.classoid = 'pg_authid'::regclass
                    and c.description ~ '^audited by pgvigil 1-[0-9a-f]{16}$'
                where not exists (select from pg_temp.pgvigil_desired where role = r.rolname)
                order by 1
            loop
                if item.is_comment then
                    execute format('comment on role %I is null', item.rolname);
                end if;
                if item.is_setting then
                    execute format('alter role %I reset pgvigil.enrolled', item.rolname);
                end if;
            end loop;
            exit;
        exception when internal_error or unique_violation then
            -- "tuple concurrently updated", or the same row inserted twice.
            attempt := attempt + 1;
            if attempt = 10 then
                raise;
            end if;
            raise notice 'somebody else changed these roles meanwhile (%): once more', sqlerrm;
        end;
    end loop;

    if changed = 0 then
        raise notice 'every role was as declared: nothing changed';
    else
        raise notice '% settings changed; sessions that are open keep what they had until they connect again (% of audited roles)',
            changed,
            (select count(*) from pg_stat_activity where usename in (select role from pg_temp.pgvigil_desired));
    end if;
end
$enrol$;

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

commit;
