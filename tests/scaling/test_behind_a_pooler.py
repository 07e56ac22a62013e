"""PgBouncer in transaction mode: what needs a session goes past it, all else goes through it."""

import json
import os
import subprocess
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.db import transaction

from config.embedded.child import PROJECT, python
from config.scheduler import BEAT_LOCK, SessionLock
from credits import sending
from credits.models import Campaign
from pricing.models import PriceChange, PriceReduction, Product
from tests.credits.world import make_community
from tests.pricing.shop import make_category, schedule
from tests.scaling.pgbouncer import PgBouncer
from tests.stack import Stack

SENDS = "this beat sends from now on"
PRODUCTS = 6_000  # twelve chunks


@pytest.fixture
def pooled(stack: Stack, pooler: PgBouncer) -> dict[str, str]:
    """The environment of a process that works through the pooler, and knows the way past it."""
    direct = stack._environment()
    return {**direct, "DATABASE_URL": pooler.url(), "DIRECT_DATABASE_URL": direct["DATABASE_URL"]}


def test_a_killed_workers_row_is_free_at_once(stack: Stack, pooled: dict[str, str]) -> None:
    """Its client is gone in the middle of a transaction: the pooler ends that server session."""
    make_category(PRODUCTS)
    worker = stack.worker(concurrency=2, environment=pooled)
    stack.relay(environment=pooled)
    schedule(sku=None, category="Books")
    stack.wait_until(lambda: applied() > 0, why=worker)
    stack.kill(worker)
    assert applied() < PRODUCTS, "the run ended before its worker was killed: make it longer"
    worker.start()
    stack.wait_until(lambda: applied() == PRODUCTS, timeout=60, why=worker)
    stack.wait_until(lambda: PriceReduction.objects.get().status == "applied", why=worker)
    assert set(Product.objects.values_list("price", "version")) == {(9, 2)}


def test_a_sender_is_seen_past_the_pooler(stack: Stack, pooled: dict[str, str]) -> None:
    token = uuid4()
    command = python("-m", "tests.scaling.sender", str(token))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, env=os.environ | pooled, cwd=PROJECT, **pipes) as sender:  # type: ignore[call-overload]
        assert sender.stdout.readline() == b"calling the provider\n"
        assert not is_gone(token)
        sender.kill()
    stack.wait_until(lambda: is_gone(token))


def test_beats_lock_falls_with_it_though_the_rest_is_pooled(
    stack: Stack, pooled: dict[str, str]
) -> None:
    """Held through the pooler, it would stay in a session there, and no other beat could send."""
    beat = stack.beat(environment=pooled)
    stack.wait_until(lambda: SENDS in beat.log.read_text(), timeout=90, why=beat)
    another = SessionLock(pooled["DIRECT_DATABASE_URL"], BEAT_LOCK)
    assert not another.hold()
    stack.kill(beat)
    stack.wait_until(another.hold)
    another.release()


def test_the_same_lock_through_the_pooler_is_nobodys(pooler: PgBouncer) -> None:
    """Why beat's lock goes past it: both have the one server session, which has the lock."""
    first, second = SessionLock(pooler.url(), 79), SessionLock(pooler.url(), 79)
    assert first.hold()
    assert second.hold()
    first.release()
    second.release()


def test_what_uses_cursors_and_temporary_tables_goes_through(
    stack: Stack, pooled: dict[str, str], tmp_path: Path
) -> None:
    """Twice each: what one call left in a shared session, the next would stumble over."""
    make_community(credits=50, members=3)
    products, members = tmp_path / "products.csv", tmp_path / "members.csv"
    products.write_text("sku,name,category,price\nA,Anna,Books,1.00\n")
    members.write_text("name,phone\nAnna,+4915112345678\n")
    twice = [
        ["import_products", str(products)],
        ["import_members", "club", str(members)],
        ["send_campaign", "club", "--text", "Hello {name}"],
        ["reconcile"],
    ]
    run(pooled, *twice, *twice, ["migrate", "--no-input"], ["check", "--database", "direct"])
    assert Campaign.objects.count() == 2


def run(environment: dict[str, str], *commands: list[str]) -> None:
    """Commands of ours, one after the other in one process; its output where one fails."""
    done = subprocess.run(
        python("-c", ONE_AFTER_THE_OTHER, json.dumps(commands)),
        env=os.environ | environment,
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr


ONE_AFTER_THE_OTHER = """
import json, sys, django
from django.core.management import call_command
django.setup()
for words in json.loads(sys.argv[1]):
    call_command(*words)
"""


def applied() -> int:
    """How many prices the reduction has changed so far."""
    return PriceChange.objects.filter(cause="reduction").count()


def is_gone(token: UUID) -> bool:
    """What settling asks."""
    with transaction.atomic():
        return sending.is_sender_gone(token)
