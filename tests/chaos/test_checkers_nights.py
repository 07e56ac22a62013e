"""Periodic runs, and what reconciliation finds: each harm to whole books is seen."""

import threading
import time
from typing import Any

import pytest

from chaos import night
from chaos.checkers.books import Harm
from chaos.stack import CannotStart
from tests.chaos.whole_books import FINISHED, NIGHT, WholeBooks

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("checkers")]

LOST, DOUBLED = Harm.LOST, Harm.DOUBLED
LATE = time.time() + 86_400  # of faults that were still on when the books were laid


def found(kind: str, subject: str = "SM9") -> str:
    return f"""
        INSERT INTO outbox_finding (reconciliation_id, check_name, type, subject, severity,
            evidence, repair, repaired)
        SELECT max(id), 'a.check', '{kind}', '{subject}', 'error', '{{}}', '', false
        FROM outbox_reconciliation
    """


AGAIN = f"""
    INSERT INTO outbox_message (id, handler, args, state, key, operation_id, traceparent, attempts,
        crashes, alone, last_error, finished_at, worker, task_id)
    SELECT gen_random_uuid(), handler, args, state, key, operation_id, '', 0, 0, false, '',
        finished_at, '', '' FROM outbox_message WHERE key = '{NIGHT}'
"""
BROKEN = {
    "a slot was enqueued twice": (AGAIN, ("periodic", DOUBLED)),
    "a slot began two nights": (
        "UPDATE outbox_reconciliation SET cause = 'nightly'",
        ("periodic", DOUBLED),
    ),
    "a slot began no night": (
        "DELETE FROM outbox_reconciliation WHERE cause = 'nightly'",
        ("periodic", LOST),
    ),
    "something differs": (found("balance_differs"), ("findings", LOST)),
    "a text was sent after all": (found("sent_after_refund"), ("findings", LOST)),
    "a check failed": (found("check_failed"), ("findings", LOST)),
    "a provider did not answer": (found("provider_out_of_reach"), ("findings", LOST)),
    "reconciliation did not come to its end": (
        "UPDATE outbox_reconciliation SET finished_at = NULL",
        ("findings", LOST),
    ),
}


@pytest.mark.parametrize("how", BROKEN)
def test_what_is_broken_is_seen(whole: WholeBooks, how: str) -> None:
    statements, violation = BROKEN[how]
    assert whole.broken(statements) == {violation}


def test_one_from_before_the_end_of_the_faults_does_not_count(whole: WholeBooks) -> None:
    assert whole.broken(faults_over=LATE) == {("findings", LOST)}


@pytest.mark.parametrize("kind", ["check_failed", "provider_out_of_reach"])
def test_what_says_nothing_about_the_books_is_explained_by_a_fault(
    whole: WholeBooks, kind: str
) -> None:
    after = f"""
        UPDATE outbox_reconciliation SET started_at = to_timestamp({LATE + 60})
        WHERE id = (SELECT min(id) FROM outbox_reconciliation)
    """
    assert whole.broken(after, found(kind), faults_over=LATE) == set()
    assert whole.broken(after, found("other"), faults_over=LATE) == {("findings", LOST)}


def test_a_late_proof_that_the_books_have_is_no_harm(whole: WholeBooks) -> None:
    proof = f"""
        INSERT INTO credits_finding (text_id, kind, sid, evidence)
        SELECT min(text.id), 'sent_after_refund', 'SM9', '' FROM credits_textmessage AS text
        JOIN credits_campaign AS campaign ON campaign.id = campaign_id
        WHERE campaign.text = '{FINISHED}'
    """
    assert whole.broken(proof, found("sent_after_refund")) == set()


class Command:
    """Of a stack its `manage reconcile`, which ends so."""

    def __init__(self, *ends: Any) -> None:
        self.ends = [*ends]

    def manage(self, *_: str, fine: tuple[int, ...]) -> str:
        assert fine == (0, 1), "exit 1 says that something was found"
        said = self.ends.pop(0)
        if isinstance(said, Exception):
            raise said
        return str(said)


def test_a_night_that_a_fault_cut_short_is_begun_again() -> None:
    stack, its_time = Command(CannotStart("killed"), "", '{"findings": []}'), threading.Event()
    one = night.Night(stack, its_time.is_set)  # type: ignore[arg-type]
    one.start()
    its_time.set()
    one.join(10)
    assert not one.is_alive()
    assert stack.ends == []


def test_a_night_for_which_it_is_never_time_ends() -> None:
    one = night.Night(Command(), lambda: False)  # type: ignore[arg-type]
    one.start()
    one.stop()
    assert not one.is_alive()


def test_after_all_one_has_to_go_through() -> None:
    stack = Command('{"findings": []}', '{"findings": []}', "")
    done = iter([False, True])  # the first one went on with what a fault had cut short
    night.after_all(stack, lambda: next(done))  # type: ignore[arg-type]
    assert stack.ends == [""]
