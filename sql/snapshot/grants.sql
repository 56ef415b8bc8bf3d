-- Roles besides superusers that can set the audit's parameters (PostgreSQL 15 and later). An empty name is every role.
select p.parname, coalesce(r.rolname, '')
from pg_parameter_acl p
cross join aclexplode(p.paracl) as a
left join pg_roles r on r.oid = a.grantee
left join pg_roles owner on owner.oid = a.grantor and owner.oid = a.grantee
where (p.parname like 'pgaudit.%' or p.parname = 'log_min_messages')
  and a.privilege_type = 'SET'
  and owner.oid is null
  and (a.grantee = 0 or r.oid is not null)
order by 1, 2
