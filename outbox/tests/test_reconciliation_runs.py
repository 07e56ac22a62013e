"""A run is one at a time, goes on after a death where it stood, and says what became of it."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models import F

import outbox
from outbox import runs
from outbox.models import Message, Run
from outbox.reconciliation import chain, run, selectors
from outbox.reconciliation.models import Finding, Reconciliation
from outbox.tasks import reconcile, reconcile_step
from outbox.tests.conftest import another_session, drain
from outbox.tests.numbers import Numbers, reconciled, went_through
from outbox.tests.test_keys import in_thread

pytestmark = pytest.mark.django_db(transaction=True)
LONG_AGO = "2020-01-01T00:00:00Z"


def take_steps(started: Reconciliation, count: int) -> None:
    for _ in range(count):
        with transaction.atomic():
            run.step(started)


def test_the_night_goes_page_by_page_through_messages(numbers: Numbers) -> None:
    with transaction.atomic():
        outbox.enqueue("outbox.reconcile", args={})
    drain(reconcile)
    assert drain(reconcile_step) == 5, "one page of nothing, three of numbers, the end"
    night = Reconciliation.objects.get()
    assert (night.status, night.present) == ("done", "")
    assert night.checked == {"tests.nothing": 1, "tests.numbers": 3}


def test_a_step_that_is_delivered_twice_is_taken_once(numbers: Numbers) -> None:
    with transaction.atomic():
        started = chain.start(cause="test")
    assert started is not None
    for _ in range(2):
        with transaction.atomic():
            chain.go_on(reconciliation_id=started.pk, turn=0)
    assert Message.objects.filter(handler="outbox.reconcile_step").count() == 2
    started.refresh_from_db()
    assert (started.turn, started.checked) == (1, {"tests.nothing": 1})


def test_a_night_whose_step_died_goes_on_where_it_stood(numbers: Numbers) -> None:
    """The step's transaction is undone with its finding; its message is delivered again."""
    deaths = [KeyboardInterrupt()]

    def mend(number: str) -> str:
        if number == "1" and deaths:
            raise deaths.pop()
        return "mended"

    numbers.mend = mend
    with transaction.atomic():
        chain.start(cause="nightly")
    with pytest.raises(KeyboardInterrupt):
        drain(reconcile_step)
    assert list(Finding.objects.values_list("subject", flat=True)) == ["0"]
    Run.objects.update(started_at=LONG_AGO)
    runs.collect_crashed()  # as the relay does
    Message.objects.filter(state="pending").update(due_at=LONG_AGO)
    drain(reconcile_step)
    assert list(Finding.objects.order_by("id").values_list("subject", flat=True)) == ["0", "1", "2"]
    assert Reconciliation.objects.get().status == "done"


def test_the_night_comes_after_a_run_of_another_kind(numbers: Numbers) -> None:
    other = run.begin(cause="ann", dry_run=True)
    assert other is not None
    with transaction.atomic():
        outbox.enqueue("outbox.reconcile", args={})
    assert drain(reconcile) == 0
    message = Message.objects.get()
    assert (message.state, message.attempts) == ("pending", 0)
    take_steps(other, 5)
    Message.objects.update(due_at=LONG_AGO)
    assert drain(reconcile) == 1
    assert Reconciliation.objects.latest("pk").cause == "nightly"


def test_a_night_that_runs_already_is_enough(numbers: Numbers) -> None:
    run.begin(cause="ann")
    with transaction.atomic():
        outbox.enqueue("outbox.reconcile", args={})
    assert drain(reconcile) == 1
    assert Reconciliation.objects.count() == 1


def test_the_night_comes_after_a_command_which_may_be_killed(numbers: Numbers) -> None:
    assert run.begin(cause="command", by_session=True) is not None
    with transaction.atomic():
        outbox.enqueue("outbox.reconcile", args={})
    assert drain(reconcile) == 0
    message = Message.objects.get()
    assert (message.state, message.attempts) == ("pending", 0)
    Reconciliation.objects.update(session=0)  # no backend's number: it was killed
    Message.objects.update(due_at=LONG_AGO)
    assert drain(reconcile) == 1
    assert drain(reconcile_step) == 5
    assert Reconciliation.objects.get().status == "done"


def test_two_at_once_are_one(numbers: Numbers) -> None:
    assert run.begin(cause="nightly") is not None
    assert run.begin(cause="nightly") is None
    with pytest.raises(CommandError, match=r"Another reconciliation is running \(nightly, since"):
        call_command("reconcile", "--wait", "0")


def test_two_that_begin_in_the_same_moment_are_one(numbers: Numbers) -> None:
    begun: list[Reconciliation | None] = []
    barrier = threading.Barrier(4)

    def begin() -> None:
        barrier.wait(10)
        begun.append(run.begin(cause="race"))

    for thread in [in_thread(begin) for _ in range(4)]:
        thread.join(20)
    assert len(begun) == 4
    assert [one is not None for one in begun].count(True) == 1


def test_the_command_waits_for_the_other_one(numbers: Numbers) -> None:
    other = run.begin(cause="nightly")
    assert other is not None
    told: list[dict[str, Any]] = []
    waiting = in_thread(lambda: told.append(reconciled()))
    take_steps(other, 5)
    waiting.join(20)
    assert [len(one["findings"]) for one in told] == [3]
    assert Reconciliation.objects.filter(finished_at__isnull=False).count() == 2


