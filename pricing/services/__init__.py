"""The writes of pricing. Each opens its own transaction; what a second call does is said there."""

from pricing.services.apply import abandon_reduction, apply_reduction
from pricing.services.cancel import NotCancellable, cancel_reduction
from pricing.services.edit import EditConflict, edit_product
from pricing.services.products import Imported, import_products
from pricing.services.schedule import KeyReused, schedule_reduction
from pricing.services.stock import (
    OutOfStock,
    release_stock,
    reserve_stock,
    return_stock,
    set_stock,
    take_stock,
)

__all__ = [
    "EditConflict",
    "Imported",
    "KeyReused",
    "NotCancellable",
    "OutOfStock",
    "abandon_reduction",
    "apply_reduction",
    "cancel_reduction",
    "edit_product",
    "import_products",
    "release_stock",
    "reserve_stock",
    "return_stock",
    "schedule_reduction",
    "set_stock",
    "take_stock",
]
