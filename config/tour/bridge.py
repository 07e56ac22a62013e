"""The tour's own handler: it fails for good, until a person has redriven its message."""

import outbox
from outbox.models import Event


def declare() -> None:
    """Declare it. Only with servers of our own: nobody else has use for it."""
    outbox.handler("tour.cross_the_bridge", queue="critical")(cross_the_bridge)


def cross_the_bridge(*, asked_by: str) -> None:
    """Fail, unless the message was redriven."""
    message = outbox.current_message()
    if not Event.objects.filter(message=message, kind=Event.Kind.REDRIVEN).exists():
        raise outbox.Fatal("The bridge is closed. Redrive this message: it opens then.")
