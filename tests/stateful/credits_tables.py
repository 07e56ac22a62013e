"""What the tables of credits must say, by the model: every column that decides what comes next."""

from collections import Counter

from credits import sums
from credits.models import Campaign, DailyCount, Finding, Member, TextMessage
from tests.credits.world import phone
from tests.stateful.credits_world import waiting
from tests.stateful.model_of_credits import Books


def check(slug: str, books: Books) -> None:
    """Texts, members, the sums, the day's count; and nobody accuses anybody."""
    _check_texts(slug, books)
    _check_sums(slug, books)
    out = Member.objects.filter(community__slug=slug, opted_out_at__isnull=False)
    wanted = {phone(one.number) for one in books.people if one.opted_out}
    assert set(out.values_list("phone", flat=True)) == wanted


def _check_texts(slug: str, books: Books) -> None:
    texts = {text.pk: text for text in TextMessage.objects.filter(campaign__community__slug=slug)}
    assert set(texts) == set(books.texts)
    for number, known in books.texts.items():
        text = texts[number]
        said = (text.state, text.attempts, text.counted_on is not None)
        assert said == (known.state, known.attempts, known.counted), known
        if known.state == "queued":
            assert (text.handed_at is not None) is known.handed, known
        if known.state in ("sent", "delivered"):
            assert text.sid, known
    assert not Finding.objects.filter(text__in=texts).exists()


def _check_sums(slug: str, books: Books) -> None:
    row = sums.of_community(slug)
    assert row is not None
    assert (row.credits, row.held) == (books.credits, books.held)
    assert (row.entries, row.open_texts) == (row.credits, row.held)
    assert not sums.has_differing_campaign(row.id)
    counted = DailyCount.objects.filter(community_id=row.id).values_list("texts", flat=True)
    assert sum(counted) == books.today <= (books.cap or books.today)


def check_that_somebody_goes_on(slug: str, books: Books) -> None:
    """Whatever is not at its end has a message that sees to it; one that was handed out has one."""
    drivers = {
        (one.args["campaign_id"], one.args["turn"]) for one in waiting("credits.drive_campaign")
    }
    senders = Counter(one.args["text_id"] for one in waiting("credits.send_text"))
    settlers = {one.args["text_id"] for one in waiting("credits.settle_text")}
    for campaign in Campaign.objects.filter(community__slug=slug):
        to_skip = campaign.finished_at and campaign.texts.filter(state="queued").exists()
        to_end = campaign.status == "paused" and campaign.deadline
        if campaign.status == "running" or to_skip or to_end:
            assert (str(campaign.pk), campaign.turn) in drivers
    for number, text in books.texts.items():
        if text.handed:
            assert senders[number] == 1, text
        if text.state in ("sending", "unknown"):
            assert number in settlers, text
