"""`manage.py dead_letters list|show|redrive|discard`"""

import getpass
import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from outbox import selectors
from outbox.desk import acts, groups
from outbox.desk.groups import Selection
from outbox.models import Message


class Command(BaseCommand):
    """The desk on the command line; every word of it is a call of `outbox.desk`."""

    help = "Dead letters: list what went wrong, show one, redrive or discard them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the four words and their options."""
        words = parser.add_subparsers(dest="word", required=True)
        listing = words.add_parser("list", help="groups by what went wrong, with counts and times")
        _filters(listing)
        show = words.add_parser("show", help="one message and its whole story")
        show.add_argument("id")
        show.add_argument("--json", action="store_true")
        for word, said in (("redrive", "run again"), ("discard", "give up")):
            act = words.add_parser(word, help=f"{said}: those named, or all that match")
            act.add_argument("ids", nargs="*", metavar="ID")
            _filters(act)
            act.add_argument("--all", action="store_true", help="every dead letter there is")
            act.add_argument("--dry-run", action="store_true", help="only say what would happen")
            act.add_argument("--reason", default="", help="for the audit log")
            act.add_argument("--actor", default="", help="who does it; by default you")
        words.choices["redrive"].add_argument(
            "--per-second", type=float, default=acts.PER_SECOND, help="how fast they become due"
        )

    def handle(self, *, word: str, **options: Any) -> None:
        """Do it, and print what was done. Raises CommandError."""
        try:
            told = getattr(self, f"_{word}")(options)
        except ValueError as mistake:
            raise CommandError(str(mistake)) from None
        if options["json"]:
            self.stdout.write(json.dumps(told, default=str))
        else:
            self.stdout.write("\n".join(_lines(told)))

    def _list(self, options: dict[str, Any]) -> dict[str, Any]:
        found = groups.groups(_selection(options))
        return {"total": sum(group.count for group in found), "groups": [asdict(g) for g in found]}

    def _show(self, options: dict[str, Any]) -> dict[str, Any]:
        message = Message.objects.filter(id=_id(options["id"])).first()
        if message is None:
            raise CommandError(f"There is no message {options['id']}; it may have been pruned.")
        names = ("id", "handler", "state", "args", "key", "operation_id", "attempts", "last_error")
        told = {name: getattr(message, name) for name in (*names, "traceparent")}
        return told | {"story": [asdict(event) for event in selectors.story(message.id)]}

    def _redrive(self, options: dict[str, Any]) -> dict[str, Any]:
        report = acts.redrive(
            _demanded(options),
            actor=options["actor"] or getpass.getuser(),
            reason=options["reason"],
            per_second=options["per_second"],
            dry_run=options["dry_run"],
        )
        return _told(report, options)

    def _discard(self, options: dict[str, Any]) -> dict[str, Any]:
        report = acts.discard(
            _demanded(options),
            actor=options["actor"] or getpass.getuser(),
            reason=options["reason"],
            dry_run=options["dry_run"],
        )
        return _told(report, options)


def _filters(parser: ArgumentParser) -> None:
    parser.add_argument("--handler", default="", help="only this handler's")
    parser.add_argument("--fingerprint", default="", help="only those that met the same thing")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def _selection(options: dict[str, Any]) -> Selection:
    ids = tuple(_id(text) for text in options.get("ids", ()))
    return Selection(ids=ids, handler=options["handler"], fingerprint=options["fingerprint"])


def _demanded(options: dict[str, Any]) -> Selection:
    selection = _selection(options)
    if not selection.as_json() and not options["all"]:
        raise ValueError("Say which: ids, --handler, --fingerprint, or --all.")
    return selection


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ValueError(f"{text[:80]!r} is no message id.") from None


def _told(report: acts.Report, options: dict[str, Any]) -> dict[str, Any]:
    return {
        "dry_run": options["dry_run"],
        "done": [str(one) for one in report.done],
        "refused": {str(one): why for one, why in report.refused.items()},
    }


def _lines(told: dict[str, Any]) -> list[str]:
    lines = []
    for name, value in told.items():
        if isinstance(value, list):
            lines += [f"{name}:", *(f"  {one}" for one in value)]
        else:
            lines.append(f"{name}: {value}")
    return lines
