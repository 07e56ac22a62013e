"""Credits, entries and texts: the entries are append-only, so they are what is believed.

Every service writes all three in one transaction with the community's row last. Who holds that row
and reads in one statement therefore sees them as they are to be.
"""

from uuid import UUID

from django.urls import reverse

from credits import ledger, sums
from credits.models import Community, CreditEntry
from outbox.reconciliation import Check, Page, Suspect
from outbox.reconciliation.checks import paged

PAGE = 50
"""Communities or campaigns a step, each of which may have a hundred thousand texts."""

NO_ID = "00000000-0000-0000-0000-000000000000"


class BalanceDiffersFromEntries(Check):
    """What can be spent is the sum of the entries."""

    name = "credits.balance_differs_from_entries"

    def page(self, after: str) -> Page:
        return paged(_BALANCES, after, ["0"], PAGE)

    def confirm(self, subject: str) -> Suspect | None:
        found = _held(subject)
        if found is None or found.credits == found.entries:
            return None
        evidence = {"credits": found.credits, "sum_of_entries": found.entries}
        return Suspect("balance_differs_from_entries", subject, evidence)

    def repair(self, suspect: Suspect) -> str:
        total = suspect.evidence["sum_of_entries"]
        if total < 0:
            return ""  # more was spent than was ever there: that is no matter of one number
        Community.objects.filter(slug=suspect.subject).update(credits=total)
        return f"balance set to {total}, the sum of its entries"

    def address(self, suspect: Suspect) -> str:
        return reverse("credits:community", args=[suspect.subject])


class EntriesDifferFromTexts(Check):
    """What a campaign has taken is what its texts cost that were sent, or may yet be."""

    name = "credits.entries_differ_from_texts"

    def page(self, after: str) -> Page:
        return paged(_CAMPAIGNS, after, [NO_ID], PAGE)

    def confirm(self, subject: str) -> Suspect | None:
        community = Community.objects.filter(campaigns=UUID(subject)).locked().first()
        found = sums.of_campaign(subject)
        if community is None or found is None or found.surplus == 0:
            return None
        around = sums.of_community(community.slug)
        held = around is not None and around.held - around.open_texts >= found.surplus > 0
        kind = "held_without_a_text" if held else "entries_differ_from_texts"
        evidence = {"community": community.slug, "paid": found.paid, "cost": found.cost}
        return Suspect(kind, subject, evidence)

    def repair(self, suspect: Suspect) -> str:
        """Give back what is held for texts that are not there, and will therefore not be sent.

        Where it is not held, somebody spent it, or wrote texts for which nobody paid.
        """
        if suspect.type != "held_without_a_text":
            return ""
        campaign_id = UUID(suspect.subject)
        latest = CreditEntry.objects.filter(campaign=campaign_id).latest("pk")
        amount = suspect.evidence["paid"] - suspect.evidence["cost"]
        ledger.release(
            community_id=latest.community_id,
            campaign_id=campaign_id,
            # Of what was found, not of this run: the same is given back once.
            operation=f"campaign:{suspect.subject}:release:after:{latest.pk}",
            amount=amount,
            actor="reconciliation",
        )
        return f"{amount} given back"

    def address(self, suspect: Suspect) -> str:
        return reverse("credits:campaign", args=[suspect.subject])


class HeldDiffersFromTexts(Check):
    """What is held is what the open texts cost."""

    name = "credits.held_differs_from_texts"

    def page(self, after: str) -> Page:
        return paged(_HELD, after, ["0"], PAGE)

    def confirm(self, subject: str) -> Suspect | None:
        found = _held(subject)
        if found is None or found.held == found.open_texts:
            return None
        evidence = {"held": found.held, "open_texts_cost": found.open_texts}
        return Suspect("held_differs_from_texts", subject, evidence)

    def repair(self, suspect: Suspect) -> str:
        """Where all entries fit their texts, the number alone is wrong. Else credits would be lost
        with it: the check before this one gives them back, or asks a person."""
        community = Community.objects.get(slug=suspect.subject)
        if sums.has_differing_campaign(community.pk):
            return ""
        cost = suspect.evidence["open_texts_cost"]
        Community.objects.filter(pk=community.pk).update(held=cost)
        return f"held set to {cost}, which open texts cost"

    def address(self, suspect: Suspect) -> str:
        return reverse("credits:community", args=[suspect.subject])


def _held(slug: str) -> sums.CommunitySums | None:
    Community.objects.filter(slug=slug).locked().first()
    return sums.of_community(slug)


_BALANCES = f"""
    SELECT id, CASE WHEN credits <> entries THEN slug END FROM ({sums.COMMUNITIES}) AS sums
    WHERE id > %s::bigint ORDER BY id LIMIT %s
"""  # noqa: S608 - literals of this room
_HELD = f"""
    SELECT id, CASE WHEN held <> open_texts THEN slug END FROM ({sums.COMMUNITIES}) AS sums
    WHERE id > %s::bigint ORDER BY id LIMIT %s
"""  # noqa: S608
_CAMPAIGNS = f"""
    SELECT id, CASE WHEN paid <> cost THEN id END
    FROM ({sums.CAMPAIGNS} WHERE campaign.id > %s::uuid ORDER BY campaign.id LIMIT %s) AS sums
    ORDER BY id
"""  # noqa: S608

CHECKS = (BalanceDiffersFromEntries(), EntriesDifferFromTexts(), HeldDiffersFromTexts())
