"""The books of a small run in which all went well, laid to be broken: the checkers must see it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest import mock
from uuid import uuid4

import psycopg
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.utils import timezone

from chaos import checkers
from chaos.catalogue import (
    BUNDLE,
    CATEGORY,
    DECLINED_CARD,
    GOOD_CARD,
    GOODS,
    MEMBERS,
    PRICE,
    REDUCED,
    STOCK,
)
from chaos.checkers import Books, orders
from chaos.checkers.books import Harm
from chaos.journal import Answer, Journal, Request
from chaos.load import mark
from chaos.observer import Observer
from chaos.planted import bare
from credits import providers
from credits import services as credit_services
from credits.models import Campaign
from orders.models import (
    Order,
    OrderLine,
    Payment,
    PaymentEntry,
    Receipt,
    SagaAttempt,
    SagaRun,
    SagaStep,
)
from outbox import dispatch
from outbox.models import Message
from outbox.reconciliation.models import Reconciliation
from pricing import services as pricing_services
from tests.chaos.bench import address
from tests.credits import world
from tests.pricing import shop

SLUG = "chaos-0"
FINISHED, CANCELLED, SHORT = (f"Chaos {number}: hello {{name}}" for number in (21, 22, 23))
SHIPPED, DECLINED, WITH_A_PERSON, GIVEN_UP = (
    f"order-{number}@chaos.example" for number in (31, 32, 33, 34)
)
NIGHT = "periodic:outbox.reconcile:2026-11-30T03:00:00Z"
LEFT = 25  # credits, for the campaign that runs short

Found = set[tuple[str, Harm]]


class _Unsaved(Observer):
    """Whatever it is asked is one transaction, which nobody commits."""

    def _connected(self) -> psycopg.Connection[Any]:
        if self._session is None:
            self._session = psycopg.connect(address())
        return self._session


@dataclass
class WholeBooks:
    """Journal, database, logs and mails that agree."""

    mails: Path
    journal: Journal = field(default_factory=Journal)
    logs: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {"sms": [], "payments": [], "shipping": []}
    )

    def broken(self, *statements: str, **other: Any) -> Found:
        """What the checkers find once these statements are carried out, or others are the books."""
        with self.after(*statements) as observer:
            books = replace(Books(self.journal, observer, self.logs, self.mails), **other)
            return {(one.check, one.harm) for one in checkers.check_all(books)}

    @contextmanager
    def after(self, *statements: str) -> Iterator[Observer]:
        """Who sees the database as these statements leave it."""
        observer = _Unsaved(address())
        # Neither triggers nor foreign keys are asked: they are another line of defence.
        for statement in (bare.TABLE, "SET LOCAL session_replication_role = replica", *statements):
            observer.ask(statement)
        yield observer
        observer.close()

    def answered(self, number: int, answer: Answer, refusal: str = "") -> Journal:
        """The journal, but that this request was answered so."""
        changed = {"answer": answer, "refusal": refusal}
        return Journal([replace(one, **changed) if one.number == number else one for one in self])

    def without(self, number: int) -> Journal:
        """The journal of somebody who never made this request."""
        return Journal([one for one in self if one.number != number])

    def __iter__(self) -> Iterator[Request]:
        return iter(self.journal.requests)

    def ask(self, number: int, kind: str, about: str = "", **body: Any) -> None:
        """Write down a request that was accepted."""
        self.journal.begin(number, kind, "/", body, about).answer = Answer.ACCEPTED


def lay(mails: Path) -> WholeBooks:
    """Lay them, committed."""
    whole = WholeBooks(mails)
    with mock.patch.object(dispatch, "send", return_value=True):
        _reductions(whole)
        _texts(whole)
        _orders(whole)
        _nights()
    assert whole.broken() == set(), "nobody is accused where all is well"
    return whole


def _reductions(whole: WholeBooks) -> None:
    lines = [shop.line(sku, PRICE, CATEGORY) for sku in BUNDLE]
    lines += [shop.line(REDUCED[0], PRICE), shop.line(GOODS[0])]
    pricing_services.import_products(lines, actor="test")
    cent: dict[str, Any] = {"percent": None, "amount": "0.01", "if_price_changed": "apply"}
    shop.schedule(REDUCED[0], expires_at=mark(1), **cent)
    whole.ask(1, "reduction", mark(1))
    shop.schedule(None, category=CATEGORY, expires_at=mark(2), **cent)
    whole.ask(2, "category", mark(2))
    while shop.work_off().done:
        pass


def _texts(whole: WholeBooks) -> None:
    """One campaign is cancelled, one goes to everybody, one to as many as the credits reach."""
    world.make_community(SLUG)
    world.add_members(SLUG, MEMBERS)
    for number, amount in ((11, MEMBERS), (12, LEFT)):
        credit_services.buy_credits(slug=SLUG, amount=amount, actor="test")
        whole.ask(number, "purchase", SLUG, amount=amount)
    cancelled = world.start(SLUG, CANCELLED)
    credit_services.cancel_campaign(campaign_id=cancelled.pk, actor="test")
    whole.ask(24, "cancel", str(cancelled.pk))
    with _provider(whole.logs["sms"]):
        world.work()
        world.start(SLUG, FINISHED)
        world.work()
        world.start(SLUG, SHORT, shortfall="send_what_fits")
        world.work()
    assert set(Campaign.objects.values_list("text", "status", "not_reached")) == {
        (CANCELLED, "cancelled", 0),
        (FINISHED, "finished", 0),
        (SHORT, "finished", MEMBERS - LEFT),
    }
    for number, text in ((21, FINISHED), (22, CANCELLED), (23, SHORT)):
        shortfall = "send_what_fits" if text == SHORT else "refuse"
        whole.ask(number, "campaign", text, shortfall=shortfall)


@contextmanager
def _provider(log: list[dict[str, Any]]) -> Iterator[None]:
    """One that accepts every text, and writes it down."""

    def send(*, to: str, body: str, callback: str) -> providers.Outcome:
        log.append({"to": to, "body": body, "sid": f"SM{len(log)}"})
        return providers.Accepted(f"SM{len(log)}")

    quick = replace(settings.TEXTS, per_second=1_000)
    with (
        mock.patch.object(providers, "send", send),
        mock.patch.object(settings, "TEXTS", quick),
    ):
        yield


def _orders(whole: WholeBooks) -> None:
    """One is shipped, one was declined, two were given up: one of them is with a person."""
    pricing_services.set_stock(sku=GOODS[0], on_hand=STOCK - 2)
    shipped = _order(SHIPPED, "shipped", "taken")
    payment = Payment.objects.create(order=shipped, amount=2000, intent="pi_1")
    PaymentEntry.objects.create(
        payment=payment, kind="captured", amount=2000, operation_id=shipped.operation_id
    )
    whole.logs["payments"].append({"order": str(shipped.pk), "status": "succeeded", "amount": 2000})
    whole.logs["shipping"].append({"order": str(shipped.pk)})
    Receipt.objects.create(order=shipped, email=SHIPPED, sent_at=timezone.now())
    run = _run("receipt", shipped, "done")
    SagaStep.objects.create(run=run, position=0, name="send", state="done")
    mail(whole.mails, SHIPPED)
    _order(DECLINED, "cancelled", "released", card=DECLINED_CARD)
    given_up = _run("order", _order(GIVEN_UP, "cancelled", "released"), "compensated")
    _tried(given_up, "authorise", times=orders.A_CUSTOMER_WAITS)
    stuck = _run("order", _order(WITH_A_PERSON, "needs_person", "none"), "needs_person")
    _tried(stuck, "capture", times=orders.UNTIL_DONE)
    Message.objects.create(
        handler="orders.run_step",
        args={"run_id": str(stuck.pk)},
        state="dead",
        operation_id=stuck.operation_id,
        finished_at=timezone.now(),
    )
    for order in Order.objects.order_by("id"):
        number = int(order.email.removeprefix("order-").partition("@")[0])
        whole.ask(number, "order", order.email, payment_method=order.payment_method)


def _nights() -> None:
    """The slot of one night was worked off, and a dry run came after all."""
    ended = {"running": None, "finished_at": timezone.now()}
    Message.objects.create(
        handler="outbox.reconcile",
        key=NIGHT,
        state="done",
        operation_id=uuid4(),
        finished_at=timezone.now(),
    )
    Reconciliation.objects.create(cause="nightly", **ended)
    Reconciliation.objects.create(cause="command", dry_run=True, **ended)


def _order(email: str, status: str, hold: str, *, card: str = GOOD_CARD) -> Order:
    order = Order.objects.create(
        operation_id=uuid4(),
        status=status,
        reason="" if status == "shipped" else "a reason",
        total="20.00",
        payment_method=card,
        email=email,
        finished_at=None if status == "needs_person" else timezone.now(),
    )
    product = shop.Product.objects.get(sku=GOODS[0])
    OrderLine.objects.create(order=order, product=product, quantity=2, price="10.00", hold=hold)
    return order


def _run(saga: str, order: Order, state: str) -> SagaRun:
    reason = "" if state == "done" else "a reason"
    return SagaRun.objects.create(
        saga=saga, order=order, operation_id=order.operation_id, state=state, reason=reason
    )


def _tried(run: SagaRun, name: str, *, times: int) -> None:
    """So many attempts at a step, of none of which anybody knows how it ended."""
    step = SagaStep.objects.create(run=run, position=0, name=name, state="needs_person")
    ended = {"outcome": "unknown", "lease_until": timezone.now(), "finished_at": timezone.now()}
    SagaAttempt.objects.bulk_create(
        SagaAttempt(step=step, backwards=False, number=number, **ended) for number in range(times)
    )


def mail(folder: Path, *recipients: str) -> Path:
    """Mails as the application's own backend writes them into a folder."""
    backend = get_connection(
        "django.core.mail.backends.filebased.EmailBackend", file_path=str(folder)
    )
    backend.send_messages([EmailMessage("A receipt", "Thank you.", to=[to]) for to in recipients])
    return folder
