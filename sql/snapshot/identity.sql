-- Which server this is: a number that it got when it was made, and that its replicas share.
select system_identifier from pg_control_system()
