"""No message waits or was given up: all are done, but for those that are with a person by now."""

from collections.abc import Iterator

from chaos.checkers.books import Books, Harm, Violation


def check(books: Books) -> Iterator[Violation]:
    """Called once everything has had its time."""
    for message_id, handler, seconds in books.observer.insist(_DUE):
        what = f"{handler} has been due for {seconds:.0f} s"
        yield Violation("waiting", Harm.LOST, message_id, what)
    for message_id, handler, state, error in books.observer.insist(_GIVEN_UP):
        what = f"{handler} is {state}, and its subject is with nobody: {error}"
        yield Violation("given up", Harm.LOST, message_id, what)


OLDEST_DUE = """
    SELECT coalesce(max(extract(epoch FROM clock_timestamp()
                                - greatest(due_at, to_timestamp(%s)))), 0)::float8
    FROM outbox_message WHERE state = 'pending' AND due_at <= clock_timestamp()
"""
_DUE = """
    SELECT id::text, handler, extract(epoch FROM now() - due_at)::float8 FROM outbox_message
    WHERE state = 'pending' AND due_at < now() - interval '5 seconds'
"""
# Only a saga stops and shows a person where; nothing of the load expires or cancels a message.
_GIVEN_UP = """
    SELECT id::text, handler, state, left(last_error, 200) FROM outbox_message AS message
    WHERE state NOT IN ('pending', 'done') AND NOT (
        state = 'dead' AND handler = 'orders.run_step' AND EXISTS (
            SELECT FROM orders_sagarun AS run
            WHERE run.id::text = message.args ->> 'run_id' AND run.state = 'needs_person'
        )
    )
"""
