"""Starts the throwaway servers of the test run. Fixtures of the suite are in tests/conftest.py."""

import os

import pytest

from tests import settings as test_settings

pytest_plugins = ["tests.cleaning", "tests.races.figures"]


def pytest_configure(config: pytest.Config) -> None:
    """Start the servers, but not in the process that only hands tests to pytest-xdist's workers."""
    distributes = bool(getattr(config.option, "tx", None)) and not _is_worker()
    if test_settings.SERVERS is not None and not distributes:
        test_settings.SERVERS.start()


@pytest.fixture(scope="session")
def django_db_modify_db_settings_xdist_suffix() -> None:
    """No suffix per worker: each worker has servers of its own."""


def _is_worker() -> bool:
    return "PYTEST_XDIST_WORKER" in os.environ
