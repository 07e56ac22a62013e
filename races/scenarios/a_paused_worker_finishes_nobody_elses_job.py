"""A worker pauses, its lease runs out, another takes the job: the first must not write."""

from django.db import transaction
from django.db.models import F

from races import lab, shop
from races.explorer import Question
from races.models import Account, Job
from races.scenario import Form, Scenario, alone


def setup() -> None:
    Job.objects.create(pk=1)
    Account.objects.create(pk=1, credits=0)


def check() -> None:
    total = Account.objects.get(pk=1).credits
    assert total == 1, f"one job adds 1, and the sum is {total}"


def check_two() -> None:
    """Both may have worked; then both must have counted."""
    job, account = Job.objects.get(pk=1), Account.objects.get(pk=1)
    assert account.credits == job.failures, f"{job.failures} counted, the sum is {account.credits}"


def check_fenced() -> None:
    check_two()
    lab.assert_tokens_rise()


def lease_runs_out() -> None:
    Job.objects.filter(pk=1, state="pending").update(leased=False)


def _lease() -> int:
    """The token of a lease, 0 where somebody else has it."""
    with transaction.atomic():
        taken = Job.objects.filter(pk=1, state="pending", leased=False).update(
            leased=True, token=F("token") + 1
        )
        return Job.objects.get(pk=1).token if taken else 0


def lease_then_write() -> None:
    if _lease():
        with transaction.atomic():
            Job.objects.filter(pk=1).update(state="done")
            Account.objects.filter(pk=1).update(credits=F("credits") + 1)


def token_at_the_write_only() -> None:
    """Two writers of one row; each write asks for a token that is not older than the last."""
    token = _lease()
    if not token:
        return
    total = Account.objects.get(pk=1).credits
    with transaction.atomic():
        let_in = Account.objects.filter(pk=1, token__lte=token)
        if let_in.update(credits=total + 1, token=token):
            Job.objects.filter(pk=1).update(failures=F("failures") + 1)


def token_claimed_before_the_read() -> None:
    token = _lease()
    if not token:
        return
    with transaction.atomic():
        if not Account.objects.filter(pk=1, token__lt=token).update(token=token):
            return
        lab.let_in(token)
        total = Account.objects.get(pk=1).credits
        Account.objects.filter(pk=1).update(credits=total + 1)
        Job.objects.filter(pk=1).update(failures=F("failures") + 1)


def setup_ours() -> None:
    shop.stock("A")
    shop.scheduled(sku="A")


def deliver() -> None:
    shop.consume(0)


def check_ours() -> None:
    price = shop.price()
    assert price == 90, f"10 % off 100, by whichever worker, made {price:.0f}"
    shop.assert_history_agrees()


_RUNS_OUT = {"lease": lease_runs_out}

SCENARIO = Scenario(
    claim="A paused worker finishes nobody else's job",
    naive=(
        Form(
            "lease, then write",
            Question((lease_then_write,) * 2, alone(check), setup, environment=_RUNS_OUT),
            "it is not told that its lease is over",
        ),
        Form(
            "token at the write only",
            Question((token_at_the_write_only,) * 2, alone(check_two), setup,
                     environment=_RUNS_OUT),
            "the older one is let in before the newer has written, from a read that is older still",
        ),
    ),
    holds=(
        Form(
            "token claimed before the read",
            Question((token_claimed_before_the_read,) * 2, alone(check_fenced), setup,
                     environment=_RUNS_OUT),
            "who claims the row with a token shuts out all older ones, then reads",
            spare={
                "leased": "the lease saves work; it is the claim that keeps the sum",
                "races_job.state": "the lease saves work; it is the claim that keeps the sum",
            },
        ),
        Form(
            "the consumer",
            Question((deliver,) * 2, alone(check_ours), setup_ours, kills=1),
            "ours: the row lock is the lease, and it runs out with the connection and not before",
            ours=True,
            spare=shop.CLAIMED_BEFORE,
        ),
    ),
    why=(
        "A lease is a promise of the one who waits, not of the one who works: a paused process "
        "wakes up after it and goes on."
    ),
    cure=(
        "A token that rises with each lease, claimed in the database before the read. Simpler: "
        "let the lease be a row lock, which cannot outlive its connection."
    ),
)  # fmt: skip
