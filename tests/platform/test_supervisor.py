"""`manage.py up`: what people and scripts may rely on, seen on whole copies with real processes."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.platform.copies import Copy, wait_until

pytestmark = pytest.mark.xdist_group("supervisor")  # one worker makes the copies once

KINDS = (
    *("postgres", "valkey-server", "gunicorn", "worker-main", "worker-bulk", "worker-relay"),
    *("relay", "beat", "flower", "sandbox"),
)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    """A copy that all tests of this module share, since each start takes seconds."""
    copy = Copy(tmp_path_factory.mktemp("copies") / "one")
    copy.start()
    yield copy
    copy.discard()


@pytest.fixture
def copy(running: Copy) -> Copy:
    """That copy, ready, whatever an earlier test did to it."""
    running.start()
    running.wait_until_ready()
    return running


def test_two_copies_run_side_by_side(copy: Copy, tmp_path: Path) -> None:
    other = Copy(tmp_path / "two")
    other.start()
    other.wait_until_ready()
    tokens = [one.manage("api_token", "operator").stdout.strip() for one in (copy, other)]
    assert _products_with(other, tokens[1]) == 200
    assert _products_with(other, tokens[0]) == 401  # it knows nothing of its neighbour
    other.remember()
    assert other.stop(signal.SIGINT) < 20
    assert other.remains() == []
    assert copy.ask("/readyz")[0] == 200
    other.discard()


def test_everything_runs_and_commands_need_only_the_home(copy: Copy) -> None:
    assert set(copy.processes()) == set(KINDS)
    token = copy.manage("api_token", "operator")
    assert token.returncode == 0, token.stderr
    assert len(token.stdout.split()) == 1
    assert copy.ask("/healthz")[0] == 200
    assert copy.ask("/api/tasks", copy.flower_port)[0] == 200


def test_secrets_are_for_the_owner_alone(copy: Copy) -> None:
    for name in ("secret", "embedded.json", "running.json", "demo-password"):
        assert (copy.home / name).stat().st_mode & 0o077 == 0, name
    listed = subprocess.run(["ps", "-axww", "-o", "args="], capture_output=True, text=True)
    password = (copy.home / "embedded.json").read_text().split('"password": "')[1].split('"')[0]
    assert password not in listed.stdout


def kill_at_work(copy: Copy, kind: str) -> int:
    """Kill -9 one that has lived for a while; its number.

    What dies right after its start waits longer. And another test may have killed this one in its
    last moment: `ready` does not ask for each.
    """
    for _ in range(10):
        process = copy.processes()[kind]
        time.sleep(0.7)
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
            return process
    raise AssertionError(f"{kind} ends again and again: {copy.told()}")


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_killed_is_back_within_a_second(copy: Copy, kind: str) -> None:
    killed = kill_at_work(copy, kind)
    start = time.monotonic()
    wait_until(lambda: copy.processes()[kind] != killed, 5, copy.told)
    assert time.monotonic() - start < 1.2  # a second, and how often this test looks
    copy.wait_until_ready()


def test_a_killed_main_process_leaves_no_children_behind(copy: Copy) -> None:
    before = copy.processes()["worker-main"]
    copy.remember()
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: copy.processes()["worker-main"] != before, 5, copy.told)
    assert not [one for one in copy.remains() if one.group == before]


def test_what_dies_again_and_again_is_never_given_up(copy: Copy) -> None:
    seen = set()
    latest = time.monotonic() + 6
    while len(seen) < 5 and time.monotonic() < latest:
        beat = copy.processes()["beat"]
        seen.add(beat)
        if time.monotonic() < latest:
            try:
                os.kill(beat, signal.SIGKILL)
            except ProcessLookupError:
                time.sleep(0.05)
    assert len(seen) >= 5
    copy.wait_until_ready()


def test_stopping_ends_all_of_it_within_twenty_seconds(copy: Copy) -> None:
    copy.remember()
    assert copy.stop(signal.SIGTERM) < 20
    assert copy.remains() == []


def test_a_killed_supervisor_leaves_nothing_that_hinders(copy: Copy) -> None:
    token = copy.manage("api_token", "operator").stdout.strip()
    copy.remember()
    copy.stop(signal.SIGKILL)
    copy.start()
    copy.wait_until_ready()
    assert copy.remains() == []
    assert _products_with(copy, token) == 200  # the data are there again


def test_everything_killed_at_once_leaves_nothing_that_hinders(copy: Copy) -> None:
    assert copy.supervisor is not None
    for pid in (copy.supervisor.pid, *copy.processes().values()):
        with suppress(ProcessLookupError):  # some end by themselves when their parent is gone
            os.kill(pid, signal.SIGKILL)
    copy.supervisor.wait()
    copy.start()
    copy.wait_until_ready()


def test_a_second_supervisor_in_the_same_home_is_refused(copy: Copy) -> None:
    second = subprocess.run(
        [*copy.supervisor.args],  # type: ignore[union-attr]
        env=copy.environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert second.returncode == 1
    assert "already runs" in second.stderr
    assert copy.ask("/readyz")[0] == 200


def test_a_taken_port_is_named(tmp_path_factory: pytest.TempPathFactory) -> None:
    copy = Copy(tmp_path_factory.mktemp("taken") / "home")
    with socket.create_server(("127.0.0.1", copy.port)):
        copy.start()
        assert copy.supervisor is not None
        assert copy.supervisor.wait(timeout=30) == 1
    assert f"Port {copy.port} is taken" in copy.told()


def _products_with(copy: Copy, token: str) -> int:
    command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}"]
    address = f"http://127.0.0.1:{copy.port}/api/v1/products"
    asked = subprocess.run(
        [*command, "-H", f"Authorization: Bearer {token}", address], capture_output=True, text=True
    )
    return int(asked.stdout)
