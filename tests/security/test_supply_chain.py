"""What is installed: locked by hash, and looked up among the known vulnerabilities."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests import audit

LOCKED = sorted(settings.BASE_DIR.glob("requirements*.txt"))
PACKAGE = re.compile(r"^[a-z0-9][\w.-]*(?:\[[^\]]*\])?==\S+.*\\$", re.M)


@pytest.mark.parametrize("file", LOCKED, ids=lambda file: file.stem)
def test_every_package_is_locked_with_its_hashes(file: Path) -> None:
    text = file.read_text()
    packages = PACKAGE.findall(text)

    assert len(packages) > 5
    assert len(packages) == len(re.findall(r"^[a-zA-Z0-9]", text, re.M))
    assert len(re.findall(r"\\\n    --hash=sha256:", text)) >= len(packages)
    assert "://" not in re.sub(r"^\s*#.*$", "", text, flags=re.M)  # no registry of anybody's


def test_what_can_be_installed_is_locked_anew_and_looked_up() -> None:
    """The linters' own packages are no deployment's."""
    makefile = (settings.BASE_DIR / "Makefile").read_text()
    names = re.search(r"for name in ([\w -]+);", makefile)

    assert names
    assert {f"{name}.txt" for name in names[1].split()} == {file.name for file in LOCKED}
    assert {file.name for file in LOCKED} - {"requirements-dev.txt"} == set(audit.LOCKED)
    assert set(audit.LOCKED) <= set(audit.COMMAND)


def test_files_that_are_installed_together_lock_the_same_versions() -> None:
    """Else pip refuses the image's two, and `make lint` looks at others than `make run`."""
    versions: dict[str, set[str]] = {}
    for file in LOCKED:
        for line in PACKAGE.findall(file.read_text()):
            name, version = line.split("[")[0].split("==")[0], line.split("==")[1].split()[0]
            versions.setdefault(name, set()).add(version)

    assert {name for name, found in versions.items() if len(found) > 1} == set()


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
