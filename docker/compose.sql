-- Creates the roles with the passwords that docker/secret.py has written. psql runs it in the service "roles".
\set owner invsys_owner
\set service invsys_service
\set owner_password `cat /var/lib/invsys/owner-password`
\set service_password `cat /var/lib/invsys/service-password`
\ir roles.sql
