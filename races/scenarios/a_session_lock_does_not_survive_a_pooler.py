"""A pooler in transaction mode hands one server connection to many: session locks mean nothing."""

from django.db import connection, transaction

from races import lab
from races.explorer import Question
from races.models import Account
from races.scenario import Form, Scenario, alone


def setup() -> None:
    Account.objects.create(pk=1, credits=1)


def check() -> None:
    total = Account.objects.get(pk=1).credits
    assert total >= 0, f"both were in the critical section: {-total} more than there was"


def _spend_if_any() -> None:
    if Account.objects.get(pk=1).credits > 0:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE races_account SET credits = credits - 1 WHERE id = 1")


def session_lock_through_a_pooler() -> None:
    """Both clients' transactions ran on the same server connection, which has the lock already."""
    if lab.pooler.ask("SELECT pg_try_advisory_lock(1)"):
        _spend_if_any()
        lab.pooler.ask("SELECT pg_advisory_unlock(1)")


def transaction_lock() -> None:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(1)")
            (got,) = cursor.fetchone()
        if got:
            _spend_if_any()


SCENARIO = Scenario(
    claim="A session lock does not survive a pooler",
    naive=(
        Form(
            "pg_try_advisory_lock through a pooler",
            Question(
                (session_lock_through_a_pooler,) * 2, alone(check), setup, around=lab.pooler.open
            ),
            "a small pooler of ours stands in for PgBouncer: one server connection, each statement "
            "outside a transaction goes to it",
        ),
    ),
    holds=(
        Form(
            "pg_try_advisory_xact_lock",
            Question((transaction_lock,) * 2, alone(check), setup, kills=1),
            "as long as the transaction, which a pooler keeps on one connection; here it is the "
            "worker's own",
        ),
    ),
    why=(
        "A session's advisory lock belongs to the server connection, and may be taken again by "
        "whoever has it. Two clients of a pooler take turns on the same one."
    ),
    cure="Transaction-level locks; or a direct connection for what needs a session.",
    elsewhere=(
        "This project's own such lock, the relay's, lasts as long as a transaction; it is explored "
        "in [two_relays_have_one_effect](two_relays_have_one_effect.md)."
    ),
)
