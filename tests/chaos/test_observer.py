"""The observer of those who also end the faults waits for no server that one of them has frozen."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from chaos.observer import Observer
from tests.chaos.bench import address

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_session_that_does_not_answer_is_left_for_another() -> None:
    observer = Observer(address(), patience=2)
    ((frozen,),) = observer.ask("SELECT pg_backend_pid()")
    os.kill(frozen, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as apart:
        answer = apart.submit(observer.ask, "SELECT pg_backend_pid()")
        try:
            assert answer.result(timeout=10) != [(frozen,)]
        finally:
            os.kill(frozen, signal.SIGCONT)
    observer.close()
