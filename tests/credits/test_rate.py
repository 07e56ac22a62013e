"""The provider's rate: shared by all, and slow but never stopped without Redis."""

import threading
import time
from itertools import pairwise

import pytest
import redis
from django.conf import settings

from config.embedded.ports import free_port
from credits.quota.rate import KEY, PROCESSES, OwnRate, SharedRate


@pytest.fixture
def shared() -> SharedRate:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.delete(KEY)
    return SharedRate(settings.REDIS_URL, rate=50)


def test_many_askers_together_keep_the_rate(shared: SharedRate) -> None:
    """Eight of them ask for places within the next second: there are 50, and a short burst."""
    taken = []

    def ask() -> None:
        own = SharedRate(shared.url, shared.rate)
        while (grant := own.ask(longest=1.0)) and grant.taken:
            taken.append(grant.wait)

    start = time.monotonic()
    askers = [threading.Thread(target=ask) for _ in range(8)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    passed = time.monotonic() - start

    assert 50 <= len(taken) <= 50 * (1 + passed) + 12


def test_places_come_one_after_the_other(shared: SharedRate) -> None:
    with redis.Redis.from_url(settings.REDIS_URL, decode_responses=True) as client:
        places = []
        for _ in range(40):
            grant = shared.ask(longest=10)
            assert grant
            assert grant.taken
            places.append(float(str(client.get(KEY))))
    apart = [later - first for first, later in pairwise(places)]
    assert min(apart) == pytest.approx(1 / 50, abs=0.0001)


def test_a_place_that_is_too_far_is_not_taken(shared: SharedRate) -> None:
    while (grant := shared.ask(longest=2.0)) and grant.taken:
        pass
    refused = [shared.ask(longest=0.0) for _ in range(20)]
    assert all(one and not one.taken for one in refused)
    waits = [one.wait for one in refused if one]
    assert waits == sorted(waits, reverse=True), "a refusal took a place"


def test_a_clock_that_was_put_back_stops_nobody(shared: SharedRate) -> None:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.set(KEY, f"{time.time() + 3_600:.6f}")
    waits = [grant.wait for _ in range(3) if (grant := shared.ask(longest=1.0)) and grant.taken]
    assert waits == pytest.approx([0, 1 / 50, 2 / 50], abs=0.02)


def test_without_redis_nobody_answers_and_it_is_left_alone() -> None:
    gone = SharedRate(f"redis://127.0.0.1:{free_port()}/0", rate=50)
    assert gone.ask(longest=1) is None
    start = time.monotonic()
    assert [gone.ask(longest=1) for _ in range(1_000)] == [None] * 1_000
    assert time.monotonic() - start < 0.3


def test_alone_a_process_keeps_its_share() -> None:
    own = OwnRate(rate=64)
    waits = [own.ask(longest=10).wait for _ in range(5)]
    assert waits == pytest.approx([0, 0.5, 1.0, 1.5, 2.0], abs=0.1)
    assert PROCESSES / own.rate == 0.5
    refused = own.ask(longest=0.1)
    assert not refused.taken
    assert refused.wait == pytest.approx(2.5, abs=0.1)
