"""What stands in a receipt."""

from orders.models import Order


def body_of(order: Order) -> str:
    """The receipt of an order, as plain text."""
    lines = [
        f"{line.quantity:>4} x {line.product.name}  {line.price:.2f} each"
        for line in order.lines.select_related("product")
    ]
    return "\n".join(
        [
            "Thank you. Your order is on its way, and your card has been charged once.",
            "",
            *lines,
            "",
            f"Total: {order.total:.2f} EUR",
            f"Order: {order.pk}",
        ]
    )
