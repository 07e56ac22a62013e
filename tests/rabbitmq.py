"""A throwaway RabbitMQ of the system's package (Debian: rabbitmq-server), on loopback alone.

Erlang's nodes find one another through `epmd`, a daemon that each starts and none ends. This one
has its own, on a port of its own, and takes it along.
"""

import os
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import amqp
from kombu import Connection

from config.embedded.account import Account, as_account
from config.embedded.child import Child
from config.embedded.ports import free_port, is_free

INSTALL = (
    "there is no RabbitMQ here (Debian, as root: "
    "apt-get install --no-install-recommends rabbitmq-server)"
)
CONFIGURATION = """
listeners.tcp.1 = 127.0.0.1:{port}
default_user = onceproof
default_pass = {password}
log.console = true
log.console.level = warning
log.file = false
raft.wal_max_size_bytes = 16000000
disk_free_limit.absolute = 50MB
"""
LOOPBACK = "-kernel inet_dist_use_interface {127,0,0,1}"
QUIET = "+sbwt none +sbwtdcpu none +sbwtdio none"  # an idle scheduler sleeps: there are few cores


SCRIPTS = Path("/usr/lib/rabbitmq/bin")  # those on the path insist on a user of their own


def program() -> Path | None:
    """The script that starts it."""
    found = shutil.which("rabbitmq-server", path=str(SCRIPTS))
    return Path(found) if found and shutil.which("epmd") else None


@dataclass
class RabbitMQ:
    """One node: its folder, port and password."""

    place: Path
    port: int
    password: str
    account: Account | None = None
    node: Child | None = None
    names: Child | None = None  # epmd
    _ports: tuple[int, int] = field(default_factory=lambda: (free_port(), free_port()))

    def url(self) -> str:
        """The address of its one virtual host."""
        return f"amqp://onceproof:{self.password}@127.0.0.1:{self.port}//"

    def start(self, log: Path) -> None:
        """Start it, again after it was killed, and wait until it answers."""
        is_new = self.node is None
        if self.node is None or self.names is None:
            self._write_down()
            self.names = self._child("epmd", self._epmd(), log.with_suffix(".epmd"))
            self.names.start()
            self.node = self._child("rabbitmq", [str(program()), *self._flags()], log)
        latest = time.monotonic() + 10
        while is_free(self._ports[0]):
            if time.monotonic() > latest:
                raise TimeoutError("epmd does not answer.")
            time.sleep(0.02)
        self.node.start()
        self.wait_until_ready()
        if is_new:
            self._declare_queues()

    def wait_until_ready(self, patience: float = 180) -> None:
        """Wait until it answers; raises TimeoutError after `patience` seconds."""
        latest = time.monotonic() + patience
        while not self._answers():
            if time.monotonic() > latest or (self.node and not self.node.is_running()):
                told = self.node.log.read_text()[-2000:] if self.node else ""
                raise TimeoutError(f"RabbitMQ does not answer.\n{told}")
            time.sleep(0.1)

    def refuse_writes(self, *, refuse: bool) -> None:
        """Let it believe that its memory is full: it then takes nothing from who publishes."""
        share = "0" if refuse else "0.4"  # of the machine's memory; 0.4 is its own default
        subprocess.run(
            [str(SCRIPTS / "rabbitmqctl"), "set_vm_memory_high_watermark", share],
            env={**os.environ, **self._environment()},
            cwd=self._folder,
            capture_output=True,
            check=True,
            timeout=120,
            **as_account(self.account),
        )

    def end(self) -> None:
        """Kill it; nothing in it is needed any more."""
        for child in (self.node, self.names):
            if child is not None:
                child.end_group()

    def _answers(self) -> bool:
        transport = Connection(self.url(), connect_timeout=1).transport
        try:
            transport.establish_connection().close()  # kombu's own would wait two seconds between
        except (OSError, amqp.AMQPError):  # not there, or not yet with a user and a virtual host
            return False
        return True

    def _declare_queues(self, patience: float = 60) -> None:
        """All of ours, on disk. A node that is killed within the second after it declared a quorum
        queue forgets where its data are, and never has a leader for it again."""
        # The settings want addresses of servers, and so cannot be there before these are.
        from config.settings.celery import QUEUES
        from config.settings.rabbitmq import queues

        with Connection(self.url()) as connection:
            for queue in queues(QUEUES):
                queue(connection.default_channel).declare()
        where = self._folder / "mnesia" / self._name / "quorum" / self._name / "names.dets"
        latest = time.monotonic() + patience
        while not all(f"%2F_{name}".encode() in where.read_bytes() for name in QUEUES):
            if time.monotonic() > latest:
                raise TimeoutError("RabbitMQ does not write down which queues it has.")
            time.sleep(0.05)

    def _write_down(self) -> None:
        folder = self._folder
        folder.mkdir(mode=0o700)
        written = {
            "rabbitmq.conf": CONFIGURATION.format(port=self.port, password=self.password),
            "enabled_plugins": "[].\n",
            "environment": "",  # in place of the system's own in /etc
        }
        for name, text in written.items():
            (folder / name).write_text(text)
        if self.account is not None:
            for path in (folder, *folder.iterdir()):
                self.account.owns(path)

    def _epmd(self) -> list[str]:
        return ["epmd", "-port", str(self._ports[0]), "-address", "127.0.0.1"]

    def _flags(self) -> list[str]:
        return ["-noinput"]  # its own script would stand between us and the node otherwise

    def _child(self, name: str, command: list[str], log: Path) -> Child:
        environment = self._environment()
        return Child(name, command, log, environment, account=self.account, folder=self._folder)

    @property
    def _name(self) -> str:
        return f"onceproof{self.port}@localhost"

    @property
    def _folder(self) -> Path:
        return self.place / "rabbitmq"

    def _environment(self) -> dict[str, str]:
        folder = self._folder
        return {
            "HOME": str(folder),  # Erlang's cookie is kept there
            "ERL_EPMD_PORT": str(self._ports[0]),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_ALLOW_INPUT": "1",
            "RABBITMQ_NODENAME": self._name,
            "RABBITMQ_DIST_PORT": str(self._ports[1]),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"{LOOPBACK} {QUIET}",
            "RABBITMQ_CONF_ENV_FILE": str(folder / "environment"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_SCHEMA_DIR": str(folder / "schema"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "config"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_LOGS": "-",
        }
