"""What tests of reconciliation break behind the application's back, and what is then found."""

import json
from contextlib import suppress
from io import StringIO
from typing import Any

from django.core.management import call_command
from django.db import connection

from orders.models import Order
from tests.orders.shop import again, place, stocked, work_off
from tests.sandbox.process import SandboxProcess


def findings(check: str, *options: str) -> list[dict[str, Any]]:
    out = StringIO()
    with suppress(SystemExit):  # a finding that needs a person is told by the exit status, too
        call_command("reconcile", "--check", f"orders.{check}", "--json", *options, stdout=out)
    found: list[dict[str, Any]] = json.loads(out.getvalue())["findings"]
    return found


def types(check: str) -> list[tuple[str, bool]]:
    return [(finding["type"], finding["repaired"]) for finding in findings(check)]


def execute(sql: str, *params: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


def past_the_trigger(sql: str) -> None:
    execute("ALTER TABLE orders_paymententry DISABLE TRIGGER payment_entry_append_only")
    try:
        execute(sql)
    finally:
        execute("ALTER TABLE orders_paymententry ENABLE TRIGGER payment_entry_append_only")


def make_old(*tables: str) -> None:
    for table in tables or ("orders_sagarun",):
        execute(f"UPDATE {table} SET created_at = created_at - interval '1 day'")


def shipped(sandbox: SandboxProcess) -> Order:
    stocked()
    order = place()
    work_off()
    assert again(order).status == "shipped"
    return again(order)
