"""A shop with so many of everything, and for each address with a parameter something to name."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, User
from django.utils import timezone
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)

from config.accounts import tokens
from credits.models import Community, TextMessage
from credits.models import Finding as TextFinding
from orders.models import Order, SagaAttempt
from outbox.desk.models import DeskAct
from outbox.models import Event, IdempotencyKey, Message, Run, StoredAnswer
from outbox.monitoring.measure import measure
from outbox.monitoring.models import Minute, Pause
from outbox.reconciliation.models import Finding, FindingAct, Reconciliation
from pricing.models import Product
from races import scenario
from races.models import LabRun
from tests.credits import world
from tests.orders.shop import place
from tests.pricing import shop

NOW = timezone.now()
RACE = sorted(scenario.scenarios())[0]


@dataclass(frozen=True)
class House:
    """What stands for each parameter of an address; the latest, and the one that has most."""

    values: dict[str, Any]


def fill(count: int) -> House:
    """Add `count` of everything, and one of each thing that has `count` parts."""
    name = f"S{count}"
    products = _products(count, name)
    reduction = shop.schedule(sku=None, category=name)
    orders = _orders(count, products)
    community, campaign = _credits(count, name.lower())
    message = _messages(count)
    run, finding = _reconciliations(count)
    _people_and_their_acts(count, name)
    measure()
    return House(
        values={
            "product_id": products[0].pk,
            "reduction_id": reduction.pk,
            "order_id": orders.pk,
            "slug": community.slug,
            "campaign_id": campaign.pk,
            "text_id": campaign.texts.order_by("pk")[0].pk,
            "message_id": message.pk,
            "finding_id": finding.pk,
            "run_id": run.pk,
            "member_id": community.members.order_by("pk")[0].pk,
            **_lab_runs(count),
        }
    )


def _products(count: int, category: str) -> list[Product]:
    """Each with a reduction that is applied and one to come; the first has many changes."""
    shop.make_category(count, category)
    products = list(Product.objects.filter(category=category).order_by("pk"))
    for product in products:
        shop.schedule(product.sku, percent="1")
        shop.schedule(product.sku, starts_at="2090-01-01T00:00Z")
    for number in range(count):
        shop.edit(products[0].sku, price=f"{20 + number}.00")
    shop.work_off()
    return products


def _orders(count: int, products: list[Product]) -> Order:
    """Orders of one line each; then one of many lines, with many calls of one step."""
    from orders import services
    from pricing import services as pricing

    for product in products:
        pricing.set_stock(sku=product.sku, on_hand=1_000)
        place(1, sku=product.sku)
    lines = [{"sku": product.sku, "quantity": 1} for product in products[:50]]
    order = services.place_order(actor="test", lines=lines, payment_method="pm_card_visa")
    step = order.runs.get(saga="order").steps.all()[1]
    SagaAttempt.objects.bulk_create(
        SagaAttempt(
            step=step,
            backwards=False,
            number=number + 1,
            outcome="failed",
            lease_until=NOW,
            finished_at=NOW,
        )
        for number in range(count)
    )
    return order


def _credits(count: int, slug: str) -> tuple[Community, Any]:
    """A community with members, purchases, campaigns; one of these with a text for each member."""
    from credits import services

    for number in range(count):
        services.create_community(slug=f"{slug}-{number}", name=f"Number {number}")
    community = world.make_community(slug, credits=3 * count, members=1)
    for number in range(count):
        services.buy_credits(slug=slug, amount=1, actor="test")
        world.start(slug, text=f"Hello {number}")
    world.add_members(slug, count)
    campaign = world.start(slug)
    for number in range(count):
        day = NOW.date() - timedelta(days=number)
        community.daily_counts.create(day=day, texts=number)
    for text in TextMessage.objects.filter(campaign=campaign):
        TextFinding.objects.create(text=text, kind="sent_twice", sid="SM1", evidence="seen")
    return community, campaign


def _messages(count: int) -> Message:
    """Dead letters of many kinds, and one whose story and whose operation are long."""
    operation = uuid4()
    made = [_dead(f"Fatal: reason {number}", operation) for number in range(count)]
    Event.objects.bulk_create(
        Event(message=made[0], kind="failed", attempt=number, error="ValueError: no")
        for number in range(count)
    )
    Run.objects.bulk_create(
        Run(handler=one.handler, worker=f"host:{one.pk}", message_ids=[one.pk]) for one in made
    )
    for number in range(count):
        IdempotencyKey.objects.create(
            key=f"{count} {number}", args_hash="0" * 64, message_id=made[0].pk, rule="forever"
        )
        handler = f"other.{count}.{number}"
        Message.objects.create(handler=handler, operation_id=uuid4(), due_at=NOW)
        Minute.objects.create(handler=handler, minute=NOW.replace(second=0, microsecond=0))
        Pause.objects.create(target=f"handler:{handler}", actor="test")
    return made[0]


def _dead(error: str, operation: UUID) -> Message:
    message = Message.objects.create(
        handler="pricing.apply_reduction",
        args={"reduction_id": str(uuid4())},
        operation_id=operation,
        state="dead",
        last_error=error,
        finished_at=NOW,
    )
    Event.objects.create(message=message, kind="dead", error=error)
    return message


def _reconciliations(count: int) -> tuple[Reconciliation, Finding]:
    """Runs that are over; the last one has many findings, and the last of those many acts."""
    for _ in range(count):
        run = Reconciliation.objects.create(running=None, finished_at=NOW, cause="test")
    for number in range(count):
        finding = Finding.objects.create(
            reconciliation=run,
            check_name="outbox.dead_unseen",
            type="dead_unseen",
            subject=f"{run.pk} {number}",
            severity="person",
            repaired=False,
        )
    FindingAct.objects.bulk_create(
        FindingAct(finding=finding, kind="acknowledge", actor="test", note=f"Note {number}")
        for number in range(count)
    )
    return run, finding


def _lab_runs(count: int) -> dict[str, int]:
    """Runs of both kinds that are over; the latest of each."""
    race = scenario.scenarios()[RACE]
    asked = {"scenario": RACE, "strategy": next(form.name for _, form in race.forms())}
    latest = {}
    for number in range(2 * count):
        kind = ("hot", "trial")[number % 2]
        run = LabRun.objects.create(
            kind=kind, state="ended", asked=asked, created_by="test", finished_at=NOW
        )
        latest[f"{kind}_run_id"] = run.pk
    return latest


def _people_and_their_acts(count: int, name: str) -> None:
    """Accounts with tokens, what they did at the desk and in the admin, and schedules."""
    for number in range(count):
        user = User.objects.create_user(f"{name}-{number}")
        user.groups.add(Group.objects.create(name=f"{name}-{number}"))
        tokens.issue_token(user=user)
        DeskAct.objects.create(kind="redrive", actor=user.username, selection={}, done=1, refused=0)
        LogEntry.objects.create(user=user, object_id="1", object_repr="it", action_flag=CHANGE)
        clocked = ClockedSchedule.objects.create(clocked_time=NOW + timedelta(days=number))
        PeriodicTask.objects.create(
            name=f"{name} {number}", task="outbox.tick", clocked=clocked, one_off=True
        )
        CrontabSchedule.objects.create(hour=str(number % 24), minute=str(count % 60))
        IntervalSchedule.objects.create(every=count + number, period="seconds")
        place = {"latitude": Decimal(number), "longitude": Decimal(count)}
        SolarSchedule.objects.create(event="sunset", **place)
        StoredAnswer.objects.create(
            scope=name, endpoint="/", key=str(number), body_hash="0" * 64, status=200, body={}
        )
