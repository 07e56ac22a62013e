"""The worlds in which the documents' examples are run: a small shop with orders and invoices.

A world gives an example the names that its reader has, and then tries what is said of it.
"""

import itertools
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from types import ModuleType
from typing import Any

from celery import current_app
from django.core.management import call_command
from django.db import connection, models, transaction
from django.db.models.functions import Now
from django.test.utils import isolate_apps

import outbox
from outbox import consumer, handlers, unsafe
from outbox.delivery import Delivery
from outbox.models import Message
from outbox.reconciliation import checks

Names = dict[str, Any]


@dataclass(frozen=True)
class Example:
    """A block of Python, and where it stands."""

    text: str
    place: str

    def run(self, given: Names) -> Names:
        """Run it as a module of its own; its names."""
        names = {**given, "__name__": "shop.example"}
        exec(compile(self.text, self.place, "exec"), names)  # noqa: S102  our own document
        return names


@contextmanager
def a_shop() -> Iterator[Names]:
    """Tables and the modules `shop.models` and `shop.services`; all of it is gone afterwards."""
    known, compared = dict(handlers._registry), dict(checks._checks)
    modules = {name: ModuleType(name) for name in ("shop", "shop.models", "shop.services")}
    with isolate_apps("outbox"), _tables() as (order, invoice, line):
        modules["shop.models"].__dict__.update(Order=order, Invoice=invoice, Line=line)
        modules["shop"].__dict__.update(services=modules["shop.services"])
        sys.modules.update(modules)
        try:
            yield {"Order": order, "next_number": itertools.count(1).__next__}
        finally:
            for name in modules:
                del sys.modules[name]
            for name in set(current_app.tasks) - set(known):
                if name.startswith("shop.") or name.endswith(".send_invoice"):
                    current_app.tasks.pop(name)
            handlers._registry.clear()
            handlers._registry.update(known)
            checks._checks.clear()
            checks._checks.update(compared)


@contextmanager
def _tables() -> Iterator[tuple[type[models.Model], ...]]:
    class Order(models.Model):
        cart_id = models.IntegerField(default=0)
        total = models.IntegerField(default=0)

        class Meta:
            app_label = "outbox"
            db_table = "shop_order"

        def __str__(self) -> str:
            return f"order {self.pk}"

    class Invoice(models.Model):
        order = models.ForeignKey(Order, models.CASCADE, related_name="invoices")
        number = models.IntegerField(default=0)

        class Meta:
            app_label = "outbox"
            db_table = "shop_invoice"

        def __str__(self) -> str:
            return f"invoice {self.number}"

    class Line(models.Model):
        order = models.ForeignKey(Order, models.CASCADE, related_name="lines")
        price = models.IntegerField()

        class Meta:
            app_label = "outbox"
            db_table = "shop_line"

        def __str__(self) -> str:
            return f"{self.price}"

    made = (Order, Invoice, Line)
    with connection.schema_editor() as editor:
        for model in made:
            editor.create_model(model)
    try:
        yield made
    finally:
        with connection.schema_editor() as editor:
            for model in reversed(made):
                editor.delete_model(model)


def deliver(handler: str, *, times: int = 2) -> None:
    """What a worker does when a dispatch comes; it comes more than once."""
    for _ in range(times):
        consumer.consume(handlers.get(handler), [], Delivery.here())


def shop_services(example: Example, names: Names) -> None:
    """The order commits with its message, or not at all."""
    told = example.run(names)
    handlers.handler("shop.send_receipt")(_nothing)
    placed = told["place_order"](cart_id=7)
    message = Message.objects.get(handler="shop.send_receipt")
    assert (message.args, message.key) == ({"order_id": placed.id}, f"receipt:{placed.id}")


def a_receipt(example: Example, names: Names) -> None:
    """The job commits with its order or not at all, and delivered twice it makes one receipt."""
    example.run(names)["place_order"](7)
    with suppress(ZeroDivisionError), transaction.atomic():
        example.run(names)["place_order"](8)
        raise ZeroDivisionError
    deliver("shop.send_receipt")
    assert [one.invoices.count() for one in names["Order"].objects.all()] == [1]
    assert Message.objects.filter(handler="shop.send_receipt").count() == 1


def shop_tasks(example: Example, names: Names) -> None:
    """The effect happens once, however often its dispatch is delivered."""
    placed = names["Order"].objects.create()

    def send_receipt(*, order_id: int) -> None:
        names["Order"].objects.get(pk=order_id).invoices.create()

    sys.modules["shop.services"].__dict__.update(send_receipt=send_receipt)
    told = example.run(names)
    assert told["send_receipt"].retry.limit == 8
    with transaction.atomic():
        outbox.enqueue("shop.send_receipt", args={"order_id": placed.pk})
    deliver("shop.send_receipt")
    assert placed.invoices.count() == 1


def a_beat_schedule(example: Example, names: Names) -> None:
    """Each entry names a task that there is, on a queue that the page tells to consume."""
    schedule = example.run(names)["CELERY_BEAT_SCHEDULE"]
    tasks = [current_app.tasks[one["task"]] for one in schedule.values()]
    assert {one.queue for one in tasks} == {"relay"}
    assert all(one["schedule"] <= one["options"]["expires"] for one in schedule.values())


def invoices_before(example: Example, names: Names) -> None:
    """What people have: the check that lists unsafe places finds two in it."""
    told = example.run(names)
    assert {one.id for one in unsafe.unsafe_in(example.text)} == {"outbox.W002", "outbox.W004"}
    placed = names["Order"].objects.create()
    for _ in range(2):  # delivered again, since acknowledged late: and there are two invoices
        told["send_invoice"](placed.pk)
    assert placed.invoices.count() == 2


def invoices_after(example: Example, names: Names) -> None:
    """And the same task moved: placed twice and delivered twice, there is one invoice."""
    told = example.run(names)
    assert list(unsafe.unsafe_in(example.text)) == []
    placed = names["Order"]()
    for _ in range(2):
        told["place"](placed)
    deliver("shop.send_invoice")
    assert [one.number for one in placed.invoices.all()] == [1]


def a_wrong_total(example: Example, names: Names) -> None:
    """The check finds the one order whose total is wrong, mends it, and then finds nothing."""
    example.run(names)
    for total, prices in ((30, (10, 20)), (99, (5, 6))):
        placed = names["Order"].objects.create(total=total)
        for price in prices:
            placed.lines.create(price=price)
    for _ in range(2):
        call_command("reconcile", "--check", "shop.total_is_not_the_sum", verbosity=0)
    assert list(names["Order"].objects.order_by("pk").values_list("total", flat=True)) == [30, 11]


def a_renamed_handler(example: Example, names: Names) -> None:
    """What waits under the old name is brought under the new one, and done."""
    placed = names["Order"].objects.create()
    Message.objects.create(
        handler="shop.mail_invoice",
        args={"order_id": placed.pk},
        operation_id=outbox.ids.uuid7(),
        due_at=Now() - timedelta(hours=1),
    )
    example.run(names)
    call_command("reconcile", "--check", "outbox.handler_unknown", verbosity=0)
    deliver("shop.send_invoice")
    assert placed.invoices.count() == 1


def _nothing(**_: object) -> None: ...
