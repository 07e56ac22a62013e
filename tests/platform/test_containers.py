"""docker-compose.yml and Dockerfile, checked as far as one can without a container engine."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands

from config.embedded.child import PROJECT
from config.settings.celery import QUEUES
from tests.deployment import DEPLOYMENT

TEXT = (PROJECT / "docker-compose.yml").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["services"]
OURS = {name: one for name, one in SERVICES.items() if name not in ("postgres", "redis")}
ADDRESSES = {"DATABASE_URL", "DIRECT_DATABASE_URL"}  # which compose makes of passwords and hosts
SERVERS = {"RABBITMQ_PASSWORD", "REDIS_PASSWORD", "SERVERS_ADDRESS", "MAX_CONNECTIONS"}
ELSEWHERE = {
    ".": {*ADDRESSES, "BROKER_URL"},
    # The users of a Redis that is the broker; and what servers.yml asks for.
    "deploy/scaled": {*ADDRESSES, *SERVERS}
    | {f"{user}_BROKER_PASSWORD" for user in ("WEB", "WORKER", "FLOWER")},
}
NEEDED = {
    *("SECRET_KEY", "ALLOWED_HOSTS", "POSTGRES_PASSWORD", "FLOWER_USER", "FLOWER_PASSWORD"),
    *("WEB_DATABASE_PASSWORD", "WORKER_DATABASE_PASSWORD"),
    *("WEB_BROKER_PASSWORD", "WORKER_BROKER_PASSWORD", "FLOWER_BROKER_PASSWORD"),
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
    if program == "sh":
        named = re.findall(r"manage\.py (\w+)", arguments[1])
        assert set(named) == {"prepare", "database_roles"}
        assert set(named) <= set(get_commands())
        return
    if program == "python":
        assert arguments[0] == "manage.py"
        assert arguments[1] in get_commands()
        return
    assert program == "celery"
    command = arguments[arguments.index("config") + 1]
    options = {word.split("=")[0] for word in arguments if word.startswith("--")}
    told = _output("-m", "celery", "-A", "config", command, "--help")
    assert options <= {*re.findall(r"--[\w-]+", told), "--address", "--port", "--read-only"}


@pytest.mark.parametrize("name", OURS)
def test_our_services_are_watched_and_hold_no_privileges(name: str) -> None:
    service = OURS[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert name == "migrate" or "test" in service["healthcheck"]
    assert service["environment"]["PROCESS_NAME"] == name


def test_secrets_come_from_the_environment_and_have_no_default() -> None:
    asked = re.findall(r"\$\{(\w+)(:[?-])?", TEXT)
    assert {name for name, how in asked if how == ":?"} == NEEDED
    defaults = dict(re.findall(r"\$\{(\w+):-([^}]+)\}", TEXT))  # empty ones: not configured
    assert not [name for name in defaults if re.search("SECRET|PASS|TOKEN|KEY", name)]


@pytest.mark.parametrize("folder", [".", "deploy/scaled"])
def test_every_setting_that_is_explained_reaches_the_containers_and_no_other(folder: str) -> None:
    """A name without a value is taken from the environment or .env, and absent where it is not."""
    text = (PROJECT / folder / "docker-compose.yml").read_text()
    services = yaml.safe_load(text)["services"]
    used = set(re.findall(r"\$\{(\w+)", text)) | set(services["web"]["build"]["args"])
    explained = _explained(".") | _explained(folder)
    ours = {name: one for name, one in services.items() if "PROCESS_NAME" in one["environment"]}
    for name in ours.keys() - {"flower"}:
        passed = {key for key, value in ours[name]["environment"].items() if value is None}
        assert explained - used - passed == ELSEWHERE[folder], name
        assert used | passed <= _explained(folder), name


def _explained(folder: str) -> set[str]:
    text = (PROJECT / folder / ".env.example").read_text()
    return set(re.findall(r"^#? ?(\w+)=", text, re.M))


def test_the_image_runs_as_nobody_in_particular_and_installs_by_hash() -> None:
    dockerfile = (PROJECT / "Dockerfile").read_text()
    assert re.findall(r"^USER (.+)$", dockerfile, re.M) == ["onceproof"]
    installs = "--require-hashes -r requirements.txt \\\n        ${OBSERVABILITY:+-r %s}"
    assert installs % "requirements-observability.txt" in dockerfile


def test_the_image_holds_no_settings_of_any_folder() -> None:
    """A pattern without `**/` is for the root alone, and deploy/scaled has an .env, too."""
    ignored = (PROJECT / ".dockerignore").read_text().split()
    assert {"**/.env*", ".git", ".onceproof*"} <= set(ignored)
    assert not [pattern for pattern in ignored if pattern.startswith("!")], "nothing comes back"


def test_the_image_can_collect_its_static_files(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--no-input", "-v0"],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], "STATIC_ROOT": str(tmp_path), **DEPLOYMENT},
        check=True,
    )
    assert json.loads((tmp_path / "staticfiles.json").read_text())["paths"]


def test_no_process_has_more_rights_than_its_own() -> None:
    """What the rights are is tested in tests/security."""
    logins = {
        name: [
            re.findall(r"//(\w+)", service["environment"][url])[0]
            for url in ("DATABASE_URL", "BROKER_URL")
        ]
        for name, service in OURS.items()
    }
    assert logins.pop("migrate")[0] == "onceproof"  # the owner
    assert logins.pop("web") == ["onceproof_web", "onceproof_web"]
    assert logins.pop("flower") == ["nobody", "onceproof_flower"]
    assert set(map(tuple, logins.values())) == {("onceproof_worker", "onceproof_worker")}


def test_only_who_migrates_knows_the_owners_password() -> None:
    knows = [name for name, one in OURS.items() if "POSTGRES_PASSWORD" in str(one["environment"])]
    assert knows == ["migrate"]
    flowers = OURS["flower"]["environment"]
    told = {name for name, value in flowers.items() if value is None}
    told |= set(re.findall(r"\$\{(\w+)", str(flowers)))
    assert told == {"LOG_LEVEL", "FLOWER_BROKER_PASSWORD", "FLOWER_USER", "FLOWER_PASSWORD"}


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
