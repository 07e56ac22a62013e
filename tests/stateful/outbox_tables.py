"""What the outbox's tables must say, by the model: every column that decides what happens next."""

from outbox import keys
from tests.stateful.model_of_outbox import Model
from tests.stateful.outbox_world import sql


def check(model: Model) -> None:
    """Messages, their history, keys, run records, effects."""
    _check_messages(model)
    _check_loners()
    _check_keys(model)
    _check_effects(model)
    standing = {record.id for record in model.records if record.stands}
    assert {row[0] for row in sql("SELECT id FROM outbox_run")} == standing


def in_line(ids: list[object]) -> list[object]:
    """These messages in the order in which claims take them."""
    ordered = "SELECT id FROM outbox_message WHERE id = ANY(%s) ORDER BY due_at, id"
    return [row[0] for row in sql(ordered, ids)]


def _check_messages(model: Model) -> None:
    rows = sql(
        "SELECT id, state, attempts, crashes, alone, group_seq, due_at <= now(),"
        " expires_at IS NOT NULL, coalesce(expires_at <= now(), false) FROM outbox_message"
    )
    said = {row[0]: row[1:] for row in rows}
    for one in model.messages.values():
        state, attempts, crashes, alone, place, due, expires, late = said.pop(one.id)
        if one.handler.size:  # whether it failed in company, its history says alone
            one.alone = alone
        expected = (one.state, one.attempts, one.crashes, one.alone)
        assert (state, attempts, crashes, alone) == expected, one
        assert place == (one.seq if one.group else None), one
        if one.waits:
            assert (due, expires, late) == (one.due, one.expires, one.late), one
    assert not said


def _check_loners() -> None:
    """Alone runs what has been in a run that died or a batch that failed, or was redriven."""
    wrong = sql(
        "SELECT id FROM outbox_message AS message WHERE alone <> EXISTS ("
        " SELECT FROM outbox_event WHERE message_id = message.id"
        " AND kind IN ('isolated', 'crashed', 'redriven'))"
    )
    assert not wrong


def _check_keys(model: Model) -> None:
    said = sql(
        "SELECT key, message_id, args_hash, rule, coalesce(until <= now(), false)"
        " FROM outbox_idempotencykey"
    )
    expected = []
    for key, known in model.keys.items():
        handler, variant = known.asked
        past = known.lapsed or known.rule == "while_pending"
        stands_for = keys.hash_of(handler, {"variant": variant})
        expected.append((key, known.owner, stands_for, known.rule, past))
    assert sorted(said) == sorted(expected)


def _check_effects(model: Model) -> None:
    rows = sql("SELECT what, count(*) FROM stateful_effect GROUP BY what")
    every = [*model.messages.values(), *model.pruned.values()]
    expected = {str(one.id): one.effects for one in every if one.effects}
    assert dict(rows) == expected | model.abandoned
    assert all(one.effects <= 1 for one in every)
