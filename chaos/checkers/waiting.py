"""No message waits: all that were due are done, and none is dead without a person to look at it."""

from collections.abc import Iterator

from chaos.checkers.books import Books, Harm, Violation


def check(books: Books) -> Iterator[Violation]:
    """Called once everything has had its time."""
    for message_id, handler, seconds in books.observer.insist(_DUE):
        what = f"{handler} has been due for {seconds:.0f} s"
        yield Violation("waiting", Harm.LOST, message_id, what)


OLDEST_DUE = """
    SELECT coalesce(max(extract(epoch FROM clock_timestamp()
                                - greatest(due_at, to_timestamp(%s)))), 0)::float8
    FROM outbox_message WHERE state = 'pending' AND due_at <= clock_timestamp()
"""
_DUE = """
    SELECT id::text, handler, extract(epoch FROM now() - due_at)::float8 FROM outbox_message
    WHERE state = 'pending' AND due_at < now() - interval '5 seconds'
"""
