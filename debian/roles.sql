-- Two roles for the database that psql is connected to: the owner of the tables, who runs migrations, and the service, who
-- reads and writes rows and can change nothing else. Run by a superuser, any number of times:
--
--     psql --no-psqlrc --dbname=invsys --file=roles.sql
--
-- Options: --variable=owner=NAME (default: invsys_owner), --variable=service=NAME (default: invsys). The variables
-- owner_password and service_password set passwords; set them in a file that includes this one, because other users of the
-- host can read a command line.

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

-- An older installation: everything belonged to the service, or to a superuser. What an extension made stays as it is.
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
    -- Of an extension, or a sequence that follows its table.
    SELECT FROM pg_depend WHERE classid = catalog AND objid = oid AND deptype IN ('e', 'a', 'i')
) \gexec

REVOKE ALL ON DATABASE :"DBNAME" FROM :"service";
REVOKE TEMPORARY ON DATABASE :"DBNAME" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"DBNAME" TO :"service";
REVOKE CREATE ON SCHEMA public FROM PUBLIC, :"service";
GRANT USAGE, CREATE ON SCHEMA public TO :"owner";
GRANT USAGE ON SCHEMA public TO :"service";

-- The tables that are there, and those of later migrations.
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM :"service";
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO :"service";
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO :"service";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO :"service";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" IN SCHEMA public GRANT USAGE ON SEQUENCES TO :"service";
COMMIT;
