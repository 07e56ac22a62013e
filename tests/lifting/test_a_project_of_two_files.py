"""`outbox/`, copied into another project of two files, works there and passes its own tests."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from psycopg import sql

from config.embedded.child import PROJECT

SETTINGS = """
import os

SECRET_KEY = "of-a-project-with-an-outbox"
USE_TZ = True
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "outbox"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": os.environ["PGHOST"],
        "PORT": os.environ["PGPORT"],
        "USER": os.environ["PGUSER"],
        "PASSWORD": os.environ["PGPASSWORD"],
        "NAME": "lifted",
    }
}
"""
MANAGE = """
import os
import sys

from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
execute_from_command_line(sys.argv)
"""


@pytest.fixture
def project(tmp_path: Path, transactional_db: None) -> Iterator[Path]:
    """A folder with settings.py, manage.py and a copy of outbox/; a database of its own."""
    (tmp_path / "settings.py").write_text(SETTINGS)
    (tmp_path / "manage.py").write_text(MANAGE)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PROJECT / "outbox", tmp_path / "outbox", ignore=ignored)
    _administer("DROP DATABASE IF EXISTS {}", "CREATE DATABASE {}")
    yield tmp_path
    _administer("DROP DATABASE {} WITH (FORCE)")


def test_it_is_whole(project: Path) -> None:
    for command in (["check"], ["makemigrations", "--check"], ["migrate"], ["relay", "--once"]):
        done = _run(project, "manage.py", *command)
        assert done.returncode == 0, done.stderr


def test_it_passes_its_own_tests(project: Path) -> None:
    shutil.copy(PROJECT / "tests" / "cleaning.py", project / "conftest.py")  # sooner done with it
    done = _run(project, "-m", "pytest", "outbox/tests", "-q", "-W", "error", "-p", "no:valkey")
    assert done.returncode == 0, done.stdout[-6000:]
    assert " passed" in done.stdout


def _run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    database = settings.DATABASES["default"]
    environment = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "settings",
        "PGHOST": database["HOST"],
        "PGPORT": str(database["PORT"]),
        "PGUSER": database["USER"],
        "PGPASSWORD": database["PASSWORD"],
    }
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def _administer(*statements: str) -> None:
    database = settings.DATABASES["default"]
    with psycopg.connect(
        host=database["HOST"],
        port=database["PORT"],
        user=database["USER"],
        password=database["PASSWORD"],
        dbname="postgres",
        autocommit=True,
    ) as session:
        for statement in statements:
            session.execute(sql.SQL(statement).format(sql.Identifier("lifted")))
