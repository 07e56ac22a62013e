"""The order pages. A viewer sees, an operator acts; the rules are in the services."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from orders import picture, selectors, services, story
from orders.forms import OrderForm, placed_by_form
from orders.inputs import InvalidInput
from orders.models import Order, Refund
from pricing import selectors as pricing
from pricing.models import Product

ORDERS_PER_PAGE = 50
may_see = permission_required("orders.view_order", raise_exception=True)
may_place = permission_required("orders.add_order", raise_exception=True)
may_change = permission_required("orders.change_order", raise_exception=True)
#: One address answers browsers with a page and htmx with a part of it: no cache may mix them up.
part_for_htmx = vary_on_headers("HX-Request")

REFUND_IS: dict[str, str] = {
    Refund.Status.OPEN: "The refund is on its way.",
    Refund.Status.DONE: "The money was given back before.",
    Refund.Status.REFUSED: "The refund was refused.",
    Refund.Status.NEEDS_PERSON: "The refund waits at the dead-letter desk: redrive it there.",
}


@login_required
@may_see
@part_for_htmx
@require_safe
def orders(request: HttpRequest) -> HttpResponse:
    """List orders, newest first, all or those of one status, or with one product."""
    status = request.GET.get("status", "")
    status = status if status in Order.Status.values else ""
    search = request.GET.get("search", "").strip()[:100]
    found = Paginator(selectors.list_orders(status=status, search=search), ORDERS_PER_PAGE)
    context = {
        "page": found.get_page(request.GET.get("page")),
        "status": status,
        "search": search,
        "statuses": Order.Status.choices,
    }
    return _show(request, "orders", context)


@login_required
@may_see
@part_for_htmx
@require_safe
def order(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Show one order: its sagas drawn as they stand, every attempt, its money."""
    shown = _find(order_id)
    runs = selectors.runs_of(shown)
    context = {
        "order": shown,
        "pictures": [picture.of(run) for run in runs],
        "story": story.of(shown),
        "lines": shown.lines.select_related("product"),
        "entries": shown.payment.entries.all(),
        "going": any(run.state in ("running", "compensating") for run in runs),
        "refund": getattr(shown, "refund", None),
        "resendable": selectors.has_unsent_receipt(runs),
    }
    return _show(request, "order", context)


@login_required
@may_place
@require_http_methods(["GET", "HEAD", "POST"])
def place(request: HttpRequest) -> HttpResponse:
    """Place an order. However often one form is sent, it places one.

    Its key stands in its address, so that the back button leads to the same form and no new one.
    """
    if request.method != "POST":
        return _blank(request)
    form = OrderForm(request.POST)
    if not form.is_valid():
        return _form_page(request, form)
    if form.price_seen() is None and Product.objects.filter(sku=form.cleaned_data["sku"]).exists():
        return _form_page(request, form)
    key = _key(request, form.cleaned_data["key"])
    try:
        made = services.place_order(actor=request.user.username, key=key, **form.request())
    except InvalidInput as refusal:
        form.add_refusal(refusal)
        return _form_page(request, form)
    except services.PriceChanged as change:
        return _form_page(request, _again(request, str(change)))
    except services.KeyReused:
        said = "This form has placed an order already, and you have changed it since. "
        return _form_page(request, _again(request, said + "Send it again to order once more."))
    return redirect("orders:order", made.pk)


@login_required
@may_change
@require_POST
def cancel(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Cancel an order unless it is being charged by now; a second press finds it cancelled."""
    try:
        services.cancel_order(order_id=order_id, actor=request.user.username)
        messages.success(request, "The order is cancelled: what was done is being taken back.")
    except Order.DoesNotExist:
        raise Http404 from None
    except services.NotCancellable as refusal:
        messages.warning(request, str(refusal))
    return redirect("orders:order", order_id)


@login_required
@may_change
@require_POST
def refund(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Give an order's money back, once; again where that was refused."""
    reason = _stored(request.POST.get("reason", "")).strip()[:500] or "no reason given"
    try:
        made = services.refund_order(order_id=order_id, reason=reason, actor=request.user.username)
        messages.success(request, REFUND_IS[made.status])
    except Order.DoesNotExist:
        raise Http404 from None
    except services.NotRefundable as refusal:
        messages.warning(request, str(refusal))
    return redirect("orders:order", order_id)


@login_required
@may_change
@require_POST
def receipt(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Send a receipt again of which nobody knows whether it went out."""
    try:
        services.resend_receipt(order_id=order_id, actor=request.user.username)
        messages.success(request, "The receipt is on its way again.")
    except services.NotResendable as refusal:
        messages.warning(request, str(refusal))
    return redirect("orders:order", order_id)


def _find(order_id: UUID) -> Order:
    try:
        return selectors.find_order(order_id)
    except Order.DoesNotExist:
        raise Http404 from None


def _stored(text: str) -> str:
    """Without NUL characters, which PostgreSQL has no room for."""
    return text.replace("\x00", "")


def _show(request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    """Answer a browser with the page, and htmx with the part of it that changes."""
    folder = "orders/parts" if "HX-Request" in request.headers else "orders"
    return render(request, f"{folder}/{name}.html", context)


def _blank(request: HttpRequest) -> HttpResponse:
    """The form to be filled in; one that has placed an order shows that, as it was sent."""
    asked = request.GET.dict()
    try:
        key = UUID(asked.get("key", ""))
    except ValueError:
        return redirect(f"{request.path}?{urlencode({**asked, 'key': uuid4()})}")
    placed = selectors.find_by_key(_key(request, key))
    if placed is None:
        sku = _stored(asked.get("sku", ""))
        return _form_page(request, OrderForm(initial={"key": key, "sku": sku}))
    return _form_page(request, OrderForm(initial={"key": key, **placed_by_form(placed)}), placed)


def _key(request: HttpRequest, key: UUID) -> str:
    """Nobody's form can name the order of somebody else's."""
    return f"page:{request.user.pk}:{key}"


def _form_page(request: HttpRequest, form: OrderForm, placed: Order | None = None) -> HttpResponse:
    """The form; where it names a product, with its price, so that another one will be told."""
    sku = _stored(str(form["sku"].value() or ""))
    product = Product.objects.filter(sku=sku).select_related("stock").first() if sku else None
    context: dict[str, Any] = {"form": form, "product": product, "placed": placed}
    if product:
        stock = pricing.stock_of(product)
        context |= {"left": stock.on_hand - stock.reserved, "seen": f"{sku}={product.price}"}
        context["must_confirm"] = form.is_bound and not form.errors
    return render(request, "orders/place.html", context, status=422 if form.errors else 200)


def _again(request: HttpRequest, said: str) -> OrderForm:
    """The form as it was sent, under a new key, which counts if its reader sends it again."""
    form = OrderForm({**request.POST.dict(), "key": str(uuid4())})
    form.add_error(None, said)
    return form
