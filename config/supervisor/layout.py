"""What runs: one line for each process."""

from config.embedded.child import Child, python
from config.home import Home

# The system checks ran once, when the database was prepared. Quiet: no banner among the JSON lines.
CELERY = ("-m", "celery", "-A", "config", "--skip-checks", "--quiet")
WORKER_FLAGS = ("--without-gossip", "--without-mingle", "-E", "-l", "INFO")


def independent(home: Home, *, flower_port: int, sandbox_port: int) -> list[Child]:
    """What needs no database, and can start while that is being prepared."""
    return [
        _flower(home, flower_port),
        _sandbox(home, sandbox_port),
    ]


def processes(home: Home, *, port: int) -> list[Child]:
    """What works on the database, in the order in which people miss it."""
    return [
        _child(home, "web", "-m", "gunicorn", "config.wsgi", *_gunicorn(port)),
        # Three workers, so that bulk work and the relay's rounds never keep the rest waiting.
        _worker(home, "worker-main", queues="critical,default", concurrency=2),
        _worker(home, "worker-relay", queues="relay", concurrency=1),
        # Threads, since what it does is mostly to wait for providers.
        _worker(home, "worker-bulk", queues="bulk", concurrency=16, pool="threads"),
        _child(home, "relay", "manage.py", "relay", "--skip-checks"),
        _child(home, "beat", *CELERY, "beat", "-l", "INFO", "--pidfile="),
    ]


def _sandbox(home: Home, port: int) -> Child:
    sandbox = _child(home, "sandbox", "-m", "sandbox", "serve", "--port", str(port))
    if running := home.running():
        sandbox.environment = {
            **sandbox.environment,
            "SANDBOX_PAYMENTS_WEBHOOK_URL": f"{running.web}/webhooks/stripe/",
        }
    return sandbox


def _child(home: Home, name: str, *arguments: str) -> Child:
    return Child(
        name=name,
        command=python(*arguments),
        log=home.logs / f"{name}.log",
        environment={"PROCESS_NAME": name},
    )


def _worker(
    home: Home, name: str, *, queues: str, concurrency: int, pool: str = "prefork"
) -> Child:
    size = ("-Q", queues, "--pool", pool, "--concurrency", str(concurrency))
    named = ("-n", f"{name}@%h", *WORKER_FLAGS)
    return _child(home, name, *CELERY, "worker", *named, *size)


def _gunicorn(port: int) -> list[str]:
    return [
        *("--bind", f"127.0.0.1:{port}", "--workers", "2", "--threads", "8"),
        *("--preload",),  # one import for all workers, and a killed one is back at once
        *("--no-control-socket",),  # it would be in the user's home, one for all copies
        *("--graceful-timeout", "5", "--timeout", "30", "--keep-alive", "15"),
    ]


def _flower(home: Home, port: int) -> Child:
    """Open on loopback, so it only looks: it can stop no worker and send no task."""
    address = ("--address=127.0.0.1", f"--port={port}")
    flower = _child(home, "flower", *CELERY, "flower", *address, "--read-only")
    flower.environment = {**flower.environment, "FLOWER_UNAUTHENTICATED_API": "true"}
    return flower
