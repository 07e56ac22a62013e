"""What a browser is told: cookies, TLS, hosts, and pages in which nothing of a stranger's runs."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured
from django.test import Client

from config.settings.security import security_settings
from tests.accounts.people import PASSWORD, make_user

pytestmark = pytest.mark.django_db
DOOR = "/accounts/sign-in/"
TEMPLATES = sorted(
    path
    for path in Path(configured.BASE_DIR).glob("*/**/templates/**/*.*")
    if not path.is_relative_to(Path(configured.BASE_DIR) / ".venv")
)
#: What a policy without 'unsafe-inline' would not run, or what would be somebody else's.
FORBIDDEN = {
    "a script in the page": r"<script(?![^>]*\bsrc=)(?![^>]*application/json)",
    "a style in the page": r"<style|\sstyle=",
    "a handler in an attribute": r"\son[a-z]+=|hx-on|javascript:|hx-vals=.js:",
    "another site": r"(?:src|href|action)=[\"'](?:https?:)?//(?!docs\.)",
    "text that is not escaped": r"\|\s*safe\b|autoescape off|safeseq",
}


@pytest.fixture
def deployment(settings: Any) -> None:
    """Headers and cookies as a deployment has them."""
    for name, value in security_settings(https=True, behind_proxy=False).items():
        setattr(settings, name, value)


def test_there_are_templates_to_look_at() -> None:
    assert len(TEMPLATES) > 50


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_template_holds(what: str) -> None:
    found = [
        f"{path.name}: {hit[0]}"
        for path in TEMPLATES
        for hit in re.finditer(FORBIDDEN[what], path.read_text())
    ]

    assert found == []


def sign_in(client: Client, **more: str) -> Any:
    make_user("viewer", password=PASSWORD)
    return client.post(DOOR, {"username": "viewer", "password": PASSWORD, **more}, secure=True)


@pytest.mark.usefixtures("deployment")
def test_the_session_is_for_tls_and_for_no_script() -> None:
    client = Client()
    client.get(DOOR, secure=True)
    sign_in(client)

    session, token = client.cookies["sessionid"], client.cookies["csrftoken"]
    assert session["secure"]
    assert session["httponly"]
    assert session["samesite"] == token["samesite"] == "Lax"
    assert token["secure"]


@pytest.mark.usefixtures("deployment")
def test_a_browser_is_told_to_come_back_by_tls_alone() -> None:
    plain, safe = Client().get(DOOR), Client().get(DOOR, secure=True)

    assert (plain.status_code, plain["Location"]) == (301, f"https://testserver{DOOR}")
    assert "max-age=31536000; includeSubDomains; preload" in safe["Strict-Transport-Security"]


def test_signing_in_gives_the_session_a_new_name() -> None:
    """Whoever planted a session's key in somebody's browser does not get theirs."""
    client = Client()
    session = client.session
    session["planted"] = True
    session.save()
    client.cookies["sessionid"] = str(session.session_key)

    sign_in(client)

    assert client.cookies["sessionid"].value != session.session_key


@pytest.mark.parametrize(
    "elsewhere",
    [
        *(
            "https://example.com/",
            "//example.com/",
            "///example.com",
            "\\\\example.com",
            "/\\x.com",
        ),
        *("javascript:alert(1)", "https:example.com", "http:///example.com", " //example.com"),
    ],
)
def test_no_door_leads_to_another_site(elsewhere: str) -> None:
    answer = sign_in(Client(), next=elsewhere)

    assert answer["Location"] == "/"
    assert Client().get("/admin/login/", {"next": elsewhere})["Location"].startswith(DOOR)


@pytest.mark.parametrize("host", ["example.com", "testserver.example.com", "testserver@x.com", ""])
def test_a_request_for_another_host_is_refused(host: str) -> None:
    assert Client().get(DOOR, headers={"Host": host}).status_code == 400


def test_a_forwarded_host_is_not_believed() -> None:
    answer = Client().get("/products/", headers={"X-Forwarded-Host": "example.com"})

    assert "example.com" not in answer["Location"]
