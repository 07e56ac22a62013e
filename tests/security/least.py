"""The database's roles and the broker's users for tests: made as a deployment makes them."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
import yaml
from django.core.management import call_command
from django.db import connection

from config.embedded.binaries import valkey_program
from config.embedded.child import PROJECT, Child
from config.embedded.ports import free_port
from config.rights import ROLES
from tests.stack import Stack

COMPOSE = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())["services"]


@contextmanager
def database_roles() -> Iterator[dict[str, str]]:
    """The roles with their passwords; yields the address that each role connects by."""
    password = secrets.token_hex(8)
    with pytest.MonkeyPatch.context() as environment:
        for variable in ("WEB_DATABASE_PASSWORD", "WORKER_DATABASE_PASSWORD"):
            environment.setenv(variable, password)
        call_command("database_roles", stdout=StringIO())
    at = connection.settings_dict
    host = f"{at['HOST']}:{at['PORT'] or 5432}/{at['NAME']}"
    yield {role: f"postgres://{role}:{password}@{host}" for role in ROLES}
    with connection.cursor() as cursor:
        for role in ROLES:
            cursor.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")
    connection.close()


def refusal(url: str, statement: str) -> str:
    """What PostgreSQL says to it, e.g. ``InsufficientPrivilege``; empty where it did it."""
    with psycopg.connect(url) as session:
        try:
            session.execute(statement)
        except psycopg.Error as error:
            return type(error).__name__
        finally:
            session.rollback()
    return ""


@dataclass
class Broker:
    """A broker as docker-compose.yml starts it: its own start script, its own list of users."""

    child: Child
    port: int
    passwords: dict[str, str]

    def url(self, user: str) -> str:
        """The address by which a user (web, worker, flower) connects."""
        return f"redis://onceproof_{user}:{self.passwords[user]}@127.0.0.1:{self.port}/0"

    def client(self, user: str) -> redis.Redis:
        """A connection of this user."""
        return redis.Redis.from_url(self.url(user))


@contextmanager
def broker(folder: Path) -> Iterator[Broker]:
    """Start it on a free port, in a folder of its own; it ends with the test."""
    (folder / "programs").mkdir()
    (folder / "programs/redis-server").symlink_to(valkey_program())
    passwords = {user: secrets.token_hex(8) for user in ("web", "worker", "flower")}
    started = Broker(_child(folder, port := free_port(), passwords), port, passwords)
    started.child.start()
    try:
        Stack(folder, None).wait_until(lambda: _answers(started), why=started.child)
        yield started
    finally:
        started.child.stop(patience=5)


def _child(folder: Path, port: int, passwords: dict[str, str]) -> Child:
    """The very command of docker-compose.yml, on a port of ours and with the folder mounted."""
    _, script, *options = COMPOSE["redis"]["command"]
    mounted = {where: what for what, where, _ in _volumes(COMPOSE["redis"])}
    path, name = script.rsplit("/", 1)
    here = ["--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)]
    environment = {
        f"{user.upper()}_BROKER_PASSWORD": secret for user, secret in passwords.items()
    } | {"ENTRYPOINT": "env", "USERS": str(folder / "users.acl")}
    environment["PATH"] = f"{folder / 'programs'}:/usr/bin:/bin"
    command = ["sh", str(PROJECT / mounted[path] / name), *options, *here]
    return Child("broker", command, folder / "broker.log", environment)


def _volumes(service: dict[str, Any]) -> list[list[str]]:
    return [volume.split(":") for volume in service["volumes"] if volume.count(":") == 2]


def _answers(started: Broker) -> bool:
    try:
        return all(bool(started.client(user).ping()) for user in started.passwords)
    except redis.ConnectionError:
        return False
