-- Every role, including those that cannot log in.
select
    r.rolname,
    r.rolcanlogin,
    r.rolsuper,
    r.rolcreaterole,
    r.rolreplication,
    r.oid < 16384,
    nullif(r.rolvaliduntil, 'infinity')::timestamptz at time zone 'UTC',
    c.description
from pg_roles r
left join pg_shdescription c on c.objoid = r.oid and c.classoid = 'pg_authid'::regclass
order by r.rolname
