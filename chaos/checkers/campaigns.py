"""Campaigns: a text to each member, credits held for each, and an end that was asked for."""

from collections import Counter
from collections.abc import Iterator

from chaos.catalogue import MEMBERS
from chaos.checkers.books import Books, Harm, Violation, of_nobody, presence
from chaos.journal import Answer, Request


def check(books: Books) -> Iterator[Violation]:
    """By the campaign's text, which names the number of its request."""
    requests = books.journal.of("campaign")
    rows = books.observer.insist(_CAMPAIGNS)
    found = Counter(text for text, *_ in rows)
    yield from presence("campaigns", requests, found)
    yield from of_nobody("campaigns", requests, found)
    asked = {request.about: request for request in requests}
    cancels = {request.about: request for request in books.journal.of("cancel")}
    for text, campaign, status, texts, unreached, cost, held in rows:
        if text not in asked:
            continue
        at = asked[text].placed_at
        everybody = asked[text].body["shortfall"] == "refuse"
        if harm := _harm(texts, unreached, cost, held, everybody):
            what = f"{texts} texts of {cost} credits, {unreached} members left out, {held} held"
            yield Violation("campaigns", harm, f"whole {text}", what, at)
        if harm := _harm_of_end(status, cancels.get(campaign)):
            asked_for = cancels[campaign].answer if campaign in cancels else "not asked for"
            what = f"{status}, and cancelling it was {asked_for}"
            yield Violation("campaigns", harm, f"end of {text}", what, at)


def _harm(texts: int, unreached: int, cost: int, held: int, everybody: bool) -> Harm | None:
    """A text to everybody, or to as many as the credits reached; and credits for just these."""
    if texts + unreached > MEMBERS or cost > held:
        return Harm.DOUBLED
    whole = texts > 0 and texts + unreached == MEMBERS and cost == held
    return None if whole and not (everybody and unreached) else Harm.LOST


def _harm_of_end(status: str, cancel: Request | None) -> Harm | None:
    """An accepted cancel has cancelled; and what nobody cancels, or not in time, is finished."""
    answer = Answer.REFUSED if cancel is None else cancel.answer
    if status == "cancelled":
        return Harm.DOUBLED if answer is Answer.REFUSED else None
    return None if status == "finished" and answer is not Answer.ACCEPTED else Harm.LOST


_CAMPAIGNS = """
    SELECT text, id::text, status, texts, not_reached, cost, held
    FROM credits_campaign AS campaign CROSS JOIN LATERAL (
        SELECT count(*) AS texts, coalesce(sum(segments), 0)::bigint AS cost
        FROM credits_textmessage AS text WHERE text.campaign_id = campaign.id
    ) AS counted CROSS JOIN LATERAL (
        SELECT coalesce(-sum(amount), 0)::bigint AS held FROM credits_creditentry AS entry
        WHERE entry.campaign_id = campaign.id AND kind = 'hold'
    ) AS entries
    WHERE text LIKE 'Chaos %%'
"""
