"""deploy/scaled: what one of many machines runs, checked without a container engine."""

import os
import re
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from django.core.management import get_commands

from config.embedded.child import PROJECT
from config.settings.celery import QUEUES

FOLDER = PROJECT / "deploy" / "scaled"
FILES = {name: (FOLDER / name).read_text() for name in ("docker-compose.yml", "servers.yml")}
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(FILES["docker-compose.yml"])["services"]
SERVERS: dict[str, dict[str, Any]] = yaml.safe_load(FILES["servers.yml"])["services"]
ONE_MACHINE: dict[str, dict[str, Any]] = yaml.safe_load(
    (PROJECT / "docker-compose.yml").read_text()
)["services"]
OURS = [name for name in SERVICES if name != "pgbouncer"]
VARIABLE = re.compile(r"\$\{(\w+)(:[?-])?")


def test_a_machine_has_every_part_of_the_system_and_no_server() -> None:
    servers = {"postgres", "redis"}
    assert set(SERVICES) == set(ONE_MACHINE) - servers | {"pgbouncer"}
    taken = [word for one in SERVICES.values() for word in _after("-Q", one)]
    assert sorted(",".join(taken).split(",")) == sorted(QUEUES)


@pytest.mark.parametrize("name", OURS)
def test_a_service_runs_what_it_runs_on_one_machine(name: str) -> None:
    """Commands and health checks have one source of truth, whose test starts them."""
    here, there = SERVICES[name], ONE_MACHINE[name]
    assert here.get("command") == there.get("command")
    assert here.get("healthcheck", {}).get("test") == there.get("healthcheck", {}).get("test")
    for rule in ("read_only", "cap_drop", "security_opt", "init", "stop_grace_period"):
        assert here[rule] == there[rule]
    assert here["environment"]["PROCESS_NAME"] == name


def test_what_needs_a_session_goes_past_the_pooler() -> None:
    hosts = {name: urlsplit(_address(name, "DATABASE_URL")).hostname for name in OURS}
    assert {name for name, host in hosts.items() if host == "pgbouncer"} == {
        *("web", "worker-main", "worker-bulk", "worker-relay")
    }
    for name in ("web", "worker-main", "worker-bulk", "worker-relay"):
        assert urlsplit(_address(name, "DIRECT_DATABASE_URL")).hostname == "server"
    assert hosts["relay"] == hosts["beat"] == hosts["migrate"] == "server"


def test_nothing_but_a_migration_waits_for_one_machine_alone() -> None:
    """It runs when it is asked to, once for all; Flower is one for all."""
    assert {name for name in OURS if "profiles" in SERVICES[name]} == {"migrate", "flower"}
    assert SERVICES["migrate"]["command"][-1].split()[:3] == ["python", "manage.py", "prepare"]
    assert {"prepare", "relay", "seen", "database_roles"} <= set(get_commands())
    assert not [name for name in SERVICES if "container_name" in SERVICES[name]]  # they scale


def test_secrets_have_no_default_and_every_variable_is_explained() -> None:
    explained = set(re.findall(r"^#? ?(\w+)=", (FOLDER / ".env.example").read_text(), re.M))
    for text in FILES.values():
        assert {name for name, _ in VARIABLE.findall(text)} <= explained
        given = dict(re.findall(r"\$\{(\w+):-([^}]+)\}", text))
        assert not [name for name in given if re.search("SECRET|PASS|TOKEN|KEY", name)]


def test_the_servers_keep_what_is_acknowledged() -> None:
    assert "-csynchronous_commit=on" in SERVERS["postgres"]["command"]
    for setting in ("idle_in_transaction_session_timeout", "client_connection_check_interval"):
        assert setting in str(SERVERS["postgres"]["command"]), "no pooler passes it on"
    assert {"postgres", "rabbitmq"} <= set(yaml.safe_load(FILES["servers.yml"])["volumes"])
    for server in SERVERS.values():
        assert all(port.startswith("${SERVERS_ADDRESS:") for port in server["ports"])


def test_flower_has_a_broker_user_of_its_own() -> None:
    """The one of web and workers could take dispatches, and empty the broker."""
    assert VARIABLE.findall(str(SERVICES["flower"]["environment"]["BROKER_URL"])) == [
        ("FLOWER_BROKER_URL", ":?")
    ]


def test_redis_gives_root_up_and_gets_a_hash(tmp_path: Path) -> None:
    """Its own command, with a stand-in for the image's entry point that says what it was given."""
    stand_in = tmp_path / "docker-entrypoint.sh"
    stand_in.write_text('#!/bin/sh\necho "$@"; cat "$3"\n')
    stand_in.chmod(0o755)
    *shell, script = SERVERS["redis"]["command"]
    told = subprocess.run(
        [*shell, script.replace("$$", "$").replace("/tmp/", f"{tmp_path}/")],  # noqa: S108
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "REDIS_PASSWORD": "a-secret"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert told.startswith("redis-server --aclfile")
    assert f"user onceproof on #{sha256(b'a-secret').hexdigest()} ~*" in told
    assert "a-secret" not in told
    assert (tmp_path / "users.acl").stat().st_mode & 0o044 == 0o044, (
        "the user without root reads it"
    )


@pytest.mark.parametrize("name", FILES)
def test_the_file_is_one_for_compose(name: str) -> None:
    if subprocess.run(["sh", "-c", "docker compose version"], capture_output=True).returncode:
        pytest.skip("there is no docker compose here: the file was read, and not run")
    needed = {variable: "x" for variable, how in VARIABLE.findall(FILES[name]) if how == ":?"}
    subprocess.run(
        ["docker", "compose", "-f", name, "config", "--quiet"],
        cwd=FOLDER,
        env={**os.environ, **needed, "SERVERS_ADDRESS": "127.0.0.1"},
        check=True,
    )


def _after(option: str, service: dict[str, Any]) -> list[str]:
    command = service.get("command", [])
    return [command[command.index(option) + 1]] if option in command else []


def _address(name: str, variable: str) -> str:
    """As it is when every variable is set, and the database's server is called `server`."""
    address = str(SERVICES[name]["environment"][variable])
    return re.sub(
        r"\$\{(\w+)[^}]*\}",
        lambda found: {"DATABASE_HOST": "server", "DATABASE_PORT": "5432"}.get(found[1], "x"),
        address.replace("@none", "@server"),
    )
