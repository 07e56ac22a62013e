"""Texts and what they cost, against the provider's own log of what it really sent."""

from collections import Counter
from collections.abc import Iterator, Sequence

from chaos.checkers.books import Books, Harm, Violation

UNSENT = ("failed", "skipped")
OPEN = ("queued", "sending", "unknown")


def check(books: Books) -> Iterator[Violation]:
    """By number and wording: the wording names the number of the campaign's request."""
    placed = {request.about: request.placed_at for request in books.journal.of("campaign")}
    sent = Counter((entry["to"], entry["body"]) for entry in books.logs["sms"])
    for phone, body, campaign, status, state, has_finding, story in books.observer.insist(_TEXTS):
        times = sent.pop((phone, body), 0)
        harm = _harm(state, times, has_finding, _is_explained(state, status, story))
        if harm:
            what = f"{state}, and the provider sent it {times} times; campaign {status}; {story}"
            yield Violation("texts", harm, f"{phone} {campaign}", what, placed.get(campaign))
    for (phone, body), times in sent.items():
        yield Violation("texts", Harm.DOUBLED, f"{phone} {body}", f"sent {times} times for nobody")
    yield from _sums(books)


def _harm(state: str, times: int, has_finding: bool, is_explained: bool) -> Harm | None:
    if times > 1:
        return Harm.DOUBLED
    if times == 1 and state in UNSENT:
        # Late proof of what was given back is the documented limit, if the books say so themselves.
        return None if has_finding else Harm.DOUBLED
    if state in OPEN or (times == 0 and not (state in UNSENT and is_explained)):
        return Harm.LOST
    return None


def _is_explained(state: str, status: str, story: Sequence[str]) -> bool:
    """Whether an unsent text has a reason that a chaos run can give it.

    Failed: its outcome was unknown, and the provider's list did not have it. Skipped: its campaign
    was cancelled; or it had finished while this one was unknown, and then a sender that had been
    frozen said that it had not called.
    """
    if state == "failed":
        return "not_listed" in story
    return status == "cancelled" or ("unknown" in story and "postponed" in story)


def _sums(books: Books) -> Iterator[Violation]:
    """Every credit that was bought is there, is held, or paid for a text that went out."""
    for slug, bought, left, held, spent in books.observer.insist(_SUMS):
        if bought != left + held + spent:
            harm = Harm.LOST if bought > left + held + spent else Harm.DOUBLED
            what = f"bought {bought}; left {left}, held {held}, spent on texts {spent}"
            yield Violation("credits", harm, slug, what)


_TEXTS = """
    SELECT text.phone, text.body, campaign.text, campaign.status, text.state,
           EXISTS (SELECT FROM credits_finding AS finding WHERE finding.text_id = text.id),
           ARRAY(SELECT kind FROM credits_textevent AS event
                 WHERE event.text_id = text.id ORDER BY event.id)
    FROM credits_textmessage AS text JOIN credits_campaign AS campaign
    ON campaign.id = text.campaign_id WHERE campaign.text LIKE 'Chaos %%'
"""
_SUMS = """
    SELECT slug, (
        SELECT coalesce(sum(amount), 0)::bigint FROM credits_creditentry AS entry
        WHERE entry.community_id = community.id AND kind = 'purchase'
    ), credits, held, (
        SELECT coalesce(sum(segments), 0)::bigint FROM credits_textmessage AS text
        JOIN credits_campaign AS campaign ON campaign.id = text.campaign_id
        WHERE campaign.community_id = community.id AND text.state IN ('sent', 'delivered')
    ) FROM credits_community AS community WHERE slug LIKE 'chaos-%%'
"""
