"""What is done after the last request was not done while both went on."""

from benchmarks.jobs import sequence
from benchmarks.ledger import Ledger
from benchmarks.servers import throwaway


def test_both_rates_are_of_the_time_of_the_requests() -> None:
    """Of 20 requests 10 are done before the last one; the first two are the first tenth."""
    with throwaway() as servers:
        ledger = Ledger(servers.database_url)
        ledger.create()
        for number, job in enumerate(sequence(20)):
            ledger.connection.execute("INSERT INTO work_request VALUES (%s, 1)", [job.operation])
            if number < 10:
                ledger.connection.execute(ENTRY)
        for _ in range(10):
            ledger.connection.execute(ENTRY)
        requests, entries = ledger.rates_together()
        ledger.connection.close()
    assert round(entries / requests, 6) == 9 / 18


ENTRY = """
    INSERT INTO work_entry (operation, account_id, amount) VALUES (gen_random_uuid(), 1, 0)
"""
