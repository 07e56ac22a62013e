"""The dead-letter desk's pages: what went wrong, one message's story, redrive and discard."""

import json
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from orders import selectors as orders
from outbox import selectors
from outbox.desk import acts, groups
from outbox.desk.groups import Selection
from outbox.desk.models import DeskAct
from outbox.models import Message

MESSAGES_PER_PAGE = 50
GROUPED = 2_000  # of the newest: to strip the ids off ten thousand errors takes too long
BEYOND = GROUPED + 1
ACTS_SHOWN = 20
may_see = permission_required("outbox.view_message", raise_exception=True)
may_act = permission_required("outbox.change_message", raise_exception=True)


@login_required
@may_see
@require_safe
def dead_letters(request: HttpRequest) -> HttpResponse:
    """Show the groups; of one of them, its messages to choose from."""
    selection = _selection(request.GET.get("fingerprint", ""), request.GET.get("handler", ""))
    chosen = bool(selection.fingerprint or selection.handler)
    found = Paginator(groups.dead(selection).order_by("-finished_at", "-id"), MESSAGES_PER_PAGE)
    context = {
        "groups": groups.groups(selection, among=GROUPED),
        "grouped": GROUPED,
        "more": _buried()[:BEYOND].count() >= BEYOND,
        "selection": selection,
        "chosen": chosen,
        "page": found.get_page(request.GET.get("page")) if chosen else None,
        "acts": DeskAct.objects.all()[:ACTS_SHOWN],
    }
    return render(request, "desk/dead_letters.html", context)


def _buried() -> QuerySet[Message]:
    return Message.objects.filter(state=Message.State.DEAD, finished_at__isnull=False).order_by()


@login_required
@may_see
@require_safe
def dead_letter(request: HttpRequest, message_id: UUID) -> HttpResponse:
    """Show one message's whole story: arguments, attempts, errors, workers, trace."""
    message = Message.objects.filter(pk=message_id).first()
    if message is None:
        raise Http404
    context = {
        "message": message,
        "arguments": json.dumps(message.args),
        "story": selectors.story(message_id),
        "order": orders.order_of_operation(message.operation_id),
    }
    return render(request, "desk/dead_letter.html", context)


@login_required
@may_act
@require_POST
def act(request: HttpRequest) -> HttpResponse:
    """Redrive or discard what was chosen; a trial says what would happen and does nothing."""
    kind, trial = request.POST.get("act", ""), "trial" in request.POST
    reason = request.POST.get("reason", "").strip()[:1_000]
    selection = _posted(request)
    if kind not in ("redrive", "discard") or not selection.as_json():
        messages.warning(request, "Choose at least one message.")
        return _back(request)
    try:
        run = acts.redrive if kind == "redrive" else acts.discard
        report = run(selection, actor=request.user.username, reason=reason, dry_run=trial)
    except ValueError as mistake:
        messages.warning(request, str(mistake))
        return _back(request)
    _tell(request, kind, report, trial=trial)
    return _back(request)


def _tell(request: HttpRequest, kind: str, report: acts.Report, *, trial: bool) -> None:
    verb = {"redrive": "redriven", "discard": "discarded"}[kind]
    said = f"{len(report.done)} {'would be' if trial else 'were'} {verb}."
    if report.refused:
        first = next(iter(report.refused.values()))
        said += f" {len(report.refused)} refused, the first because: {first}"
    level = messages.warning if report.refused else messages.success
    level(request, said)


def _posted(request: HttpRequest) -> Selection:
    """The chosen messages; with `all`, everything that matches the filter instead."""
    posted = request.POST
    if "all" in posted:
        return _selection(posted.get("fingerprint", ""), posted.get("handler", ""))
    ids = (_uuid(text) for text in posted.getlist("id")[:1_000])
    return Selection(ids=tuple(one for one in ids if one))


def _selection(fingerprint: str, handler: str) -> Selection:
    printable = fingerprint.isprintable() and handler.isprintable()
    return Selection(fingerprint=fingerprint, handler=handler) if printable else Selection()


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _back(request: HttpRequest) -> HttpResponse:
    """To the list, not to whatever address the form might name."""
    fingerprint = request.POST.get("fingerprint", "")
    known = fingerprint.isalnum() and groups.dead(Selection(fingerprint=fingerprint)).exists()
    address = reverse("dead_letters")
    return redirect(f"{address}?fingerprint={fingerprint}" if known else address)
