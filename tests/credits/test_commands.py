"""The commands: import_members, send_campaign; and the demo."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from credits import demo, services
from credits.models import Campaign, Community, Member
from sandbox.control import Control
from tests.credits.world import make_community, work

pytestmark = pytest.mark.django_db(transaction=True)


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out, stderr=StringIO())
    return out.getvalue()


def failing(*words: str) -> dict[str, Any]:
    """The JSON of a command that fails."""
    out = StringIO()
    with pytest.raises(CommandError):
        call_command(*words, "--json", stdout=out, stderr=StringIO())
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


@pytest.fixture
def file(tmp_path: Path) -> Path:
    make_community(credits=5)
    return tmp_path / "members.csv"


def test_members_are_imported_and_again_nothing_changes(file: Path) -> None:
    file.write_text("name,phone\nAnna,+49 151 12345678\nBert,+4915112345679\n")
    first = json.loads(run("import_members", "club", str(file), "--json"))
    services.opt_out(member_id=Member.objects.get(name="Bert").pk)
    file.write_text("phone,name\n+4915112345678,Anne\n+4915112345679,Bert\n")
    second = json.loads(run("import_members", "club", str(file), "--json"))

    assert first == {"created": 2, "renamed": 0, "unchanged": 0, "refused": []}
    assert second == {"created": 0, "renamed": 1, "unchanged": 1, "refused": []}
    assert Member.objects.filter(opted_out_at=None).get().name == "Anne"


BAD = (
    "name,phone\n"
    "Anna,+49 151 12345678\n"
    "Bert,0151 12345679\n"
    "Cleo,+4915112345678\n"
    ",+4915112345680\n"
    "Dora,+4915112345681,more\n"
)


def test_one_bad_line_and_nothing_is_imported(file: Path) -> None:
    file.write_text(BAD)
    answer = failing("import_members", "club", str(file))

    assert [line["line"] for line in answer["refused"]] == [3, 4, 5, 6]
    assert "has no country" in answer["refused"][0]["reason"]
    assert "was on line 2 already" in answer["refused"][1]["reason"]
    assert not Member.objects.exists()


def test_the_rest_can_be_imported_knowingly(file: Path) -> None:
    file.write_text(BAD)
    answer = json.loads(run("import_members", "club", str(file), "--skip-invalid", "--json"))
    assert answer["created"] == 1
    assert len(answer["refused"]) == 4


@pytest.mark.parametrize("content", ["", "name\n", "name,phone,age\n", "a;b\n"])
def test_a_wrong_header_is_explained(file: Path, content: str) -> None:
    file.write_text(content)
    assert "name,phone" in failing("import_members", "club", str(file))["error"]


def test_an_unknown_community_or_file_is_explained(file: Path) -> None:
    file.write_text("name,phone\n")
    assert "no community" in failing("import_members", "nobody", str(file))["error"]
    assert "cannot be read" in failing("import_members", "club", str(file) + "x")["error"]


def test_an_empty_key_is_none(file: Path) -> None:
    answer = failing("send_campaign", "club", "--text", "Hi", "--key", "")
    assert list(answer["fields"]) == ["key"]
    assert answer["error"].startswith("--key: ")


def test_a_campaign_is_sent_from_the_command_line(sandbox: Control) -> None:
    make_community(credits=5, members=2)
    words = ("send_campaign", "club", "--text", "Hi {name}", "--key", "k", "--json")
    first, second = json.loads(run(*words)), json.loads(run(*words))

    assert first["id"] == second["id"]
    assert (first["status"], first["members"]) == ("running", 2)
    work()
    assert len(sandbox.log("sms")) == 2


def test_a_wrong_campaign_is_explained() -> None:
    make_community(credits=1, members=2)
    assert "unknown field" in failing("send_campaign", "club", "--text", "{x}")["fields"]["text"]
    assert failing("send_campaign", "club", "--text", "Hi")["missing"] == 1
    assert "SLUG" in failing("send_campaign", "nobody", "--text", "Hi")["error"]
    assert not Campaign.objects.exists()


def test_the_demo_asks_no_provider_and_changes_nothing_again(sandbox: Control) -> None:
    assert demo.load_demo_community() == 40
    assert demo.load_demo_community() == 0
    assert (Community.objects.get().credits, member_count()) == (100, 40)
    assert sandbox.requests("sms") == []


def member_count() -> int:
    return Member.objects.count()
