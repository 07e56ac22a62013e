"""Campaigns, their texts and their credits: each harm to whole books is seen."""

import pytest

from chaos.checkers.books import Harm
from chaos.journal import Answer
from tests.chaos.whole_books import CANCELLED, FINISHED, SHORT, SLUG, WholeBooks

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("checkers")]

LOST, DOUBLED = Harm.LOST, Harm.DOUBLED


def of(text: str) -> str:
    """The rows that belong to a campaign."""
    return f"campaign_id = (SELECT id FROM credits_campaign WHERE text = '{text}')"


def campaign(text: str, change: str) -> str:
    return f"UPDATE credits_campaign SET {change} WHERE text = '{text}'"


def texts(text: str, change: str) -> str:
    return f"UPDATE credits_textmessage SET {change} WHERE {of(text)}"


def community(change: str) -> str:
    return f"UPDATE credits_community SET {change} WHERE slug = '{SLUG}'"


def befell(text: str, *kinds: str) -> str:
    """Let this have befallen each text of a campaign, and nothing else."""
    return f"""
        DELETE FROM credits_textevent
        WHERE text_id IN (SELECT id FROM credits_textmessage WHERE {of(text)});
        INSERT INTO credits_textevent (text_id, kind, sid, status, detail, worker)
        SELECT text.id, kind, '', '', '', '' FROM credits_textmessage AS text,
            unnest(ARRAY{list(kinds)}) WITH ORDINALITY AS story (kind, place)
        WHERE {of(text)} ORDER BY place
    """


UNSENT = texts(CANCELLED, "state = 'failed'")
OPEN = texts(CANCELLED, "state = 'queued', finished_at = NULL")
FIRST = "member_id = (SELECT min(id) FROM credits_member)"
NO_TEXTS = f"DELETE FROM credits_textmessage WHERE {of(CANCELLED)}"
NOT_CANCELLED = campaign(CANCELLED, "status = 'finished'")


BROKEN = {
    "a campaign is not there": (
        f"DELETE FROM credits_campaign WHERE text = '{FINISHED}'",
        ("campaigns", LOST),
    ),
    "it is there twice": (campaign(SHORT, f"text = '{FINISHED}'"), ("campaigns", DOUBLED)),
    "nobody asked for it": (campaign(SHORT, "text = 'Chaos 99'"), ("campaigns", DOUBLED)),
    "it has no texts, and nothing is held for them": (
        f"{NO_TEXTS}; DELETE FROM credits_creditentry WHERE {of(CANCELLED)}",
        ("campaigns", LOST),
    ),
    "one of its texts is missing": (f"{NO_TEXTS} AND {FIRST}", ("campaigns", LOST)),
    "somebody was left out where it was all or nobody": (
        f"{NO_TEXTS} AND {FIRST}; {campaign(CANCELLED, 'not_reached = 1')};"
        f"UPDATE credits_creditentry SET amount = -39 WHERE kind = 'hold' AND {of(CANCELLED)}",
        ("campaigns", LOST),
    ),
    "it left everybody out": (
        f"DELETE FROM credits_textmessage WHERE {of(SHORT)};"
        f"DELETE FROM credits_creditentry WHERE {of(SHORT)};"
        f"{campaign(SHORT, 'not_reached = members')}",
        ("campaigns", LOST),
    ),
    "it has more texts than it says": (
        campaign(FINISHED, "not_reached = 1"),
        ("campaigns", DOUBLED),
    ),
    "credits are held for some of its texts": (
        f"UPDATE credits_creditentry SET amount = -1 WHERE {of(SHORT)}",
        ("campaigns", DOUBLED),
    ),
    "credits are held for no text": (
        f"UPDATE credits_creditentry SET amount = -26 WHERE {of(SHORT)}",
        ("campaigns", LOST),
    ),
    "an accepted cancel was lost": (NOT_CANCELLED, ("campaigns", LOST)),
    "it was cancelled by nobody": (
        campaign(FINISHED, "status = 'cancelled'"),
        ("campaigns", DOUBLED),
    ),
    "it expired, and had no deadline": (
        campaign(FINISHED, "status = 'expired'"),
        ("campaigns", LOST),
    ),
    "texts were skipped, and nobody cancelled": (NOT_CANCELLED, ("texts", LOST)),
    "texts failed that nobody tried to send": (UNSENT, ("texts", LOST)),
    "texts failed that were put off": (
        f"{UNSENT}; {befell(CANCELLED, 'sending', 'postponed')}",
        ("texts", LOST),
    ),
    "texts were skipped that nobody tried to send": (
        f"{NOT_CANCELLED}; {befell(CANCELLED, 'skipped')}",
        ("texts", LOST),
    ),
    "texts never ended": (OPEN, ("texts", LOST)),
    "texts are in the books as sent that were not": (
        texts(CANCELLED, "state = 'sent'"),
        ("texts", LOST),
    ),
    "texts were sent whose credits came back": (
        texts(FINISHED, "state = 'failed', reason = 'no'"),
        ("texts", DOUBLED),
    ),
    "texts were sent that are in no books": (
        f"DELETE FROM credits_textmessage WHERE {of(FINISHED)}",
        ("texts", DOUBLED),
    ),
    "bought credits are gone": (
        "UPDATE credits_creditentry SET amount = amount + 5 WHERE kind = 'purchase'",
        ("credits", LOST),
    ),
    "credits came from nowhere": (community("credits = credits + 5"), ("credits", DOUBLED)),
    "less is held than open texts cost": (OPEN, ("holds", LOST)),
    "more is held than open texts cost": (community("held = 5"), ("holds", DOUBLED)),
    "a balance is less than its entries": (
        "UPDATE credits_creditentry SET amount = amount + 5 WHERE kind = 'purchase'",
        ("ledger", LOST),
    ),
    "a balance is more than its entries": (
        community("credits = credits + 5"),
        ("ledger", DOUBLED),
    ),
}


