"""`manage.py up` with DATABASE_URL and BROKER_URL: it uses those servers and starts none."""

from pathlib import Path

import psycopg
import pytest

from tests import settings as test_settings
from tests.platform.copies import Copy

pytestmark = pytest.mark.xdist_group("supervisor")


def test_servers_of_ones_own_are_used_and_get_no_demo_accounts(tmp_path: Path) -> None:
    servers = test_settings.SERVERS
    if servers is None:
        pytest.skip("TEST_DATABASE_URL is given, and this test makes databases of its own")
    servers.postgres.create_database("external")
    url = servers.postgres.url("external")
    copy = Copy(tmp_path / "home", DATABASE_URL=url, BROKER_URL=servers.valkey.url(7))
    copy.start()
    try:
        copy.wait_until_ready()
        assert not {"postgres", "valkey-server"} & set(copy.processes())
        assert not (copy.home / "servers").exists()
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT count(*) FROM auth_user").fetchone() == (0,)
        refused = copy.manage("demo")  # a command that knows nothing but the home
        assert refused.returncode == 1
        assert "embedded mode only" in refused.stderr
        assert copy.manage("check", "--database", "default").returncode == 0
    finally:
        copy.discard()


def test_half_of_them_is_refused(tmp_path: Path) -> None:
    copy = Copy(tmp_path / "home", DATABASE_URL="postgres://db.example/onceproof")
    copy.start()
    assert copy.supervisor is not None
    assert copy.supervisor.wait(timeout=60) == 1
    assert "Set BROKER_URL as well" in copy.told()
    assert "Traceback" not in copy.told()
