"""Each check: data is broken behind the outbox's back, found, mended, the next run silent."""

import json
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

import outbox
from outbox import periodic
from outbox.models import IdempotencyKey, Message
from outbox.reconciliation import Check, Page, Suspect, checks, own, register, run
from outbox.reconciliation.models import Finding, Reconciliation
from outbox.tasks import reconcile, reconcile_step
from outbox.tests.conftest import deliver, drain, enqueue
from outbox.tests.test_keys import in_thread

LONG_AGO = "2020-01-01T00:00:00Z"


@pytest.fixture(autouse=True)
def only_our_own(declare: Any, ledger: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    declare(lambda: ledger.add("effect"))
    ours = {check.name: check for check in (own.DueTooLong(), own.DeadUnseen())}
    ours[own.PeriodicRunMissed.name] = own.PeriodicRunMissed()
    monkeypatch.setattr(checks, "_checks", ours)
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


def test_a_message_of_an_unknown_handler_needs_a_person() -> None:
    enqueue()
    Message.objects.update(due_at=LONG_AGO, handler="tests.renamed")
    status, told = reconciled()
    assert (status, types(told)) == (1, ["handler_unknown"])
    assert told["findings"][0]["repair"] == "needs a person"


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


def test_a_dry_run_mends_nothing(sent: list[Any]) -> None:
    enqueue()
    Message.objects.update(due_at=LONG_AGO)
    sent.clear()
    status, told = reconciled("--dry-run")
    assert (status, types(told), sent) == (1, ["due_too_long"], [])


def test_an_unknown_check_is_refused_with_the_known_ones() -> None:
    with pytest.raises(CommandError, match=r"outbox\.due_too_long"):
        call_command("reconcile", "--check", "outbox.misspelt")


def test_two_at_once_are_one() -> None:
    assert run.begin(cause="nightly") is not None
    assert run.begin(cause="nightly") is None
    with pytest.raises(CommandError, match="Another reconciliation"):
        call_command("reconcile")


def test_a_run_that_stopped_moving_gives_way() -> None:
    run.begin(cause="nightly")
    Reconciliation.objects.update(moved_at=LONG_AGO)
    assert run.begin(cause="nightly") is not None


@pytest.fixture
def numbers() -> Iterator[list[str]]:
    """A check over three pages, with a finding on each."""
    repaired: list[str] = []

    class Numbers(Check):
        name = "tests.numbers"

        def page(self, after: str) -> Page:
            number = int(after or 0)
            return Page(1, [str(number)], str(number + 1) if number < 2 else None)

        def confirm(self, subject: str) -> Suspect | None:
            return Suspect("odd", subject)

        def repair(self, suspect: Suspect) -> str:
            if suspect.subject == "1" and not repaired[1:]:
                repaired.append("broken")
                raise LookupError
            repaired.append(suspect.subject)
            return "mended"

    register(Numbers())
    return repaired


def test_the_night_goes_page_by_page_through_messages(numbers: list[str]) -> None:
    with transaction.atomic():
        outbox.enqueue("outbox.reconcile", args={})
    drain(reconcile)
    assert drain(reconcile_step) == 6, "three pages of ours, one of each of the others"
    night = Reconciliation.objects.get()
    assert night.finished_at is not None
    assert night.checked["tests.numbers"] == 3


def test_a_finding_that_cannot_be_mended_holds_up_no_other(numbers: list[str]) -> None:
    status, _ = reconciled("--check", "tests.numbers")
    assert (status, numbers) == (1, ["0", "broken", "2"])
    found = Finding.objects.order_by("id").values_list("subject", "type", "repaired")
    assert list(found) == [("0", "odd", True), ("1", "check_failed", False), ("2", "odd", True)]
