"""What these tests run beside the suite's servers."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.embedded import account
from config.embedded.ports import free_port
from tests.scaling import pgbouncer
from tests.scaling.pgbouncer import PgBouncer
from tests.stack import Stack


@pytest.fixture
def pooler(stack: Stack) -> Iterator[PgBouncer]:
    """A PgBouncer before this test's database, which children may be given as DATABASE_URL."""
    if pgbouncer.program() is None:
        pytest.skip("there is no PgBouncer here (Debian: apt-get install pgbouncer)")
    folder = Path(tempfile.mkdtemp(prefix="onceproof-pooler-"))
    runs_as = account.for_servers()  # it refuses to be root, as PostgreSQL does
    if runs_as is not None:
        runs_as.owns(folder)
    started = PgBouncer(folder, free_port(), stack._environment()["DATABASE_URL"], runs_as)
    started.start()
    yield started
    stack.end()  # its clients first
    started.end()
    shutil.rmtree(folder)
