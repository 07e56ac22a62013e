"""Asking the payment provider for a check, and what is told where it does not answer."""

import json
import time
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.urls import reverse

from orders import clock
from outbox.reconciliation import Check, Page, Suspect
from outbox.reconciliation.checks import NOT_COMPARED, paged
from outbox.reconciliation.selectors import how_far_back

Answer = TypeVar("Answer")

WINDOW = timedelta(days=7)
"""How old a payment is when it is compared no more. Nights that were missed come on top."""

AT_ONCE = 100
"""As many as a list of the provider's has in one answer."""

FETCHED_AT_ONCE = 4
"""Entries of ours that are asked for one by one in a step, whose deadline is a minute: each request
may take the time-out twice, to connect and to be answered, so all of them take 40 seconds at most.
"""

_OUT_OF_REACH = "the provider"  # a subject


@dataclass(frozen=True)
class Listed:
    """One answer, newest first, and where to go on."""

    data: list[Any]
    next: str | None


def read(ask: Callable[[dict[str, Any]], Any], after: str, *, window: timedelta) -> Listed:
    """The part of a list behind `after` ("" at first). Raises what the provider's client raises.

    The window's beginning is kept in the cursor: it must not move while one walks.
    """
    since, last = json.loads(after) if after else (int(time.time() - window.total_seconds()), "")
    query = {"limit": AT_ONCE, "created": {"gte": since}}
    listed = ask(query | ({"starting_after": last} if last else {}))
    more = listed.has_more and listed.data
    return Listed(listed.data, json.dumps([since, listed.data[-1].id]) if more else None)


def page_of_untold(kind: str, event: str, after: str, *, window: timedelta) -> Page:
    """Ledger entries of this kind, of the last days, of which no signed webhook has told."""
    return paged(_UNTOLD, after, ["0"], FETCHED_AT_ONCE, kind, window, event)


class AsksProvider(Check):
    """A check that asks the payment provider, and says so where there is no answer.

    A request that is refused as a wrong one raises: the check has failed, whatever it looked for.
    """

    def __init__(self) -> None:
        self._out_of_reach = False

    @abstractmethod
    def look(self, after: str) -> Page:
        """As `page`, where a provider is set up."""

    @abstractmethod
    def compare(self, subject: str) -> Suspect | None:
        """As `confirm`, of what `look` suspects."""

    def window(self) -> timedelta:
        """How far back it is looked, so that missed nights leave no gap."""
        return how_far_back(self.name, WINDOW)

    def page(self, after: str) -> Page:
        self._out_of_reach = False
        if not settings.SHOP.stripe_api_key:
            return Page(0, [], None)
        try:
            return self.look(after)
        except _refusal():
            raise
        except _errors():
            return Page(0, [_OUT_OF_REACH], None)

    def confirm(self, subject: str) -> Suspect | None:
        if self._out_of_reach:
            return None  # said once: each further time-out would hold up the step
        if subject != _OUT_OF_REACH:
            try:
                return self.compare(subject)
            except _refusal():
                raise
            except _errors():
                pass
        self._out_of_reach = True
        # With the time, so that one that a person acknowledged hides no later one.
        evidence = {"at": clock.after(timedelta(0)).isoformat(timespec="seconds")}
        return Suspect(NOT_COMPARED, _OUT_OF_REACH, evidence, severity="warning")

    def address(self, suspect: Suspect) -> str:
        order = suspect.evidence.get("order")
        return reverse("orders:order", args=[order]) if order else ""


def if_known(ask: Callable[[], Answer]) -> Answer | None:
    """What the provider answers; None where the id that is asked for is unknown there.

    Raises what the provider's client raises, also for a request that is refused otherwise: such a
    one says nothing about the id.
    """
    try:
        return ask()
    except _refusal() as error:
        if error.code != "resource_missing":  # type: ignore[attr-defined]
            raise
        return None


def _refusal() -> type[Exception]:
    """What the provider's client raises for a wrong request: for an unknown id, among others."""
    import stripe

    return stripe.InvalidRequestError


def _errors() -> tuple[type[Exception], ...]:
    """How a request may end that says nothing about what was asked for."""
    import stripe

    from orders.calls import Barred, NotNow

    return (stripe.StripeError, NotNow, Barred)


_UNTOLD = """
    SELECT entry.id, entry.id
    FROM orders_paymententry AS entry
    WHERE entry.kind = %s
      AND entry.at BETWEEN now() - %s::interval AND now() - interval '10 minutes'
      AND NOT EXISTS (
          SELECT FROM orders_paymentevent AS event
          WHERE event.payment_id = entry.payment_id AND event.kind = %s
      )
      AND entry.id > %s::bigint
    ORDER BY entry.id LIMIT %s
"""
