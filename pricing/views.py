"""The pricing pages. A viewer sees, an operator acts; the rules are in the services."""

from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from pricing import selectors, services, timeline
from pricing.forms import ProductForm, ScheduleForm
from pricing.inputs import InvalidInput
from pricing.models import PriceChange, PriceReduction, Product, ReductionTarget
from pricing.plot import step_plot

PRODUCTS_PER_PAGE = 50
REDUCTIONS_PER_PAGE = 50
#: What the pages of a single product or reduction show of long lists.
NEWEST = 50

may_see_products = permission_required("pricing.view_product", raise_exception=True)
may_see_reductions = permission_required("pricing.view_pricereduction", raise_exception=True)
may_schedule = permission_required("pricing.add_pricereduction", raise_exception=True)
may_cancel = permission_required("pricing.change_pricereduction", raise_exception=True)
may_edit = permission_required("pricing.change_product", raise_exception=True)
#: One address answers browsers with a page and htmx with a part of it: no cache may mix them up.
part_for_htmx = vary_on_headers("HX-Request")


@login_required
@may_see_products
@part_for_htmx
@require_safe
def products(request: HttpRequest) -> HttpResponse:
    """List products, searched by SKU, name or category."""
    search = request.GET.get("search", "").strip()
    found: Any = selectors.find_first(search) if search else selectors.search_products()
    page: Page[Any] = Paginator(found, PRODUCTS_PER_PAGE).get_page(request.GET.get("page"))
    if search:
        page.object_list = selectors.products_in_order(list(page.object_list))
    return _show(request, "products", {"page": page, "search": search})


@login_required
@may_see_products
@part_for_htmx
@require_safe
def product(request: HttpRequest, product_id: int) -> HttpResponse:
    """Show one product: its price over time, and its reductions as they stand."""
    shown = get_object_or_404(Product, pk=product_id)
    history = selectors.price_history(shown)
    context = {
        "product": shown,
        "changes": history[: -NEWEST - 1 : -1],
        "plot": step_plot(history),
        "targets": selectors.reductions_of(shown).select_related("reduction__product")[:NEWEST],
    }
    return _show(request, "product", context)


@login_required
@may_edit
@require_http_methods(["GET", "HEAD", "POST"])
def edit_product(request: HttpRequest, product_id: int) -> HttpResponse:
    """Edit a product; the second of two editors is asked which values shall hold."""
    edited = get_object_or_404(Product, pk=product_id)
    if request.method != "POST":
        return _edit_page(request, edited, ProductForm.of(edited))
    form = ProductForm(request.POST)
    if not form.is_valid():
        return _edit_page(request, edited, form)
    draft = dict(form.cleaned_data)
    try:
        services.edit_product(
            sku=edited.sku,
            based_on_revision=draft.pop("revision"),
            actor=request.user.username,
            **draft,
        )
    except InvalidInput as refusal:
        form.add_refusal(refusal)
        return _edit_page(request, edited, form)
    except services.EditConflict as conflict:
        return render(request, "pricing/conflict.html", _choices(conflict), status=409)
    messages.success(request, f"{edited.sku} is saved.")
    return redirect("pricing:product", edited.pk)


@login_required
@may_see_reductions
@part_for_htmx
@require_safe
def reductions(request: HttpRequest) -> HttpResponse:
    """List reductions, newest first, all or those of one status."""
    status = request.GET.get("status", "")
    if status not in PriceReduction.Status.values:
        status = ""
    found = Paginator(selectors.list_reductions(status=status), REDUCTIONS_PER_PAGE)
    page = found.get_page(request.GET.get("page"))
    context = {"page": page, "status": status, "statuses": PriceReduction.Status.choices}
    return _show(request, "reductions", context)


@login_required
@may_see_reductions
@part_for_htmx
@require_safe
def reduction(request: HttpRequest, reduction_id: UUID) -> HttpResponse:
    """Show one reduction: its timeline, and what became of each product."""
    try:
        shown = selectors.find_reduction(reduction_id)
    except PriceReduction.DoesNotExist:
        raise Http404 from None
    context = {
        "reduction": shown,
        "steps": timeline.of(shown),
        "outcomes": selectors.count_outcomes(shown),
        "targets": _with_changes(shown, list(selectors.list_targets(shown)[:NEWEST])),
        "can_cancel": shown.status == PriceReduction.Status.SCHEDULED,
    }
    return _show(request, "reduction", context)


