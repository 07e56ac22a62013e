"""What orders need of the environment is refused at the start where it cannot work."""

import os
from unittest.mock import patch

import pytest
from django.core.exceptions import ImproperlyConfigured
from environs import Env

from config import home
from config.settings.shop import LONGEST_TIMEOUT, find_shop, mail_settings
from orders.saga import LEASE


@pytest.mark.parametrize("seconds", ["0", "-1", "5.01", "10"])
def test_a_timeout_that_no_lease_has_room_for_is_refused(seconds: str) -> None:
    with patch.dict(os.environ, {"PROVIDER_TIMEOUT": seconds, "EMAIL_HOST": "mail.example"}):
        for read in (
            lambda: find_shop(Env(), home.current(), database_url=""),
            lambda: mail_settings(Env(), home.current()),
        ):
            with pytest.raises(ImproperlyConfigured, match=r"PROVIDER_TIMEOUT .* 5 at most"):
                read()


@pytest.mark.parametrize("seconds", [0.5, 5])
def test_a_timeout_that_fits_is_taken(seconds: float) -> None:
    with patch.dict(os.environ, {"PROVIDER_TIMEOUT": str(seconds)}):
        assert find_shop(Env(), home.current(), database_url="").timeout == seconds


def test_the_longest_timeout_fits_a_look_and_a_call_into_a_lease() -> None:
    assert LEASE.total_seconds() >= 2 * 2 * LONGEST_TIMEOUT
