"""Every page, asked by axe-core (MPL-2.0, a requirement of the tests alone): WCAG 2.2 A and AA."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import axe_playwright_python
import pytest
from django.utils import timezone
from playwright.sync_api import Page

from outbox import pauses
from outbox.models import Event, Message
from outbox.monitoring.measure import measure
from tests.pricing.shop import apply, schedule

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN = f"""() => axe.run(document, {{ runOnly: {RULES} }}).then((found) =>
    found.violations.map((one) => `${{one.id}}: ${{one.nodes[0].html.slice(0, 200)}}`))"""


@pytest.fixture
def addresses(shop: None) -> dict[str, str]:
    """The pages of a house with something in it, made before there is a browser."""
    applied = apply(schedule(percent="10"))
    schedule("LAMP", percent="5", starts_at="2090-01-01T00:00Z")
    dead = Message.objects.create(
        handler="pricing.apply_reduction",
        args={"reduction_id": str(uuid4())},
        key="order:7",
        operation_id=uuid4(),
        state="dead",
        last_error="Fatal: order 7 is gone",
        finished_at=timezone.now(),
        started_at=timezone.now() - timedelta(seconds=1),
    )
    Event.objects.create(message=dead, kind="dead", error="Fatal: order 7 is gone", attempt=1)
    Event.objects.create(message=dead, kind="refused", error="It is dead.", task_id="task-2")
    pauses.pause("queue:bulk", actor="operator", reason="the provider is down")
    measure()
    return {
        "home": "/",
        "operations": "/operations/",
        "messages": "/operations/messages/",
        "nothing-found": "/operations/messages/?search=zebra",
        "message": f"/operations/messages/{dead.pk}/",
        "dead-letters": "/dead-letters/",
        "dead-letter": f"/dead-letters/{dead.pk}/",
        "products": "/products/",
        "product": f"/products/{applied.product_id}/",
        "edit": f"/products/{applied.product_id}/edit/",
        "schedule": "/reductions/new/?sku=BOOK",
        "reduction": f"/reductions/{applied.pk}/",
        "reductions": "/reductions/",
        "orders": "/orders/",
        "place": "/orders/new/",
        "communities": "/communities/",
        "campaigns": "/campaigns/",
        "races": "/races/",
        "reconciliation": "/reconciliation/",
        "not-found": "/nothing-here/",
    }


@pytest.mark.parametrize(
    ("scheme", "size"),
    [("light", (1280, 860)), ("dark", (390, 800))],
    ids=["light-wide", "dark-narrow"],
)
def test_axe_finds_nothing_on_any_page(
    scheme: Any, size: tuple[int, int], addresses: dict[str, str], desk: Callable[..., Page]
) -> None:
    page = desk(
        color_scheme=scheme,
        reduced_motion="reduce",
        viewport={"width": size[0], "height": size[1]},
    )
    found: dict[str, Any] = {}
    for name, address in addresses.items():
        page.goto(address)
        page.evaluate(AXE)
        if violations := page.evaluate(RUN):
            found[name] = violations
        wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
        assert not wide, f"{name} is wider than the screen"
    assert found == {}


def test_a_chart_is_walked_by_arrow_keys_and_a_bar_filters_the_list(
    addresses: dict[str, str], desk: Callable[..., Page]
) -> None:
    page = desk()
    page.goto(addresses["messages"])
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "search"
    page.locator("[data-chart] a").last.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_url("**happened=done&minute=**")
    page.get_by_role("link", name="done at").click()
    page.wait_for_url(lambda address: "minute" not in address)


def test_a_search_goes_on_by_itself_until_its_end(
    addresses: dict[str, str], desk: Callable[..., Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("outbox.monitoring.sources.SCANNED", 1)
    page = desk()
    page.goto("/operations/messages/?search=order+7+is")
    page.locator("#rows").get_by_text("That is the end.").wait_for()
    assert page.locator("#rows a.mono").count() == 1
