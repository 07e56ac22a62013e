"""Editing a product by hand: the second of two editors is told, never silently obeyed."""

from decimal import Decimal

from django.db import transaction
from django.db.models import F

from pricing import inputs
from pricing.inputs import ProductDraft
from pricing.models import PriceChange, Product


class EditConflict(Exception):
    """Somebody or something changed the product since the editor opened it. Nothing was written.

    Show both: `current` is the product as it is, `submitted` what the editor wanted.
    """

    def __init__(self, current: Product, submitted: ProductDraft) -> None:
        super().__init__(f"{current.sku} was changed meanwhile.")
        self.current = current
        self.submitted = submitted


def edit_product(
    *,
    sku: str,
    based_on_revision: int,
    name: str,
    category: str,
    price: Decimal | str,
    floor: Decimal | str,
    actor: str,
) -> Product:
    """Write an edit that was begun at `based_on_revision` of the product, and return the product.

    Nothing is locked while the editor thinks: the write itself asks for the revision. A second
    call finds the product as it wants it, and changes nothing.

    Raises Product.DoesNotExist, InvalidInput, EditConflict.
    """
    draft = inputs.product_draft(sku=sku, name=name, category=category, price=price, floor=floor)
    with transaction.atomic():
        before = Product.objects.get(sku=sku)
        if not _differs(before, draft):
            return before
        repriced = before.price != draft.price
        written = Product.objects.filter(pk=before.pk, revision=based_on_revision).update(
            name=draft.name,
            category=draft.category,
            price=draft.price,
            floor=draft.floor,
            version=F("version") + (1 if repriced else 0),
            revision=F("revision") + 1,
        )
        if not written:
            raise EditConflict(Product.objects.get(pk=before.pk), draft)
        if repriced:
            _append_change(before, draft, actor)
        return Product.objects.get(pk=before.pk)


def _differs(product: Product, draft: ProductDraft) -> bool:
    return any(
        getattr(product, field) != getattr(draft, field)
        for field in ("name", "category", "price", "floor")
    )


def _append_change(before: Product, draft: ProductDraft, actor: str) -> None:
    PriceChange.objects.create(
        product=before,
        version=before.version + 1,
        old_price=before.price,
        new_price=draft.price,
        cause=PriceChange.Cause.EDIT,
        actor=actor,
    )
