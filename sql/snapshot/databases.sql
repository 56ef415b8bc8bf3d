-- Every database, and whether whoever asks may connect.
select datname, datallowconn, datistemplate, has_database_privilege(oid, 'connect')
from pg_database
order by datname
