-- Who is a member of which role, and may hand the membership on.
select g.rolname, m.rolname, a.admin_option
from pg_auth_members a
join pg_roles g on g.oid = a.roleid
join pg_roles m on m.oid = a.member
order by 1, 2
