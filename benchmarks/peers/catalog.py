"""Who the peers are, how each is installed, started and fed, and with which settings."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contenders import Contender
from benchmarks.crew import Crew
from benchmarks.jobs import Job
from benchmarks.peers.install import HERE, INSTALLED, install
from benchmarks.servers import Servers
from benchmarks.work.effects import DEDUCT_MANY
from config.embedded.child import PROJECT, Child

MODULE = "benchmarks.peers.python"


@dataclass(frozen=True)
class Peer:
    """One peer. `{bin}` in a command is the folder of its interpreter's programs."""

    name: str
    language: str  # "python", "node" or "ruby"
    packages: tuple[str, ...]
    work: tuple[tuple[str, ...], ...]  # a command for each process
    jobs: int  # what it does in some four seconds
    prepare: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()

    def contender(self, servers: Servers) -> Contender:
        """As the track wants it."""
        return Contender(self.name, self.name, "", lambda jobs: self.feed(servers, jobs), self.jobs)

    def install(self) -> str:
        """Install it; a second call does nothing. Returns why it cannot be, or nothing."""
        return install(self.name, self.language, self.packages)

    def crew(self, servers: Servers) -> Crew:
        """Its worker processes, not yet started, its tables made."""
        if self.prepare:
            self._run(servers, self.prepare)
        return Crew(
            [
                Child(
                    f"worker {number}" if number else "worker",
                    self._command(command),
                    servers.folder / f"peer-{self.name}-{number}.log",
                    self._environment(servers),
                    folder=self._folder(),
                )
                for number, command in enumerate(self.work)
            ]
        )

    def feed(self, servers: Servers, jobs: Sequence[Job]) -> None:
        """Lay these jobs, through its own client."""
        file = servers.folder / f"jobs-{self.name}.json"
        file.write_text(json.dumps([job.as_args() for job in jobs]))
        self._run(servers, (*self._feeder(), str(file)))

    def _feeder(self) -> tuple[str, ...]:
        if self.language == "python":
            return ("python", "-m", f"{MODULE}.feed")
        if self.language == "ruby":
            return ("ruby", "feed.rb")
        program, script, _ = self.work[0]
        return (program, script, "feed")

    def _run(self, servers: Servers, command: Sequence[str]) -> None:
        done = subprocess.run(  # noqa: S603 (the commands are our own)
            self._command(command),
            env={**os.environ, **self._environment(servers)},
            cwd=self._folder(),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,  # seconds: one that hangs is a failure, and not the end of everything
        )
        if done.returncode:
            raise RuntimeError(f"{self.name}: {done.stdout[-1000:]}{done.stderr[-3000:]}")

    def _command(self, command: Sequence[str]) -> list[str]:
        program, *words = command
        own = INSTALLED / self.name / "bin" / program
        return [str(own) if own.exists() else shutil.which(program) or program, *words]

    def _folder(self) -> Path:
        """Where it runs. Node looks for packages beside the script, so that is copied to them."""
        if self.language == "node":
            target = INSTALLED / self.name
            for script in (HERE / "node").glob("*.mjs"):
                shutil.copy(script, target)
            return target
        return HERE / "ruby" if self.language == "ruby" else PROJECT

    def _environment(self, servers: Servers) -> dict[str, str]:
        broker = servers.valkey.url(1 + [peer.name for peer in PEERS].index(self.name))
        return {
            "PEER": self.name,
            "PEER_BROKER_URL": broker,
            "BROKER_URL": broker,  # Celery's command line reads it, before any setting
            "DJANGO_SETTINGS_MODULE": f"{MODULE}.settings",
            "PYTHONPATH": str(PROJECT),
            "NODE_ENV": "production",
            "NO_LOG_SUCCESS": "1",  # graphile-worker's own switch
            **dict(self.environment),
        }


