"""The one place where credits change: the entry and the community's row, together."""

from uuid import UUID

from django.db.models import F

from credits.models import Community, CreditEntry

Kind = CreditEntry.Kind


class TooFewCredits(Exception):
    """The credits do not reach. Nothing was changed. `missing` says by how many."""

    def __init__(self, missing: int) -> None:
        super().__init__(
            f"{missing} credit{'s are' if missing != 1 else ' is'} missing. Buy them, or send to "
            "as many members as the credits reach."
        )
        self.missing = missing


def add(*, community_id: int, amount: int) -> None:
    """Add credits whose entry the caller has just written, which a key may have made unique."""
    _change(community_id, credits=amount)


def hold(*, community_id: int, campaign_id: UUID, amount: int, actor: str) -> bool:
    """Set credits aside for a campaign. False where there are fewer: nothing may be kept then.

    The community's row comes last: from here until the commit nobody else changes its credits.
    """
    _append(community_id, f"campaign:{campaign_id}:hold", Kind.HOLD, -amount, actor, campaign_id)
    enough = Community.objects.filter(pk=community_id, credits__gte=amount)
    return enough.update(credits=F("credits") - amount, held=F("held") + amount) == 1


def capture(*, community_id: int, amount: int) -> None:
    """Held credits are spent: they left the balance when they were held."""
    _change(community_id, held=-amount)


def release(
    *, community_id: int, campaign_id: UUID, operation: str, amount: int, actor: str
) -> None:
    """Give back what was held and is not needed; once per operation."""
    _append(community_id, operation, Kind.RELEASE, amount, actor, campaign_id)
    _change(community_id, credits=amount, held=-amount)


def refund(
    *, community_id: int, campaign_id: UUID, operation: str, amount: int, actor: str
) -> None:
    """Give back what was spent; once per operation."""
    _append(community_id, operation, Kind.REFUND, amount, actor, campaign_id)
    _change(community_id, credits=amount)


def _append(
    community_id: int,
    operation: str,
    kind: CreditEntry.Kind,
    amount: int,
    actor: str,
    campaign_id: UUID | None = None,
) -> None:
    CreditEntry.objects.create(
        community_id=community_id,
        operation=operation,
        kind=kind,
        amount=amount,
        campaign_id=campaign_id,
        actor=actor,
    )


def _change(community_id: int, *, credits: int = 0, held: int = 0) -> None:
    written = Community.objects.filter(pk=community_id, held__gte=-held).update(
        credits=F("credits") + credits, held=F("held") + held
    )
    if written != 1:
        raise RuntimeError(f"community {community_id} holds less than was to be taken from it")
