"""The main job on real processes: a provider that misbehaves, workers that are killed, few credits.

The truth is the sandbox's own log. At full size (100 credits, 10,000 members,
8 workers): FULL_SIZE=1 make test ARGS="-k every_misbehaviour"
"""

import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

from config.embedded.ports import free_port
from config.embedded.valkey import Valkey
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
RATE = 64  # texts a second, of all workers together


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
    assert_truth(sandbox, [one for one in outcomes if isinstance(one, Campaign)], CREDITS)


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

    assert_truth(sandbox, [campaign], 40)
    for text in campaign.texts.filter(state=State.FAILED):
        assert text.events.filter(kind="not_listed").exists(), "failed without evidence"


def test_the_server_of_the_rate_dies_in_mid_campaign(
    stack: Stack, texting: dict[str, str], sandbox: Control, tmp_path: Path
) -> None:
    """Slower, but neither stopped nor faster than the provider allows; and back to speed after."""
    keeper = Valkey(tmp_path, free_port(), "x" * 24)
    keeper.initialise()
    valkey = keeper.child(tmp_path / "rate.log")
    valkey.start()
    stack.children.append(valkey)
    keeper.wait_until_ready()
    make_community(credits=200, members=200)
    shared = {"REDIS_URL": keeper.url(), "TEXTS_PER_SECOND": str(RATE)}
    workers = [stack.worker(concurrency=1, environment=texting | shared) for _ in range(2)]
    stack.relay()
    campaign = start()

    stack.wait_until(lambda: sent(campaign) > 20, timeout=20, why=workers[0])
    stack.kill(valkey)
    before, since = len(sandbox.log("sms")), time.monotonic()
    stack.wait_until(lambda: len(sandbox.log("sms")) > before + 8, timeout=30, why=workers[0])
    alone = (len(sandbox.log("sms")) - before) / (time.monotonic() - since)
    valkey.start()
    keeper.wait_until_ready()
    stack.wait_until(nothing_is_open, timeout=60, why=workers[0])

    assert alone < RATE / 2, f"{alone:.0f} texts a second without the shared rate"
    assert_truth(sandbox, [campaign], 200)
    moments = sorted(one["at"] for one in sandbox.requests("sms") if one["operation"] == "create")
    for first, later in zip(moments, moments[RATE:], strict=False):
        assert later - first > 0.7, "more than the provider allows went out in a second"


def sent(campaign: Campaign) -> int:
    """How many of its texts are known to have gone out."""
    return campaign.texts.filter(state__in=[State.SENT, State.DELIVERED]).count()


def nothing_is_open() -> bool:
    """Every text is settled, and every campaign has ended."""
    running = Campaign.objects.filter(status__in=Campaign.OPEN)
    return not (running.exists() or TextMessage.objects.filter(state__in=TextMessage.OPEN).exists())


def assert_truth(sandbox: Control, campaigns: list[Campaign], bought: int) -> None:
    """The books say what the provider's log says: nobody twice, nothing unpaid, all sums right."""
    truth = Counter((text["to"], text["body"]) for text in sandbox.log("sms"))
    assert not [key for key, times in truth.items() if times > 1], "somebody was texted twice"
    said = TextMessage.objects.filter(state__in=[State.SENT, State.DELIVERED])
    assert Counter(said.values_list("phone", "body")) == truth
    assert sum(truth.values()) <= bought
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
