-- Create two roles for the database to which psql is connected: the owner of the tables runs migrations; the service reads
-- and writes rows and cannot change anything else. Run it as a superuser; it may be run again at any time:
--
--     psql --no-psqlrc --dbname=invsys --file=roles.sql
--
-- Options: --variable=owner=NAME (default: invsys_owner), --variable=service=NAME (default: invsys). The variables
-- owner_password and service_password set the passwords. Set them in a file that includes this one, not on the command
-- line, which other users of the host can read.

\set ON_ERROR_STOP on
\if :{?owner} \else
    \set owner invsys_owner
\endif
\if :{?service} \else
    \set service invsys
\endif

BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL password_encryption = 'scram-sha-256';

SELECT format('CREATE ROLE %I', role) FROM unnest(ARRAY[:'owner', :'service']) AS role
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) \gexec
ALTER ROLE :"owner" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
ALTER ROLE :"service" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
\if :{?owner_password}
    ALTER ROLE :"owner" PASSWORD :'owner_password';
\endif
\if :{?service_password}
    ALTER ROLE :"service" PASSWORD :'service_password';
\endif

-- In an older installation everything belongs to the service or to a superuser. Objects of extensions are not changed.
ALTER DATABASE :"DBNAME" OWNER TO :"owner";
REASSIGN OWNED BY :"service" TO :"owner";
SELECT format('ALTER %s %s OWNER TO %I', kind, object, :'owner') FROM (
    SELECT 'TABLE' AS kind, oid::regclass::text AS object, 'pg_class'::regclass AS catalog, oid, relowner AS owner
        FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
    UNION ALL SELECT 'SEQUENCE', oid::regclass::text, 'pg_class'::regclass, oid, relowner
        FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'S'
    UNION ALL SELECT 'FUNCTION', oid::regprocedure::text, 'pg_proc'::regclass, oid, proowner
        FROM pg_proc WHERE pronamespace = 'public'::regnamespace
) AS objects WHERE owner <> :'owner'::regrole AND NOT EXISTS (
    -- Objects of an extension, and sequences that belong to a table.
    SELECT FROM pg_depend WHERE classid = catalog AND objid = oid AND deptype IN ('e', 'a', 'i')
) \gexec

REVOKE ALL ON DATABASE :"DBNAME" FROM :"service";
REVOKE TEMPORARY ON DATABASE :"DBNAME" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"DBNAME" TO :"service";
REVOKE CREATE ON SCHEMA public FROM PUBLIC, :"service";
GRANT USAGE, CREATE ON SCHEMA public TO :"owner";
GRANT USAGE ON SCHEMA public TO :"service";

-- Existing tables, and those of later migrations.
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM :"service";
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO :"service";
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO :"service";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO :"service";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" IN SCHEMA public GRANT USAGE ON SEQUENCES TO :"service";
COMMIT;
