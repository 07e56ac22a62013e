"""`manage.py database_roles`: web and workers get roles of their own, which rewrite nothing."""

import json
import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from psycopg import sql

from config import roles_sql
from config.rights import ROLES, WEB, WORKER, rights

PASSWORDS = {WEB: "WEB_DATABASE_PASSWORD", WORKER: "WORKER_DATABASE_PASSWORD"}


class Command(BaseCommand):
    """Run by the owner of the tables after each migration. A second run changes nothing."""

    help = (
        "Make the database roles of web and workers, with the rights that they need and no others. "
        f"Their passwords come from {PASSWORDS[WEB]} and {PASSWORDS[WORKER]}; a role whose "
        "variable is not set keeps the one that it has."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the form of the answer."""
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--sql", action="store_true", help="print the statements, run nothing")
        form.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *_: Any, **options: Any) -> None:
        """Make them, or print how; raises CommandError where a role is more than it should be."""
        if options["sql"]:
            self._print_statements()
            return
        with transaction.atomic():
            make_roles()
        told = {role: {one.table: one.privileges for one in rights(role)} for role in ROLES}
        if options["json"]:
            self.stdout.write(json.dumps(told))
            return
        for role, tables in told.items():
            self.stdout.write(f"{role}: rights on {len(tables)} tables.")

    def _print_statements(self) -> None:
        connection.ensure_connection()
        for one in roles_sql.statements(str(connection.settings_dict["NAME"])):
            self.stdout.write(one.as_string(connection.connection) + ";")


def make_roles() -> None:
    """Make the roles within the caller's transaction. Raises CommandError."""
    with connection.cursor() as cursor:
        for one in roles_sql.statements(str(connection.settings_dict["NAME"])):
            cursor.execute(one)
        for role, variable in PASSWORDS.items():
            if os.environ.get(variable):
                cursor.execute(_new_password(role, os.environ[variable]))
        cursor.execute(
            roles_sql.TOO_POWERFUL, [list(ROLES), roles_sql.STATISTICS, roles_sql.READS_THEM]
        )
        powerful = [row[0] for row in cursor.fetchall()]
    if powerful:
        raise CommandError(
            f"{', '.join(powerful)} could do more than its rights say: it is a superuser, may make "
            "databases or roles, owns a table, or belongs to another role. Take that away first."
        )


def _new_password(role: str, password: str) -> sql.Composed:
    """Hashed here already, so that the statement, which a server may log, does not hold it."""
    hashed = connection.connection.pgconn.encrypt_password(
        password.encode(), role.encode(), b"scram-sha-256"
    )
    return sql.SQL("ALTER ROLE {} PASSWORD {}").format(
        sql.Identifier(role), sql.Literal(hashed.decode())
    )
