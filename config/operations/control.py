"""What a person may do: pause, resume, act on messages. Each is a POST, and leaves its mark."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from config.operations import asked
from config.operations.access import may_act
from outbox import pauses
from outbox.desk import bulk
from outbox.desk.acts import Report
from outbox.monitoring.search import Query

LONGEST_REASON = 1_000


@login_required
@may_act
@require_POST
def pause(request: HttpRequest) -> HttpResponse:
    """Pause or resume a queue or a handler. Pressed twice, the second changes nothing."""
    target, do = request.POST.get("target", ""), request.POST.get("do", "")
    actor, reason = request.user.get_username(), request.POST.get("reason", "")[:LONGEST_REASON]
    name = target.partition(":")[2]
    try:
        if do == "pause":
            changed = pauses.pause(target, actor=actor, reason=reason)
            said = f"{name} is paused. What runs, ends; nothing more is begun."
        else:
            changed = pauses.resume(target, actor=actor, reason=reason)
            said = f"{name} goes on."
    except ValueError as mistake:
        messages.warning(request, str(mistake))
    else:
        messages.success(request, said if changed else f"{name} was so already.")
    return redirect("operations:overview")


@login_required
@may_act
@require_POST
def act(request: HttpRequest) -> HttpResponse:
    """Redrive, cancel or discard what was chosen, or all that match; a trial only says."""
    query = asked.query(request.POST)
    kind, trial = request.POST.get("act", ""), "trial" in request.POST
    reason = request.POST.get("reason", "").strip()[:LONGEST_REASON]
    ids = bulk.matching(query) if "all" in request.POST else _chosen(request)
    if not ids:
        messages.warning(request, "Nothing is chosen, or nothing matches any more.")
        return _back(request, query)
    how: dict[str, object] = (
        {"all": query.as_json()} if "all" in request.POST else {"ids": [str(one) for one in ids]}
    )
    try:
        report = bulk.act(
            kind, ids, asked=how, actor=request.user.get_username(), reason=reason, dry_run=trial
        )
    except ValueError as mistake:
        messages.warning(request, str(mistake))
    else:
        _tell(request, kind, report, trial=trial)
    return _back(request, query)


def _tell(request: HttpRequest, kind: str, report: Report, *, trial: bool) -> None:
    verb = {"redrive": "redriven", "cancel": "cancelled", "discard": "discarded"}[kind]
    said = f"{len(report.done):,} {'would be' if trial else 'were'} {verb}."
    if report.refused:
        first = next(iter(report.refused.values()))
        said += f" {len(report.refused):,} refused, the first because: {first}"
    if len(report.done) + len(report.refused) >= bulk.MOST:
        said += f" {bulk.MOST:,} are acted on at a time: press again for the rest."
    level = messages.warning if report.refused else messages.success
    level(request, said)


def _chosen(request: HttpRequest) -> list[UUID]:
    found = []
    for text in request.POST.getlist("id")[: bulk.MOST]:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found


def _back(request: HttpRequest, query: Query) -> HttpResponse:
    """To the list as it was asked for; from one message's page, to that message."""
    if request.POST.get("from") == "message" and (chosen := _chosen(request)):
        return redirect("operations:message", chosen[0])
    return redirect(f"{reverse('operations:messages')}?{asked.address(query)}")
