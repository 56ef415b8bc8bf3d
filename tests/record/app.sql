-- The second database: a small application's.
create table users (id int generated always as identity primary key, email text not null unique, settings jsonb);
create table sessions (token uuid primary key default gen_random_uuid(), user_id int references users, started timestamptz default now());
create index on sessions (user_id);
create view active_users as select u.id, u.email, max(s.started) as last_seen from users u join sessions s on s.user_id = u.id group by 1, 2;
insert into users (email, settings) select 'user' || n || '@example.com', '{"theme": "dark"}' from generate_series(1, 20) n;
insert into sessions (user_id) select id from users;
grant all on all tables in schema public to support;
grant all on all sequences in schema public to support;
grant create, usage on schema public to support;
analyze;
select lo_from_bytea(4712, 'in the application');
