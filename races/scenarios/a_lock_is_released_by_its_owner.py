"""A lock runs out while its owner works; the owner must not release the one that came after."""

from races import lab
from races.explorer import Question
from races.models import Account, Effect
from races.scenario import Form, Scenario, alone


def setup() -> None:
    Account.objects.create(pk=1)


def ownerless_delete() -> None:
    lab.lock_and_work(by_owner=False)


def delete_by_owner() -> None:
    lab.lock_and_work(by_owner=True)


def check() -> None:
    stolen = Effect.objects.filter(operation="released another's lock").count()
    assert not stolen, "a worker released a lock that another had taken meanwhile"


_EXPIRY = {"environment": {"expiry": lab.redis_lock_expires}, "begin": lab.forget_redis}

SCENARIO = Scenario(
    claim="A lock is released by its owner only",
    naive=(
        Form(
            "DEL",
            Question((ownerless_delete,) * 2, alone(check), setup, **_EXPIRY),  # type: ignore[arg-type]
            "as in every short recipe",
        ),
    ),
    holds=(
        Form(
            "compare, then DEL, in one script",
            Question((delete_by_owner,) * 2, alone(check), setup, kills=1, **_EXPIRY),  # type: ignore[arg-type]
            "the token says whose lock it is; Redis compares and deletes in one step",
        ),
    ),
    why="A's lock has run out and B has taken it; A's DEL removes B's lock, and C walks in.",
    cure=(
        "A token per owner, compared and deleted in one script. This protects the lock; only a "
        "fence protects the work (one_credit_is_spent_once)."
    ),
)
