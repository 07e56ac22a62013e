"""`manage.py reconcile` as a real process: killed in the middle, or two of them at once."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection

from outbox.reconciliation.models import Finding, Reconciliation
from pricing.models import Product
from tests.pricing import shop

pytestmark = pytest.mark.django_db(transaction=True)
PROJECT = Path(__file__).resolve().parents[2]
PATIENCE = 120
CHECK = "pricing.price_is_not_the_last_change"


def reconcile(*options: str) -> "subprocess.Popen[str]":
    """The command, on this test's database."""
    return subprocess.Popen(
        [sys.executable, "manage.py", "reconcile", "--json", *options],
        cwd=PROJECT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def told(process: "subprocess.Popen[str]") -> dict[str, Any]:
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    answer: dict[str, Any] = json.loads(out)
    return answer


def break_prices(count: int) -> None:
    shop.make_category(count)
    Product.objects.update(price="7.77")


def holding_the_last(skus: list[str]) -> psycopg.Connection[Any]:
    """A session that holds a product which the command will want to mend."""
    current = connection.connection
    session = psycopg.connect(
        current.info.dsn, password=connection.settings_dict["PASSWORD"], autocommit=False
    )
    session.execute("SELECT FROM pricing_product WHERE sku = ANY(%s) FOR UPDATE", [skus])
    return session


def wait_until_blocked() -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE wait_event_type = 'Lock' AND query LIKE %s",
                ["%pricing_product%"],
            )
            if cursor.fetchone()[0]:
                return
        time.sleep(0.05)
    raise AssertionError("the command never came to the product that is held")


def test_killed_in_the_middle_of_a_step_it_is_resumed_at_once() -> None:
    break_prices(3)
    session = holding_the_last(["Books-2"])
    process = reconcile("--check", CHECK)
    wait_until_blocked()
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=PATIENCE)
    assert not Finding.objects.exists(), "the step's transaction took its findings with it"
    session.close()

    # It waits for a minute at most; a run that merely stopped moving gives way after ten.
    found = told(reconcile("--check", CHECK))
    assert len(found["findings"]) == 3
    assert all(finding["repaired"] for finding in found["findings"])
    assert set(Product.objects.values_list("price", flat=True)) == {10}
    assert Reconciliation.objects.get().status == "done"


def test_two_at_once_run_one_after_the_other() -> None:
    break_prices(5)
    both = [told(process) for process in [reconcile("--check", CHECK) for _ in range(2)]]
    assert sorted(len(one["findings"]) for one in both) == [0, 5]
    assert Finding.objects.count() == 5
