"""Redis in an exploration: each command is a step, and clashes with the others on its keys."""

from collections.abc import Callable
from typing import Any

import pytest

from races import lab
from races.explorer import ExplorerError, Race, refute
from races.scenarios import a_lock_is_released_by_its_owner as owner

MOVE = "redis.call('set', KEYS[2], redis.call('get', KEYS[1]) or '')"


def forget() -> None:
    """Before each schedule."""
    for key in ("a", "b"):
        lab.redis().delete(f"races:{key}")


def put(a: str, b: str) -> Callable[[], Any]:
    return lambda: lab.redis().mset({"races:a": a, "races:b": b})


def put_a(value: str) -> Callable[[], Any]:
    return lambda: lab.redis().set("races:a", value)


def script() -> Any:
    return lab.redis().eval(MOVE, 2, "races:a", "races:b")


def remove_both() -> Any:
    return lab.redis().delete("races:b", "races:a")


def count() -> Any:
    return lab.redis().eval("return #redis.call('keys', 'races:*')", 0)


@pytest.mark.parametrize(
    "workers",
    [
        (put("1", "2"), put("3", "4")),
        (put_a("1"), script),
        (put_a("1"), remove_both),
        (put_a("1"), count),
    ],
    ids=["MSET", "a script", "DEL of two", "no key named"],
)
def test_commands_with_a_key_in_common_come_in_both_orders(
    race: Race, workers: tuple[Callable[[], Any], ...]
) -> None:
    verdict = race.proves(*workers, check=lambda: None, begin=forget)
    assert verdict.schedules == 2


def test_commands_with_no_key_in_common_are_tried_in_one_order(race: Race) -> None:
    jobs = [put_a("1"), lambda: lab.redis().delete("races:b")]
    with race.explorer.scenario(jobs, begin=forget) as scenario:
        assert sum(explored.whole for explored in scenario.search()) == 1


@pytest.mark.parametrize("past", ["pipeline", "pubsub"])
def test_what_comes_past_the_explorer_is_refused(race: Race, past: str) -> None:
    def job() -> None:
        getattr(lab.redis(), past)()

    with pytest.raises(ExplorerError, match="past the explorer"):
        race.proves(job, lambda: lab.redis().get("races:a"), check=lambda: None)


def test_a_script_that_deletes_whoever_holds_the_lock_is_refuted(
    race: Race, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check of the form that compares can fail: without the comparison it does."""
    careless = lab.COMPARE_AND_DELETE.replace("held == ARGV[1]", "held")
    assert careless != lab.COMPARE_AND_DELETE
    monkeypatch.setattr(lab, "COMPARE_AND_DELETE", careless)
    (form,) = owner.SCENARIO.holds
    found = refute(race.explorer, form.question.but(kills=0))
    assert not found.holds
    assert "released a lock that another had taken" in found.violations[0].message
