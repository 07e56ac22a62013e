"""`python -m tests.pages.measure [--messages N] [--write]`: how long each page takes.

Starts throwaway servers, fills the tables as a week of a busy shop would, and asks for every page
as somebody who may see all of them, in this process: what is measured is the server's time. Exits
with 1 where a page's 95th percentile is above 100 ms, or a page asks more than 30 questions. Wants
a quiet machine; "CPU" is the processor time of this process and its PostgreSQL, which no neighbour
changes. `--write` writes docs/pages.md.
"""

import argparse
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

LIMIT_MS, MOST_QUERIES, TIMES = 100.0, 30, 20  # as many times is each page asked for
OF_EACH = 60  # of everything that is no message and no product
FILL = (Path(__file__).parent / "million.sql").read_text()


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What one page took: milliseconds, and questions asked of the database."""

    name: str
    address: str
    status: int
    median: float
    p95: float
    cpu: float
    queries: int

    @property
    def is_slow(self) -> bool:
        """Whether it breaks the promise."""
        return self.p95 > LIMIT_MS or self.queries > MOST_QUERIES


def main() -> int:
    """Measure, print a table, return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    os.environ["LOG_LEVEL"] = "CRITICAL"
    from tests import settings as test_settings

    if test_settings.SERVERS is not None:
        test_settings.SERVERS.start()
        test_settings.SERVERS.postgres.create_database(test_settings.DATABASE)
    import django

    django.setup()
    from tests.pages import measured

    load = os.getloadavg()[0]
    figures = [_measure(name, address) for name, address in _addresses(options.messages)]
    slow = [one for one in figures if one.is_slow]
    print(f"{len(slow)} too slow: {', '.join(one.address for one in slow)}")  # noqa: T201
    if options.write:
        measured.write(figures, messages=options.messages, load=(load, os.getloadavg()[0]))
    return 1 if slow else 0


def _addresses(messages: int) -> list[tuple[str, str]]:
    """Every page of the site, after filling it, and what people search and filter for."""
    from django.core.management import call_command
    from django.db import connection

    from outbox.models import Message
    from tests.pages.full_house import fill
    from tests.pages.test_every_page_asks_little import addresses

    call_command("migrate", verbosity=0)
    house = fill(OF_EACH)
    with connection.cursor() as cursor:
        cursor.execute(FILL, {"count": messages})
        cursor.execute("VACUUM ANALYZE")
    one = Message.objects.order_by("-id")[messages // 2]
    return [*addresses(house), ("metrics", "/metrics"), *_searches(one)]


def _searches(one: "object") -> list[tuple[str, str]]:
    """Filters and searches, those that find nothing among them."""
    from outbox.models import Message

    assert isinstance(one, Message)
    minute = f"{one.created_at:%Y-%m-%dT%H:%MZ}"
    listed, admin = "/operations/messages/", "/admin/outbox/message/"
    found = [
        *(f"{listed}?state={state}" for state in ("due", "later", "failing", "done", "dead")),
        *(f"{listed}?search={text}" for text in ("zebra", one.pk, one.operation_id, "order:3")),
        *(f"{listed}?handler=nothing.here", f"{listed}?queue=critical", f"{listed}{one.pk}/"),
        *(f"{listed}?happened={what}&minute={minute}" for what in ("created", "done", "dead")),
        *("/products/?search=zebra", "/products/?search=roast&page=3"),
        *(f"{admin}?state=dead", f"{admin}?state=expired", f"{admin}?q={one.pk}", f"{admin}?p=50"),
        *(f"{admin}?handler=credits.send_text", f"{admin}?q=zebra"),
    ]
    return [("search", address) for address in found]


def _measure(name: str, address: str) -> Figures:
    from django.contrib.auth.models import Group, User
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    boss = User.objects.filter(username="boss").first() or User.objects.create_superuser("boss")
    boss.groups.add(*Group.objects.filter(name__in=("viewer", "operator", "admin")))
    client = Client()
    client.force_login(boss)
    client.get(address)  # what is asked once in a process is not of interest
    with CaptureQueriesContext(connection) as captured:
        status = client.get(address).status_code
        queries = len(captured)
    backend = _ask_backend()
    spans, cpu = [], _cpu(backend)
    for _ in range(TIMES):
        start = time.perf_counter()
        client.get(address)
        spans.append((time.perf_counter() - start) * 1000)
    spans.sort()
    figures = Figures(
        name=name,
        address=address,
        status=status,
        median=spans[TIMES // 2],
        p95=spans[int(TIMES * 0.95) - 1],
        cpu=(_cpu(backend) - cpu) / TIMES,
        queries=queries,
    )
    mark = "*" if figures.is_slow else " "
    told = f"{figures.median:6.1f} {figures.p95:6.1f} ms, CPU {figures.cpu:5.1f} ms, {queries:2}"
    print(f"{mark} {status} {told} queries  {address}", flush=True)  # noqa: T201
    return figures


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
