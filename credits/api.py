"""The API of credits. What is allowed is said in `inputs`; here it meets HTTP."""

from typing import Any, Literal
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from ninja import Field, Router, Schema
from ninja.errors import AuthorizationError, HttpError, ValidationError
from pydantic import ConfigDict

import outbox
from credits import inputs, selectors, services
from credits.models import Campaign, Community

router = Router(tags=["credits"])


class CommunityOut(Schema):
    """A community. `credits` can be spent and equals `ledger_sum`; `held` waits for outcomes."""

    slug: str
    name: str
    credits: int
    held: int
    ledger_sum: int
    members: int
    daily_cap: int | None = Field(description="Texts a day (UTC); null: no cap.")
    unknown_policy: str


class CommunityIn(Schema):
    """A community to create."""

    model_config = ConfigDict(strict=True, extra="forbid")

    slug: str = Field(examples=["book-club"])
    name: str
    daily_cap: int | None = None
    unknown_policy: str = Field("refund", description='"refund", or "resend" with its duplicates.')


class CreditsIn(Schema):
    """Credits to buy."""

    model_config = ConfigDict(strict=True, extra="forbid")

    amount: int = Field(examples=[100])


class CampaignIn(Schema):
    """A text to everyone in a community."""

    model_config = ConfigDict(strict=True, extra="forbid")

    community: str = Field(description="Its slug.")
    text: str = Field(examples=["Hello {name}, we meet on Friday."])
    shortfall: str = Field("refuse", description='"refuse", or "send_what_fits".')
    deadline: str | None = Field(None, description="ISO 8601 with a zone; nothing is sent after.")


class CampaignOut(Schema):
    """A campaign. sent + failed + unknown + skipped = members, once nothing is queued."""

    id: UUID
    community: str
    text: str
    shortfall: str
    status: str = Field(description="running, paused, finished, cancelled or expired")
    members: int
    queued: int
    sent: int = Field(description="Delivered ones included.")
    delivered: int
    failed: int
    unknown: int = Field(description="Nobody can say yet whether they went out.")
    skipped: int = Field(description="Opted out, not reached by the credits, cancelled, expired.")
    credits_held: int
    credits_spent: int
    deadline: str | None
    created_by: str
    created_at: str
    finished_at: str | None


class TooFewCreditsError(Schema):
    """What every refusal says, and how many credits are missing."""

    code: Literal["too_few_credits"]
    message: str = Field(description="What was wrong and what to do.")
    missing: int


class TooFewCreditsOut(Schema):
    """The refusal of a campaign that costs more credits than there are. Nothing was changed."""

    error: TooFewCreditsError
    missing: int = Field(description="Credits to buy before the same request goes through.")


@router.post("/communities", response={201: CommunityOut})
@outbox.idempotent_post
def create_community(request: HttpRequest, payload: CommunityIn) -> tuple[int, dict[str, Any]]:
    """Create a community. Needs an `Idempotency-Key`."""
    _demand(request, "credits.add_community")
    try:
        made = services.create_community(**payload.dict())
    except inputs.InvalidInput as refusal:
        raise _invalid(refusal) from None
    return 201, selectors.describe_community(made.slug)


@router.get("/communities/{slug}", response=CommunityOut)
def get_community(request: HttpRequest, slug: str) -> dict[str, Any]:
    """One community; its numbers are of one moment."""
    _demand(request, "credits.view_community")
    try:
        return selectors.describe_community(slug)
    except Community.DoesNotExist:
        raise Http404 from None


