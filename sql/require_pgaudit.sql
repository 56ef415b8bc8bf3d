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
