"""The mixed load: reductions, campaigns, purchases, orders and bare effects, over HTTP."""

import random
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from chaos.catalogue import (
    CATEGORY,
    COMMUNITIES,
    DECLINED_CARD,
    FIRST_CREDITS,
    GOOD_CARD,
    GOODS,
    REDUCED,
)
from chaos.client import Client
from chaos.journal import Answer, Journal, Request

CLIENTS = 8
BARE_AT_ONCE = 50
FAR = datetime(2100, 1, 1, tzinfo=UTC)
"""Each reduction expires at a second of its own after this: the mark by which it is found."""

BUYERS = COMMUNITIES[:-1]
"""The last one has its first credits and no more, so that campaigns run short of them as well."""

MIX = {"reduction": 46, "bare": 18, "purchase": 12, "order": 12, "category": 6, "campaign": 6}
"""Requests of each kind among a hundred; a campaign's texts and an order's steps come on top."""


def mark(number: int) -> str:
    """The `expires_at` of the reduction that this request asks for."""
    return (FAR + timedelta(seconds=number)).isoformat()


@dataclass
class Load:
    """So many clients at once, each with one request after the other, while the pace allows it."""

    client: Client
    journal: Journal
    seed: int
    may_go: threading.Event
    _end: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Let the clients begin."""
        for number in range(CLIENTS):
            dice = random.Random(f"{self.seed}:client:{number}")  # noqa: S311 - reproducible
            thread = threading.Thread(
                target=self._run, args=(number, dice), name=f"client-{number}"
            )
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Let every client finish its request, and wait for that."""
        self._end.set()
        self.may_go.set()
        for thread in self._threads:
            thread.join()

    def _run(self, first: int, dice: random.Random) -> None:
        kinds, weights = list(MIX), list(MIX.values())
        kind = kinds[first % len(kinds)]  # so that even a short run has all of them
        while not self._end.is_set():
            self.may_go.wait(1)
            if not self.may_go.is_set() or self._end.is_set():
                continue
            self._ask(kind, dice)
            kind = dice.choices(kinds, weights)[0]
            time.sleep(dice.uniform(0, 0.05))

    def _ask(self, kind: str, dice: random.Random) -> None:
        number = self.journal.number()
        path, body, about = COMPOSE[kind](number, dice)
        request = self.journal.begin(number, kind, path, body, about)
        self.client.send(request, dice)
        if kind == "campaign" and request.answer is Answer.ACCEPTED and dice.random() < 0.3:
            self._cancel(request, dice)

    def _cancel(self, campaign: Request, dice: random.Random) -> None:
        """Some campaigns are cancelled while they run: their last texts race with that."""
        time.sleep(dice.uniform(0, 2))
        path = f"/api/v1/campaigns/{campaign.id}/cancel"
        number = self.journal.number()
        self.client.send(self.journal.begin(number, "cancel", path, {}, campaign.id), dice)


Composed = tuple[str, dict[str, Any], str]


def reduction(number: int, sku: str) -> Composed:
    """One cent off the price of one product."""
    body = {"sku": sku, "amount": "0.01", "if_price_changed": "apply", "expires_at": mark(number)}
    return "/api/v1/price-reductions", body, mark(number)


def _reduction(number: int, dice: random.Random) -> Composed:
    return reduction(number, dice.choice(REDUCED))


def _category(number: int, dice: random.Random) -> Composed:
    more = {"if_price_changed": "apply", "expires_at": mark(number)}
    return (
        "/api/v1/price-reductions",
        {"category": CATEGORY, "amount": "0.01", **more},
        mark(number),
    )


def _purchase(number: int, dice: random.Random) -> Composed:
    """Of an amount that no other purchase has: the mark by which it is found."""
    slug = dice.choice(BUYERS)
    return f"/api/v1/communities/{slug}/credits", {"amount": FIRST_CREDITS + number}, slug


def _campaign(number: int, dice: random.Random) -> Composed:
    text = f"Chaos {number}: hello {{name}}"
    shortfall = dice.choice(("refuse", "send_what_fits"))
    body = {"community": dice.choice(COMMUNITIES), "text": text, "shortfall": shortfall}
    return "/api/v1/campaigns", body, text


def _order(number: int, dice: random.Random) -> Composed:
    card = GOOD_CARD if dice.random() < 0.9 else DECLINED_CARD
    skus = dice.sample(GOODS, dice.randint(1, 3))
    lines = [{"sku": sku, "quantity": dice.randint(1, 3)} for sku in skus]
    email = f"order-{number}@chaos.example"
    return "/api/v1/orders", {"lines": lines, "payment_method": card, "email": email}, email


def bulk(number: int) -> Composed:
    """One bare effect by the workers of the bulk queue."""
    return "/chaos/bare", {"numbers": [number * BARE_AT_ONCE], "bulk": True}, str(number)


def _bare(number: int, dice: random.Random) -> Composed:
    first = number * BARE_AT_ONCE
    return "/chaos/bare", {"numbers": list(range(first, first + BARE_AT_ONCE))}, str(first)


COMPOSE = {
    "reduction": _reduction,
    "category": _category,
    "purchase": _purchase,
    "campaign": _campaign,
    "order": _order,
    "bare": _bare,
}
