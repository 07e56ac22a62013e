"""The tour's buttons and its score."""

import logging
from functools import wraps

from django.conf import settings
from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from config.operations.access import may_act, may_see
from config.tour import breakages
from config.tour.steps import View

logger = logging.getLogger("tour")
_BREAK = {
    "press-twice": breakages.press_twice,
    "kill-worker": breakages.kill_worker,
    "flush-broker": breakages.flush_broker,
}


def only_embedded(view: View) -> View:
    """There is no such address where the servers are not our own."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if not settings.EMBEDDED:
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


@only_embedded
@login_required
@may_act
@require_POST
def press(request: HttpRequest, step: str) -> HttpResponse:
    """Take a step: break something, and lead to where one sees that it holds."""
    actor = request.user.get_username()
    if step == "bury":
        message = breakages.bury(actor)
        _note(request, step, f"Enqueued {message.pk}, which fails for good.")
        messages.success(request, "A message fails for good: it is a dead letter. Now redrive it.")
        return redirect("operations:message", message.pk)
    if step not in _BREAK:
        raise Http404
    try:
        broken = _BREAK[step](actor)
    except breakages.CannotBreak as reason:
        messages.warning(request, str(reason))
        return redirect("home")
    _note(request, step, broken.said)
    request.session["tour"] = {
        "step": step,
        "said": broken.said,
        "reductions": [str(one) for one in broken.reductions],
    }
    return redirect("home")


@only_embedded
@login_required
@may_see
@require_safe
def score(request: HttpRequest) -> HttpResponse:
    """To htmx: what has become of the last step's jobs."""
    return render(request, "tour/score.html", {"score": latest(request)})


def latest(request: HttpRequest) -> dict[str, object] | None:
    """This visitor's last step and its outcome, or None."""
    taken = request.session.get("tour")
    if not settings.EMBEDDED or not taken:
        return None
    found = breakages.outcome(taken["reductions"])
    return {**taken, **found, "live": found["ended"] < found["scheduled"]}


def _note(request: HttpRequest, step: str, said: str) -> None:
    """The audit: in the admin's log, and in the log file."""
    LogEntry.objects.create(
        user_id=request.user.pk or 0,
        object_repr=f"tour: {step}",
        action_flag=CHANGE,
        change_message=said,
    )
    logger.warning("the tour broke something", extra={"step": step, "said": said})