@router.post("/communities/{slug}/credits", response={201: CommunityOut})
@outbox.idempotent_post
def buy_credits(request: HttpRequest, slug: str, payload: CreditsIn) -> tuple[int, dict[str, Any]]:
    """Buy credits: once for each `Idempotency-Key`, which the ledger remembers for ever."""
    _demand(request, "credits.add_creditentry")
    key = f"api:{request.user.pk}:{slug}:{request.headers['Idempotency-Key'].strip()}"
    try:
        services.buy_credits(slug=slug, amount=payload.amount, actor=_actor(request), key=key)
    except Community.DoesNotExist:
        raise Http404 from None
    except inputs.InvalidInput as refusal:
        raise _invalid(refusal) from None
    except services.KeyReused as refusal:
        raise HttpError(422, str(refusal)) from None
    return 201, selectors.describe_community(slug)


@router.post("/campaigns", response={201: CampaignOut, 422: TooFewCreditsOut})
def start_campaign(request: HttpRequest, payload: CampaignIn) -> HttpResponse:
    """Start a campaign. Needs an `Idempotency-Key`. Too few credits: 422 with `missing`."""
    try:
        return _start(request, payload)
    except services.TooFewCredits as refusal:
        error = {"code": "too_few_credits", "message": f"Nothing was changed. {refusal}"}
        return JsonResponse(
            {"error": {**error, "missing": refusal.missing}, "missing": refusal.missing}, status=422
        )


@outbox.idempotent_post
def _start(request: HttpRequest, payload: CampaignIn) -> tuple[int, dict[str, Any]]:
    _demand(request, "credits.add_campaign")
    try:
        campaign = services.start_campaign(actor=_actor(request), **payload.dict())
    except inputs.InvalidInput as refusal:
        raise _invalid(refusal) from None
    return 201, selectors.describe_campaign(campaign)


@router.get("/campaigns/{campaign_id}", response=CampaignOut)
def get_campaign(request: HttpRequest, campaign_id: UUID) -> dict[str, Any]:
    """One campaign and where it stands."""
    _demand(request, "credits.view_campaign")
    return selectors.describe_campaign(_find(campaign_id))


@router.post("/campaigns/{campaign_id}/cancel", response={200: CampaignOut})
@outbox.idempotent_post
def cancel_campaign(request: HttpRequest, campaign_id: UUID) -> tuple[int, dict[str, Any]]:
    """Send nothing more; unspent credits come back. Needs an `Idempotency-Key`."""
    return _control(
        request,
        campaign_id,
        lambda: services.cancel_campaign(campaign_id=campaign_id, actor=_actor(request)),
    )


@router.post("/campaigns/{campaign_id}/pause", response={200: CampaignOut})
@outbox.idempotent_post
def pause_campaign(request: HttpRequest, campaign_id: UUID) -> tuple[int, dict[str, Any]]:
    """Hand out no more texts until it is resumed. Needs an `Idempotency-Key`."""
    return _control(request, campaign_id, lambda: services.pause_campaign(campaign_id=campaign_id))


@router.post("/campaigns/{campaign_id}/resume", response={200: CampaignOut})
@outbox.idempotent_post
def resume_campaign(request: HttpRequest, campaign_id: UUID) -> tuple[int, dict[str, Any]]:
    """Go on. Needs an `Idempotency-Key`."""
    return _control(request, campaign_id, lambda: services.resume_campaign(campaign_id=campaign_id))


def _control(request: HttpRequest, campaign_id: UUID, act: Any) -> tuple[int, dict[str, Any]]:
    _demand(request, "credits.change_campaign")
    _find(campaign_id)
    try:
        act()
    except services.NotPossible as refusal:
        raise HttpError(409, str(refusal)) from None
    return 200, selectors.describe_campaign(_find(campaign_id))


def _demand(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise AuthorizationError


def _actor(request: HttpRequest) -> str:
    return str(request.user.get_username())


def _find(campaign_id: UUID) -> Campaign:
    try:
        return selectors.find_campaign(campaign_id)
    except Campaign.DoesNotExist:
        raise Http404 from None


def _invalid(refusal: inputs.InvalidInput) -> ValidationError:
    return ValidationError(
        [
            {"type": "value_error", "loc": ("body", "payload", field), "msg": advice}
            for field, advice in refusal.errors.items()
        ]
    )
