"""Everything is killed, one after the other, while reductions run: each is applied once.

A whole copy under its own supervisor; requests over HTTP with idempotency keys, repeated by the
client as any good client does. `ONCEPROOF_CHAOS_SECONDS` makes it as long as you like.
"""

import json
import logging
import os
import random
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from config.home import Home
from tests.platform.copies import Copy, wait_until
from tests.stack import children_of

pytestmark = pytest.mark.xdist_group("supervisor")

SECONDS = float(os.environ.get("ONCEPROOF_CHAOS_SECONDS", "30"))
PAUSE = 2.5
PER_SECOND = 4
PRODUCTS = 20


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Copy]:
    copy = Copy(tmp_path / "chaos")
    copy.start()
    copy.wait_until_ready()
    yield copy
    copy.stop()


@dataclass
class Client:
    """Places reductions of one cent, each under a key of its own, until it has the answer."""

    copy: Copy
    token: str
    accepted: dict[str, str] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        number = 0
        while not self.stop.wait(1 / PER_SECOND):
            number += 1
            key, sku = f"request-{number}", f"CHAOS-{number % PRODUCTS}"
            self.accepted[key] = self.insist(key, sku)

    def insist(self, key: str, sku: str) -> str:
        """Send one request until it is answered; the key makes that safe."""
        body = {"sku": sku, "amount": "0.01", "if_price_changed": "apply"}
        latest = time.monotonic() + 60
        while time.monotonic() < latest:
            status, answer = self.ask("/api/v1/price-reductions", body, key)
            if status in (200, 201):
                return str(answer["id"])
            assert status in (0, 409, 500, 502, 503), (status, answer)
            threading.Event().wait(0.2)
        raise AssertionError(f"{key} was not answered for a minute")

    def ask(self, path: str, body: Any = None, key: str = "") -> tuple[int, Any]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.copy.port}{path}",
            data=json.dumps(body).encode() if body else None,
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                "Idempotency-Key": key,
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read()
        except (OSError, ValueError):
            return 0, None


def test_nothing_is_lost_and_nothing_happens_twice(copy: Copy, tmp_path: Path) -> None:
    _import_products(copy, tmp_path)
    client = Client(copy, copy.manage("api_token", "operator").stdout.strip())
    thread = threading.Thread(target=client.run)
    thread.start()
    faults = _harm(copy, random.Random(SECONDS))  # noqa: S311 - the same dice each time
    client.stop.set()
    thread.join(90)
    assert not thread.is_alive()
    assert len(client.accepted) > SECONDS * PER_SECOND / 4, "most requests were answered"

    copy.wait_until_ready()
    statuses: dict[str, str] = {}

    def all_ended() -> bool:
        for one in set(client.accepted.values()) - set(statuses):
            status, answer = client.ask(f"/api/v1/price-reductions/{one}")
            if status == 200 and answer["status"] != "scheduled":
                statuses[one] = answer["status"]
        return len(statuses) == len(set(client.accepted.values()))

    wait_until(all_ended, 30, copy.told)
    told = f"{len(faults)} faults {sorted(set(faults))}, {len(statuses)} reductions"
    logging.getLogger(__name__).info(told)
    assert len(statuses) == len(client.accepted), "two requests shared a reduction"
    assert set(statuses.values()) == {"applied"}
    taken_off = sum(Decimal(100) - Decimal(_price(client, n)) for n in range(PRODUCTS))
    assert taken_off == len(statuses) * Decimal("0.01")


def _import_products(copy: Copy, folder: Path) -> None:
    lines = [
        "sku,name,category,price",
        *(f"CHAOS-{n},Thing,Things,100.00" for n in range(PRODUCTS)),
    ]
    catalogue = folder / "products.csv"
    catalogue.write_text("\n".join(lines))
    done = copy.manage("import_products", str(catalogue))
    assert done.returncode == 0, done.stderr


def _price(client: Client, number: int) -> str:
    status, answer = client.ask(f"/api/v1/products/CHAOS-{number}")
    assert status == 200
    return str(answer["price"])


def _harm(copy: Copy, dice: random.Random) -> list[str]:
    """One fault after the other, each kind as often as any other."""
    until, faults, kinds = time.monotonic() + SECONDS, [], []
    while time.monotonic() < until:
        if not kinds:
            kinds = [*copy.processes(), "pool child", "backends", "FLUSHALL"]
            kinds = [kind for kind in kinds if kind != "sandbox"]
            dice.shuffle(kinds)
        fault = kinds.pop()
        with suppress(LookupError, OSError, psycopg.Error, redis.RedisError):
            _inject(copy, fault)
        faults.append(fault)
        threading.Event().wait(PAUSE)
    return faults


def _inject(copy: Copy, fault: str) -> None:
    running = Home(copy.home).running()
    assert running is not None
    if fault == "FLUSHALL":
        with redis.Redis.from_url(running.broker_url) as broker:
            broker.flushall()
    elif fault == "backends":
        with psycopg.connect(running.database_url, autocommit=True) as session:
            session.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
    elif fault == "pool child":
        os.kill(children_of(copy.processes()["main worker"])[0], signal.SIGKILL)
    else:
        os.kill(copy.processes()[fault], signal.SIGKILL)
