"""The dead-letter desk: groups, redrive, discard, each act in the audit log."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

import outbox
from outbox.desk import acts, groups
from outbox.desk.groups import Selection
from outbox.desk.models import DeskAct
from outbox.models import IdempotencyKey, Message
from outbox.tests.conftest import deliver, enqueue

pytestmark = pytest.mark.django_db(transaction=True)
ID = "0192f0a0-0000-7000-8000-00000000000{}"


@pytest.fixture
def failing(declare: Any) -> Any:
    def fail(*, what: str = "card refused") -> None:
        raise outbox.Fatal(what)

    return declare(fail, name="tests.effect")


def bury(by: Any, *errors: str, **options: Any) -> list[Message]:
    """Messages that are dead, each with its error."""
    messages = [enqueue(args={"what": error}, **options) for error in errors]
    for message in messages:
        deliver(by, message)
    return messages


def states() -> list[str]:
    return list(Message.objects.order_by("created_at").values_list("state", flat=True))


def test_what_differs_by_ids_only_is_one_group(failing: Any) -> None:
    messages = bury(failing, "order 17 is gone", "order 18 is gone", f"no {ID.format(1)}")
    found = groups.groups()
    assert [(group.count, group.summary) for group in found] == [
        (2, "Fatal: order # is gone"),
        (1, "Fatal: no #"),
    ]
    assert found[0].example == messages[1].id
    assert found[0].first <= found[0].last


def test_another_handler_is_another_group(failing: Any, declare: Any) -> None:
    other = declare(failing.function, name="tests.other")
    bury(failing, "gone")
    bury(other, "gone", handler="tests.other")
    assert len({group.fingerprint for group in groups.groups()}) == 2
    assert len(groups.groups(Selection(handler="tests.other"))) == 1


def test_redriving_what_matches_keeps_id_and_key_and_spreads_it_over_time(failing: Any) -> None:
    bury(failing, "order 1 is gone", "order 2 is gone", "order 3 is gone")
    (other,) = bury(failing, "something else", key="other")
    before = dict(Message.objects.values_list("id", "key"))
    fingerprint = groups.groups()[0].fingerprint
    report = acts.redrive(
        Selection(fingerprint=fingerprint), actor="ann", reason="mended", per_second=0.1
    )
    assert len(report.done) == 3
    assert states() == ["pending", "pending", "pending", "dead"]
    assert dict(Message.objects.values_list("id", "key")) == before
    dues = [Message.objects.get(id=one).due_at for one in report.done]
    assert [round((due - dues[0]).total_seconds() / 10) for due in dues] == [0, 1, 2]
    assert Message.objects.get(id=other.id).state == "dead"
    act = DeskAct.objects.get()
    assert (act.kind, act.actor, act.reason, act.done) == ("redrive", "ann", "mended", 3)
    assert act.selection == {"fingerprint": fingerprint}


def test_a_dry_run_says_the_same_and_does_nothing(failing: Any) -> None:
    bury(failing, "gone", "gone")
    (replaced,) = bury(failing, "gone", key="taken")
    IdempotencyKey.objects.update(message_id=ID.format(2))
    before = list(Message.objects.order_by("id").values())
    trial = acts.redrive(Selection(), actor="ann", dry_run=True)
    assert list(Message.objects.order_by("id").values()) == before
    assert not DeskAct.objects.exists()
    real = acts.redrive(Selection(), actor="ann")
    assert (trial.done, trial.refused) == (real.done, real.refused)
    assert list(real.refused) == [replaced.id]
    assert "stands for message" in real.refused[replaced.id]


def test_a_second_redrive_finds_nothing(failing: Any) -> None:
    (message,) = bury(failing, "gone")
    chosen = Selection(ids=(message.id,))
    assert acts.redrive(chosen, actor="ann").done == [message.id]
    again = acts.redrive(chosen, actor="ann")
    assert (again.done, again.refused) == ([], {message.id: "It is not dead."})


def test_a_message_that_no_release_knows_is_refused(failing: Any) -> None:
    (message,) = bury(failing, "gone")
    Message.objects.update(handler="tests.of_an_older_release")
    assert message.id in acts.redrive(Selection(), actor="ann").refused
    assert states() == ["dead"]


def test_discarding_says_why(failing: Any) -> None:
    bury(failing, "gone")
    with pytest.raises(ValueError, match="needs a reason"):
        acts.discard(Selection(), actor="ann", reason=" ")
    assert acts.discard(Selection(), actor="ann", reason="too old", dry_run=True).done
    assert states() == ["dead"]
    acts.discard(Selection(), actor="ann", reason="too old")
    assert states() == ["discarded"]
    assert (DeskAct.objects.get().kind, DeskAct.objects.get().reason) == ("discard", "too old")


@pytest.mark.parametrize(
    "act",
    [
        {"kind": "discard", "actor": "ann", "reason": ""},
        {"kind": "redrive", "actor": "", "reason": "why"},
    ],
)
def test_the_audit_log_refuses_what_says_too_little(act: dict[str, str]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        DeskAct.objects.create(**act, selection={}, done=1, refused=0)


def command(*words: str) -> Any:
    out = StringIO()
    call_command("dead_letters", *words, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_the_command_lists_shows_redrives_and_discards(failing: Any) -> None:
    one, two = bury(failing, "order 1 is gone", "order 2 is gone")
    listed = command("list")
    assert (listed["total"], listed["groups"][0]["count"]) == (2, 2)
    told = command("show", str(one.id))
    assert told["args"] == {"what": "order 1 is gone"}
    assert [event["kind"] for event in told["story"]][-1] == "dead"
    trial = command("redrive", "--all", "--dry-run")
    assert (len(trial["done"]), states()) == (2, ["dead", "dead"])
    assert command("redrive", str(one.id), "--actor", "ann")["done"] == [str(one.id)]
    group = listed["groups"][0]["fingerprint"]
    assert command("discard", "--fingerprint", group, "--reason", "old")["done"] == [str(two.id)]
    assert states() == ["pending", "discarded"]


@pytest.mark.parametrize(
    "words",
    [
        ("redrive",),
        ("discard", "--all"),
        ("redrive", "--all", "--per-second", "0"),
        ("show", "nothing"),
        ("show", ID.format(9)),
        ("redrive", "1; DROP TABLE"),
    ],
)
def test_the_command_refuses_what_says_too_little(failing: Any, words: tuple[str, ...]) -> None:
    bury(failing, "gone")
    with pytest.raises(CommandError):
        command(*words)
    assert states() == ["dead"]
