-- What the statements of corpus.sql work on. Everything is in one schema, but for one large object.
CREATE SCHEMA pgvigil_attack;
CREATE TABLE pgvigil_attack.accounts (id int PRIMARY KEY, owner text, secret text);
INSERT INTO pgvigil_attack.accounts VALUES (1, 'alice', 'hidden'), (2, 'bob', 'hidden too');
CREATE TABLE pgvigil_attack.notes (id int, body text);
CREATE TABLE pgvigil_attack.pg_class (relname text, secret text);
CREATE TABLE pgvigil_attack."pg_catalog.pg_class" (secret text);
CREATE TABLE pgvigil_attack."a,b ""c""" (secret text);
CREATE VIEW pgvigil_attack.owners AS SELECT owner FROM pgvigil_attack.accounts;
CREATE VIEW pgvigil_attack.jobs AS SELECT secret FROM pgvigil_attack.accounts;
CREATE MATERIALIZED VIEW pgvigil_attack.totals AS SELECT count(*) FROM pgvigil_attack.accounts;
CREATE SEQUENCE pgvigil_attack.numbers;
CREATE FUNCTION pgvigil_attack.read_accounts() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT max(secret) FROM pgvigil_attack.accounts); END $$;
CREATE FUNCTION pgvigil_attack.erase_accounts() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DELETE FROM pgvigil_attack.accounts; END $$;
CREATE FUNCTION pgvigil_attack.peek() RETURNS text LANGUAGE sql VOLATILE BEGIN ATOMIC SELECT max(secret) FROM pgvigil_attack.accounts; END;
CREATE FUNCTION pgvigil_attack.as_owner() RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN RETURN (SELECT max(secret) FROM pgvigil_attack.accounts); END $$;
CREATE FUNCTION pgvigil_attack.version() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT max(secret) FROM pgvigil_attack.accounts); END $$;
CREATE PROCEDURE pgvigil_attack.erase() LANGUAGE plpgsql AS $$ BEGIN DELETE FROM pgvigil_attack.accounts; END $$;
SELECT lo_from_bytea(471100, 'hidden');
