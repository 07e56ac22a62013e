"""Faults that last are ended, and none stands in the way of another one's end."""

import threading
import time
from collections.abc import Iterator

import kombu.exceptions
import pytest

from chaos import injection as injection_module
from chaos.faults import FAULTS, Lasting, Site
from chaos.injection import Injection
from chaos.observer import OutOfSight

SITE = Site(None, None, 1.0)  # type: ignore[arg-type]


def test_what_cannot_be_ended_yet_does_not_keep_the_others_on() -> None:
    """Dispatches that were held back cannot be sent while the broker is frozen."""
    ended: list[str] = []

    def send() -> None:
        if "thaw" not in ended:
            raise OSError("the broker is frozen")
        ended.append("send")

    injection = Injection(SITE, None, 1, say=lambda _: None)  # type: ignore[arg-type]
    now = time.monotonic()
    injection._lasting += [
        (now - 2, "delay_dispatches", Lasting(0, send)),
        (now - 1, "freeze_broker", Lasting(0, lambda: ended.append("thaw"))),
    ]
    injection._end_lasting(most=0)
    injection._end_lasting(most=0)
    assert ended == ["thaw", "send"]
    assert not injection._lasting


def test_what_goes_on_by_itself_keeps_nothing_frozen() -> None:
    """A rolling restart takes half a minute; who is frozen for ten seconds is thawed meanwhile."""
    rolled = threading.Event()
    ended: list[str] = []
    roll = Lasting(0, rolled.wait, goes_on=lambda: not rolled.is_set())
    injection = Injection(SITE, None, 1, say=lambda _: None)  # type: ignore[arg-type]
    now = time.monotonic()
    injection._lasting += [
        (now - 2, "rolling_restart", roll),
        (now - 1, "freeze_relay", Lasting(0, lambda: ended.append("thaw"))),
    ]
    injection._end_lasting(most=2)
    assert ended == ["thaw"]
    assert [kind for _, kind, _ in injection._lasting] == ["rolling_restart"], "nobody waits for it"
    rolled.set()
    injection._end_lasting(most=0)
    assert not injection._lasting


def test_what_stands_in_the_way_of_the_next_fault_is_ended_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No session can be ended in a frozen PostgreSQL; who waited for that would never thaw it."""
    ended: list[str] = []

    def end_all_connections(_site: Site) -> None:
        if not ended:
            raise OutOfSight("it does not answer")

    monkeypatch.setitem(FAULTS, "end_all_connections", end_all_connections)
    injection = Injection(SITE, None, 1, say=lambda _: None)  # type: ignore[arg-type]
    frozen = Lasting(0, lambda: ended.append("thaw"))
    injection._lasting.append((time.monotonic(), "freeze_postgres", frozen))
    assert injection._do("end_all_connections", "0:1") is not None
    assert ended == ["thaw"]


class Felt:
    """Probes of which so many are late, look after look."""

    def __init__(self, *late: int) -> None:
        self._late = list(late)

    def open_since(self, moment: float) -> int:
        return self._late.pop(0) if len(self._late) > 1 else self._late[0]


def test_a_fault_comes_alone_once_nothing_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a broker that was frozen has left in the queues is not the next fault's doing."""
    monkeypatch.setattr(Injection, "_do", lambda self, kind, number: 1.0)
    monkeypatch.setattr(Injection, "_wait_until_recovered", lambda self: None)
    monkeypatch.setattr(injection_module, "LONGEST_WAIT", 0.2)
    plan = [("kill_web",), ("kill_worker",)]

    def alone(*late: int) -> list[bool]:
        injection = Injection(SITE, Felt(*late), 1, say=lambda _: None)  # type: ignore[arg-type]
        injection.carry_out(plan, goes_on=lambda: True)
        return [fault.alone for fault in injection.injected]

    assert alone(0) == [True, True]
    assert alone(5, 3, 2, 0) == [False, True], "the second one waited"
    assert alone(5) == [False, False], "not for ever"


def test_the_faults_are_over_when_the_last_one_has_come_or_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not when its recovery is over: that would be left out of what was due for too long."""
    moments: list[float] = []
    monkeypatch.setattr(
        Injection, "_wait_until_recovered", lambda self: moments.append(time.time())
    )
    monkeypatch.setitem(FAULTS, "kill_web", lambda site: None)
    injection = Injection(SITE, Felt(0), 1, say=lambda _: None)  # type: ignore[arg-type]
    before = time.time()
    injection.carry_out([("kill_web",)], goes_on=lambda: True)
    assert before <= injection.over <= moments[0]
    thaw = Lasting(0, lambda: moments.append(time.time()))
    injection._lasting.append((0.0, "freeze_web", thaw))
    injection.carry_out([], goes_on=lambda: True)
    assert injection.over >= moments[1], "its end is what ends it"


def test_a_broker_that_is_away_is_no_reason_to_give_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dispatch cannot be forged the moment after the broker was killed; a second later it can."""
    tried: list[str] = []

    def forge(site: object) -> None:
        tried.append("forge")
        if len(tried) == 1:
            raise kombu.exceptions.OperationalError("Connection refused")

    monkeypatch.setitem(FAULTS, "forge_dispatches", forge)
    injection = Injection(SITE, None, 1, say=lambda _: None)  # type: ignore[arg-type]
    assert injection._do("forge_dispatches", "0:0")
    assert tried == ["forge", "forge"]


def test_what_was_not_possible_is_injected_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """The log's file is too large, so its dispatches cannot be held back: 500 are to be 500."""
    monkeypatch.setattr(Injection, "_do", lambda self, kind, number: next(possible))
    monkeypatch.setattr(Injection, "_wait_until_recovered", lambda self: None)
    possible = iter([None, 1.0, 2.0])
    injection = Injection(SITE, Felt(0), 1, say=lambda _: None)  # type: ignore[arg-type]
    injection.carry_out([("delay_dispatches",), ("kill_web",)], goes_on=lambda: True)
    assert [fault.kind for fault in injection.injected] == ["kill_web", "delay_dispatches"]


def test_a_seed_gives_each_of_a_pair_its_own_choice_again(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[float] = []
    monkeypatch.setitem(FAULTS, "kill_web", lambda site: drawn.append(site.dice.random()))
    monkeypatch.setattr(Injection, "_wait_until_recovered", lambda self: None)
    for seed in (1, 1, 2):
        injection = Injection(SITE, Felt(0), seed, say=lambda _: None)  # type: ignore[arg-type]
        injection.carry_out([("kill_web", "kill_web")], goes_on=lambda: True)
    first, again, other = drawn[:2], drawn[2:4], drawn[4:]
    assert first == again
    assert len({*first, *other}) == 4


def test_a_kind_is_given_up_where_it_was_not_possible_time_after_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Injection, "_do", lambda self, kind, number: next(possible))
    monkeypatch.setattr(Injection, "_wait_until_recovered", lambda self: None)
    monkeypatch.setattr(injection_module, "PAUSE", (0, 0))
    most = injection_module.MOST_PUT_BACK
    plan = [("kill_web",)] * 2

    def injected(*outcomes: float | None) -> int:
        nonlocal possible
        possible = iter(outcomes)
        injection = Injection(SITE, Felt(0), 1, say=lambda _: None)  # type: ignore[arg-type]
        injection.carry_out(plan, goes_on=lambda: True)
        return len(injection.injected)

    possible: Iterator[float | None] = iter(())
    assert injected(*[None] * most, 1.0, *[None] * (most - 1), 2.0) == 2, "with one in between"
    assert injected(*[None] * (most + 2)) == 0
