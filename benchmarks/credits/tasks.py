"""Bare Celery's tasks: one text, one credit."""

from celery import shared_task
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from credits import providers
from credits.models import Community, CreditEntry, TextMessage


@shared_task(name="credits.bare_naive", queue="bare", ignore_result=True)  # type: ignore[untyped-decorator]
def send_naive(text_id: int) -> None:
    """What people write first: read, check, send, save."""
    text = TextMessage.objects.select_related("campaign__community").get(pk=text_id)
    community = text.campaign.community
    if community.credits < text.segments:
        return
    sid = _send(text)
    community.credits -= text.segments
    community.save()
    _enter(text)
    text.state, text.sid, text.finished_at = TextMessage.State.SENT, sid, Now()
    text.save()


@shared_task(name="credits.bare_guarded", queue="bare", ignore_result=True)  # type: ignore[untyped-decorator]
def send_guarded(text_id: int) -> None:
    """The sums are right until a fault: one guarded update, all rows in one transaction."""
    text = TextMessage.objects.select_related("campaign").get(pk=text_id)
    sid = _send(text)
    with transaction.atomic():
        paid = Community.objects.filter(pk=text.campaign.community_id, credits__gte=text.segments)
        if paid.update(credits=F("credits") - text.segments):
            _enter(text)
            TextMessage.objects.filter(pk=text_id).update(
                state=TextMessage.State.SENT, sid=sid, finished_at=Now()
            )


def _send(text: TextMessage) -> str:
    outcome = providers.send(to=text.phone, body=text.body, callback="")
    assert isinstance(outcome, providers.Accepted)  # noqa: S101 - of this benchmark's own
    return outcome.sid


def _enter(text: TextMessage) -> None:
    CreditEntry.objects.create(
        community_id=text.campaign.community_id,
        operation=f"text:{text.pk}",
        kind=CreditEntry.Kind.HOLD,  # of the kinds there are the one that takes credits away
        amount=-text.segments,
        campaign=text.campaign,
        actor="bare",
    )
