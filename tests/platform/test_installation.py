"""Which servers and secrets a process takes, and when it refuses to start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.embedded.child import PROJECT
from config.home import Home, Running
from config.settings import installation

DEPLOYMENT = {
    "SECRET_KEY": "a secret",
    "ALLOWED_HOSTS": "onceproof.example, www.onceproof.example",
    "DATABASE_URL": "postgres://db.example/onceproof",
    "BROKER_URL": "redis://broker.example/0",
}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.create()
    return home


@pytest.fixture
def used(home: Home) -> Home:
    """A home in which `manage.py up` has been."""
    home.create_secret()
    home.note(Running(True, "postgres://embedded", "redis://embedded", "web", "flower", "box", 1))
    return home


def test_a_deployment_takes_everything_from_the_environment(home: Home) -> None:
    found = installation.find(DEPLOYMENT, home)
    assert found.database_url == DEPLOYMENT["DATABASE_URL"]
    assert found.allowed_hosts == ("onceproof.example", "www.onceproof.example")
    assert not found.embedded


@pytest.mark.parametrize("name", DEPLOYMENT)
@pytest.mark.parametrize("value", [None, ""])
def test_a_deployment_refuses_to_start_without(name: str, value: str | None, home: Home) -> None:
    environment = {key: text for key, text in DEPLOYMENT.items() if key != name}
    if value is not None:
        environment[name] = value
    with pytest.raises(ImproperlyConfigured, match=name):
        installation.find(environment, home)


@pytest.mark.parametrize("yes", ["true", "y", "T"])
def test_a_deployment_refuses_debug(home: Home, yes: str) -> None:
    done = _started("-c", "import config.settings", home=home, DEBUG=yes)
    assert done.returncode != 0
    assert "DEBUG shows secrets to strangers" in done.stderr


def test_nothing_is_taken_where_nothing_was_started(home: Home) -> None:
    with pytest.raises(ImproperlyConfigured, match="make run"):
        installation.find({}, home)


def test_a_home_is_enough(used: Home) -> None:
    found = installation.find({}, used)
    assert (found.database_url, found.broker_url) == ("postgres://embedded", "redis://embedded")
    assert found.embedded
    assert found.secret_key == used.secret()
    assert len(found.secret_key) >= 50


def test_the_secret_of_a_home_is_not_for_other_servers(used: Home) -> None:
    environment = {**DEPLOYMENT, "SECRET_KEY": ""}
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY"):
        installation.find(environment, used)


def test_a_secret_is_made_once_and_for_its_owner(home: Home) -> None:
    home.create_secret()
    first = home.secret()
    home.create_secret()
    assert home.secret() == first
    assert (home.folder / "secret").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "command",
    [
        ("-m", "gunicorn", "config.wsgi", "--check-config"),
        ("-m", "celery", "-A", "config", "worker"),
        ("manage.py", "relay", "--once"),
        ("manage.py", "check"),
    ],
)
def test_no_process_starts_with_half_a_deployment(command: tuple[str, ...], home: Home) -> None:
    done = _started(*command, home=home, SECRET_KEY="")
    assert done.returncode != 0
    assert "Set SECRET_KEY" in done.stderr + done.stdout


def _started(*command: str, home: Home, **more: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *command],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], "ONCEPROOF_HOME": str(home.folder), **DEPLOYMENT, **more},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("command_line", "needs_none"),
    [
        (["manage.py"], True),
        (["./manage.py", "up"], True),
        (["/srv/manage.py", "help", "relay"], True),
        (["manage.py", "check"], False),
        (["manage.py", "runserver"], False),
        (["/venv/bin/gunicorn"], False),
        (["-c"], False),
        ([], False),
    ],
)
def test_only_what_brings_its_own_servers_goes_on_without(
    command_line: list[str], needs_none: bool
) -> None:
    assert installation.needs_no_servers(command_line) is needs_none
