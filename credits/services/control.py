"""Pause, resume and cancel: each changes the campaign's row, and nothing else has to be found."""

from uuid import UUID

from django.db import transaction
from django.db.models import F

from credits.models import Campaign
from credits.services import drive

Status = Campaign.Status


class NotPossible(Exception):
    """The campaign is past that: its `status` says where it stands."""

    def __init__(self, campaign: Campaign, verb: str) -> None:
        super().__init__(f"This campaign is {campaign.status} already and cannot be {verb}.")
        self.campaign = campaign


def pause_campaign(*, campaign_id: UUID | str) -> Campaign:
    """Stop handing out texts; those on their way go on. A paused one stays paused.

    Its deadline holds. Raises Campaign.DoesNotExist, NotPossible.
    """
    with transaction.atomic():
        campaign = Campaign.objects.locked().get(pk=campaign_id)
        if campaign.status == Status.RUNNING:
            _turn(campaign, Status.PAUSED)
            drive.enqueue_driver_as_due(campaign)
    return _demand(campaign, Status.PAUSED, "paused")


def resume_campaign(*, campaign_id: UUID | str) -> Campaign:
    """Go on. A running one keeps running. Raises Campaign.DoesNotExist, NotPossible."""
    with transaction.atomic():
        campaign = Campaign.objects.locked().get(pk=campaign_id)
        if campaign.status == Status.PAUSED:
            _turn(campaign, Status.RUNNING)
            drive.enqueue_driver(campaign)
    return _demand(campaign, Status.RUNNING, "resumed")


def cancel_campaign(*, campaign_id: UUID | str, actor: str) -> Campaign:
    """Send nothing more; the credits of unsent texts come back. A second call changes nothing.

    A text whose call is being made at this moment is still sent and counted so. Raises
    Campaign.DoesNotExist, NotPossible.
    """
    with transaction.atomic():
        campaign = Campaign.objects.locked().get(pk=campaign_id)
        if campaign.status in Campaign.OPEN:
            drive.end(campaign, Status.CANCELLED, by=actor)
    return _demand(campaign, Status.CANCELLED, "cancelled")


def _turn(campaign: Campaign, status: Campaign.Status) -> None:
    """Change the status; the driver's earlier messages no longer count."""
    Campaign.objects.filter(pk=campaign.pk).update(status=status, turn=F("turn") + 1)
    campaign.refresh_from_db(fields=["status", "turn"])


def _demand(campaign: Campaign, status: Campaign.Status, verb: str) -> Campaign:
    if campaign.status != status:
        raise NotPossible(campaign, verb)
    return campaign
