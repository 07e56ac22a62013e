"""The doorway of the bare effect. It exists only in a home that `manage.py chaos` has made."""

from datetime import timedelta

import outbox
from chaos import own_home

if own_home.is_here():
    from chaos.planted import bare

    UNTIL_DONE = outbox.Retry(limit=None, cap=timedelta(seconds=5))

    @outbox.handler("chaos.bare", retry=UNTIL_DONE)
    def leave_bare_effect(*, number: int) -> None:
        """See `bare`."""
        bare.leave(number)

    @outbox.handler("chaos.bulk", queue="bulk", retry=UNTIL_DONE)
    def leave_bare_effect_in_bulk(*, number: int) -> None:
        """The same by the workers who send texts and serve orders."""
        bare.leave(number)
