"""Two beats tick at midnight: the night's job is enqueued once."""

from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any
from unittest import mock

from django.db import transaction

from outbox import periodic
from outbox.models import Message
from outbox.periodic import Schedule
from races.explorer import Question
from races.models import Account, Effect
from races.scenario import Form, Scenario, alone

SLOT = 7  # tonight, as the naive form counts nights


def setup() -> None:
    Account.objects.create(pk=1, credits=SLOT - 1)  # the last slot that was run


def check() -> None:
    assert Effect.objects.count() == 1, (
        f"the night's job was enqueued {Effect.objects.count()} times"
    )


def check_ours() -> None:
    handlers = list(Message.objects.values_list("handler", flat=True))
    assert sorted(handlers) == sorted(set(handlers)), f"enqueued twice in one slot: {handlers}"
    assert handlers, "nothing was enqueued"


def last_run_then_save() -> None:
    with transaction.atomic():
        last = Account.objects.get(pk=1)
        if last.credits < SLOT:
            Effect.objects.create(operation="night job")
            last.credits = SLOT
            last.save()


def one_schedule() -> AbstractContextManager[Any]:
    """Of all that is registered, one: each more is the same race again, beside this one."""
    alone = {"outbox.prune": Schedule(handler="outbox.prune", every=timedelta(days=1))}
    return mock.patch.object(periodic, "_schedules", alone)


def tick() -> None:
    periodic.tick()


SCENARIO = Scenario(
    claim="A doubled beat runs its slot once",
    naive=(
        Form(
            "last run, then save",
            Question((last_run_then_save,) * 2, alone(check), setup),
            "two beats, or one that was started twice",
        ),
    ),
    holds=(
        Form(
            "periodic.tick",
            Question((tick,) * 2, alone(check_ours), setup, kills=1, around=one_schedule),
            "our outbox: the slot is an idempotency key",
            ours=True,
            constraints=[("outbox_idempotencykey", "outbox_idempotencykey_pkey")],
        ),
        Form(
            "periodic.tick, three",
            Question((tick,) * 3, alone(check_ours), setup, around=one_schedule),
            "the same for three beats",
            ours=True,
        ),
    ),
    why="Both beats read that tonight has not been done, and both do it.",
    cure="The slot's name is a key under a unique constraint, taken with the job's message.",
    refuses="outbox_idempotencykey's primary key",
)
