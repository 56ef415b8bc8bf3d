-- Every database: whether the current role can connect, and whether every role can create temporary objects there.
select
    datname,
    datallowconn,
    datistemplate,
    has_database_privilege(oid, 'connect'),
    exists (
        select from aclexplode(coalesce(datacl, acldefault('d', datdba)))
        where grantee = 0 and privilege_type = 'TEMPORARY')
from pg_database
order by datname