_DJANGO = ("django~=5.2.0", "psycopg[binary]~=3.3.0")
_CELERY = ("python", "-m", "celery", "-A", f"{MODULE}.with_django_celery_outbox")
_MIGRATE = ("python", "-m", "django", "migrate", "--verbosity", "0")
_QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "WARNING")
_PROCRASTINATE = ("python", "-m", "django", "procrastinate", "worker", "--queues", "peer")
_DB_WORKER = (
    "python",
    "-m",
    "django",
    "db_worker",
    "-v",
    "0",
    "--interval",
    "0.1",
    "--no-startup-delay",
)
_DBOS = ("python", "-m", f"{MODULE}.with_dbos")
_DRAMATIQ = ("python", "-m", "dramatiq", f"{MODULE}.with_dramatiq")
_PG_BOSS_PACKAGES = ("pg-boss@10.4.2", "pg@8")
_PG_BOSS = ("node", "pg_boss.mjs", "work")

PEERS = [
    Peer(
        "django_celery_outbox",
        "python",
        (*_DJANGO, "django-celery-outbox==0.4.3", "celery[redis]==5.6.3"),
        (
            (*_CELERY, "worker", *_QUIET, "--concurrency", "2", "--prefetch-multiplier", "4"),
            (*("python", "-m", "django", "celery_outbox_relay"), "--idle-time", "0.1"),
        ),
        jobs=1_400,
        prepare=_MIGRATE,
    ),
    Peer(
        "procrastinate",
        "python",
        (*_DJANGO, "procrastinate[django]==3.10.0"),
        ((*_PROCRASTINATE, "--concurrency", "2"),) * 2,
        jobs=1_500,
        prepare=_MIGRATE,
    ),
    Peer(
        "django_tasks",
        "python",
        (*_DJANGO, "django-tasks-db[compat]==0.13.0"),
        (_DB_WORKER,) * 2,
        jobs=1_800,
        prepare=_MIGRATE,
    ),
    Peer(
        "dbos",
        "python",
        ("dbos==3.4.0", "psycopg[binary]~=3.3.0"),
        (_DBOS,) * 2,
        jobs=550,
        prepare=(*_DBOS, "migrate"),
    ),
    Peer(
        "dramatiq",
        "python",
        (*_DJANGO, "dramatiq[redis]==2.2.1"),
        ((*_DRAMATIQ, "--processes", "2", "--threads", "4"),),
        jobs=3_300,
    ),
    Peer(
        "huey",
        "python",
        (*_DJANGO, "huey==3.5.4", "redis~=8.1"),
        (
            (
                *("huey_consumer", f"{MODULE}.with_huey.huey", "--workers", "2"),
                *("--worker-type", "process", "--no-periodic", "--quiet"),
            ),
        ),
        jobs=3_000,
    ),
    Peer(
        "rq",
        "python",
        (*_DJANGO, "rq==3.0.0", "redis~=8.1"),
        (("python", "-m", f"{MODULE}.with_rq"),) * 2,
        jobs=1_100,
    ),
    Peer(
        "graphile_worker",
        "node",
        ("graphile-worker@0.18.0", "pg@8"),
        (("node", "graphile_worker.mjs", "work"),),
        jobs=11_000,
        prepare=("node", "graphile_worker.mjs", "migrate"),
    ),
    Peer(
        "pg_boss",
        "node",
        _PG_BOSS_PACKAGES,
        (_PG_BOSS,),
        jobs=8_000,
        prepare=("node", "pg_boss.mjs", "migrate"),
    ),
    Peer(
        "pg_boss_batch",
        "node",
        _PG_BOSS_PACKAGES,
        (_PG_BOSS,),
        jobs=40_000,
        prepare=("node", "pg_boss.mjs", "migrate"),
        environment=(("DEDUCT_MANY", DEDUCT_MANY % {"operations": "$1", "accounts": "$2"}),),
    ),
    Peer(
        "sidekiq",
        "ruby",
        (),
        (("sidekiq", "-r", "./peer.rb", "-c", "5"),) * 2,
        jobs=10_000,
    ),
]
