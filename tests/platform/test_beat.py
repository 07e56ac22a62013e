"""Two beats: one sends, the other stands by and takes over."""

from datetime import UTC, datetime

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from config import broker
from config.scheduler import SessionLock
from tests.stack import Stack


@pytest.fixture
def url(db: None) -> str:
    del db
    return str(settings.DIRECT_DATABASE_URL)


def test_one_holds_the_lock_and_the_other_takes_over(url: str) -> None:
    first, second = SessionLock(url, 77), SessionLock(url, 77)
    assert first.hold()
    assert not second.hold()
    assert first.hold()
    first.release()
    assert second.hold()
    assert not first.hold()
    second.release()


def test_the_lock_falls_with_its_session(url: str) -> None:
    first, second = SessionLock(url, 78), SessionLock(url, 78)
    assert first.hold()
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE objid = 78")
    assert second.hold()
    assert not first.hold()  # it notices, and does not send on
    second.release()


def test_two_beats_send_once_and_one_takes_over_from_a_killed_one(stack: Stack) -> None:
    beats = [stack.beat(), stack.beat()]
    stack.wait_until(lambda: _sent() >= 4, why=beats[0])
    start, before = datetime.now(UTC), _sent()
    stack.wait_until(lambda: _sent() >= before + 4, why=beats[0])
    seconds = (datetime.now(UTC) - start).total_seconds()
    assert seconds > 2.5  # one each second; two senders would need half of it

    sender = next(beat for beat in beats if "this beat sends from now on" in beat.log.read_text())
    stand_by = next(beat for beat in beats if beat is not sender)
    assert "this beat sends from now on" not in stand_by.log.read_text()
    stack.kill(sender)
    before = _sent()
    stack.wait_until(lambda: _sent() >= before + 2, why=stand_by)
    assert "this beat sends from now on" in stand_by.log.read_text()


def test_beat_survives_a_restart_of_the_database(stack: Stack) -> None:
    beat = stack.beat()
    stack.wait_until(lambda: _sent() >= 1, why=beat)
    stack.kill_postgres()
    stack.start_postgres()
    before = _sent()
    stack.wait_until(lambda: _sent() >= before + 2, why=beat)
    assert beat.is_running()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted")
        assert cursor.fetchone() == (1,)


def _sent() -> int:
    """How many of the relay's tasks wait in its queue, from which no worker takes any here."""
    return broker.waiting(["relay"])["relay"]
