-- Objects of this database that a plain name, a cast or a call can reach, and that leave no record of their own.
-- Columns: the kind, the object, the roles that can use it (an empty name is every role).
with made as (
    select oid from pg_namespace
    where nspname not in ('pg_catalog', 'information_schema') and nspname not like 'pg\_toast%'
),
brought as (
    select classid, objid from pg_depend where deptype = 'e'
)
-- Types, functions and operators with the same name as one of the system's.
select 'shadow', 'type ' || format_type(t.oid, null), ''
from pg_type t
where t.typnamespace in (select oid from made)
  and t.typcategory <> 'A'
  and exists (select from pg_type s where s.typnamespace = 'pg_catalog'::regnamespace and s.typname = t.typname)
  and not exists (select from brought b where b.classid = 'pg_type'::regclass and b.objid = t.oid)
union all
select 'shadow', 'function ' || p.oid::regprocedure::text, ''
from pg_proc p
where p.pronamespace in (select oid from made)
  and exists (select from pg_proc s where s.pronamespace = 'pg_catalog'::regnamespace and s.proname = p.proname)
  and not exists (select from brought b where b.classid = 'pg_proc'::regclass and b.objid = p.oid)
union all
select 'shadow', 'operator ' || o.oid::regoperator::text, ''
from pg_operator o
where o.oprnamespace in (select oid from made)
  and exists (select from pg_operator s where s.oprnamespace = 'pg_catalog'::regnamespace and s.oprname = o.oprname)
  and not exists (select from brought b where b.classid = 'pg_operator'::regclass and b.objid = o.oid)
union all
-- Casts that call a user's function in SQL or a procedural language.
select 'shadow', 'cast from ' || format_type(c.castsource, null) || ' to ' || format_type(c.casttarget, null), ''
from pg_cast c
join pg_proc f on f.oid = c.castfunc
join pg_language l on l.oid = f.prolang and l.lanname not in ('internal', 'c')
where c.oid >= 16384 and c.castmethod = 'f'
  and not exists (select from brought b where b.classid = 'pg_cast'::regclass and b.objid = c.oid)
union all
-- SQL functions callable with one argument, a row of the system's or any type: `c.f` calls them if `c` is such a row.
select 'shadow', 'column ' || p.oid::regprocedure::text, ''
from pg_proc p
join pg_language l on l.oid = p.prolang and l.lanname = 'sql'
join pg_type t on t.oid = p.proargtypes[0]
left join pg_class r on r.oid = t.typrelid
where p.pronamespace in (select oid from made)
  and p.pronargs - p.pronargdefaults <= 1
  and (r.relnamespace in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
       or t.typname in ('anyelement', 'anynonarray', 'anycompatible', 'anycompatiblenonarray'))
  and not exists (select from brought b where b.classid = 'pg_proc'::regclass and b.objid = p.oid)
union all
-- Domains whose check calls more than the system's functions of their arguments.
select 'domain', format_type(c.contypid, null), ''
from pg_constraint c
where c.contype = 'c' and c.contypid <> 0
  and c.connamespace in (select oid from made)
  and exists (
    select
    from regexp_matches(c.conbin::text, ':(?:funcid|opfuncid) (\d+)', 'g') as called
    join pg_proc p on p.oid = called[1]::oid
    where p.provolatile <> 'i' or p.pronamespace <> 'pg_catalog'::regnamespace)
union all
-- Functions that run with their owner's rights: their work has no record.
select 'definer', p.oid::regprocedure::text, coalesce(r.rolname, '')
from pg_proc p
cross join aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a
left join pg_roles r on r.oid = a.grantee
where p.prosecdef
  and p.pronamespace in (select oid from made)
  and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
  and a.privilege_type = 'EXECUTE'
  and a.grantee <> p.proowner
order by 1, 2, 3
