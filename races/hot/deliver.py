"""What a worker does with one dispatch of a hot run, and how long it took."""

import time
from contextlib import suppress

from django.db import DatabaseError, IntegrityError

from races.hot.strategies import STRATEGIES, Done
from races.models import HotAccount, HotDelivery


def deliver(*, strategy: str, account: int, job: int) -> None:
    """Run the strategy and note the delivery; an error is noted, too, and goes no further.

    A dispatch whose run is over finds no account and does nothing.
    """
    began = time.monotonic()
    try:
        done, failed = STRATEGIES[strategy].spend(account, job), False
    except HotAccount.DoesNotExist:
        return
    except (DatabaseError, RuntimeError):
        done, failed = Done(), True
    _note(account, time.monotonic() - began, done, failed=failed)


def _note(account: int, seconds: float, done: Done, *, failed: bool) -> None:
    with suppress(IntegrityError):  # no such account: the run was ended meanwhile
        HotDelivery.objects.create(
            account_id=account,
            micros=round(seconds * 1_000_000),
            jobs=done.jobs,
            tries=done.tries,
            failed=failed,
        )
