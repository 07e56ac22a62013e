"""docker-compose.yml and Dockerfile, checked as far as one can without a container engine."""

import json
import os
import re
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml
from django.conf import settings
from django.core.management import get_commands

from config.embedded.child import PROJECT
from config.settings.celery import QUEUES
from tests.deployment import DEPLOYMENT
from tests.stack import Stack

TEXT = (PROJECT / "docker-compose.yml").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["services"]
OURS = {name: one for name, one in SERVICES.items() if name not in ("postgres", "redis")}
NEEDED = {
    *("SECRET_KEY", "ALLOWED_HOSTS", "POSTGRES_PASSWORD", "REDIS_PASSWORD"),
    *("FLOWER_USER", "FLOWER_PASSWORD"),
}


def test_every_part_of_the_system_is_there() -> None:
    queues = {
        queue
        for service in OURS.values()
        if "worker" in service.get("command", ())
        for queue in service["command"][service["command"].index("-Q") + 1].split(",")
    }
    assert queues == set(QUEUES)
    assert {"web", "relay", "beat", "flower", "migrate", "postgres", "redis"} <= set(SERVICES)


@pytest.mark.parametrize("name", [name for name in OURS if "command" in OURS[name]])
def test_every_command_exists(name: str) -> None:
    program, *arguments = OURS[name]["command"]
    if program == "python":
        assert arguments[0] == "manage.py"
        assert arguments[1] in get_commands()
        return
    assert program == "celery"
    command = arguments[arguments.index("config") + 1]
    options = {word.split("=")[0] for word in arguments if word.startswith("--")}
    told = _output("-m", "celery", "-A", "config", command, "--help")
    assert options <= {*re.findall(r"--[\w-]+", told), "--address", "--port"}


@pytest.mark.parametrize("name", OURS)
def test_our_services_are_watched_and_hold_no_privileges(name: str) -> None:
    service = OURS[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert name == "migrate" or "test" in service["healthcheck"]
    assert service["environment"]["PROCESS_NAME"] == name


def test_secrets_come_from_the_environment_and_have_no_default() -> None:
    asked = re.findall(r"\$\{(\w+)(:[?-])?", TEXT)
    assert {name for name, how in asked if how == ":?"} == NEEDED
    defaults = dict(re.findall(r"\$\{(\w+):-([^}]+)\}", TEXT))  # empty ones: not configured
    assert not [name for name in defaults if re.search("SECRET|PASS|TOKEN|KEY", name)]


def test_every_variable_is_explained() -> None:
    explained = set(re.findall(r"^#? ?(\w+)=", (PROJECT / ".env.example").read_text(), re.M))
    assert {name for name, _ in re.findall(r"\$\{(\w+)(:[?-])?", TEXT)} <= explained


def test_the_image_runs_as_nobody_in_particular_and_installs_by_hash() -> None:
    dockerfile = (PROJECT / "Dockerfile").read_text()
    assert re.findall(r"^USER (.+)$", dockerfile, re.M) == ["onceproof"]
    assert "--require-hashes -r requirements.txt" in dockerfile
    ignored = (PROJECT / ".dockerignore").read_text().split()
    assert {".env", ".git", ".onceproof*"} <= set(ignored)


def test_the_image_can_collect_its_static_files(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--no-input", "-v0"],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], "STATIC_ROOT": str(tmp_path), **DEPLOYMENT},
        check=True,
    )
    assert json.loads((tmp_path / "staticfiles.json").read_text())["paths"]


def test_the_brokers_user_may_do_what_celery_needs_and_nothing_else(stack: Stack) -> None:
    rules = re.search(r"user onceproof on >%s (.+?)\\n", TEXT)
    assert rules is not None
    password = secrets.token_hex(8)
    with redis.Redis.from_url(settings.CELERY_BROKER_URL) as admin:
        rights = ("on", f">{password}", *rules[1].split())
        admin.execute_command("ACL", "SETUSER", "onceproof", *rights)
    url = f"redis://onceproof:{password}@{settings.CELERY_BROKER_URL.rpartition('@')[2]}"
    worker = stack.worker("relay", environment={"BROKER_URL": url})
    assert "NoPermission" not in worker.log.read_text()
    with redis.Redis.from_url(url) as user:
        for forbidden in ("FLUSHALL", "CONFIG GET *", "SHUTDOWN", "ACL LIST"):
            with pytest.raises(redis.exceptions.NoPermissionError):
                user.execute_command(*forbidden.split())


def test_the_file_is_one_for_compose() -> None:
    if subprocess.run(["sh", "-c", "docker compose version"], capture_output=True).returncode:
        pytest.skip("there is no docker compose here: the file was read, and not run")
    subprocess.run(
        ["docker", "compose", "config", "--quiet"],
        cwd=PROJECT,
        env={**os.environ, **dict.fromkeys(NEEDED, "x")},
        check=True,
    )


def _output(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    return done.stdout
