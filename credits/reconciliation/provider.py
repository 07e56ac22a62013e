"""The provider's list against ours, both ways.

The list is read while the step's transaction is open: by a request that changes nothing, at a
moment at which nothing is locked but the run itself. The answer is kept until its subjects are
looked at, for by then an earlier repair of the step may hold a community's row.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta

from django.conf import settings
from django.urls import reverse

from credits import clock, provider_list
from credits.models import TextEvent, TextMessage
from credits.provider_list import Place
from credits.providers import OutOfReach
from credits.reconciliation import listed
from credits.reconciliation.listed import Seen
from outbox.reconciliation import Check, Page, Suspect
from outbox.reconciliation.checks import NOT_COMPARED, paged
from outbox.reconciliation.selectors import how_far_back

WINDOW = timedelta(days=7)
"""How old a text is when it is compared no more. Nights that were missed come on top."""

GRACE = timedelta(minutes=10)
"""Since a text was created: its reply, a callback or a look of ours may still be on its way."""

FETCHES = 20
"""Texts that a step asks for by their ids, each with a request of its own."""

STEP = timedelta(seconds=45)
"""What of its step's deadline, a minute, this check may take."""

LIST = "the provider's list"
OUT_OF_REACH = Page(0, [LIST], None)


class ListDiffers(Check):
    """What the provider has is a text of ours, and both say the same of it."""

    name = "credits.list_differs"

    def __init__(self) -> None:
        self._seen: dict[str, Seen] = {}

    def page(self, after: str) -> Page:
        """One answer of the provider's. Texts of ours in it are marked as seen there."""
        if not settings.TEXTS.account or not _anything_was_sent():
            return Page(0, [], None)
        now = clock.after(0)
        place = Place(**json.loads(after)) if after else Place()
        try:
            page = provider_list.read(place, since=now - how_far_back(self.name, WINDOW))
        except OutOfReach:
            return OUT_OF_REACH
        listed.mark([one.sid for one in page.texts])
        old = [one for one in page.texts if one.created_at < now - GRACE]
        self._seen = {seen.text.sid: seen for seen in listed.suspicious(old)}
        return Page(
            len(page.texts), list(self._seen), json.dumps(asdict(page.next)) if page.next else None
        )

    def confirm(self, subject: str) -> Suspect | None:
        if subject == LIST:
            return _out_of_reach()
        return listed.confirm(self._seen[subject])

    def repair(self, suspect: Suspect) -> str:
        return "" if suspect.subject == LIST else listed.repair(suspect)

    def address(self, suspect: Suspect) -> str:
        text = suspect.evidence.get("text")
        return reverse("credits:text", args=[text]) if text else ""


class SentIsNotListed(Check):
    """The provider knows what we say was sent.

    The check before this one has walked through the list and marked nearly all; the others are
    asked for by their ids.
    """

    name = "credits.sent_is_not_listed"

    def __init__(self) -> None:
        self._unknown: set[str] = set()

    def page(self, after: str) -> Page:
        """Some texts that were seen in no list, and the provider's answers."""
        if not settings.TEXTS.account:
            return Page(0, [], None)
        page = paged(_UNSEEN, after, ["0"], FETCHES, how_far_back(self.name, WINDOW))
        texts = TextMessage.objects.filter(pk__in=page.subjects).order_by("pk")
        sids = {pk: str(sid) for pk, sid in texts.values_list("pk", "sid")}
        try:
            known = _ask_for(sids)
        except OutOfReach:
            return OUT_OF_REACH
        listed.mark([sids[pk] for pk in known if known[pk]])
        self._unknown = {str(pk) for pk in known if not known[pk]}
        if len(known) < len(sids):
            return Page(len(known), sorted(self._unknown), json.dumps([str(max(known))]))
        return Page(page.rows, sorted(self._unknown), page.next)

    def confirm(self, subject: str) -> Suspect | None:
        if subject == LIST:
            return _out_of_reach()
        said = TextMessage.objects.filter(pk=subject, state__in=listed.WENT_OUT, listed_at=None)
        text = said.locked_if_free().first()
        if text is None:
            return None
        evidence = {"state": str(text.state), "sid": text.sid, "settled_by": text.settled_by}
        return Suspect("sent_is_not_listed", subject, evidence)

    def address(self, suspect: Suspect) -> str:
        return "" if suspect.subject == LIST else reverse("credits:text", args=[suspect.subject])


def asking() -> timedelta:
    """After this a step asks for no further text: one may need three tries, each of which may take
    the time-out twice.
    """
    longest = timedelta(seconds=provider_list.TRIES * 2 * settings.TEXTS.timeout)
    return max(STEP - longest, timedelta(0))


def _ask_for(sids: Mapping[int, str]) -> dict[int, bool]:
    """Whether the provider knows them; of the first ones only, where it is slow."""
    known: dict[int, bool] = {}
    latest = time.monotonic() + asking().total_seconds()
    for pk, sid in sids.items():
        if known and time.monotonic() > latest:
            break
        known[pk] = provider_list.has(sid)
    return known


def _anything_was_sent() -> bool:
    """Or may have been. Who has sent nothing need not ask."""
    return TextEvent.objects.filter(kind=TextEvent.Kind.SENDING, token__isnull=False).exists()


def _out_of_reach() -> Suspect:
    # With the time, so that one that a person acknowledged hides no later one.
    evidence = {"at": clock.after(0).isoformat(timespec="seconds")}
    return Suspect(NOT_COMPARED, LIST, evidence, severity="warning")


_UNSEEN = f"""
    SELECT id, id FROM credits_textmessage
    WHERE sid IS NOT NULL AND listed_at IS NULL AND state IN ('sent', 'delivered')
      AND finished_at BETWEEN now() - %s::interval
                      AND now() - interval '{GRACE.total_seconds():.0f} seconds'
      AND id > %s::bigint
    ORDER BY id LIMIT %s
"""  # noqa: S608 - a constant of this module

CHECKS = (ListDiffers(), SentIsNotListed())
