-- The members of each role, and whether they can grant the membership to others.
select g.rolname, m.rolname, a.admin_option
from pg_auth_members a
join pg_roles g on g.oid = a.roleid
join pg_roles m on m.oid = a.member
order by 1, 2
