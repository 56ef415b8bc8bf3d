-- The extension in this database.
select extversion from pg_extension where extname = 'pgaudit'
