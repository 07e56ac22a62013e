"""What breaks the books of credits by hand, and what reconciliation then says."""

import json
import sqlite3
from contextlib import suppress
from io import StringIO
from typing import Any

from django.core.management import call_command
from django.db import connection
from django.urls import resolve

from credits.models import TextMessage
from outbox.reconciliation import Suspect, registered
from outbox.reconciliation.models import Finding as Recorded
from sandbox.control import Control
from tests.credits.world import make_community, only_text, start, work

NAMES = [name for name in registered() if name.startswith("credits.")]
Found = dict[str, Any]


def findings(*options: str) -> list[Found]:
    """What a run over the checks of credits finds, and does."""
    found: list[Found] = []
    for name in NAMES:
        out = StringIO()
        with suppress(SystemExit):  # a finding that needs a person is told by the exit status, too
            call_command("reconcile", "--check", name, "--json", *options, stdout=out)
        found += json.loads(out.getvalue())["findings"]
    for one in Recorded.objects.filter(check_name__in=NAMES):
        suspect = Suspect(one.type, one.subject, one.evidence)
        address = registered()[one.check_name].address(suspect)
        assert address == "" or resolve(address), "a finding leads to a page, if to any"
    return found


def only_finding() -> Found:
    (found,) = findings()
    return found


def execute(sql: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def make_old(log: sqlite3.Connection) -> None:
    """Let what was sent have been sent an hour ago, to us and to the provider."""
    execute(
        "UPDATE credits_textmessage SET sending_at = sending_at - interval '1 hour',"
        " lease_until = lease_until - interval '1 hour',"
        " finished_at = finished_at - interval '1 hour'"
    )
    log.execute(
        "UPDATE sms_message SET created_at = created_at - 3600, sent_at = sent_at - 3600,"
        " ended_at = ended_at - 3600"
    )


def unknown(sandbox: Control) -> TextMessage:
    """A text that went out; its reply was lost an hour ago."""
    make_community(credits=5, members=1)
    sandbox.force("sms", "reply_lost", operation="create")
    start()
    work("credits.drive_campaign", "credits.send_text")
    execute("UPDATE credits_textmessage SET lease_until = now() - interval '50 minutes'")
    assert only_text().state == "unknown"
    return only_text()
