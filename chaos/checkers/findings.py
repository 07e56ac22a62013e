"""Reconciliation: beside live work and after it, it finds nothing that a fault does not explain."""

from collections.abc import Iterator

from chaos.checkers.books import Books, Harm, Violation

FELT = 15.0
"""Seconds after a fault in which its victims may still feel it: who was killed is starting."""

NO_WORD_ABOUT_THE_BOOKS = ["provider_out_of_reach", "check_failed"]
"""What a run may find that began while a fault was felt: a provider that does not answer, or a lock
that somebody frozen holds."""


def check(books: Books) -> Iterator[Violation]:
    """The night's own run, which mends, the dry run beside the load, and the one after it."""
    rows = books.observer.insist(_FINDINGS, [NO_WORD_ABOUT_THE_BOOKS, books.faults_over + FELT])
    for check_name, kind, subject, told, found_at in rows:
        what = f"{kind}: {told}"
        yield Violation("findings", Harm.LOST, f"{check_name} {subject}", what, found_at)
    if not gone_through(books):
        what = "no reconciliation has gone through all its checks after the faults"
        yield Violation("findings", Harm.LOST, "reconciliation", what)


def gone_through(books: Books) -> bool:
    """Whether a reconciliation began once no fault was felt any more, and ended."""
    return bool(books.observer.insist(_GONE_THROUGH, [books.faults_over + FELT])[0][0])


# A text that was sent after its credits came back is the documented limit, if the books say so.
_FINDINGS = """
    SELECT check_name, type, subject, left(concat(evidence, ', ', repair), 300),
           extract(epoch FROM found_at)::float8
    FROM outbox_finding AS finding JOIN outbox_reconciliation AS run
    ON run.id = finding.reconciliation_id
    WHERE NOT (type = ANY(%s) AND run.started_at < to_timestamp(%s))
      AND NOT (type = 'sent_after_refund' AND EXISTS (
          SELECT FROM credits_finding AS known WHERE known.sid = finding.subject
      ))
"""
_GONE_THROUGH = """
    SELECT count(*) FROM outbox_reconciliation
    WHERE finished_at IS NOT NULL AND started_at >= to_timestamp(%s)
"""
