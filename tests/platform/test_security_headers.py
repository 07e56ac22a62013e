"""What every answer carries, and what `check --deploy` thinks of a deployment."""

import re
import subprocess
import sys

import pytest
from django.test import Client

from config.embedded.child import PROJECT
from config.settings.security import security_settings


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/accounts/sign-in/", "/nothing-here"])
def test_every_answer_carries_the_headers(path: str) -> None:
    headers = Client().get(path).headers
    assert dict(one.split(" ", 1) for one in headers["Content-Security-Policy"].split("; ")) == {
        "default-src": "'self'",
        "img-src": "'self' data:",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"


@pytest.mark.django_db
def test_no_page_needs_what_the_policy_forbids() -> None:
    page = Client().get("/accounts/sign-in/").content.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert not re.search(r"\son\w+=", page)
    assert not re.search(r"(?:src|href)=[\"']https?://", page)


def test_tls_is_insisted_on() -> None:
    secure = security_settings(https=True, behind_proxy=False)
    assert secure["SECURE_HSTS_SECONDS"] >= 31_536_000
    assert secure["SESSION_COOKIE_SECURE"]
    assert secure["CSRF_COOKIE_SECURE"]
    assert secure["SECURE_SSL_REDIRECT"]
    assert "SECURE_PROXY_SSL_HEADER" not in secure  # anybody could send it


def test_a_deployment_passes_djangos_own_checks() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.checks"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
