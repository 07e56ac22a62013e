"""Starting a campaign: its texts and the credits for them, in one transaction, all or nothing."""

from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from django.db import transaction

import outbox
from credits import audience, inputs, ledger, wording
from credits.inputs import CampaignRequest, InvalidInput
from credits.ledger import TooFewCredits
from credits.models import Campaign, Community
from credits.services.communities import KeyReused
from credits.services.drive import enqueue_driver

KEYED_CAMPAIGNS = uuid5(NAMESPACE_URL, "onceproof:credits:campaign")
"""Under this namespace a key names its campaign, in every process alike."""

TRIES = 4
"""How often the number of texts is worked out anew because the credits or members' names changed
meanwhile; the last time the community's row is held from the start."""


class _CreditsChanged(Exception):
    """Somebody spent credits between our count and our hold."""


class _NamesChanged(Exception):
    """Somebody added or renamed members between our pricing and the texts."""


def start_campaign(
    *,
    actor: str,
    community: str,
    text: str,
    shortfall: str = "refuse",
    deadline: datetime | str | None = None,
    key: str | None = None,
) -> Campaign:
    """Hold the credits for a text to every member, insert the texts, and let them be sent.

    With `shortfall="refuse"` all members or none; with "send_what_fits" as many as the credits
    reach, in the order in which they joined. A second call with the same `key` and arguments
    returns the first one's campaign.

    Raises InvalidInput (which says what to do), TooFewCredits (how many are missing), KeyReused.
    None of them changes anything.
    """
    request = inputs.campaign_request(
        community=community, text=text, shortfall=shortfall, deadline=deadline
    )
    payer = _find_community(request.community)
    with transaction.atomic():
        # The unique constraint makes callers with one key wait here for the first of them.
        campaign, created = Campaign.objects.get_or_create(
            operation_id=_operation(key), defaults={**_columns(payer, request), "created_by": actor}
        )
        if created:
            _fill(campaign, payer)
    _demand_same(campaign, _columns(payer, request), key)
    return campaign


def _fill(campaign: Campaign, payer: Community) -> None:
    _refuse_past(campaign)
    pricing = _price(campaign, payer)
    people = audience.size(payer)
    if not people.eligible:
        raise InvalidInput(
            {"community": "has nobody who may be texted; import members, or wait for opt-ins."}
        )
    reserved = _reserve(campaign, payer, pricing)
    campaign.opted_out = people.opted_out
    campaign.not_reached = max(people.eligible - reserved.texts, 0)
    campaign.members = reserved.texts + campaign.opted_out + campaign.not_reached
    campaign.save(update_fields=["opted_out", "not_reached", "members"])


def _reserve(campaign: Campaign, payer: Community, pricing: audience.Pricing) -> audience.Reserved:
    """Texts first and the community's row last, so that nobody else waits for the inserts."""
    everybody = campaign.shortfall == Campaign.Shortfall.REFUSE
    for last in [False] * (TRIES - 1) + [True]:
        credits = _credits(payer, held=last)
        try:
            with transaction.atomic():
                _refuse_early(pricing, payer, credits, everybody)
                reserved = pricing.insert_texts(
                    campaign, payer, budget=None if everybody else credits
                )
                if not pricing.covers(payer):
                    raise _NamesChanged
                enqueue_driver(campaign)
                _hold(campaign, reserved, everybody)
                return reserved
        except _CreditsChanged:
            continue
        except _NamesChanged:
            pricing = _price(campaign, payer)
    raise InvalidInput(
        {"community": "has members who are being added or renamed just now; try again in a minute."}
    )


def _hold(campaign: Campaign, reserved: audience.Reserved, everybody: bool) -> None:
    held = ledger.hold(
        community_id=campaign.community_id,
        campaign_id=campaign.pk,
        amount=reserved.credits,
        actor=campaign.created_by,
    )
    if held:
        return
    if everybody:
        raise TooFewCredits(max(reserved.credits - _credits(campaign.community, held=False), 1))
    raise _CreditsChanged


def _refuse_early(
    pricing: audience.Pricing, payer: Community, credits: int, everybody: bool
) -> None:
    """Before a hundred thousand rows are written that would only be undone."""
    needed = pricing.cost_of_all(payer) if everybody else pricing.cost_of_first(payer)
    if needed > credits:
        raise TooFewCredits(needed - credits)


def _credits(payer: Community, *, held: bool) -> int:
    rows = Community.objects.locked() if held else Community.objects.all()
    return int(rows.values_list("credits", flat=True).get(pk=payer.pk))


def _price(campaign: Campaign, payer: Community) -> audience.Pricing:
    try:
        worded = wording.read(campaign.text, community=payer.name)
        return audience.price(worded, payer, longest=inputs.LONGEST_TEXT)
    except ValueError as refusal:
        raise InvalidInput({"text": str(refusal)}) from None


def _refuse_past(campaign: Campaign) -> None:
    """The row is written: its time is the database's."""
    now = campaign.created_at
    if campaign.deadline and campaign.deadline <= now:
        raise InvalidInput(
            {"deadline": f"is past (it is {now:%Y-%m-%dT%H:%M:%SZ}); give a later moment."}
        )


def _find_community(slug: str) -> Community:
    try:
        return Community.objects.get(slug=slug)
    except Community.DoesNotExist:
        raise InvalidInput({"community": "there is none of this slug; look it up."}) from None


def _operation(key: str | None) -> UUID:
    return outbox.ids.uuid7() if key is None else uuid5(KEYED_CAMPAIGNS, inputs.key(key))


def _columns(payer: Community, request: CampaignRequest) -> dict[str, Any]:
    return {
        "community": payer,
        "text": request.text,
        "shortfall": request.shortfall,
        "deadline": request.deadline,
    }


def _demand_same(campaign: Campaign, asked: dict[str, Any], key: str | None) -> None:
    if any(getattr(campaign, name) != value for name, value in asked.items()):
        raise KeyReused(
            f"The key {key!r} already names another campaign ({campaign.pk}). Use a new key, or "
            "repeat the first request unchanged."
        )
