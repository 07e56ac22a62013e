"""Campaigns and their texts, against the provider's own log of what it really sent."""

from collections import Counter
from collections.abc import Iterator

from chaos.checkers.books import Books, Harm, Violation, of_nobody, presence

WENT_OUT = ("sent", "delivered")
OPEN = ("queued", "sending")


def check(books: Books) -> Iterator[Violation]:
    """By the campaign's text, which names the number of its request."""
    requests = books.journal.of("campaign")
    found = Counter(text for (text,) in books.observer.insist(_CAMPAIGNS))
    yield from presence("campaigns", requests, found)
    yield from of_nobody("campaigns", requests, found)
    placed = {request.about: request.placed_at for request in requests}
    sent = Counter((entry["to"], entry["body"]) for entry in books.logs["sms"])
    for phone, body, text, state, has_finding in books.observer.insist(_TEXTS):
        times = sent.pop((phone, body), 0)
        harm = _harm(state, times, has_finding)
        if harm:
            what = f"{state}, and the provider sent it {times} times"
            yield Violation("texts", harm, f"{phone} {text}", what, placed.get(text))
    for (phone, body), times in sent.items():
        yield Violation("texts", Harm.DOUBLED, f"{phone} {body}", f"sent {times} times for nobody")
    yield from _sums(books)


def _harm(state: str, times: int, has_finding: bool) -> Harm | None:
    if times > 1:
        return Harm.DOUBLED
    if times == 1 and state in ("failed", "skipped"):
        # Late proof of what was given back is the documented limit, if the books say so themselves.
        return None if has_finding else Harm.DOUBLED
    if state in OPEN or (times == 0 and state in WENT_OUT):
        return Harm.LOST
    return None


def _sums(books: Books) -> Iterator[Violation]:
    """Every credit that was bought is there, is held, or paid for a text that went out."""
    for slug, bought, left, held, spent in books.observer.insist(_SUMS):
        if bought != left + held + spent:
            harm = Harm.LOST if bought > left + held + spent else Harm.DOUBLED
            what = f"bought {bought}; left {left}, held {held}, spent on texts {spent}"
            yield Violation("credits", harm, slug, what)


_CAMPAIGNS = "SELECT text FROM credits_campaign WHERE text LIKE 'Chaos %%'"
_TEXTS = """
    SELECT text.phone, text.body, campaign.text, text.state,
           EXISTS (SELECT FROM credits_finding AS finding WHERE finding.text_id = text.id)
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
