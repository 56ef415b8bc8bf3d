-- A role for `pgvigil enrol plan` and `pgvigil enrol coverage`: it reads and changes nothing.
--
-- Every role can read roles, memberships and settings. This role must also see who has open sessions and from
-- where, and connect to each database (which PUBLIC can, unless that right was revoked).
-- Give it a password, or on Aurora and RDS `grant rds_iam to pgvigil_plan`. It is a login role: declare it under
-- `service_accounts`.
do $plan_role$
begin
    if not exists (select from pg_catalog.pg_roles where rolname = 'pgvigil_plan') then
        create role pgvigil_plan login nosuperuser nocreatedb nocreaterole noreplication connection limit 8;
    end if;
end
$plan_role$;
alter role pgvigil_plan set default_transaction_read_only to on;
grant pg_read_all_stats to pgvigil_plan;
