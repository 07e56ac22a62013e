"""Two workers, one credit, two texts to send: one is sent. Every way to lock, side by side."""

from collections.abc import Callable
from typing import Any

from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import F

from credits import ledger
from credits.models import Campaign
from races import club, lab
from races.explorer import Question
from races.models import Account, Effect, Receipt
from races.scenario import Form, Scenario, alone

ATTEMPTS = 3


def setup() -> None:
    Account.objects.create(pk=1, credits=1)


def check() -> None:
    sent, left = Effect.objects.count(), Account.objects.get(pk=1).credits
    assert (sent, left) == (1, 0), f"{sent} texts sent on 1 credit (credits left: {left})"


def send_text() -> None:
    Effect.objects.create(operation="text")


def read_check_save() -> None:
    account = Account.objects.get(pk=1)
    if account.credits > 0:
        account.credits -= 1
        account.save()
        send_text()


def read_check_save_in_a_transaction() -> None:
    with transaction.atomic():
        read_check_save()


def version_without_where() -> None:
    with transaction.atomic():
        account = Account.objects.get(pk=1)
        if account.credits > 0:
            account.credits -= 1
            account.version += 1
            account.save()
            send_text()


def redis_lock_without_fence() -> None:
    with lab.redis_lock() as token:
        if token:
            read_check_save()


def row_lock() -> None:
    with transaction.atomic():
        account = Account.objects.select_for_update().get(pk=1)
        if account.credits > 0:
            account.credits -= 1
            account.save()
            send_text()


def guarded_update() -> None:
    with transaction.atomic():
        if Account.objects.filter(pk=1, credits__gt=0).update(credits=F("credits") - 1):
            send_text()


def version_column() -> None:
    for _ in range(ATTEMPTS):
        with transaction.atomic():
            account = Account.objects.get(pk=1)
            if account.credits < 1:
                return
            unchanged = Account.objects.filter(pk=1, version=account.version)
            if unchanged.update(credits=account.credits - 1, version=account.version + 1):
                send_text()
                return


def unique_constraint() -> None:
    """Each credit has a number; a text takes one, and the constraint lets it be taken once."""
    try:
        with transaction.atomic():
            credit = Account.objects.get(pk=1).credits
            if credit > 0:
                Receipt.objects.create(operation=f"credit {credit}")
                Account.objects.filter(pk=1).update(credits=F("credits") - 1)
                send_text()
    except IntegrityError:
        return  # the other has taken it


def advisory_lock() -> None:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(1)")
        read_check_save()


def serializable_with_retry() -> None:
    for _ in range(ATTEMPTS):
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
                read_check_save()
            return
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", "") != "40001":
                raise


def redis_lock_with_fence() -> None:
    """The token is claimed in the database *before the read*: whoever is older is refused."""
    with lab.redis_lock() as token:
        if not token:
            return
        with transaction.atomic():
            newest = Account.objects.filter(pk=1, token__lt=token).update(token=token)
            if newest:
                lab.let_in(token)
                read_check_save()


def check_fenced() -> None:
    check()
    lab.assert_tokens_rise()


def setup_ours() -> None:
    club.found(paid=1)
    for _ in range(2):
        club.drafted()


def hold_for(number: int) -> None:
    """One text of this campaign; who finds too few credits keeps nothing."""
    campaign = Campaign.objects.order_by("id")[number]
    try:
        with transaction.atomic():
            held = ledger.hold(
                community_id=campaign.community_id, campaign_id=campaign.pk, amount=1, actor="race"
            )
            if not held:
                transaction.set_rollback(True)
    except IntegrityError as error:
        if "credit_entry_once_per_operation" not in str(error):
            raise
        # held already, before its process died


def hold_for_the_first() -> None:
    hold_for(0)


def hold_for_the_second() -> None:
    hold_for(1)


def check_ours() -> None:
    community = club.community()
    holds = community.entries.filter(kind=ledger.Kind.HOLD).count()
    found = (holds, community.credits, community.held)
    assert found == (1, 0, 1), f"{holds} holds on 1 credit (credits left: {community.credits})"


def _ask(job: Callable[[], None], **details: object) -> Question:
    return Question((job, job), alone(check), setup, **details)  # type: ignore[arg-type]


_EXPIRY: dict[str, Any] = {
    "environment": {"expiry": lab.redis_lock_expires},
    "begin": lab.forget_redis,
}

SCENARIO = Scenario(
    claim="One credit is spent once",
    naive=(
        Form("read, check, save", _ask(read_check_save), "each statement by itself"),
        Form(
            "read, check, save, in a transaction",
            _ask(read_check_save_in_a_transaction),
            "READ COMMITTED is no mutual exclusion",
        ),
        Form(
            "version without WHERE",
            _ask(version_without_where),
            "an optimistic lock that counts and never asks",
        ),
        Form(
            "Redis lock",
            _ask(redis_lock_without_fence, **_EXPIRY),
            "it runs out while its holder is between two statements",
        ),
    ),
    holds=(
        Form("row lock", _ask(row_lock, kills=1), "SELECT … FOR UPDATE, then decide"),
        Form("guarded update", _ask(guarded_update, kills=1), "one statement, its count checked"),
        Form("version", _ask(version_column, kills=1), "UPDATE … WHERE version = …, or again"),
        Form(
            "unique constraint",
            _ask(unique_constraint, kills=1),
            "a credit has a number",
            constraints=[("races_receipt", "receipt_once_per_operation")],
        ),
        Form("advisory lock", _ask(advisory_lock, kills=1), "until the transaction's end"),
        Form("serializable", _ask(serializable_with_retry, kills=1), "retried on 40001"),
        Form(
            "ledger.hold",
            Question(
                (hold_for_the_first, hold_for_the_second), alone(check_ours), setup_ours, kills=1
            ),
            "ours: an entry, then a guarded update whose count says whether to keep it",
            ours=True,
        ),
        Form(
            "Redis lock with a fence",
            _ask(redis_lock_with_fence, **_EXPIRY).but(check=alone(check_fenced)),
            "the database lets in the newest token only",
        ),
    ),
    why=(
        "Both read the credit before either has written. What the second writes was computed from "
        "a past that is gone. A transaction does not help: READ COMMITTED shows each statement "
        "what is committed by then, and stops nobody."
    ),
    cure=(
        "Let the database decide and act in one place: hold the row before reading it, or write "
        "the condition into the UPDATE and look at how many rows it changed."
    ),
    refuses=(
        "Under SERIALIZABLE PostgreSQL ends one of the two with 40001; the unique constraint ends "
        "it with 23505."
    ),
)
