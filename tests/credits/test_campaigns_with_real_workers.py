"""The main job on real processes: a provider that misbehaves, workers that are killed, few credits.

The truth is the sandbox's own log. At full size (100 credits, 10,000 members,
8 workers): FULL_SIZE=1 make test ARGS="-k every_misbehaviour"
"""

import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from credits import services, sums
from credits.models import Campaign, TextMessage
from sandbox.control import Control
from sandbox.misbehaviour import KINDS
from tests.credits.world import make_community, start, states
from tests.pricing.threads import at_once
from tests.stack import Stack

State = TextMessage.State
FULL_SIZE = "FULL_SIZE" in os.environ
CREDITS, MEMBERS, WORKERS = (100, 10_000, 8) if FULL_SIZE else (50, 300, 2)


def test_every_misbehaviour_at_once(
    stack: Stack, texting: dict[str, str], sandbox: Control
) -> None:
    make_community(credits=CREDITS, members=MEMBERS)
    sandbox.turn("slow_seconds", 0.4)
    for kind in KINDS:
        sandbox.misbehave("sms", kind, 5)
    workers = [stack.worker(concurrency=2, environment=texting) for _ in range(WORKERS)]
    stack.relay()

    with balance_is_watched() as differences:
        outcomes = at_once(*[lambda: start(shortfall="send_what_fits")] * 3)
        stack.wait_until(nothing_is_open, timeout=120, why=workers[0])

    assert differences == []
    assert [one for one in outcomes if isinstance(one, services.TooFewCredits)], "too much was held"
    assert_truth(sandbox, [one for one in outcomes if isinstance(one, Campaign)])


def test_workers_killed_between_sending_and_the_reply(
    stack: Stack, texting: dict[str, str], sandbox: Control
) -> None:
    make_community(credits=40, members=40)
    sandbox.turn("slow_seconds", 0.3)
    sandbox.misbehave("sms", "slow", 60)
    workers = [stack.worker(concurrency=2, environment=texting) for _ in range(2)]
    stack.relay()
    campaign = start()

    for round_ in range(4):
        victim = workers[round_ % 2]
        stack.wait_until(
            lambda: campaign.texts.filter(state=State.SENDING).exists(), timeout=20, why=victim
        )
        stack.kill_one_child(victim)
        if round_ == 2:
            stack.kill(victim)
            victim.end_group()
            victim.start()
    sandbox.reset("sms")
    stack.wait_until(nothing_is_open, timeout=60, why=workers[0])

    assert_truth(sandbox, [campaign])
    for text in campaign.texts.filter(state=State.FAILED):
        assert text.events.filter(kind="not_listed").exists(), "failed without evidence"


def nothing_is_open() -> bool:
    """Every text is settled, and every campaign has ended."""
    running = Campaign.objects.filter(status__in=Campaign.OPEN)
    return not (running.exists() or TextMessage.objects.filter(state__in=TextMessage.OPEN).exists())


def assert_truth(sandbox: Control, campaigns: list[Campaign]) -> None:
    """The books say what the provider's log says: nobody twice, nothing unpaid, all sums right."""
    truth = Counter((text["to"], text["body"]) for text in sandbox.log("sms"))
    assert not [key for key, times in truth.items() if times > 1], "somebody was texted twice"
    said = TextMessage.objects.filter(state__in=[State.SENT, State.DELIVERED])
    assert Counter(said.values_list("phone", "body")) == truth
    assert sum(truth.values()) <= CREDITS
    assert sums.differing_communities() == []
    for campaign in campaigns:
        campaign.refresh_from_db()
        assert campaign.community.held == 0
        assert sum(states(campaign).values()) + campaign.not_reached == campaign.members


@contextmanager
def balance_is_watched() -> Iterator[list[object]]:
    """Compare all numbers, again and again, on a connection of its own, while the block runs."""
    differences: list[object] = []
    stop = threading.Event()

    def watch() -> None:
        try:
            while not stop.wait(0.02):
                differences.extend(sums.differing_communities())
        finally:
            connection.close()

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield differences
    finally:
        stop.set()
        watcher.join()
