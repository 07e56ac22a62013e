"""No CPU time is lost where processes end while it is read, or soon after."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.db import connection

from benchmarks import machine
from benchmarks.ledger import Ledger

PARENT = """
import os, sys, time
reader, writer = os.pipe()
child = os.fork()
if not child:
    os.close(writer)
    while time.process_time() < 1:
        pass
    os.write(1, b"worked\\n")
    os.read(reader, 1)  # until it is killed, or its parent has ended
print(child, flush=True)
sys.stdin.readline()
os.kill(child, 9)
os.wait()
print("reaped", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def parent() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", PARENT]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        yield process
        process.kill()


@pytest.mark.skipif(not machine.PROC.exists(), reason="there is no /proc")
def test_one_that_ends_between_two_lines_of_proc_is_counted_once(
    parent: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its parent's line is read, then it is reaped, then its own line is looked for in vain."""
    assert parent.stdin
    assert parent.stdout
    said = [parent.stdout.readline() for _ in range(2)]
    (child,) = [int(line) for line in said if line.strip().isdigit()]
    read, looks = machine._processes, list[int]()

    def torn() -> list[machine._Stat]:
        looks.append(0)
        found = read()
        if len(looks) > 1:
            return found
        print("go", file=parent.stdin, flush=True)
        assert parent.stdout.readline() == "reaped\n"
        return [stat for stat in found if stat.pid != child]

    monkeypatch.setattr(machine, "_processes", torn)
    assert 0.9 <= machine.cpu_seconds(parent.pid) < 1.8


def test_the_meter_waits_until_those_who_connected_are_gone(ledger: Ledger) -> None:
    """A backend goes on with its statement for a while after its client has left."""
    with ledger.clients_gone():
        other = ledger.another()
        backend = other.info.backend_pid
        other.pgconn.send_query(b"SELECT pg_sleep(0.5)")
        other.close()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", [backend])
        assert cursor.fetchone() == (0,)
