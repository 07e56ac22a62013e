"""The document: what is counted, on whose account, and how long a fault was felt."""

from dataclasses import replace
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from chaos import page, report
from chaos.checkers.books import Harm, Violation, each_once, of_nobody, presence
from chaos.injection import Injected
from chaos.journal import Answer, Journal
from chaos.probes import Probes
from chaos.recovery import of_fault, of_provider, percentile
from chaos.run import Outcome, Wish
from chaos.settle import Settled

WISH = Wish(messages=10, faults=2, seed=1, minutes=1)


def outcome(violations: list[Violation], injected: list[Injected]) -> Outcome:
    """The outcome of a run with one probe, placed at second 100 and done at 103."""
    journal = Journal()
    probe = journal.begin(1, "probe", "/", {}, "mark")
    probe.placed_at, probe.answer, probe.id = 100.0, Answer.ACCEPTED, "a"
    probes = Probes(None, journal, None, {"a": 103.0})  # type: ignore[arg-type]
    settled = Settled(seconds=1, longest_due=0.5, open={})
    facts = dict.fromkeys(("reductions", "price_changes", "texts", "campaigns", "orders"), 1)
    facts |= {"orders_with_a_person": 0, "bare_effects": 5}
    asking = [(100.0, 140.0), (120.0, 121.0)]
    return Outcome(WISH, journal, injected, probes, settled, violations, 10, 5, 60.0, facts, asking)


def alone(kind: str, at: float) -> Injected:
    """A fault with no other one beside it."""
    return Injected(kind, at, pair=False, alone=True)


def test_what_is_lost_is_put_to_the_account_of_the_fault_before_it() -> None:
    faults = [alone("kill_web", 90.0), alone("kill_relay", 101.0)]
    lost = Violation("orders", Harm.LOST, "order 1", "is not there", at=95.0)
    twice = Violation("texts", Harm.DOUBLED, "text 1", "sent twice", at=100.0)
    found = report.document(outcome([lost, twice], faults))
    assert (found["lost"], found["doubled"]) == (1, 1)
    assert (found["kinds"]["kill_web"]["lost"], found["kinds"]["kill_web"]["doubled"]) == (1, 0)
    assert found["kinds"]["kill_relay"]["doubled"] == 1, "a fault harms what was placed before it"


def test_only_kinds_that_occurred_are_listed() -> None:
    found = report.document(outcome([], [alone("kill_web", 99.5)]))
    assert list(found["kinds"]) == ["kill_web"]
    assert found["kinds"]["kill_web"]["recovery_max_s"] == 3.5
    assert "kill web" in page.table(found)


def test_recovery_is_that_of_the_faults_that_came_alone() -> None:
    beside = Injected("kill_web", 99.0, pair=False, alone=False)
    row = report.document(outcome([], [beside, alone("kill_web", 102.0)]))["kinds"]["kill_web"]
    assert (row["count"], row["alone"]) == (2, 1)
    assert (row["recovery_p99_s"], row["recovery_alone_max_s"]) == (1.0, 1.0)
    assert row["recovery_max_s"] == 4.0, "nothing is left out of the worst"
    assert report.document(outcome([], [beside]))["kinds"]["kill_web"]["recovery_p50_s"] == 4.0


def test_a_fault_is_felt_by_what_was_open_and_by_what_came_within_a_second() -> None:
    probes = outcome([], []).probes
    assert of_fault(102.0, probes) == 1.0, "open at the fault"
    assert of_fault(99.5, probes) == 3.5, "placed half a second after it"
    assert of_fault(98.0, probes) is None, "placed two seconds after it"
    assert of_fault(104.0, probes) is None, "over by then"


def test_a_providers_fault_is_felt_by_who_asks_it() -> None:
    found = report.document(outcome([], [alone("kill_provider", 120.5)]))["kinds"]["kill_provider"]
    assert found["recovery_max_s"] == 19.5
    assert of_provider(119.5, [(120.0, 121.0)]) == 1.5, "it began within a second"
    assert of_provider(118.5, [(120.0, 121.0)]) == 0, "nobody asked it"


def test_a_fault_is_felt_by_who_gave_up() -> None:
    probes = outcome([], []).probes
    (probe,) = probes.journal.requests
    probe.answer, probe.answered_at = Answer.INDETERMINATE, 190.0
    assert of_fault(99.5, probes) == 90.5, "at least so long"


def test_what_was_seen_live_keeps_its_moment() -> None:
    live = Violation("ledger", Harm.LOST, "club", "credits 3, entries 4", at=95.0)
    end = replace(live, what="credits 3, entries 9", at=None)
    assert each_once([live, end]) == [live]


def test_percentiles() -> None:
    assert percentile([3, 1, 2], 0.5) == 2
    assert percentile(list(range(1, 101)), 0.99) == 99
    assert percentile([7], 0.99) == 7


@pytest.mark.parametrize(
    ("answer", "count", "harms"),
    [
        (Answer.ACCEPTED, 0, [Harm.LOST]),
        (Answer.ACCEPTED, 1, []),
        (Answer.ACCEPTED, 2, [Harm.DOUBLED]),
        (Answer.REFUSED, 0, []),
        (Answer.REFUSED, 1, [Harm.DOUBLED]),
        (Answer.INDETERMINATE, 0, []),
        (Answer.INDETERMINATE, 1, []),
        (Answer.INDETERMINATE, 2, [Harm.DOUBLED]),
    ],
)
def test_what_an_answer_promises(answer: Answer, count: int, harms: list[Harm]) -> None:
    request = Journal().begin(1, "order", "/", {}, "mark")
    request.answer = answer
    assert [one.harm for one in presence("orders", [request], {"mark": count})] == harms
    assert [one.harm for one in of_nobody("orders", [request], ["other"])] == [Harm.DOUBLED]


@pytest.mark.parametrize(
    "options", [{"messages": 0}, {"faults": -1}, {"minutes": 0}, {"minutes": -1}]
)
def test_an_impossible_wish_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(CommandError):
        call_command("chaos", **options)
