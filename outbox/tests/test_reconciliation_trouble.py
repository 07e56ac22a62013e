"""What raises, waits or is deadlocked becomes a finding or is tried again; the rest goes on."""

import threading
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction

from outbox.reconciliation import Page, Suspect, checks
from outbox.reconciliation.models import Finding
from outbox.tests.conftest import another_session
from outbox.tests.numbers import Numbers, reconciled
from outbox.tests.test_keys import in_thread, wait_until_somebody_waits_for

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_finding_that_cannot_be_mended_holds_up_no_other(numbers: Numbers) -> None:
    def mend(number: str) -> str:
        if number == "1":
            raise LookupError
        return "mended"

    numbers.mend = mend
    reconciled("--check", "tests.numbers")
    found = Finding.objects.order_by("id").values_list("subject", "type", "repaired")
    assert list(found) == [("0", "odd", True), ("1", "check_failed", False), ("2", "odd", True)]


@pytest.mark.usefixtures("unlogged")
def test_whatever_a_check_says_when_it_fails_is_a_finding(numbers: Numbers) -> None:
    def mend(number: str) -> str:
        raise LookupError("half \ud800 a zero \x00")

    numbers.mend = mend
    reconciled("--check", "tests.numbers")
    assert Finding.objects.filter(type="check_failed", repaired=False).count() == 3


def test_a_repair_that_the_commit_would_refuse_holds_up_no_other(
    numbers: Numbers, ledger: Any
) -> None:
    ledger.execute(
        "CREATE TABLE test_note (of int REFERENCES test_ledger DEFERRABLE INITIALLY DEFERRED)"
    )

    def mend(number: str) -> str:
        if number == "1":
            ledger.execute("INSERT INTO test_note VALUES (-1)")
        return "mended"

    numbers.mend = mend
    reconciled("--check", "tests.numbers")
    ledger.execute("DROP TABLE test_note")
    found = Finding.objects.order_by("id").values_list("subject", "type", "repaired")
    assert list(found) == [("0", "odd", True), ("1", "check_failed", False), ("2", "odd", True)]


def hold(number: str) -> None:
    """Until the transaction, or the savepoint, ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int(number)])


def test_a_deadlock_with_live_work_is_no_finding(
    numbers: Numbers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page lets go as a whole: the other one waits for what its first repair holds."""
    others: list[threading.Thread] = []

    def cross() -> None:
        with transaction.atomic():
            hold("2")
            hold("1")

    def mend(number: str) -> str:
        hold(number)
        if not others:
            others.append(in_thread(cross))
            wait_until_somebody_waits_for(connection.connection.info.backend_pid)
        return "mended"

    numbers.mend = mend
    monkeypatch.setattr(numbers, "page", lambda after: Page(2, ["1", "2"], None))
    with connection.cursor() as cursor:
        cursor.execute("SET deadlock_timeout = '10ms'")  # sooner than the other one: we are refused
        told = reconciled("--check", "tests.numbers")
        cursor.execute("RESET deadlock_timeout")
    others[0].join(20)
    assert [(one["type"], one["repaired"]) for one in told["findings"]] == [("odd", True)] * 2
    assert numbers.seen == ["1", "2", "1", "2"]


def test_what_others_hold_for_long_is_a_finding_and_holds_up_no_other(numbers: Numbers) -> None:
    def mend(number: str) -> str:
        hold(number)
        return "mended"

    numbers.mend = mend
    with connection.cursor() as cursor, another_session() as session:
        session.execute("SELECT pg_advisory_lock(1)")
        cursor.execute("SET lock_timeout = '10ms'")
        told = reconciled("--check", "tests.numbers")
        cursor.execute("RESET lock_timeout")
    types = [finding["type"] for finding in told["findings"]]
    assert types == ["odd", "check_failed", "odd"]
    assert numbers.seen == ["0", "1", "1", "1", "2"]


def test_a_repair_that_swallows_an_exception_is_no_repair(numbers: Numbers) -> None:
    """Django undoes it silently; noted as repaired, nobody would look again."""

    def mend(number: str) -> str:
        with suppress(LookupError), transaction.atomic(savepoint=False):
            raise LookupError
        return "mended"

    numbers.mend = mend
    reconciled("--check", "tests.numbers")
    found = Finding.objects.values_list("type", "repaired")
    assert set(found) == {("check_failed", False)}
    assert "swallowed" in Finding.objects.earliest("id").evidence["error"]


@pytest.mark.parametrize(
    ("evidence", "subject", "repair"),
    [
        ({"amount": Decimal(1)}, "1", "mended"),
        ({"text": "a\x00b"}, "1", "mended"),
        ({}, "1" * 201, "mended"),
        ({}, "a\x00b", "mended"),
        ({}, "1", "m" * 301),
    ],
)
def test_what_cannot_be_written_down_is_a_finding_and_its_repair_undone(
    numbers: Numbers,
    ledger: Any,
    monkeypatch: pytest.MonkeyPatch,
    evidence: dict[str, Any],
    subject: str,
    repair: str,
) -> None:
    """Raised outside the savepoint, it would stop every run at this page."""
    whole = Suspect("odd", subject, evidence)
    monkeypatch.setattr(
        numbers, "confirm", lambda one: whole if one == "1" else Suspect("odd", one)
    )

    def mend(number: str) -> str:
        ledger.add(number[:1])
        return repair if number == subject else "mended"

    numbers.mend = mend
    reconciled()
    found = Finding.objects.order_by("id").values_list("subject", "type", "repaired")
    assert list(found) == [("0", "odd", True), ("1", "check_failed", False), ("2", "odd", True)]
    assert ledger.all() == ["0", "2"]


@pytest.mark.usefixtures("unlogged")
def test_what_cannot_be_looked_at_is_a_finding_whatever_it_is_called(
    numbers: Numbers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def confirm(subject: str) -> Suspect:
        raise LookupError(subject)

    odd = "\x00\ud800" + "x" * 300
    monkeypatch.setattr(numbers, "page", lambda after: Page(1, [odd], None))
    monkeypatch.setattr(numbers, "confirm", confirm)
    reconciled("--check", "tests.numbers")
    finding = Finding.objects.get()
    assert (finding.type, finding.subject) == ("check_failed", r"\ud800" + "x" * 194)
    assert finding.evidence == {"error": r"LookupError: \ud800" + "x" * 300}


def test_a_check_that_raises_is_a_finding_and_holds_up_no_other(
    numbers: Numbers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def page(after: str) -> Page:
        raise LookupError("no such column")

    monkeypatch.setattr(checks.registered()["tests.nothing"], "page", page)
    told = reconciled()
    assert [finding["type"] for finding in told["findings"]] == ["check_failed", *["odd"] * 3]
    assert Finding.objects.earliest("id").evidence == {"error": "LookupError: no such column"}
