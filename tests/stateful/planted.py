"""Bugs that somebody could write tomorrow, each of which a machine finds within its first acts.

Found by trying some 50 to 70 for each machine; those that take long are tried by hand alone.
"""

from tests.stateful.planting import Bug

OUTBOX = {
    "a key stands for any arguments": Bug("outbox.keys:take", "known_hash != args_hash", "False"),
    "a key outlives the message that it waits for": Bug(
        "outbox.keys:take",
        "rule == Rule.WHILE_PENDING and _still_waiting(owner)",
        "rule == Rule.WHILE_PENDING",
    ),
    "a key is handed over with the arguments of before": Bug(
        "outbox.keys:_hand_over", "args_hash = %s,", "args_hash = coalesce(args_hash, %s),"
    ),
    "a successor goes past a dead letter": Bug("outbox.groups:promote", ', "dead"]', "]"),
    "a group stands still after an effect": Bug(
        "outbox.execution:_run_effect", "groups.promote_after_commit(message)", "pass"
    ),
    "what is late runs": Bug("outbox.execution:_drop_late", "if late and", "if False and"),
    "an attempt is not counted": Bug("outbox.failures:_fail", "attempts + 1", "attempts + 0"),
    "a fatal error is tried again": Bug(
        "outbox.failures:_fail", "isinstance(error, Fatal) or ", ""
    ),
    "a snooze is over at once": Bug("outbox.failures:_snooze", "Now() + error.delay", "Now()"),
    "one crash more is allowed": Bug(
        "outbox.failures:record_crash", ">= CRASH_LIMIT", "> CRASH_LIMIT"
    ),
    "what was paused is recorded": Bug(
        "outbox.claims:_OPEN_NEXT",
        "AND NOT EXISTS (SELECT FROM outbox_pause WHERE target = ANY(%(targets)s))",
        "",
    ),
    "a record outlives its run": Bug(
        "outbox.claims:_CLAIM_LAST_RECORDED",
        "DELETE FROM outbox_run WHERE id = %(run)s RETURNING id",
        "SELECT id FROM outbox_run WHERE id = %(run)s",
    ),
}

CREDITS = {
    "one text above the day's cap": Bug(
        "credits.quota.daily:TAKE", "taken.texts < %(cap)s", "taken.texts <= %(cap)s"
    ),
    "what is settled is settled again": Bug(
        "credits.services.settle:_open",
        "text.state == State.UNKNOWN and text.token == question.token",
        "text.token == question.token",
    ),
}

SAGA = {
    "what is done is begun again": Bug(
        "orders.engine.steps:run_step",
        "step.state not in BEGINNABLE",
        'step.state not in (*BEGINNABLE, "done")',
    ),
    "not to be cancelled once it ships": Bug(
        "orders.engine.compensation:turn_back",
        "if step.pivot}",
        'if step.pivot or step.name == "ship"}',
    ),
    "what may have happened is left": Bug(
        "orders.engine.compensation:go_back", "step.may_have_happened", "step.state == State.DONE"
    ),
}
