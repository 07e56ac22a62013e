"""Jobs come in while there is room for them, and a ledger that cannot be asked is said to be so."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait

import psycopg
import pytest

from benchmarks.gate import Gate
from benchmarks.ledger import Ledger
from benchmarks.servers import throwaway

ENTRY = """
    INSERT INTO work_entry (operation, account_id, amount) VALUES (gen_random_uuid(), 1, 0)
"""


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    with throwaway() as servers:
        ledger = Ledger(servers.database_url)
        ledger.create()
        yield ledger
        ledger.connection.close()


def test_who_asks_for_more_than_there_is_room_for_waits_until_enough_is_done(
    ledger: Ledger,
) -> None:
    with Gate(ledger, most=3) as enter, ThreadPoolExecutor(1) as client:
        enter(2)
        two_more = client.submit(enter, 2)
        assert wait([two_more], timeout=0.2).not_done
        ledger.connection.execute(ENTRY)
        two_more.result(timeout=10)


def test_a_ledger_that_is_gone_is_told_to_whoever_waits(ledger: Ledger) -> None:
    with Gate(ledger, most=1) as enter:
        enter(1)
        ledger.connection.close()
        with pytest.raises(RuntimeError, match="1 were asked for, and 0 are known") as raised:
            enter(1)
    assert isinstance(raised.value.__cause__, psycopg.OperationalError)
