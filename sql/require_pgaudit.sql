-- Stops with a reason where pgAudit cannot work. Changes nothing.
do $require$
declare
    libraries text := current_setting('shared_preload_libraries');
begin
    if not exists (
        select from regexp_split_to_table(libraries, '\s*,\s*') as library
        where trim(both '"' from library) = 'pgaudit'
    ) then
        raise exception 'pgaudit is not loaded: shared_preload_libraries is "%"', libraries
            using hint = 'add pgaudit to shared_preload_libraries (on Aurora and RDS in the parameter group '
                         'of the cluster or instance), then reboot';
    end if;
    if not exists (select from pg_available_extensions where name = 'pgaudit') then
        raise exception 'the extension pgaudit is not installed on this server'
            using hint = 'install the package that belongs to this version of PostgreSQL';
    end if;
    if not (
        select rolsuper from pg_roles where rolname = current_user
    ) and not exists (
        select from pg_roles
        where rolname = 'rds_superuser' and pg_has_role(current_user, oid, 'member')
    ) then
        raise exception 'role "%" may not set pgaudit settings of other roles', current_user
            using hint = 'connect as a superuser, or on Aurora and RDS as a member of rds_superuser';
    end if;
end
$require$;
