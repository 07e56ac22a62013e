"""The navigation: one table, from which every page's menu is made."""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A link of the menu. ``permission`` is what one needs to see it; none means signed in.

    Pages whose view name begins with one of ``marks`` count as this entry's own.
    """

    label: str
    icon: str
    view: str = ""
    address: str = ""  # instead of a view: of another server
    permission: str = ""
    marks: tuple[str, ...] = ()
    elsewhere: bool = False  # leaves the shell: the Django admin, the API's own page


MENU: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    ("", (Entry(label="Home", view="home", icon="home", marks=("home",)),)),
    (
        "Pricing",
        (
            Entry(
                label="Products",
                view="pricing:products",
                icon="tag",
                permission="pricing.view_product",
                marks=("pricing:product",),
            ),
            Entry(
                label="Reductions",
                view="pricing:reductions",
                icon="reduce",
                permission="pricing.view_pricereduction",
                marks=("pricing:reduction", "pricing:schedule"),
            ),
        ),
    ),
    (
        "Shop",
        (
            Entry(
                label="Orders",
                view="orders:orders",
                icon="cart",
                permission="orders.view_order",
                marks=("orders:",),
            ),
        ),
    ),
    (
        "Credits",
        (
            Entry(
                label="Communities",
                view="credits:communities",
                icon="people",
                permission="credits.view_community",
                marks=("credits:communit", "credits:member"),
            ),
            Entry(
                label="Campaigns",
                view="credits:campaigns",
                icon="inbox",
                permission="credits.view_campaign",
                marks=("credits:campaign", "credits:text"),
            ),
        ),
    ),
    (
        "Operations",
        (
            Entry(
                label="Overview",
                view="operations:overview",
                icon="pulse",
                permission="outbox.view_message",
                marks=("operations:overview",),
            ),
            Entry(
                label="Dead letters",
                view="dead_letters",
                icon="alert",
                permission="outbox.view_message",
                marks=("dead_letter",),
            ),
            Entry(
                label="Reconciliation",
                view="reconciliation:overview",
                icon="check",
                permission="outbox.view_reconciliation",
                marks=("reconciliation:",),
            ),
            Entry(
                label="Messages",
                view="operations:messages",
                icon="inbox",
                permission="outbox.view_message",
                marks=("operations:message",),
            ),
            Entry(
                label="Flower",
                address=settings.LINK_TO_FLOWER,
                icon="flower",
                permission="outbox.view_message",
                elsewhere=True,
            ),
            Entry(label="API", view="api-1:openapi-view", icon="code", elsewhere=True),
        ),
    ),
    (
        "Races",
        (
            Entry(
                label="Race lab",
                view="races:index",
                icon="race",
                permission="races.view_labrun",
                marks=("races:index", "races:run", "races:trial"),
            ),
            Entry(
                label="Hot run",
                view="races:hot",
                icon="flame",
                permission="races.view_labrun",
                marks=("races:hot",),
            ),
        ),
    ),
    (
        "House",
        (
            Entry(
                label="People",
                view="admin:auth_user_changelist",
                icon="people",
                permission="auth.view_user",
                elsewhere=True,
            ),
            Entry(
                label="API tokens",
                view="admin:accounts_apitoken_changelist",
                icon="key",
                permission="accounts.view_apitoken",
                elsewhere=True,
            ),
        ),
    ),
)


def navigation(request: HttpRequest) -> dict[str, object]:
    """Context processor: the menu as this user may see it. It is only worked out when shown."""
    return {"navigation": lambda: _menu(request)}


def _menu(request: HttpRequest) -> list[dict[str, object]]:
    groups: list[dict[str, object]] = [
        {"title": title, "links": [link for entry in entries if (link := _link(entry, request))]}
        for title, entries in MENU
    ]
    return [group for group in groups if group["links"]]


def _link(entry: Entry, request: HttpRequest) -> dict[str, object] | None:
    if entry.permission and not request.user.has_perm(entry.permission):
        return None
    if entry.view.startswith("admin:") and not request.user.is_staff:
        return None
    address = entry.address or _address(entry.view)
    if not address:
        return None
    here = request.resolver_match.view_name if request.resolver_match else ""
    return {"entry": entry, "address": address, "current": here.startswith(entry.marks or ("-",))}


def _address(view: str) -> str:
    """Return where a view is; nothing where its app is not installed."""
    try:
        return reverse(view) if view else ""
    except NoReverseMatch:
        return ""
