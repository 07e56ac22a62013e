"""Texts in the provider's list beside ours: which differ, in what, and what follows from it.

| the list says | we say | finding | repair |
|---|---|---|---|
| it never left | sent | `failed_after_all` | its credits are given back, as by the lost callback |
| it went out | failed or skipped, under this id | `says_otherwise` | needs a person |
| it never left | delivered | `says_otherwise` | needs a person |
| it went out, to a number, with words and at a time of ours: | | | |
| | sent, but under no id | `id_missing` | the id is written down |
| | failed or skipped | `sent_after_refund` | recorded with the text |
| | sent, under another id | `sent_twice` | recorded with the text |
| it went out, and nothing of ours fits | | `unknown_to_us` | needs a person |

Where one of ours that fits is still open, nothing is found: it is being looked for.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import connection

from credits import evidence, sending
from credits.models import Finding, TextMessage
from credits.provider_list import Listed
from credits.providers import CLOCKS_APART
from credits.services.callback import NEVER_LEFT
from outbox.reconciliation import Suspect

State = TextMessage.State
WENT_OUT = (State.SENT, State.DELIVERED)
NOT_SENT = (State.FAILED, State.SKIPPED)


@dataclass(frozen=True)
class Seen:
    """A text in the list, and those of ours which it may be."""

    text: Listed
    ours: list[int] = field(default_factory=list)

    @property
    def left(self) -> bool:
        """Whether it went out, or will."""
        return self.text.status not in NEVER_LEFT


def mark(sids: list[str]) -> None:
    """Note that these were seen in the list, once; those that somebody is at, another time."""
    with connection.cursor() as cursor:
        cursor.execute(MARK, [sids])


def suspicious(texts: Iterable[Listed]) -> list[Seen]:
    """Those that may differ from ours, at a first look that locks nothing."""
    all_of_them = {one.sid: one for one in texts}
    ours = TextMessage.objects.filter(sid__in=all_of_them)
    by_id = {str(text.sid): text for text in ours.only("sid", "state")}
    known = set(Finding.objects.filter(sid__in=all_of_them).values_list("sid", flat=True))
    strange = [one for sid, one in all_of_them.items() if sid not in by_id and sid not in known]
    fitting = _fitting(one for one in strange if Seen(one).left)
    return [
        *(
            Seen(all_of_them[sid], [text.pk])
            for sid, text in by_id.items()
            if _disagreement(text, Seen(all_of_them[sid]))
        ),
        *(Seen(one, fitting[one.sid]) for one in strange if Seen(one).left),
    ]


def confirm(seen: Seen) -> Suspect | None:
    """What differs, with the texts of ours held; None where nothing does, or somebody is at it."""
    texts = list(TextMessage.objects.filter(pk__in=seen.ours).locked_if_free())
    if len(texts) < len(seen.ours) or Finding.objects.filter(sid=seen.text.sid).exists():
        return None
    for text in texts:
        if text.sid == seen.text.sid:
            kind = _disagreement(text, seen)
            return _suspect(kind, seen, text) if kind else None
    if any(text.state in TextMessage.OPEN for text in texts):
        return None
    for kind, fits in (
        ("id_missing", [text for text in texts if text.state in WENT_OUT and not text.sid]),
        ("sent_after_refund", [text for text in texts if text.state in NOT_SENT]),
        ("sent_twice", [text for text in texts if text.sid]),
    ):
        if fits:
            return _suspect(kind, seen, fits[0])
    return _suspect("unknown_to_us", seen, None)


def repair(suspect: Suspect) -> str:
    """Do what the table above says. The text is held since `confirm`."""
    found = suspect.evidence
    if suspect.type in ("says_otherwise", "unknown_to_us"):
        return ""
    text = TextMessage.objects.select_related("campaign").get(pk=found["text"])
    if suspect.type == "failed_after_all":
        reason = f"the provider gave it up ({found['status']}), says its list"
        evidence.failed(text, reason=reason, by="listing", sid=suspect.subject)
        return f"{text.segments} given back"
    if suspect.type == "id_missing":
        evidence.change(text, sid=suspect.subject)
        return f"written down with text {text.pk}"
    evidence.sent(text, sid=suspect.subject, by="listing")
    return f"recorded with text {text.pk}; its credits stay as they are"


def _disagreement(text: TextMessage, seen: Seen) -> str:
    """What is wrong with a text that is listed under its own id; empty: nothing."""
    if text.state == State.SENT and not seen.left:
        return "failed_after_all"
    if seen.left if text.state in NOT_SENT else text.state == State.DELIVERED and not seen.left:
        return "says_otherwise"
    return ""


def _suspect(kind: str, seen: Seen, text: TextMessage | None) -> Suspect:
    found: dict[str, object] = {
        "status": seen.text.status,
        "created_at": seen.text.created_at.isoformat(),
    }
    if text is not None:
        found |= {"text": text.pk, "state": str(text.state)}
    return Suspect(kind, seen.text.sid, found)


def _fitting(texts: Iterable[Listed]) -> dict[str, list[int]]:
    """Texts of ours to the same number, with the same words, called for at that time; by id."""
    rows = [(one.sid, one.phone, one.body, one.created_at) for one in texts]
    found: dict[str, list[int]] = defaultdict(list)
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        apart = CLOCKS_APART.total_seconds()
        before = sending.lease().total_seconds() + apart
        with connection.cursor() as cursor:
            cursor.execute(FITTING, [before, apart, *columns])
            for sid, text_id in cursor.fetchall():
                found[sid].append(text_id)
    return found


MARK = """
    WITH seen AS (
        SELECT id FROM credits_textmessage WHERE sid = ANY(%s) AND listed_at IS NULL
        ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE credits_textmessage AS text SET listed_at = now() FROM seen WHERE text.id = seen.id
"""

# A text tells of its latest attempt alone; the earlier ones are in its story.
FITTING = """
    WITH listed AS (
        SELECT sid, phone, body, at - make_interval(secs => %s) AS first,
               at + make_interval(secs => %s) AS last
        FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[])
             AS given (sid, phone, body, at)
    )
    SELECT listed.sid, text.id
    FROM listed
    JOIN credits_textmessage AS text ON text.phone = listed.phone AND text.body = listed.body
    WHERE text.sending_at BETWEEN listed.first AND listed.last
       OR EXISTS (SELECT FROM credits_textevent AS attempt
                  WHERE attempt.text_id = text.id AND attempt.kind = 'sending'
                    AND attempt.at BETWEEN listed.first AND listed.last)
    ORDER BY text.id
"""
