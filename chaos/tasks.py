"""The doorway of the bare effect. It exists only in a home that `manage.py chaos` has made."""

from datetime import timedelta

import outbox
from chaos import own_home

if own_home.is_here():
    from chaos.planted import bare

    @outbox.handler("chaos.bare", retry=outbox.Retry(limit=None, cap=timedelta(seconds=5)))
    def leave_bare_effect(*, number: int) -> None:
        """See `bare`."""
        bare.leave(number)
