"""What a deployment refuses, and what it puts behind a password."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.home import Home
from config.settings import installation
from tests.deployment import DEPLOYMENT
from tests.security.least import COMPOSE


@pytest.mark.parametrize("hosts", ["*", "onceproof.example,*", " * "])
def test_any_host_is_refused(hosts: str, tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match="ALLOWED_HOSTS"):
        installation.find({**DEPLOYMENT, "ALLOWED_HOSTS": hosts}, Home(tmp_path))


def test_flower_asks_for_a_password() -> None:
    """Flower reads FLOWER_BASIC_AUTH; its API is closed unless FLOWER_UNAUTHENTICATED_API is on."""
    environment = COMPOSE["flower"]["environment"]

    assert ":?" in environment["FLOWER_BASIC_AUTH"]
    assert "FLOWER_UNAUTHENTICATED_API" not in environment
    assert "--read-only" in COMPOSE["flower"]["command"], "whoever knows it only looks"
    assert COMPOSE["flower"]["ports"][0].startswith("${FLOWER_ADDRESS:-127.0.0.1:")
