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
