"""Our ledger and the payment provider's lists broken apart: found, mended or told, then silent."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from django.db import transaction

from orders import clock, services
from orders.models import Order, PaymentEntry, PaymentEvent
from orders.providers import stripe_api
from orders.reconciliation import money, refunds
from orders.reconciliation.provider_list import FETCHED_AT_ONCE
from outbox import handlers
from outbox.reconciliation import acts
from outbox.reconciliation.models import Finding
from outbox.tests.numbers import went_through
from tests.orders.broken import execute, findings, past_the_trigger, shipped, types
from tests.orders.shop import again, place, stocked, work_off
from tests.reconciliation.person import acknowledge
from tests.sandbox.process import SandboxProcess

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("silent")]


def test_charged_there_and_not_in_the_ledger_is_written_down(sandbox: SandboxProcess) -> None:
    shipped(sandbox)
    past_the_trigger("DELETE FROM orders_paymententry")
    execute("UPDATE orders_sagastep SET state = 'refused' WHERE name = 'capture'")
    assert types("payments_differ") == [("charged_and_not_in_the_ledger", True)]
    assert set(PaymentEntry.objects.values_list("kind", flat=True)) == {"held", "captured"}
    assert findings("payments_differ") == []


def test_another_amount_charged_there_needs_a_person(sandbox: SandboxProcess) -> None:
    money.enter(str(_another_amount_taken().pk), "captured")
    execute("UPDATE orders_order SET status = 'shipped', finished_at = now()")
    assert types("payments_differ") == [("amount_differs", False)]
    evidence = Finding.objects.get().evidence
    assert (evidence["amount"], evidence["ours"]) == (500, 2000)


def test_another_amount_charged_than_is_in_the_ledger_needs_a_person(
    sandbox: SandboxProcess,
) -> None:
    money.enter(str(_another_amount_taken().pk), "captured")
    past_the_trigger("UPDATE orders_paymententry SET at = now() - interval '1 hour'")
    assert types("charge_is_unknown_there") == [("amount_differs", False)]
    acknowledge()
    assert findings("charge_is_unknown_there") == []


def _another_amount_taken() -> Order:
    stocked()
    order = place()
    work_off(until=lambda: PaymentEntry.objects.filter(kind="held").exists())
    stripe_api.capture_intent(key="by-hand", intent=again(order).payment.intent, amount=500)
    return order


def test_charged_there_and_cancelled_here_needs_a_person(sandbox: SandboxProcess) -> None:
    shipped(sandbox)
    past_the_trigger("DELETE FROM orders_paymententry")
    execute("UPDATE orders_order SET status = 'cancelled', reason = 'by hand'")
    assert types("payments_differ") == [("charged_though_cancelled", False)]


def test_held_there_long_after_its_end_needs_a_person(sandbox: SandboxProcess) -> None:
    stocked()
    order = place()
    work_off(until=lambda: PaymentEntry.objects.filter(kind="held").exists())
    execute("UPDATE orders_order SET status = 'cancelled', reason = 'x', finished_at = now()")
    assert findings("payments_differ") == [], "its release may be on its way"
    execute("UPDATE orders_order SET finished_at = now() - interval '1 hour'")
    assert types("payments_differ") == [("held_though_it_ended", False)]
    stripe_api.cancel_intent(key="by-hand", intent=again(order).payment.intent)
    assert findings("payments_differ") == []


def test_a_charge_of_an_order_that_we_do_not_have_needs_a_person(sandbox: SandboxProcess) -> None:
    stocked()
    for order in ("", "00000000-0000-0000-0000-000000000001"):
        metadata = {"order": order} if order else {}
        intent = stripe_api.create_intent(
            key=f"k{order}", amount=100, payment_method="pm_card_visa", metadata=metadata
        )
        stripe_api.confirm_intent(key=f"c{order}", intent=intent.id)
    assert types("payments_differ") == [("unknown_to_us", False)], "the other is not this shop's"


def test_a_refund_that_failed_after_it_was_in_the_ledger_needs_a_person(
    sandbox: SandboxProcess,
) -> None:
    stocked()
    order = place(payment_method="pm_card_refundFail")
    place()
    work_off()
    stripe_api.create_refund(
        key="r", intent=again(order).payment.intent, amount=order.cents, metadata={}
    )
    assert findings("refund_failed_there") == [], "our ledger does not say that it succeeded"
    money.enter(str(order.pk), "refunded")
    (found,) = findings("refund_failed_there")
    assert (found["type"], found["repaired"]) == ("in_the_ledger_and_not_given_back", False)
    evidence = Finding.objects.get().evidence
    assert evidence["order"] == str(order.pk)
    assert list(evidence["there"].values()) == ["failed"]
    acknowledge()
    assert findings("refund_failed_there") == []


def test_a_failed_refund_that_was_made_good_is_no_finding(sandbox: SandboxProcess) -> None:
    order = shipped(sandbox)
    services.refund_order(order_id=order.pk, reason="torn", actor="test")
    work_off()
    intent = again(order).payment.intent
    with transaction.atomic():
        assert refunds.RefundFailed().confirm(intent) is None


def test_a_refund_that_our_ledger_lacks_needs_a_person(sandbox: SandboxProcess) -> None:
    order = shipped(sandbox)
    intent = again(order).payment.intent
    stripe_api.create_refund(key="by-hand", intent=intent, amount=100, metadata={})
    assert types("refund_failed_there") == [("given_back_and_not_in_the_ledger", False)]
    evidence = Finding.objects.get().evidence
    assert evidence["order"] == str(order.pk)
    assert list(evidence["there"].values()) == ["succeeded"]
    rest = order.cents - 100
    stripe_api.create_refund(key="the rest", intent=intent, amount=rest, metadata={})
    money.enter(str(order.pk), "refunded")
    assert findings("refund_failed_there") == []


def test_a_refund_that_is_being_written_down_is_no_finding(sandbox: SandboxProcess) -> None:
    order = shipped(sandbox)
    services.refund_order(order_id=order.pk, reason="torn", actor="test")
    stripe_api.create_refund(
        key="r", intent=again(order).payment.intent, amount=order.cents, metadata={}
    )
    assert findings("refund_failed_there") == [], "its saga is under way"


def test_a_refund_that_stands_refused_needs_a_person(sandbox: SandboxProcess) -> None:
    order = shipped(sandbox)
    services.refund_order(order_id=order.pk, reason="torn", actor="test")
    assert findings("refund_is_refused") == []
    sandbox.control.force("payments", "refused", operation="refund")
    work_off()
    assert types("refund_is_refused") == [("refund_is_refused", False)]
    evidence = {"order": str(order.pk), "asked_by": "test"}
    assert Finding.objects.get().evidence == evidence
    services.refund_order(order_id=order.pk, reason="torn", actor="ann")
    assert findings("refund_is_refused") == [], "it is on its way"
    work_off()
    assert findings("refund_is_refused") == []


def test_in_the_ledger_and_not_refunded_there_needs_a_person(sandbox: SandboxProcess) -> None:
    order = shipped(sandbox)
    money.enter(str(order.pk), "refunded")
    assert findings("refund_is_unknown_there") == [], "ten minutes are given to its webhook"
    past_the_trigger("UPDATE orders_paymententry SET at = now() - interval '1 hour'")
    assert types("refund_is_unknown_there") == [("in_the_ledger_and_not_refunded", False)]
    PaymentEvent.objects.create(id="evt_1", kind="refund.created", payment=order.payment)
    assert findings("refund_is_unknown_there") == [], "the provider has said so itself"


@pytest.mark.parametrize(("cents", "found"), [(1_999, 1), (2_000, 0)], ids=["a part", "all"])
def test_what_was_given_back_there_is_all_that_our_ledger_says(
    sandbox: SandboxProcess, cents: int, found: int
) -> None:
    order = shipped(sandbox)
    intent = again(order).payment.intent
    stripe_api.create_refund(key="r", intent=intent, amount=cents, metadata={})
    money.enter(str(order.pk), "refunded")
    past_the_trigger("UPDATE orders_paymententry SET at = now() - interval '1 hour'")
    assert len(findings("refund_failed_there")) == found
    assert findings("refund_is_unknown_there") == [], "it is the other check's"


def test_a_part_given_by_hand_does_not_make_a_failed_refund_good(sandbox: SandboxProcess) -> None:
    order = shipped(sandbox)
    intent = again(order).payment.intent
    stripe_api.create_refund(key="by-hand", intent=intent, amount=100, metadata={})
    failed = SimpleNamespace(id="re_1", payment_intent=intent, status="failed", amount=order.cents)
    money.enter(str(order.pk), "refunded")
    with transaction.atomic(), patch.object(refunds, "_refunds", _with(failed, refunds._refunds)):
        suspect = refunds.RefundFailed().confirm(intent)
    assert suspect is not None
    assert suspect.type == "in_the_ledger_and_not_given_back"
    assert suspect.evidence["given_back"] == 100


def _with(more: Any, real: Any) -> Any:
    return lambda query: SimpleNamespace(data=[more, *real(query).data], has_more=False)


def test_a_refund_that_failed_is_told_once(sandbox: SandboxProcess) -> None:
    stocked()
    order = place(payment_method="pm_card_refundFail")
    work_off()
    stripe_api.create_refund(
        key="r", intent=again(order).payment.intent, amount=order.cents, metadata={}
    )
    money.enter(str(order.pk), "refunded")
    past_the_trigger("UPDATE orders_paymententry SET at = now() - interval '1 hour'")
    assert len(findings("refund_failed_there")) == 1
    assert findings("refund_is_unknown_there") == []


def test_in_the_ledger_and_not_charged_there_needs_a_person(sandbox: SandboxProcess) -> None:
    shipped(sandbox)
    assert findings("charge_is_unknown_there") == []
    past_the_trigger("UPDATE orders_paymententry SET at = now() - interval '1 hour'")
    assert findings("charge_is_unknown_there") == []
    sandbox.control.clear()
    assert types("charge_is_unknown_there") == [("in_the_ledger_and_not_charged", False)]
    acknowledge()
    assert findings("charge_is_unknown_there") == []


@pytest.mark.parametrize("check", ["charge_is_unknown_there", "refund_is_unknown_there"])
def test_an_id_that_is_unknown_there_needs_a_person(sandbox: SandboxProcess, check: str) -> None:
    money.enter(str(shipped(sandbox).pk), "refunded")
    past_the_trigger("UPDATE orders_paymententry SET at = now() - interval '1 hour'")
    execute("UPDATE orders_payment SET intent = 'pi_unknown'")
    PaymentEvent.objects.all().delete()
    assert {kind.partition("_and_")[0] for kind, _ in types(check)} == {"in_the_ledger"}


CHECKS = [
    "payments_differ",
    "charge_is_unknown_there",
    "refund_failed_there",
    "refund_is_unknown_there",
]


@pytest.mark.parametrize("check", CHECKS)
def test_a_request_that_is_refused_says_nothing_about_the_money(
    sandbox: SandboxProcess, check: str
) -> None:
    """A wrong parameter, say: the check has failed, and no payment has."""
    money.enter(str(shipped(sandbox).pk), "refunded")
    past_the_trigger("UPDATE orders_paymententry SET at = now() - interval '1 hour'")
    sandbox.control.force("payments", "refused")
    assert types(check) == [("check_failed", False)]


@pytest.mark.parametrize(("nights", "found"), [(1, 0), (10, 1)], ids=["none", "nine"])
def test_missed_nights_leave_no_payment_that_is_never_compared(
    sandbox: SandboxProcess, nights: int, found: int
) -> None:
    shipped(sandbox)
    past_the_trigger("UPDATE orders_paymententry SET at = now() - interval '9 days'")
    with closing(sqlite3.connect(sandbox.home / "sandbox.sqlite3")) as log, log:
        log.execute("UPDATE payment_object SET created_at = created_at - 9 * 86400")
    went_through(*(f"orders.{check}" for check in CHECKS), days_ago=nights)
    execute("UPDATE orders_payment SET amount = amount + 1")
    assert len(findings("payments_differ")) == found
    sandbox.control.clear()
    assert len(findings("charge_is_unknown_there")) == found


@pytest.fixture
def out_of_reach(settings: Any) -> Callable[[], None]:
    """Call it, and the provider cannot be reached any more."""

    def go() -> None:
        settings.SHOP = replace(settings.SHOP, stripe_base_url="http://127.0.0.1:9", timeout=0.5)

    return go


def test_a_provider_that_does_not_answer_is_said_to_be_out_of_reach(
    sandbox: SandboxProcess, settings: Any, out_of_reach: Callable[[], None]
) -> None:
    out_of_reach()
    assert types("payments_differ") == [("provider_out_of_reach", False)]
    assert types("refund_failed_there") == [("provider_out_of_reach", False)]
    settings.SHOP = replace(settings.SHOP, stripe_api_key="")
    assert findings("payments_differ") == [], "there is no account to compare with"


def test_who_does_not_answer_is_asked_once_in_a_step(
    sandbox: SandboxProcess, out_of_reach: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        shipped(sandbox)
    past_the_trigger("UPDATE orders_paymententry SET at = now() - interval '1 hour'")
    out_of_reach()
    asked: list[Any] = []
    client = stripe_api.client
    monkeypatch.setattr(stripe_api, "client", lambda: asked.append(client()) or asked[-1])
    assert types("charge_is_unknown_there") == [("provider_out_of_reach", False)]
    assert len(asked) == 1


def test_a_page_of_slow_answers_is_well_within_the_deadline_of_its_step(settings: Any) -> None:
    longest = 2 * settings.SHOP.timeout * FETCHED_AT_ONCE
    assert longest <= 0.75 * handlers.get("outbox.reconcile_step").deadline.total_seconds()


@pytest.mark.parametrize("check", ["payments_differ", "charge_is_unknown_there"])
def test_one_night_out_of_reach_that_is_acknowledged_hides_no_other(
    sandbox: SandboxProcess,
    out_of_reach: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    check: str,
) -> None:
    shipped(sandbox)
    past_the_trigger("UPDATE orders_paymententry SET at = now() - interval '1 hour'")
    out_of_reach()
    with monkeypatch.context() as last_night:
        last_night.setattr(clock, "after", lambda _: datetime(2026, 1, 1, tzinfo=UTC))
        assert types(check) == [("provider_out_of_reach", False)]
    acts.acknowledge(finding_id=Finding.objects.get().pk, actor="ann", note="their maintenance")
    assert types(check) == [("provider_out_of_reach", False)]
