"""What a declaration may say. A mistake in it is told when it is made, not when a message runs."""

from datetime import timedelta
from typing import Any

import pytest

from outbox import handlers
from outbox.handlers import MOST_ATTEMPTS, Retry, handler
from outbox.models import Message
from outbox.tests.conftest import deliver, enqueue, make_due


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"name": ""}, "name has 1 to 200"),
        ({"name": "x" * 201}, "name has 1 to 200"),
        ({"name": "a\nb"}, "name has 1 to 200"),
        ({"batch_size": 0}, "at least one message, not 0"),
        ({"deadline": timedelta(0)}, "a deadline is 1 ms to 24 days"),
        ({"deadline": timedelta(microseconds=900)}, "a deadline is 1 ms to 24 days"),
        ({"deadline": timedelta(days=25)}, "a deadline is 1 ms to 24 days"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        handler(**{"name": "tests.effect"} | options)


@pytest.mark.parametrize(
    "options",
    [
        {"limit": 0},
        {"limit": MOST_ATTEMPTS + 1},
        {"base": timedelta(0)},
        {"base": timedelta(seconds=-1)},
        {"cap": timedelta(0)},
    ],
)
def test_a_retry_that_makes_no_sense_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Retry needs a"):
        Retry(**options)


@pytest.mark.parametrize("base", [timedelta(days=1), timedelta.max])
def test_a_back_off_grows_to_its_cap_and_no_further(base: timedelta) -> None:
    retry = Retry(limit=None, base=base, cap=timedelta(days=2))
    assert all(retry.delay(attempts) < retry.cap for attempts in (1, 31, MOST_ATTEMPTS))


def test_two_functions_of_one_module_do_not_share_a_name(declare: Any) -> None:
    def first() -> None: ...

    def second() -> None: ...

    declare(first, name="tests.effect")
    with pytest.raises(ValueError, match=r"Two handlers are named 'tests\.effect'"):
        handler("tests.effect")(second)
    assert handlers.get("tests.effect").function is first
    assert handler("tests.effect")(first).function is first, "its module was loaded again"


def test_attempts_go_on_where_counting_them_stops(declare: Any, ledger: Any) -> None:
    fails = [True, True]

    def effect() -> None:
        if fails:
            raise LookupError(fails.pop())
        ledger.add("effect")

    declared = declare(effect, retry=Retry(limit=None, base=timedelta(hours=1)))
    message = enqueue()
    Message.objects.update(attempts=MOST_ATTEMPTS - 1)
    for state in ("pending", "pending", "done"):
        make_due(message)
        deliver(declared)
        message.refresh_from_db()
        assert message.state == state
    assert (message.attempts, ledger.all()) == (MOST_ATTEMPTS + 1, ["effect"])
