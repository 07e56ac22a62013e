"""The statements that make the database's roles and give them their rights (config.rights)."""

from collections.abc import Iterator

from psycopg import sql

from config.rights import ROLES, WEB, rights

SCHEMA = sql.Identifier("public")
#: Start-up options do not get through a pooler in transaction mode; a role's settings do.
ROLE_SETTINGS = {
    "synchronous_commit": "on",
    "idle_in_transaction_session_timeout": "60s",
    "client_connection_check_interval": "2s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
#: The operations pages and /metrics tell of all sessions how old their transactions are. By it one
#: also reads the others' statements, keys of sessions included: nothing for a worker.
STATISTICS, READS_THEM = "pg_read_all_stats", WEB

#: What a role of ours must not be. Anything of it would make its rights worthless.
TOO_POWERFUL = """
    SELECT rolname FROM pg_roles AS role
    WHERE rolname = ANY(%s) AND (
        rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls
        OR EXISTS (SELECT FROM pg_class WHERE relowner = role.oid)
        OR EXISTS (SELECT FROM pg_auth_members AS member
                   JOIN pg_roles AS other ON other.oid = member.roleid
                   WHERE member.member = role.oid AND (other.rolname, role.rolname) <> (%s, %s)))
"""


def statements(database: str) -> Iterator[sql.Composed]:
    """All but the passwords. Safe to run again: what a role may do is set anew each time."""
    yield sql.SQL("REVOKE CREATE ON SCHEMA {} FROM PUBLIC").format(SCHEMA)
    for name in ROLES:
        role = sql.Identifier(name)
        yield sql.SQL(_CREATE).format(role)
        yield from _settings(role)
        yield sql.SQL("GRANT {} TO {}" if name == READS_THEM else "REVOKE {} FROM {}").format(
            sql.Identifier(STATISTICS), role
        )
        # Imports keep their lines in temporary tables.
        yield sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(
            sql.Identifier(database), role
        )
        yield sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(SCHEMA, role)
        yield sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA {} FROM {}").format(SCHEMA, role)
        yield from _grants(name)


def _settings(role: sql.Identifier) -> Iterator[sql.Composed]:
    yield sql.SQL("ALTER ROLE {} LOGIN").format(role)
    for setting, value in ROLE_SETTINGS.items():
        yield sql.SQL("ALTER ROLE {} SET {} = {}").format(
            role, sql.Identifier(setting), sql.Literal(value)
        )


def _grants(role: str) -> Iterator[sql.Composed]:
    for right in rights(role):
        yield sql.SQL("GRANT {} ON {} TO {}").format(
            sql.SQL(", ").join(sql.SQL(privilege) for privilege in right.privileges),
            sql.Identifier("public", right.table),
            sql.Identifier(role),
        )


_CREATE = "DO $$ BEGIN CREATE ROLE {}; EXCEPTION WHEN duplicate_object THEN NULL; END $$"
