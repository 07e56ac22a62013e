"""Which servers, secret and hosts this process works with: the environment's, else the home's.

Three cases:
- DATABASE_URL and BROKER_URL are set: a deployment. SECRET_KEY and ALLOWED_HOSTS must be set, too,
  and DEBUG must not. (The supervisor, which serves loopback only, supplies both from the home.)
- They are not set, and `manage.py up` has been here: whatever it started, as its home says.
- Neither: nothing runs yet. Only what brings its own servers, and the help, may go on.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from config.home import Home, Running

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
REQUIRED = ("SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL", "BROKER_URL")
BRING_THEIR_OWN = {
    "up",
    "chaos",
    "races",
    "reduction",
    "record_races",
    "try_race",
    "help",
    "--help",
    "--version",
}


@dataclass(frozen=True, kw_only=True)
class Installation:
    """Everything that differs between one installation and the next."""

    secret_key: str
    allowed_hosts: tuple[str, ...]
    database_url: str
    broker_url: str
    embedded: bool  # our own throwaway servers on loopback, demo accounts, no TLS


def find(environment: Mapping[str, str], home: Home) -> Installation:
    """The installation to work with; ImproperlyConfigured says what is missing."""
    running = home.running()
    if environment.get("DATABASE_URL") or environment.get("BROKER_URL"):
        return _deployment(_with_home(environment, home, running))
    if running is not None:
        return _from_home(environment, home, running)
    if needs_no_servers(sys.argv):
        return _nothing_yet()
    raise ImproperlyConfigured(
        f"Nothing runs in {home.folder} yet: start it with `make run`, or set "
        f"{', '.join(REQUIRED)} to use servers of your own."
    )


def needs_no_servers(command_line: list[str]) -> bool:
    """Whether this is a manage.py command that brings its own servers, or a question about them."""
    program, *words = command_line or [""]
    return Path(program).name == "manage.py" and (not words or words[0] in BRING_THEIR_OWN)


def _deployment(environment: Mapping[str, str]) -> Installation:
    missing = [name for name in REQUIRED if not environment.get(name)]
    if missing:
        raise ImproperlyConfigured(
            f"Set {', '.join(missing)} as well: with servers of your own, {', '.join(REQUIRED)} "
            "are all needed. Without DATABASE_URL and BROKER_URL, `make run` brings its own."
        )
    if "*" in _hosts(environment["ALLOWED_HOSTS"]):
        raise ImproperlyConfigured(
            "ALLOWED_HOSTS is *: links would lead wherever a request says. Name the hosts."
        )
    return Installation(
        secret_key=environment["SECRET_KEY"],
        allowed_hosts=_hosts(environment["ALLOWED_HOSTS"]),
        database_url=environment["DATABASE_URL"],
        broker_url=environment["BROKER_URL"],
        embedded=False,
    )


def _with_home(
    environment: Mapping[str, str], home: Home, running: Running | None
) -> Mapping[str, str]:
    """What `up` supplies to processes on the very servers that it was told to use."""
    starts = needs_no_servers(sys.argv)
    if not starts and (running is None or running.database_url != environment.get("DATABASE_URL")):
        return environment
    supplied = {"SECRET_KEY": home.secret() or ("unused" if starts else "")}
    return {**supplied, "ALLOWED_HOSTS": ",".join(LOOPBACK), **_set(environment)}


def _from_home(environment: Mapping[str, str], home: Home, running: Running) -> Installation:
    hosts = environment.get("ALLOWED_HOSTS")
    return Installation(
        secret_key=environment.get("SECRET_KEY") or home.secret() or "",
        allowed_hosts=_hosts(hosts) if hosts else LOOPBACK,
        database_url=running.database_url,
        broker_url=running.broker_url,
        embedded=running.embedded,
    )


def _nothing_yet() -> Installation:
    """For `up`, which starts everything else with settings of its own."""
    return Installation(
        secret_key="unused",  # noqa: S106 (signs nothing: no request is served with it)
        allowed_hosts=(),
        database_url="postgres://nobody@127.0.0.1:1/nothing",
        broker_url="memory://",
        embedded=True,
    )


def _hosts(text: str) -> tuple[str, ...]:
    return tuple(host.strip() for host in text.split(",") if host.strip())


def _set(environment: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in environment.items() if value}
