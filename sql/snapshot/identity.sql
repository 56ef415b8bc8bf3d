-- The server's identity: a number from its creation, which its replicas share.
select system_identifier from pg_control_system()
