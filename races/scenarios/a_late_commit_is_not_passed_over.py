"""Ids are given at INSERT and seen at COMMIT: a reader that goes by ids passes a late one over."""

from django.db import transaction

import outbox
from outbox.models import Message
from races import shop
from races.explorer import Question
from races.models import Account, Effect, Job, Receipt
from races.scenario import Form, Scenario, alone


def setup() -> None:
    Account.objects.create(pk=1, credits=0)  # the reader's position


def insert() -> None:
    with transaction.atomic():
        Effect.objects.create(operation="event")


def read_after_the_last_id() -> None:
    position = Account.objects.get(pk=1).credits
    fresh = list(Effect.objects.filter(pk__gt=position).order_by("pk").values_list("pk", flat=True))
    if fresh:
        Receipt.objects.bulk_create(Receipt(operation=f"event {pk}") for pk in fresh)
        Account.objects.filter(pk=1).update(credits=fresh[-1])


def check() -> None:
    events, read = Effect.objects.count(), Receipt.objects.count()
    assert read == events, f"{events} events were committed and {read} were ever read"


def insert_job() -> None:
    with transaction.atomic():
        Job.objects.create()


def claim_by_state() -> None:
    with transaction.atomic():
        for job in Job.objects.select_for_update(skip_locked=True).filter(state="pending"):
            Receipt.objects.create(operation=f"job {job.pk}")
            job.state = "done"
            job.save(update_fields=["state"])


def check_jobs() -> None:
    jobs, read = Job.objects.count(), Receipt.objects.count()
    assert read == jobs, f"{jobs} jobs were committed and {read} were ever read"


def enqueue() -> None:
    with transaction.atomic():
        outbox.enqueue("outbox.prune", args={})


def work() -> None:
    shop.consume_all("outbox.prune")


def check_ours() -> None:
    left = list(Message.objects.exclude(state="done").values_list("state", flat=True))
    assert not left, f"a committed message is {left[0]} for ever"


def time_passes_and_the_relay_rings() -> None:
    shop.time_passes_and_the_relay_rings("outbox.prune")


RETENTION = {
    "FOR NO KEY UPDATE OF message SKIP LOCKED": "one worker looks here; it keeps two of them apart "
    "(a_failing_job_waits_before_it_runs_again)",
    "FOR UPDATE SKIP LOCKED": "retention, which these messages set off: two prunings pass each "
    "other by",
    "created_at <": "retention, which these messages set off: how long to keep",
    **dict.fromkeys(
        ("finished_at <", "until <", "state = %(state)s", "message.state = 'dead'",
         "behind.group =", "behind.state IN", "rule = ", "state <> 'done'", "key = ANY"),
        "retention, which these messages set off: what to keep",
    ),
    "FOR NO KEY UPDATE SKIP LOCKED in WITH own": "two workers record different ones",
}  # fmt: skip

SCENARIO = Scenario(
    claim="A late commit is not passed over",
    naive=(
        Form(
            "everything after the last id",
            Question(
                (insert, lambda: insert(), read_after_the_last_id),
                alone(check),
                setup,
                aftermath=read_after_the_last_id,
            ),
            "two writers, one reader; some time later the reader comes round again",
        ),
    ),
    holds=(
        Form(
            "claim by state",
            Question(
                (insert_job, lambda: insert_job(), claim_by_state),
                alone(check_jobs),
                aftermath=claim_by_state,
                kills=1,
                comes_again=lambda _: False,
            ),
            "what is pending is pending, whatever its id",
            spare={
                "FOR UPDATE SKIP LOCKED": "there is one reader here; it keeps two of them apart "
                "(two_relays_have_one_effect)",
                "state = %s": "the receipts' unique constraint refuses a second run as well",
            },
        ),
        Form(
            "the consumer",
            Question((enqueue, lambda: enqueue(), work), alone(check_ours), aftermath=work,
                     bound=1),
            "ours: the claim asks for state and due time, never for an id",
            ours=True,
            spare={**RETENTION, **shop.CLAIMED_BEFORE},
        ),
        Form(
            "the consumer, killed",
            Question((enqueue, work), alone(check_ours), kills=1, bound=1,
                     aftermath=time_passes_and_the_relay_rings),
            "the same with one writer, who or whose reader dies anywhere; afterwards the relay "
            "looks",
            ours=True,
            spare={**RETENTION, **shop.CLAIMED_BEFORE},
        ),
    ),
    why=(
        "A takes id 1 and B takes id 2; B commits first. The reader sees 2, moves its position to "
        "2, and 1 appears behind its back."
    ),
    cure="Claim by state. No position, no watermark.",
)  # fmt: skip
