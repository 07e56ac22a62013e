"""Each check: data is broken behind the outbox's back, found, mended, the next run silent."""

import json
from collections import Counter
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

import outbox
from outbox import dispatch, handlers, keys, pauses, periodic
from outbox.models import IdempotencyKey, Message
from outbox.reconciliation import checks, own
from outbox.reconciliation.models import Finding
from outbox.tests.conftest import deliver, drain, enqueue
from outbox.tests.test_keys import in_thread

LONG_AGO = "2020-01-01T00:00:00Z"


@pytest.fixture(autouse=True)
def only_our_own(declare: Any, ledger: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    declare(lambda: ledger.add("effect"))
    ours = (own.DueTooLong(), own.HandlerUnknown(), own.DeadUnseen(), own.PeriodicRunMissed())
    monkeypatch.setattr(checks, "_checks", {check.name: check for check in ours})
    monkeypatch.setattr(periodic, "_schedules", {})


def reconciled(*options: str) -> tuple[int, dict[str, Any]]:
    """Run the command; its exit status and its JSON."""
    out = StringIO()
    try:
        call_command("reconcile", "--json", *options, stdout=out)
    except SystemExit as end:
        return int(str(end.code)), json.loads(out.getvalue())
    return 0, json.loads(out.getvalue())


def types(told: dict[str, Any]) -> list[str]:
    return [finding["type"] for finding in told["findings"]]


def test_a_fresh_system_has_no_findings() -> None:
    enqueue()
    status, told = reconciled()
    assert (status, told["findings"]) == (0, [])
    assert told["checked"]["outbox.due_too_long"] == 1


def test_a_message_due_too_long_is_dispatched_again(sent: list[Any]) -> None:
    message = enqueue()
    Message.objects.update(due_at=LONG_AGO)
    sent.clear()
    status, told = reconciled()
    assert (status, types(told)) == (0, ["due_too_long"])
    assert sent == [("tests.effect", [str(message.id)])]


def test_a_message_that_was_dispatched_again_and_is_done_is_silent(sent: list[Any]) -> None:
    message = enqueue()
    Message.objects.update(due_at=LONG_AGO)
    reconciled()
    deliver(handlers.get("tests.effect"), message)
    assert reconciled()[1]["findings"] == []


def test_one_that_is_due_since_the_same_moment_a_run_later_needs_a_person(sent: list[Any]) -> None:
    """A queue without a worker: it is rung for every second, and nobody comes."""
    message = enqueue()
    Message.objects.update(due_at=LONG_AGO)
    assert reconciled("--dry-run")[0] == 1
    assert reconciled()[0] == 0, "a dry run has rung for nothing"
    assert reconciled()[0] == 0, "it was rung for just now"
    for _ in range(2):
        Finding.objects.update(found_at=LONG_AGO)
        sent.clear()
        status, told = reconciled()
        assert (status, types(told)) == (1, ["due_too_long"])
        assert (told["findings"][0]["repair"], len(sent)) == ("needs a person", 1)
    Message.objects.update(due_at="2020-01-02T00:00:00Z")
    status, told = reconciled()
    assert (status, told["findings"][0]["repair"]) == (0, "dispatched again"), "it has run"
    deliver(handlers.get("tests.effect"), message)
    assert reconciled()[1]["findings"] == []


def test_many_that_are_due_too_long_are_found_one_by_one_and_rung_for_by_a_few_dispatches(
    declare: Any, sent: list[Any]
) -> None:
    declare(lambda: None, name="tests.other")
    for _ in range(20):
        enqueue()
    enqueue(handler="tests.other")
    Message.objects.update(due_at=LONG_AGO)
    for expected in (0, 1):
        Finding.objects.update(found_at=LONG_AGO)
        sent.clear()
        status, told = reconciled()
        assert (status, len(told["findings"])) == (expected, 21)
        assert Counter(name for name, _ in sent) == {"tests.effect": 8, "tests.other": 1}


def test_looking_at_what_is_due_too_long_keeps_no_worker_from_it(
    ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = handlers.get("tests.effect")
    message = enqueue()
    Message.objects.update(due_at=LONG_AGO)

    def deliver_meanwhile(*_: Any) -> bool:
        in_thread(lambda: deliver(handler, message)).join(10)
        return True

    monkeypatch.setattr(dispatch, "send", deliver_meanwhile)
    reconciled()
    assert ledger.all() == ["effect"]


def test_what_a_person_has_paused_is_not_due_too_long(sent: list[Any]) -> None:
    enqueue()
    Message.objects.update(due_at=LONG_AGO)
    pauses.pause("handler:tests.effect", actor="ann")
    assert reconciled()[1]["findings"] == []


def test_a_message_of_an_unknown_handler_needs_a_person(declare: Any) -> None:
    enqueue()
    Message.objects.update(handler="tests.gone")
    assert reconciled()[1]["findings"] == [], "a release that is coming up may know it"
    Message.objects.update(created_at=LONG_AGO)
    status, told = reconciled()
    assert (status, types(told)) == (1, ["handler_unknown"])
    assert told["findings"][0]["repair"] == "needs a person"
    declare(lambda: None, name="tests.gone")
    assert reconciled()[1]["findings"] == []


def test_a_message_of_a_renamed_handler_moves_and_runs(declare: Any, ledger: Any) -> None:
    handler = declare(
        lambda: ledger.add("once"), name="tests.new", renamed_from=("tests.old", "tests.older")
    )
    message = enqueue(handler="tests.new", key="the job")
    Message.objects.update(handler="tests.old", created_at=LONG_AGO)
    IdempotencyKey.objects.update(args_hash=keys.hash_of("tests.old", {}))
    status, told = reconciled()
    assert (status, types(told)) == (0, ["handler_renamed"])
    assert Finding.objects.get().evidence["renamed_to"] == "tests.new"
    assert reconciled()[1]["findings"] == []
    assert enqueue(handler="tests.new", key="the job").id == message.id, "no conflict"
    assert drain(handler) == 1
    assert ledger.all() == ["once"]


def test_what_is_parked_behind_a_renamed_message_moves_with_it(declare: Any, ledger: Any) -> None:
    """Else each would wait for a night of its own, once it is the head of its group."""
    handler = declare(
        lambda n: ledger.add(str(n)), name="tests.new", renamed_from=("tests.old", "tests.older")
    )
    behind = [enqueue(handler="tests.new", args={"n": n}, group="g", key=f"{n}") for n in range(3)]
    other = enqueue(handler="tests.new", args={"n": 3}, group="g")
    enqueue(handler="tests.new", args={"n": 4}, group="another")
    Message.objects.filter(group="g").update(handler="tests.old", created_at=LONG_AGO)
    Message.objects.filter(id=other.id).update(handler="tests.older")
    for n in range(3):
        known = IdempotencyKey.objects.filter(key=f"{n}")
        known.update(args_hash=keys.hash_of("tests.old", {"n": n}))
    assert types(reconciled()[1]) == ["handler_renamed"]
    assert enqueue(handler="tests.new", args={"n": 2}, key="2").id == behind[2].id, "no conflict"
    drain(handler)
    assert ledger.all() == ["0", "1", "2", "4"] or ledger.all() == ["0", "4", "1", "2"]
    assert types(reconciled()[1]) == ["handler_renamed"], "it waits under another name"
    drain(handler)
    assert ledger.all()[-1] == "3"


def test_what_is_parked_in_great_numbers_moves_over_several_nights(
    declare: Any, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = declare(lambda n: ledger.add(str(n)), name="tests.new", renamed_from=("tests.old",))
    for n in range(8):
        enqueue(handler="tests.new", args={"n": n}, group="g")
    Message.objects.update(handler="tests.old", created_at=LONG_AGO)
    monkeypatch.setattr(own, "AT_ONCE", 2)
    monkeypatch.setattr(own, "MOST_BEHIND", 4)
    for moved in (5, 3):
        assert types(reconciled()[1]) == ["handler_renamed"]
        assert drain(handler) == moved, "those that come first in their group"
    assert ledger.all() == [str(n) for n in range(8)]
    assert reconciled()[1]["findings"] == []


def test_a_dry_run_moves_nothing(declare: Any) -> None:
    declare(lambda: None, name="tests.new", renamed_from=("tests.old",))
    enqueue()
    Message.objects.update(handler="tests.old", created_at=LONG_AGO)
    assert types(reconciled("--dry-run")[1]) == ["handler_renamed"]
    assert Message.objects.get().handler == "tests.old"


def test_a_message_that_is_being_run_is_no_finding(declare: Any) -> None:
    seen: list[Any] = []
    handler = declare(
        lambda: in_thread(lambda: seen.append(reconciled())).join(20), name="tests.long"
    )
    enqueue(handler="tests.long")
    Message.objects.update(due_at=LONG_AGO)
    deliver(handler)
    assert [told["findings"] for _, told in seen] == [[]]


def test_a_dead_letter_that_nobody_looked_at_needs_a_person() -> None:
    message = enqueue()
    Message.objects.update(state="dead", finished_at=LONG_AGO)
    assert types(reconciled()[1]) == ["dead_unseen"]
    outbox.discard(message.id, reason="hopeless", actor="ann")
    assert reconciled()[1]["findings"] == []


def test_a_missed_periodic_run_is_enqueued(declare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    declare(lambda: None, name="tests.nightly")
    periodic.register(handler="tests.nightly", every=timedelta(days=1))
    monkeypatch.setattr(own, "TOO_LONG", timedelta(0))
    assert reconciled()[1]["findings"] == [], "a schedule that never ran has missed nothing"
    periodic.tick()
    IdempotencyKey.objects.update(key="periodic:tests.nightly:2020-01-01T00:00:00Z")
    assert types(reconciled()[1]) == ["periodic_run_missed"]
    assert reconciled()[1]["findings"] == []


def test_each_missed_periodic_run_is_a_finding(
    declare: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("tests.another_nightly", "tests.nightly"):
        declare(lambda: None, name=name)
        periodic.register(handler=name, every=timedelta(days=1))
    monkeypatch.setattr(own, "TOO_LONG", timedelta(0))
    periodic.tick()
    for key in IdempotencyKey.objects.values_list("key", flat=True):
        handler = key.split(":")[1]
        known = IdempotencyKey.objects.filter(key=key)
        known.update(key=f"periodic:{handler}:2020-01-01T00:00:00Z")
    found = reconciled()[1]["findings"]
    assert [(one["subject"], one["repaired"]) for one in found] == [
        ("tests.another_nightly", True),
        ("tests.nightly", True),
    ]
    assert Message.objects.count() == 4
    assert reconciled()[1]["findings"] == []


def test_a_missed_run_that_cannot_be_enqueued_needs_a_person(
    declare: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare(lambda: None, name="tests.nightly")
    periodic.register(handler="tests.nightly", every=timedelta(days=1))
    monkeypatch.setattr(own, "TOO_LONG", timedelta(0))
    periodic.tick()
    IdempotencyKey.objects.update(key="periodic:tests.nightly:2020-01-01T00:00:00Z")
    handlers._registry.pop("tests.nightly")
    status, told = reconciled()
    assert (status, types(told)) == (1, ["periodic_run_missed"])
    assert told["findings"][0]["repaired"] is False


def test_a_dry_run_mends_nothing(sent: list[Any]) -> None:
    enqueue()
    Message.objects.update(due_at=LONG_AGO)
    sent.clear()
    status, told = reconciled("--dry-run")
    assert (status, types(told), sent) == (1, ["due_too_long"], [])


def test_an_unknown_check_is_refused_with_the_known_ones() -> None:
    with pytest.raises(CommandError, match=r"outbox\.due_too_long"):
        call_command("reconcile", "--check", "outbox.misspelt")
