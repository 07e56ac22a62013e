"""Orders, their receipts, and what was given up: each harm to whole books is seen."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from chaos import settle
from chaos.catalogue import DECLINED_CARD
from chaos.checkers import orders
from chaos.checkers.books import Harm
from chaos.journal import Answer, Journal
from orders import saga
from outbox.handlers import CRASH_LIMIT, Retry
from tests.chaos.whole_books import (
    DECLINED,
    GIVEN_UP,
    SHIPPED,
    WITH_A_PERSON,
    WholeBooks,
    mail,
)

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("checkers")]

LOST, DOUBLED = Harm.LOST, Harm.DOUBLED


def order(email: str, change: str) -> str:
    return f"UPDATE orders_order SET {change} WHERE email = '{email}'"


def attempts(email: str, change: str) -> str:
    """Let this have become of all attempts at an order's steps but the first one."""
    return f"""
        {change} WHERE number > 0 AND step_id IN (
            SELECT step.id FROM orders_sagastep AS step
            JOIN orders_sagarun AS run ON run.id = step.run_id
            JOIN orders_order AS shop ON shop.id = run.order_id WHERE email = '{email}'
        )
    """


def receipt(state: str) -> str:
    return f"UPDATE orders_sagastep SET state = '{state}' WHERE name = 'send'"


def message(handler: str, state: str, finished_at: str = "now()") -> str:
    return f"""
        INSERT INTO outbox_message (id, handler, args, state, due_at, operation_id, traceparent,
            attempts, crashes, alone, last_error, finished_at, created_at, worker, task_id)
        VALUES (gen_random_uuid(), '{handler}', '{{}}', '{state}', now() - interval '1 minute',
            gen_random_uuid(), '', 0, 0, false, 'an error', {finished_at}, now(), '', '')
    """


BACKS_OFF = """
    UPDATE outbox_message SET handler = 'chaos.bare', state = 'pending', finished_at = NULL,
        due_at = now() + interval '1 minute'
    WHERE id = (SELECT id FROM outbox_message WHERE state = 'done' LIMIT 1)
"""  # a crash alone: it runs again in a moment
UNKNOWN = """
    INSERT INTO orders_sagaattempt (id, step_id, backwards, number, outcome, detail, late, worker,
        lease_until, finished_at)
    SELECT gen_random_uuid(), id, false, 1, 'unknown', '', '', '', now(), now()
    FROM orders_sagastep WHERE name = 'send'
"""
DIED = """
    INSERT INTO outbox_message (id, handler, args, state, operation_id, traceparent, attempts,
        crashes, alone, last_error, finished_at, worker, task_id)
    SELECT gen_random_uuid(), 'orders.run_step', jsonb_build_object('run_id', id::text), 'dead',
        operation_id, '', 0, 3, false, '', now(), '', ''
    FROM orders_sagarun WHERE saga = 'receipt'
"""
WAITS = "UPDATE orders_sagarun SET state = 'running' WHERE saga = 'receipt'"
STOPS = """
    UPDATE orders_sagarun SET state = 'needs_person', reason = 'a reason' WHERE saga = 'receipt'
"""
NO_RECEIPT = "DELETE FROM orders_sagarun WHERE saga = 'receipt'"
BROKEN = {
    "an order is not there": (
        f"DELETE FROM orders_order WHERE email = '{SHIPPED}'",
        ("orders", LOST),
    ),
    "it is there twice": (order(DECLINED, f"email = '{SHIPPED}'"), ("orders", DOUBLED)),
    "nobody asked for it": (
        order(DECLINED, "email = 'order-9@chaos.example'"),
        ("orders", DOUBLED),
    ),
    "it never ended": (
        order(DECLINED, "status = 'placed', finished_at = NULL, reason = ''"),
        ("orders", LOST),
    ),
    "it was not charged in full": (order(SHIPPED, "total = total + 1"), ("orders", LOST)),
    "it was charged too much": (order(SHIPPED, "total = total - 1"), ("orders", DOUBLED)),
    "it was charged, and our books do not say so": (
        "DELETE FROM orders_paymententry",
        ("orders", LOST),
    ),
    "it was cancelled, and charged": (
        order(SHIPPED, "status = 'cancelled', reason = 'no'"),
        ("orders", DOUBLED),
    ),
    "it was cancelled after one attempt, and its card is good": (
        attempts(GIVEN_UP, "DELETE FROM orders_sagaattempt"),
        ("orders", LOST),
    ),
    "it was cancelled as if its card had been declined": (
        attempts(GIVEN_UP, "UPDATE orders_sagaattempt SET outcome = 'refused'"),
        ("orders", LOST),
    ),
    "it was cancelled by what failed on the way back": (
        attempts(GIVEN_UP, "UPDATE orders_sagaattempt SET backwards = true"),
        ("orders", LOST),
    ),
    "it is with a person, and hardly anything was tried": (
        attempts(WITH_A_PERSON, "DELETE FROM orders_sagaattempt"),
        ("orders", LOST),
    ),
    "a shipped order never asked for its receipt": (NO_RECEIPT, ("receipts", LOST)),
    "a receipt never ended": (receipt("retrying"), ("receipts", LOST)),
    "a receipt was refused": (receipt("refused"), ("receipts", LOST)),
    "a cancelled order has a receipt": (
        order(SHIPPED, "status = 'cancelled', reason = 'no'"),
        ("receipts", DOUBLED),
    ),
    "a receipt is of no order": (
        f"DELETE FROM orders_order WHERE email = '{SHIPPED}'",
        ("receipts", DOUBLED),
    ),
    "a dead message is with nobody": (
        message("credits.send_text", "dead"),
        ("given up", LOST),
    ),
    "a dead step's saga goes on": (
        "UPDATE orders_sagarun SET state = 'running' WHERE saga = 'order'",
        ("given up", LOST),
    ),
    "a message has expired": (message("chaos.bare", "expired"), ("given up", LOST)),
    "a message waits behind its group": (
        message("chaos.bare", "parked", "NULL"),
        ("given up", LOST),
    ),
    "a message is due": (message("chaos.bare", "pending", "NULL"), ("waiting", LOST)),
}


