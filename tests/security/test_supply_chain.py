"""What is installed: locked by hash, and looked up among the known vulnerabilities."""

import re
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings

from tests import audit

LOCKED = settings.BASE_DIR / "requirements.txt"


def test_every_package_is_locked_with_its_hashes() -> None:
    text = LOCKED.read_text()
    packages = re.findall(r"^[a-z0-9][\w.-]*(?:\[[^\]]*\])?==\S+.*\\$", text, re.M)

    assert len(packages) > 50
    assert len(packages) == len(re.findall(r"^[a-zA-Z0-9]", text, re.M))
    assert len(re.findall(r"\\\n    --hash=sha256:", text)) >= len(packages)
    assert "://" not in re.sub(r"^\s*#.*$", "", text, flags=re.M)  # no registry of anybody's


def report(*packages: dict[str, Any]) -> dict[str, Any]:
    return {"dependencies": list(packages)}


def test_a_vulnerability_is_told_with_what_mends_it() -> None:
    found = {"id": "PYSEC-1", "fix_versions": ["2.0"], "description": "long"}
    verdict = audit.judge(report({"name": "a", "version": "1.0", "vulns": [found]}))

    assert verdict.found == ["a 1.0: PYSEC-1, mended in 2.0"]
    assert "1 known vulnerabilities in 1 packages" in verdict.says


def test_what_could_not_be_looked_up_is_not_called_safe() -> None:
    verdict = audit.judge(
        report(
            {"name": "a", "version": "1.0", "vulns": []},
            {"name": "b", "skip_reason": "Dependency not found on PyPI"},
        )
    )

    assert (verdict.audited, verdict.unknown, verdict.found) == (1, ["b"], [])
    assert "1 packages could NOT be audited" in verdict.says


@pytest.mark.parametrize("printed", ["", "Traceback"])
def test_without_a_database_to_ask_it_says_so_and_fails_nobody(
    printed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(audit, "COMMAND", (sys.executable, "-c", f"print({printed!r})"))

    assert audit.main() == 0
    assert "NOT audited" in capsys.readouterr().out


def test_one_that_hangs_is_given_up(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def hangs(*_: Any, **__: Any) -> Any:
        raise subprocess.TimeoutExpired("pip-audit", 1)

    monkeypatch.setattr(subprocess, "run", hangs)

    assert audit.main() == 0
    assert "NOT audited" in capsys.readouterr().out
