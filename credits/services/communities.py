"""Communities, and the credits that they buy."""

from uuid import NAMESPACE_URL, uuid5

from django.db import transaction

import outbox
from credits import inputs, ledger
from credits.inputs import InvalidInput
from credits.models import Community, CreditEntry

KEYED_PURCHASES = uuid5(NAMESPACE_URL, "onceproof:credits:purchase")
"""Under this namespace a key names its purchase, in every process alike."""


class KeyReused(Exception):
    """The key names another operation, with other arguments. Nothing was changed.

    Use a new key for a new operation; to repeat a request, repeat it unchanged.
    """


def create_community(
    *, slug: str, name: str, daily_cap: int | None = None, unknown_policy: str = "refund"
) -> Community:
    """Create a community without credits or members.

    A second call with the same slug and the same values returns the first one's community. Raises
    InvalidInput, also where the slug is another community's.
    """
    draft = inputs.community_draft(
        slug=slug, name=name, daily_cap=daily_cap, unknown_policy=unknown_policy
    )
    wanted = {
        "name": draft.name,
        "daily_cap": draft.daily_cap,
        "unknown_policy": draft.unknown_policy,
    }
    with transaction.atomic():
        found, created = Community.objects.get_or_create(slug=draft.slug, defaults=wanted)
    if not created and any(getattr(found, field) != value for field, value in wanted.items()):
        raise InvalidInput({"slug": f'"{draft.slug}" is another community\'s; choose another.'})
    return found


def change_rules(*, slug: str, daily_cap: int | None, unknown_policy: str) -> Community:
    """Set how many texts a day a community may send, and what becomes of unknown outcomes.

    A cap that is set in mid-day counts from then on. Raises Community.DoesNotExist, InvalidInput.
    """
    form = inputs.Form()
    rules = {
        "daily_cap": None if daily_cap is None else form.read("daily_cap", daily_cap, inputs.cap),
        "unknown_policy": form.read("unknown_policy", unknown_policy, inputs.policy),
    }
    form.refuse()
    if not Community.objects.filter(slug=slug).update(**rules):
        raise Community.DoesNotExist
    return Community.objects.get(slug=slug)


def buy_credits(*, slug: str, amount: int | str, actor: str, key: str | None = None) -> CreditEntry:
    """Add credits to a community and return the ledger entry.

    A second call with the same `key` and arguments returns the first one's entry, for ever.
    Raises Community.DoesNotExist, InvalidInput, KeyReused; none of them changes anything.
    """
    wanted = _amount(amount)
    operation = f"purchase:{_operation(key)}"
    with transaction.atomic():
        community = Community.objects.get(slug=slug)
        # The unique constraint makes callers with one key wait here for the first of them.
        entry, created = CreditEntry.objects.get_or_create(
            operation=operation,
            defaults={
                "community": community,
                "kind": CreditEntry.Kind.PURCHASE,
                "amount": wanted,
                "actor": actor,
            },
        )
        if created:
            ledger.add(community_id=community.pk, amount=wanted)
    if (entry.community_id, entry.amount) != (community.pk, wanted):
        raise KeyReused(f"The key {key!r} already names another purchase. Use a new key.")
    return entry


def _amount(amount: int | str) -> int:
    form = inputs.Form()
    wanted = form.read("amount", amount, inputs.amount_of_credits)
    form.refuse()
    return wanted or 0


def _operation(key: str | None) -> object:
    return outbox.ids.uuid7() if key is None else uuid5(KEYED_PURCHASES, inputs.key(key))
