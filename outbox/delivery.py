"""What a Celery delivery tells about itself. It decides nothing: it is noted for people
to read, and `begin` says where to look first."""

import os
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from outbox.position import Position

A_DAY = timedelta(days=1)
"""No dispatch is sent longer ago, and no clock is wrong by more."""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """Which process received which dispatch, and when that was sent by its sender's clock."""

    worker: str
    task_id: str = ""
    dispatched_at: datetime | None = None
    begin: Position | None = None

    @classmethod
    def here(cls) -> "Delivery":
        """This process, without a dispatch."""
        return cls(worker=f"{socket.gethostname()}:{os.getpid()}")

    @classmethod
    def of(cls, request: Any) -> "Delivery":
        """This process, with the dispatch of a Celery task's request."""
        return cls(
            worker=cls.here().worker,
            task_id=request.id or "",
            dispatched_at=_moment(_header(request, "dispatched_at")),
            begin=Position.parse(_header(request, "begin")),
        )


def _header(request: Any, name: str) -> object:
    headers = request.headers
    return headers.get(name) if isinstance(headers, dict) else None


def _moment(text: object) -> datetime | None:
    """None for what no dispatch says, since anybody may have sent it. A year 10000 could be stored,
    but its row not be read again.
    """
    try:
        moment = parse_datetime(str(text))
        is_near = moment and moment.tzinfo and abs(moment - timezone.now()) <= A_DAY
    except (ValueError, OverflowError):
        return None
    return moment if is_near else None