def test_a_run_that_stopped_moving_gives_way_and_does_nothing_more(numbers: Numbers) -> None:
    stopped = run.begin(cause="nightly", names=["tests.numbers"])
    assert stopped is not None
    Reconciliation.objects.update(moved_at=LONG_AGO)
    assert run.begin(cause="nightly") is not None
    take_steps(stopped, 1)
    stopped.refresh_from_db()
    assert (stopped.status, numbers.seen) == ("stopped", [])


def test_one_that_is_taking_a_step_is_alive_however_long_it_takes(numbers: Numbers) -> None:
    run.begin(cause="nightly")
    Reconciliation.objects.update(moved_at=LONG_AGO)
    with another_session() as session, session.transaction():
        session.execute("SELECT FROM outbox_reconciliation FOR UPDATE")
        assert run.begin(cause="nightly") is None


def test_a_killed_command_is_resumed_at_once_where_it_stood(numbers: Numbers) -> None:
    """Its session is gone from the database the moment it dies; nobody waits for a time-out."""
    begun: list[Reconciliation | None] = []
    dying = in_thread(lambda: begun.append(run.begin(cause="command", by_session=True)))
    dying.join(20)  # its connection is closed at the thread's end, as by a death
    assert begun[0] is not None
    take_steps(begun[0], 2)
    told = reconciled()
    assert [finding["subject"] for finding in told["findings"]] == ["0", "1", "2"]
    assert numbers.seen == ["0", "1", "2"], "no page was looked at twice"
    assert Reconciliation.objects.count() == 1


def test_a_command_that_was_killed_long_ago_is_begun_anew(numbers: Numbers) -> None:
    """What it had looked at by noon says nothing about the night."""
    begun: list[Reconciliation | None] = []
    in_thread(lambda: begun.append(run.begin(cause="command", by_session=True))).join(20)
    assert begun[0] is not None
    take_steps(begun[0], 2)
    Reconciliation.objects.update(started_at=F("started_at") - timedelta(hours=15))
    with transaction.atomic():
        night = chain.start(cause="nightly")
    drain(reconcile_step)
    begun[0].refresh_from_db()
    assert (begun[0].status, begun[0].checked) == (
        "stopped",
        {"tests.nothing": 1, "tests.numbers": 1},
    )
    assert night is not None
    night.refresh_from_db()
    assert (night.status, night.checked) == ("done", {"tests.nothing": 1, "tests.numbers": 3})


def test_a_command_that_lives_is_not_taken_over(numbers: Numbers) -> None:
    assert run.begin(cause="command", by_session=True) is not None
    begun: list[Reconciliation | None] = []
    in_thread(lambda: begun.append(run.begin(cause="command", by_session=True))).join(20)
    assert begun == [None]


def test_a_command_that_stood_still_leaves_the_run_to_who_took_it_over(
    numbers: Numbers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-Z, the night, `fg`: only the night's messages go on, and the night was told so."""
    step = run.step

    def stand_still(*its: Any) -> run.Step:
        monkeypatch.setattr(run, "step", step)
        taken = step(*its)
        Reconciliation.objects.update(moved_at=LONG_AGO)
        assert chain.start(cause="nightly") is not None
        return taken

    monkeypatch.setattr(run, "step", stand_still)
    with pytest.raises(CommandError, match="Another reconciliation took over"):
        call_command("reconcile")
    assert numbers.seen == []
    assert drain(reconcile_step) == 4, "three pages of numbers, the end"
    assert Reconciliation.objects.get().status == "done"
    assert numbers.seen == ["0", "1", "2"]


def test_old_runs_go_with_their_findings(numbers: Numbers) -> None:
    reconciled()
    Reconciliation.objects.update(started_at=LONG_AGO)
    reconciled("--check", "tests.nothing")
    assert Reconciliation.objects.count() == 1
    assert not Finding.objects.exists()


def test_a_check_looks_back_behind_the_last_run_that_compared_anything() -> None:
    def days() -> int:
        return round(selectors.how_far_back("tests.one", timedelta(days=7)) / timedelta(days=1))

    assert days() == 45, "it never was compared"
    went_through("tests.one", "tests.two", days_ago=50)
    assert days() == 45, "there is an end to it"
    went_through("tests.one", "tests.two", days_ago=20)
    assert days() == 27
    went_through("tests.two", days_ago=1)
    went_through("tests.one", days_ago=1, dry_run=True)
    for kind, subject in (("provider_out_of_reach", "the list"), ("check_failed", "tests.one")):
        run = went_through("tests.one", days_ago=1)
        found = {"check_name": "tests.one", "type": kind, "subject": subject}
        Finding.objects.create(reconciliation=run, **found, repaired=False)
    assert days() == 27, "none of them has compared a thing, or told of it"
    run = went_through("tests.one", days_ago=1)
    found = {"check_name": "tests.one", "type": "check_failed", "subject": "a row"}
    Finding.objects.create(reconciliation=run, **found, repaired=False)
    assert days() == 8