@pytest.mark.parametrize("how", BROKEN)
def test_what_is_broken_is_seen(whole: WholeBooks, how: str) -> None:
    statements, found = BROKEN[how]
    assert found in whole.broken(statements)


@pytest.mark.parametrize(
    "explained",
    [
        f"{UNSENT}; {befell(CANCELLED, 'sending', 'unknown', 'not_listed', 'policy')}",
        f"{NOT_CANCELLED}; {befell(CANCELLED, 'sending', 'unknown', 'postponed', 'skipped')}",
    ],
    ids=["not in the provider's list", "finished while its sender was frozen"],
)
def test_an_unsent_text_with_a_reason_is_no_harm(whole: WholeBooks, explained: str) -> None:
    assert "texts" not in {check for check, _ in whole.broken(explained)}


def test_late_proof_is_no_harm_where_the_books_say_so(whole: WholeBooks) -> None:
    found = whole.broken(
        texts(FINISHED, "state = 'failed', reason = 'no'"),
        "INSERT INTO credits_finding (text_id, kind, sid, evidence)"
        f" SELECT id, 'sent_after_refund', 'SM', '' FROM credits_textmessage WHERE {of(FINISHED)}",
    )
    assert "texts" not in {check for check, _ in found}


def test_a_text_that_was_sent_twice(whole: WholeBooks) -> None:
    again = [*whole.logs["sms"], whole.logs["sms"][0]]
    assert whole.broken(logs={**whole.logs, "sms": again}) == {("texts", DOUBLED)}


def test_a_campaign_may_be_refused(whole: WholeBooks) -> None:
    gone = f"DELETE FROM credits_campaign WHERE text = '{SHORT}'"
    found = whole.broken(gone, journal=whole.answered(23, Answer.REFUSED, "too_few_credits"))
    assert not {"campaigns", "refusals"} & {check for check, _ in found}
    found = whole.broken(gone, journal=whole.answered(23, Answer.REFUSED, "invalid"))
    assert ("refusals", LOST) in found, "for want of credits, and for nothing else"


def test_what_became_of_a_cancel(whole: WholeBooks) -> None:
    unanswered = whole.answered(24, Answer.INDETERMINATE)
    assert whole.broken(journal=unanswered) == set(), "it was cancelled,"
    assert ("campaigns", LOST) not in whole.broken(NOT_CANCELLED, journal=unanswered), "or not"
    refused = whole.answered(24, Answer.REFUSED, "conflict")
    assert whole.broken(journal=refused) == {("campaigns", DOUBLED)}
    assert whole.broken(journal=whole.without(24)) == {("campaigns", DOUBLED)}
