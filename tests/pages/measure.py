"""`python -m tests.pages.measure [--messages N]`: how long each page takes with a full house.

Starts throwaway servers, fills the tables as a week of a busy shop would, and asks for every page
as an operator, in this process: what is measured is the server's time. Exits with 1 where a page's
95th percentile is above 100 ms, or a page asks more than 30 questions. Wants a quiet machine; the
column "busy" is the processor time of this process and its PostgreSQL, which no neighbour changes.
"""

import argparse
import os
import sys
import time
from pathlib import Path

LIMIT_MS, MOST_QUERIES, TIMES = 100.0, 30, 20  # as many times is each page asked for
FILL = (Path(__file__).parent / "million.sql").read_text()


def main() -> int:
    """Measure, print a table, return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    messages = parser.parse_args().messages
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    os.environ["LOG_LEVEL"] = "ERROR"
    from tests import settings as test_settings

    if test_settings.SERVERS is not None:
        test_settings.SERVERS.start()
        test_settings.SERVERS.postgres.create_database(test_settings.DATABASE)
    import django

    django.setup()
    _fill(messages)
    slow = [address for address in _addresses() if not _measure(address)]
    print(f"{len(slow)} too slow" + "".join(f"\n  {address}" for address in slow))  # noqa: T201
    return 1 if slow else 0


def _fill(messages: int) -> None:
    from django.core.management import call_command
    from django.db import connection

    from outbox.models import Message

    call_command("migrate", verbosity=0)
    if Message.objects.count() >= messages:  # a database that was given, and filled before
        return
    with connection.cursor() as cursor:
        cursor.execute(FILL, {"count": messages})
        cursor.execute("VACUUM ANALYZE")


def _addresses() -> list[str]:
    from outbox.models import Message
    from pricing.models import Product

    found = Message.objects.order_by("-id")
    one, dead = found[messages_in_the_middle()], found.filter(state="dead").first()
    product = Product.objects.order_by("pk")[500]
    minute = f"{one.created_at:%Y-%m-%dT%H:%MZ}"
    listed = "/operations/messages/"
    admin = "/admin/outbox/message/"
    return [
        *("/", "/operations/", listed, f"{listed}{one.pk}/", "/metrics"),
        *(f"{listed}?state={state}" for state in ("due", "later", "failing", "done", "dead")),
        *(
            f"{listed}?search={text}"
            for text in ("zebra", one.pk, one.operation_id, "order:300000")
        ),
        *(f"{listed}?handler=nothing.here", f"{listed}?queue=critical"),
        *(f"{listed}?happened={what}&minute={minute}" for what in ("created", "done", "dead")),
        *("/dead-letters/", f"/dead-letters/{dead.pk if dead else one.pk}/", "/reconciliation/"),
        *("/products/", "/products/?search=zebra", "/products/?search=roast&page=3"),
        *(f"/products/{product.pk}/", f"/products/{product.pk}/edit/", "/reductions/"),
        *("/reductions/new/", "/orders/", "/orders/new/", "/communities/", "/campaigns/"),
        *("/races/", admin, f"{admin}?state=dead", f"{admin}?state=expired"),
        *(f"{admin}?handler=credits.send_text", f"{admin}?q={one.pk}", f"{admin}?q=zebra"),
        *(f"{admin}?p=50", "/admin/outbox/event/", "/admin/outbox/idempotencykey/"),
    ]


def messages_in_the_middle() -> int:
    """An offset from the newest message."""
    from outbox.models import Message

    return Message.objects.count() // 2


def _measure(address: str) -> bool:
    from django.contrib.auth.models import Group, User
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    user, _ = User.objects.get_or_create(username="operator", defaults={"is_staff": True})
    user.groups.add(Group.objects.get(name="operator"))
    client = Client()
    client.force_login(user)
    with CaptureQueriesContext(connection) as captured:
        status = client.get(address).status_code
        queries = len(captured)
    backend = _ask_backend()
    spans, busy = [], _cpu(backend)
    for _ in range(TIMES):
        start = time.perf_counter()
        client.get(address)
        spans.append((time.perf_counter() - start) * 1000)
    spans.sort()
    busy = (_cpu(backend) - busy) / TIMES
    median, p95 = spans[TIMES // 2], spans[int(TIMES * 0.95) - 1]
    fine = status in (200, 302) and p95 <= LIMIT_MS and queries <= MOST_QUERIES
    mark = " " if fine else "*"
    figures = f"{median:6.1f} {p95:6.1f} ms, busy {busy:5.1f} ms, {queries:2} queries"
    print(f"{mark} {status} {figures}  {address}", flush=True)  # noqa: T201
    return fine


def _ask_backend() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def _cpu(backend: int) -> float:
    """Milliseconds that this process and its PostgreSQL have worked: no neighbour changes that."""
    own = time.process_time() * 1000
    stat = Path(f"/proc/{backend}/stat")
    if not stat.exists():
        return own
    ticks = sum(map(int, stat.read_text().rpartition(")")[2].split()[11:13]))
    return own + ticks * 1000 / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main())
