-- What generated statements find beside setup.sql: functions, types, operators and more, each of which hides a call.
CREATE FUNCTION pgvigil_attack.glance(int) RETURNS text LANGUAGE sql AS $$ SELECT convert_from(lo_get($1::oid), 'utf8') $$;
CREATE FUNCTION pgvigil_attack.filter(int) RETURNS text LANGUAGE sql AS $$ SELECT convert_from(lo_get($1::oid), 'utf8') $$;
CREATE FUNCTION pgvigil_attack.key(int) RETURNS text LANGUAGE sql AS $$ SELECT convert_from(lo_get($1::oid), 'utf8') $$;
CREATE DOMAIN pgvigil_attack.looking AS oid CHECK (set_config('pgvigil.x', convert_from(lo_get(VALUE), 'utf8'), false) IS NOT NULL);
CREATE TYPE pgvigil_attack.parcel AS (id int);
CREATE TYPE pgvigil_attack.wrapped AS (id pgvigil_attack.looking);
CREATE TYPE pgvigil_attack.span AS RANGE (subtype = pgvigil_attack.looking);
CREATE FUNCTION pgvigil_attack.peek(pgvigil_attack.parcel) RETURNS text LANGUAGE sql AS $$ SELECT convert_from(lo_get($1.id::oid), 'utf8') $$;
CREATE CAST (pgvigil_attack.parcel AS text) WITH FUNCTION pgvigil_attack.peek(pgvigil_attack.parcel);
CREATE FUNCTION pgvigil_attack.alike(int, int) RETURNS text LANGUAGE sql AS $$ SELECT convert_from(lo_get($1::oid), 'utf8') $$;
CREATE OPERATOR pgvigil_attack.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = pgvigil_attack.alike);
CREATE OPERATOR pgvigil_attack.@ (RIGHTARG = pgvigil_attack.parcel, FUNCTION = pgvigil_attack.peek);
CREATE FUNCTION pgvigil_attack.more(text, int) RETURNS text LANGUAGE sql AS $$ SELECT convert_from(lo_get($2::oid), 'utf8') $$;
CREATE AGGREGATE pgvigil_attack.gather(int) (SFUNC = pgvigil_attack.more, STYPE = text);
CREATE PROCEDURE pgvigil_attack.take(text) LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('pgvigil.x', $1, false); END $$;
CREATE TABLE pgvigil_attack.mine AS SELECT 1 AS a;
SET LOCAL search_path TO "$user", public, pgvigil_attack;
