"""A web process or a worker that fell into wrong hands cannot rewrite what has happened."""

import json
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection

from config import rights
from config.rights import ROLES, WEB, WORKER
from tests.security.least import refusal

pytestmark = pytest.mark.django_db(transaction=True)

REFUSED = "InsufficientPrivilege"
LEDGERS = sorted(apps.get_model(name)._meta.db_table for name in rights.LEDGERS)
STORIES = sorted(apps.get_model(name)._meta.db_table for name in rights.STORIES)
BEYOND = [
    "ALTER TABLE credits_creditentry DISABLE TRIGGER ALL",
    "DROP TRIGGER price_change_append_only ON pricing_pricechange",
    "CREATE OR REPLACE FUNCTION credits_refuse_to_rewrite_history() RETURNS trigger"
    " LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "SET session_replication_role = replica",
    "ALTER TABLE outbox_message ADD COLUMN mine text",
    "ALTER TABLE outbox_message DROP CONSTRAINT outbox_message_state_is_known",
    "DROP TABLE orders_order",
    "CREATE TABLE mine (id int)",
    "CREATE TABLE public.mine (id int)",
    "CREATE ROLE mine SUPERUSER",
    "ALTER ROLE CURRENT_USER SUPERUSER",
    "SET ROLE OWNER",
    "COPY orders_order TO PROGRAM 'cat'",
    "SELECT pg_read_file('PG_VERSION')",
    "DELETE FROM orders_order",
    "DELETE FROM credits_community",
    "TRUNCATE outbox_message CASCADE",
    "SELECT rolpassword FROM pg_authid",
]
REWRITING = ("UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE")


@pytest.mark.parametrize("role", ROLES)
def test_no_role_rewrites_a_ledger_or_an_audit_log(roles: dict[str, str], role: str) -> None:
    refused = {
        statement: refusal(roles[role], statement)
        for table in LEDGERS
        for statement in (one.format(table) for one in REWRITING)
    }

    assert set(refused.values()) == {REFUSED}, refused
    for table in STORIES:
        assert refusal(roles[role], f"UPDATE {table} SET id = id") == REFUSED


@pytest.mark.parametrize("role", ROLES)
def test_no_role_is_more_than_its_rights(roles: dict[str, str], role: str) -> None:
    owner = str(connection.settings_dict["USER"])
    said = {one: refusal(roles[role], one.replace("OWNER", owner)) for one in BEYOND}

    assert set(said.values()) == {REFUSED}, said


def test_a_worker_neither_reads_nor_makes_people(roles: dict[str, str]) -> None:
    for table in ("auth_user", "accounts_apitoken", "django_session", "auth_user_groups"):
        for statement in ("SELECT FROM {}", "DELETE FROM {}", "INSERT INTO {} DEFAULT VALUES"):
            assert refusal(roles[WORKER], statement.format(table)) == REFUSED, table
        assert refusal(roles[WEB], f"SELECT FROM {table}") == ""


def test_what_a_trigger_protects_the_roles_protect_as_well(owner: Any) -> None:
    with owner.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE %s",
            ["%append_only"],
        )
        protected = {row[0] for row in cursor.fetchall()}

    assert protected
    assert protected <= set(LEDGERS)


def test_nothing_has_left_the_ledgers_and_the_audit_logs() -> None:
    """The tests above read the same list as what gives the rights."""
    told = {*LEDGERS, *STORIES}

    assert told == {
        *("credits_creditentry", "credits_textevent", "pricing_pricechange"),
        *("orders_paymententry", "orders_paymentevent"),
        *("outbox_event", "outbox_deskact", "outbox_findingact", "django_admin_log"),
    }


def test_a_worker_sees_that_a_session_lives_and_not_what_it_asks(roles: dict[str, str]) -> None:
    """Django puts parameters into the text: the key of a session, the hash of a token."""
    told = "SELECT query, backend_start IS NULL FROM pg_stat_activity WHERE pid = %s"
    with psycopg.connect(roles[WEB]) as web, psycopg.connect(roles[WORKER]) as worker:
        web.execute("SELECT FROM django_session WHERE session_key = 'secret'")
        seen = worker.execute(told, [web.info.backend_pid]).fetchall()

        assert seen == [("<insufficient privilege>", True)]


def test_web_sees_how_old_the_transactions_of_all_are(roles: dict[str, str]) -> None:
    """The operations page and /metrics tell it."""
    open_ones = "SELECT pid FROM pg_stat_activity WHERE xact_start IS NOT NULL"
    with psycopg.connect(roles[WEB]) as web, psycopg.connect(roles[WORKER]) as worker:
        worker.execute("SELECT")

        assert (worker.info.backend_pid,) in web.execute(open_ones).fetchall()


def test_again_it_gives_and_takes_what_belongs(roles: dict[str, str], owner: Any) -> None:
    with owner.cursor() as cursor:
        cursor.execute(f"GRANT pg_read_all_stats TO {WORKER}")  # which it had in earlier releases
        cursor.execute(f"GRANT ALL ON credits_creditentry TO {WORKER}")
        cursor.execute(f"REVOKE ALL ON outbox_message FROM {WORKER}")
    assert refusal(roles[WORKER], "TRUNCATE credits_creditentry CASCADE") != REFUSED

    call_command("database_roles", stdout=(told := StringIO()), json=True)

    assert refusal(roles[WORKER], "TRUNCATE credits_creditentry CASCADE") == REFUSED
    assert refusal(roles[WORKER], "SELECT FROM outbox_message") == ""
    assert refusal(roles[WORKER], "SET ROLE pg_read_all_stats") == REFUSED
    assert json.loads(told.getvalue())[WORKER]["pricing_pricechange"] == ["SELECT", "INSERT"]


@pytest.mark.parametrize(
    ("more", "less"),
    [
        (f"ALTER ROLE {WORKER} CREATEROLE", f"ALTER ROLE {WORKER} NOCREATEROLE"),
        (f"GRANT {WEB} TO {WORKER}", f"REVOKE {WEB} FROM {WORKER}"),
        (f"GRANT pg_monitor TO {WORKER}", f"REVOKE pg_monitor FROM {WORKER}"),
    ],
)
@pytest.mark.usefixtures("roles")
def test_a_role_that_could_do_more_is_refused(owner: Any, more: str, less: str) -> None:
    with owner.cursor() as cursor:
        cursor.execute(more)
        with pytest.raises(CommandError, match=WORKER):
            call_command("database_roles")
        cursor.execute(less)


@pytest.mark.usefixtures("roles")
def test_a_password_is_stored_as_a_hash_and_settings_are_the_roles(owner: Any) -> None:
    with owner.cursor() as cursor:
        cursor.execute(
            "SELECT rolpassword, setconfig FROM pg_authid JOIN pg_db_role_setting ON setrole = oid"
            " WHERE rolname = %s",
            [WORKER],
        )
        password, settings = cursor.fetchone()

    assert password.startswith("SCRAM-SHA-256$")
    assert "synchronous_commit=on" in settings


def test_the_statements_can_be_read_and_hold_no_password(
    owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    del owner
    monkeypatch.setenv("WORKER_DATABASE_PASSWORD", "a secret")
    call_command("database_roles", stdout=(told := StringIO()), sql=True)

    assert "GRANT SELECT, INSERT ON " in told.getvalue()
    assert "a secret" not in told.getvalue()
