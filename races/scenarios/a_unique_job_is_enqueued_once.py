"""Two requests for one job: one message."""

from django.db import transaction

import outbox
from outbox.models import IdempotencyKey, Message
from races import shop
from races.explorer import Question
from races.models import Effect
from races.scenario import Form, Scenario, alone


def check() -> None:
    count = Effect.objects.filter(operation="job").count()
    assert count == 1, f"{count} jobs where there should be one"


def check_ours() -> None:
    messages = list(Message.objects.values_list("id", flat=True))
    assert len(messages) == 1, f"{len(messages)} messages where there should be one"
    assert IdempotencyKey.objects.get().message_id == messages[0]


def exists_then_create() -> None:
    with transaction.atomic():
        if not Effect.objects.filter(operation="job").exists():
            Effect.objects.create(operation="job")


def get_or_create_without_a_constraint() -> None:
    Effect.objects.get_or_create(operation="job")


def enqueue() -> str:
    with transaction.atomic():
        enqueued = outbox.enqueue(shop.HANDLER, args={"reduction_id": "1"}, key="the job")
    return str(enqueued.message_id)


def schedule() -> None:
    shop.reduce(sku="A", key="the button")


def stock() -> None:
    shop.stock("A")


def one_reduction() -> None:
    assert len(shop.reductions()) == 1, f"{len(shop.reductions())} reductions under one key"
    assert Message.objects.count() == 1, f"{Message.objects.count()} messages for one reduction"


SCENARIO = Scenario(
    claim="A unique job is enqueued once",
    naive=(
        Form(
            "exists(), then create",
            Question((exists_then_create,) * 2, alone(check)),
            "in a transaction, which changes nothing",
        ),
        Form(
            "get_or_create without a constraint",
            Question((get_or_create_without_a_constraint,) * 2, alone(check)),
            "find-or-create is as good as the index under it",
        ),
    ),
    holds=(
        Form(
            "outbox.enqueue with a key",
            Question((enqueue,) * 2, alone(check_ours), kills=1),
            "our outbox: the key is a row, and the second waits for the first one's commit",
            ours=True,
            constraints=[("outbox_idempotencykey", "outbox_idempotencykey_pkey")],
        ),
        Form(
            "outbox.enqueue with a key, three",
            Question((enqueue,) * 3, alone(check_ours), kills=1),
            "the same for three at once: two wait for one commit",
            ours=True,
        ),
        Form(
            "schedule_reduction with a key",
            Question((schedule,) * 2, alone(one_reduction), stock, kills=1),
            "our service, the button pressed twice",
            ours=True,
            constraints=[("pricing_pricereduction", "reduction_once_per_operation")],
        ),
    ),
    why="Neither sees the other's row until it is committed, so both find nothing.",
    cure="A unique constraint, and ON CONFLICT, which waits for a rival's commit.",
    refuses="outbox_idempotencykey's primary key; reduction_once_per_operation",
)