@pytest.mark.parametrize("how", BROKEN)
def test_what_is_broken_is_seen(whole: WholeBooks, how: str) -> None:
    statements, found = BROKEN[how]
    assert found in whole.broken(statements)


def test_an_order_that_was_refused(whole: WholeBooks) -> None:
    refused = whole.answered(33, Answer.REFUSED)
    assert whole.broken(journal=refused) == {("orders", DOUBLED), ("refusals", LOST)}
    assert whole.broken(journal=whole.answered(33, Answer.INDETERMINATE)) == set()


def test_a_declined_card_whose_order_was_shipped(whole: WholeBooks) -> None:
    (shipped,) = (one for one in whole if one.about == SHIPPED)
    declined = replace(shipped, body={"payment_method": DECLINED_CARD})
    journal = Journal([*whole.without(shipped.number).requests, declined])
    assert whole.broken(journal=journal) == {("orders", DOUBLED)}


@pytest.mark.parametrize("died_of", ["crashes = 3", "attempts = 8"])
def test_an_order_is_with_a_person_whose_message_died(whole: WholeBooks, died_of: str) -> None:
    gone = attempts(WITH_A_PERSON, "DELETE FROM orders_sagaattempt")
    died = f"UPDATE outbox_message SET {died_of} WHERE state = 'dead'"
    assert whole.broken(gone, died) == set()


def test_when_the_application_gives_up() -> None:
    """The checkers import nothing of it; a limit that changes there is to be changed here."""
    assert saga.A_CUSTOMER_WAITS.limit == orders.A_CUSTOMER_WAITS
    assert saga.UNTIL_DONE.limit == orders.UNTIL_DONE
    assert (CRASH_LIMIT, Retry().limit) == (orders.CRASHES, orders.ATTEMPTS)


def test_what_the_providers_know_better(whole: WholeBooks) -> None:
    paid, sent = whole.logs["payments"], whole.logs["shipping"]
    assert whole.broken(logs={**whole.logs, "payments": paid * 2}) == {("orders", DOUBLED)}
    assert whole.broken(logs={**whole.logs, "shipping": sent * 2}) == {("orders", DOUBLED)}
    assert whole.broken(logs={**whole.logs, "payments": []}) == {("orders", LOST)}
    assert whole.broken(logs={**whole.logs, "shipping": []}) == {("orders", LOST)}
    nobody = [*sent, {"order": "another"}]
    assert whole.broken(logs={**whole.logs, "shipping": nobody}) == {("orders", DOUBLED)}


def test_a_receipt_without_its_mail(whole: WholeBooks, tmp_path: Path) -> None:
    assert whole.broken(mails=tmp_path) == {("receipts", LOST)}
    in_doubt = receipt("in_doubt")
    assert whole.broken(in_doubt, UNKNOWN, mails=tmp_path) == set(), "the books say so"
    assert whole.broken(in_doubt, UNKNOWN) == set(), "or it went out all the same"
    assert whole.broken(in_doubt, mails=tmp_path) == {("receipts", LOST)}, "there is no doubt"
    with_a_person = receipt("needs_person"), STOPS
    assert whole.broken(*with_a_person, DIED, mails=tmp_path) == set()
    assert whole.broken(*with_a_person, mails=tmp_path) == {("receipts", LOST)}


def test_mails_too_many(whole: WholeBooks, tmp_path: Path) -> None:
    twice = mail(tmp_path / "twice", SHIPPED, SHIPPED)
    assert whole.broken(mails=twice) == {("receipts", DOUBLED)}
    assert whole.broken(receipt("in_doubt"), mails=twice) == {("receipts", DOUBLED)}
    for other in (DECLINED, WITH_A_PERSON, "order-9@chaos.example"):
        unasked = mail(tmp_path / other, SHIPPED, other)
        assert whole.broken(mails=unasked) == {("receipts", DOUBLED)}


def test_a_run_is_not_over_before_its_receipts_and_bare_effects(
    whole: WholeBooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settle, "PATIENCE", 0)
    for statement, still in (
        ("SELECT", {}),
        (WAITS, {"receipts": 1}),
        (BACKS_OFF, {"bare effects": 1}),
    ):
        with whole.after(statement) as observer:
            assert settle.settle(observer, time.time(), 0.0, print).open == still
