"""What a person says to a finding: who, why, once, and until its evidence changes."""

import threading

import pytest
from django.db import connection

from outbox.reconciliation import acts
from outbox.reconciliation.models import Finding, FindingAct, Reconciliation
from outbox.tests.conftest import another_session
from outbox.tests.numbers import Numbers, reconciled
from outbox.tests.test_keys import in_thread

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_acknowledged_finding_is_not_told_again_until_it_changes(numbers: Numbers) -> None:
    numbers.mend = lambda number: "" if number == "1" else "mended"
    reconciled()
    (open_one,) = Finding.objects.for_a_person()
    acts.acknowledge(finding_id=open_one.pk, actor="ann", note="a test account")
    assert not Finding.objects.for_a_person().exists()
    assert [finding["subject"] for finding in reconciled()["findings"]] == ["0", "2"]
    assert Reconciliation.objects.latest("pk").known == 1
    acts.reopen(finding_id=open_one.pk, actor="bob", note="it is no test account")
    assert len(reconciled()["findings"]) == 3
    Finding.objects.update(evidence={"number": "another"})
    for found in Finding.objects.for_a_person():
        acts.acknowledge(finding_id=found.pk, actor="ann", note="as it was then")
    assert len(reconciled()["findings"]) == 3, "with other evidence it is told"


def test_a_known_finding_that_can_be_mended_by_now_is(numbers: Numbers) -> None:
    numbers.mend = lambda number: "" if number == "1" else "mended"
    reconciled()
    acts.acknowledge(finding_id=Finding.objects.for_a_person()[0].pk, actor="ann", note="later")
    numbers.mend = lambda number: "mended"
    assert [finding["repaired"] for finding in reconciled()["findings"]] == [True] * 3


def test_acts_say_who_and_why_and_only_once(numbers: Numbers) -> None:
    numbers.mend = lambda number: "" if number == "1" else "mended"
    reconciled()
    mended, open_one, _ = Finding.objects.order_by("id")
    with pytest.raises(ValueError, match="Say why"):
        acts.acknowledge(finding_id=open_one.pk, actor="ann", note="  ")
    with pytest.raises(acts.NotOpen, match="repaired"):
        acts.acknowledge(finding_id=mended.pk, actor="ann", note="why not")
    with pytest.raises(acts.NotOpen, match="open"):
        acts.reopen(finding_id=open_one.pk, actor="ann", note="why not")


def test_the_second_of_two_who_act_at_once_sees_what_the_first_one_said(numbers: Numbers) -> None:
    numbers.mend = lambda number: "" if number == "1" else "mended"
    reconciled()
    open_one = Finding.objects.for_a_person().get()
    refused: list[str] = []

    def acknowledge() -> None:
        with pytest.raises(acts.NotOpen) as refusal:
            acts.acknowledge(finding_id=open_one.pk, actor="bob", note="both at once")
        refused.append(str(refusal.value))

    with another_session() as session, session.transaction():
        session.execute("SELECT FROM outbox_finding WHERE id = %s FOR NO KEY UPDATE", [open_one.pk])
        second = in_thread(acknowledge)
        wait_until_one_waits()
        session.execute(
            "INSERT INTO outbox_findingact (finding_id, kind, actor, note)"
            " VALUES (%s, 'acknowledge', 'ann', 'first')",
            [open_one.pk],
        )
    second.join(20)
    assert refused == ["It is acknowledged already."]
    assert FindingAct.objects.get().actor == "ann"


def wait_until_one_waits() -> None:
    """Until a session of this database waits for a row that another one holds."""
    for _ in range(400):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT EXISTS (SELECT FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock')"
            )
            if cursor.fetchone()[0]:
                return
        threading.Event().wait(0.05)
    raise AssertionError("nobody waited")