@login_required
@may_schedule
@require_http_methods(["GET", "HEAD", "POST"])
def schedule(request: HttpRequest) -> HttpResponse:
    """Schedule a reduction. However often one rendered form is sent, it schedules one."""
    if request.method != "POST":
        return _schedule_page(request, ScheduleForm(initial=_prefilled(request)))
    form = ScheduleForm(request.POST)
    if not form.is_valid():
        return _schedule_page(request, form)
    key = f"page:{request.user.pk}:{form.cleaned_data['key']}"
    try:
        made = services.schedule_reduction(actor=request.user.username, key=key, **form.request())
    except InvalidInput as refusal:
        form.add_refusal(refusal)
        return _schedule_page(request, form)
    except services.KeyReused:
        return _schedule_page(request, _with_fresh_key(request))
    messages.success(request, f"{made.terms} off {made.scope} is scheduled.")
    return redirect("pricing:reduction", made.pk)


@login_required
@may_cancel
@require_POST
def cancel(request: HttpRequest, reduction_id: UUID) -> HttpResponse:
    """Cancel a reduction, unless it has ended by now; a second press finds it cancelled."""
    try:
        services.cancel_reduction(reduction_id=reduction_id, actor=request.user.username)
        messages.success(request, "The reduction is cancelled.")
    except PriceReduction.DoesNotExist:
        messages.error(request, "There is no such reduction.")
        return redirect("pricing:reductions")
    except services.NotCancellable as refusal:
        messages.warning(request, str(refusal))
    return redirect("pricing:reduction", reduction_id)


def _show(request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    """Answer a browser with the page, and htmx with the part of it that changes."""
    folder = "pricing/parts" if "HX-Request" in request.headers else "pricing"
    return render(request, f"{folder}/{name}.html", context)


def _with_changes(
    reduction: PriceReduction, targets: list[ReductionTarget]
) -> list[tuple[ReductionTarget, PriceChange | None]]:
    """Pair each product of a reduction with the price change that it got, if any."""
    made = reduction.price_changes.filter(product__in=[target.product_id for target in targets])
    by_product = {change.product_id: change for change in made}
    return [(target, by_product.get(target.product_id)) for target in targets]


def _choices(conflict: services.EditConflict) -> dict[str, Any]:
    """Set what a product is now against what its second editor wanted, field by field."""
    rows = [
        {
            "field": name,
            "label": field.label or name.capitalize(),
            "theirs": getattr(conflict.current, name),
            "yours": getattr(conflict.submitted, name),
        }
        for name, field in ProductForm.base_fields.items()
        if name != "revision"
    ]
    return {
        "product": conflict.current,
        "rows": [row for row in rows if row["theirs"] != row["yours"]],
        "agreed": [row for row in rows if row["theirs"] == row["yours"]],
    }


def _edit_page(request: HttpRequest, edited: Product, form: ProductForm) -> HttpResponse:
    context = {"product": edited, "form": form}
    return render(request, "pricing/edit.html", context, status=422 if form.errors else 200)


def _schedule_page(request: HttpRequest, form: ScheduleForm) -> HttpResponse:
    context = {"form": form, "categories": [name for name, _ in selectors.list_categories()]}
    return render(request, "pricing/schedule.html", context, status=422 if form.errors else 200)


def _prefilled(request: HttpRequest) -> dict[str, str]:
    for scope in ("sku", "category"):
        if target := request.GET.get(scope):
            return {"scope": scope, "target": target}
    return {}


def _with_fresh_key(request: HttpRequest) -> ScheduleForm:
    """Return the form as it was sent under a new key, which counts if its reader sends it again."""
    form = ScheduleForm({**request.POST.dict(), "key": str(uuid4())})
    form.add_error(
        None,
        "This form has scheduled a reduction already, and you have changed it since. "
        "Send it again if you want a second one.",
    )
    return form
