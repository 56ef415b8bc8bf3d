-- The declared settings, for the statements that follow. The compiled script fills the tables;
-- they disappear with the session.
create temporary table if not exists pgvigil_desired (
    role name not null,
    setting text not null,
    value text not null,
    primary key (role, setting)
);
-- Roles that are deliberately not audited: their settings are left alone.
create temporary table if not exists pgvigil_unaudited (
    role_pattern text not null
);
-- A fingerprint that is stored with each role: it shows the next run which settings pgvigil made.
create temporary table if not exists pgvigil_fingerprint (
    role name primary key,
    fingerprint text not null
);
truncate pg_temp.pgvigil_desired, pg_temp.pgvigil_unaudited, pg_temp.pgvigil_fingerprint;
