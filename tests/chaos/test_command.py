"""The command's exit code, and the bug that it has planted in every process of its stack."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command

from chaos import own_home
from chaos.checkers.books import Harm, Violation
from chaos.management.commands import chaos
from config.embedded.child import PROJECT
from tests.chaos.test_report import outcome

LOCKED = "from outbox import claims; print('SKIP LOCKED' in claims._CLAIM_FIRST)"


@pytest.fixture
def _signals() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("_signals")
@pytest.mark.parametrize("harm", Harm)
def test_it_fails_where_anything_was_lost_or_doubled(
    harm: Harm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chaos, "run", lambda wish, say: outcome(violations, []))
    violations: list[Violation] = []
    call_command("chaos")
    violations.append(Violation("orders", harm, "order 1", "it is gone, or there twice"))
    with pytest.raises(SystemExit) as ended:
        call_command("chaos")
    assert ended.value.code == 1


def said(home: Path, bug: str) -> subprocess.CompletedProcess[str]:
    """What a process of that home says, once Django is set up in it."""
    code = f"import django; django.setup(); {LOCKED}"
    names = {"ONCEPROOF_HOME": str(home), "ONCEPROOF_CHAOS_BUG": bug}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", **names},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_process_of_the_stack_has_the_bug(tmp_path: Path) -> None:
    own_home.mark(tmp_path)
    for bug, locked in (("", "True\n"), ("no_lock", "False\n")):
        done = said(tmp_path, bug)
        assert done.stdout == locked, done.stderr


def test_a_process_of_another_home_does_not_even_start(tmp_path: Path) -> None:
    done = said(tmp_path, "no_lock")
    assert done.returncode != 0
    assert "NotOurs" in done.stderr
