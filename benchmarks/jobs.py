"""The jobs of a run: bursts for one account in a row, since spread evenly the race hides."""

import random
from collections import Counter
from dataclasses import dataclass
from uuid import UUID

from outbox.ids import uuid7

ACCOUNTS = 50
BURST = 20
"""Jobs in a row for one account: a member list, a till, a retry storm."""

POOR = 10
"""Every tenth account has credits for half of its jobs only, so that the guard is tried."""


@dataclass(frozen=True)
class Job:
    """One deduction; `operation` names it for ever."""

    operation: UUID
    account_id: int

    def as_args(self) -> dict[str, str | int]:
        """As JSON, for whatever carries it."""
        return {"operation": str(self.operation), "account_id": self.account_id}


def sequence(count: int, *, accounts: int = ACCOUNTS, seed: int = 1) -> list[Job]:
    """`count` jobs in bursts; the same accounts in the same order for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - an order of work, no secret
    jobs: list[Job] = []
    while len(jobs) < count:
        account_id = chance.randint(1, accounts)
        jobs += [Job(uuid7(), account_id) for _ in range(min(BURST, count - len(jobs)))]
    return jobs


def credits_for(jobs: list[Job], *, accounts: int = ACCOUNTS) -> dict[int, int]:
    """What each account has before the run: enough, or for every tenth half of what is asked."""
    wanted = Counter(job.account_id for job in jobs)
    return {
        account: wanted[account] // 2 if account % POOR == 0 else wanted[account] + 1
        for account in range(1, accounts + 1)
    }
