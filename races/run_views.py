"""The lab's pages for doing: hot runs, own schedules. An operator starts them, anybody looks."""

import json
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from races import inputs, scenario, services, trial
from races.forms import HotForm
from races.hot import plot
from races.hot.strategies import STRATEGIES
from races.inputs import InvalidInput
from races.models import LabRun
from races.recording import library
from races.recording.data import Form, Recording
from races.stage import page
from races.stage.address import LARGE, Address, slug
from races.views import may_see

LATEST = 8
NOT_HERE = (
    "Hot runs start workers of their own beside the page, on the servers that it works with. "
    "This installation has real ones: run `make run` to try it."
)
may_start = permission_required("races.add_labrun", raise_exception=True)


@login_required
@may_see
@require_safe
def hot(request: HttpRequest) -> HttpResponse:
    """Show the newest hot run, or the recorded one, and let an operator start another."""
    services.bury_lost()
    return _hot_page(request, HotForm())


@login_required
@may_start
@require_POST
def start_hot(request: HttpRequest) -> HttpResponse:
    """Start a hot run; a second one beside it is refused."""
    if not trial.possible():
        messages.warning(request, NOT_HERE)
        return redirect("races:hot")
    form = HotForm(request.POST)
    try:
        terms = inputs.hot(form.asked())
        run = services.start_run(kind=LabRun.Kind.HOT, asked=terms, actor=_actor(request))
    except InvalidInput as refusal:
        form.is_valid()
        form.add_refusal(refusal)
        return _hot_page(request, form, status=422)
    except services.Busy as busy:
        messages.warning(request, str(busy))
        return redirect("races:hot_run", busy.run.pk)
    return redirect("races:hot_run", run.pk)


@login_required
@may_see
@vary_on_headers("HX-Request")
@require_safe
def hot_run(request: HttpRequest, run_id: int) -> HttpResponse:
    """Show one hot run as it goes on."""
    services.bury_lost()
    run = get_object_or_404(LabRun, pk=run_id, kind=LabRun.Kind.HOT)
    context = {
        "run": run,
        "lanes": _lanes(run.result),
        "plots": plot.together(run.result.get("lanes", [])),
        "asked": run.asked,
    }
    if _is_part(request):
        return render(request, "races/parts/hot_run.html", context)
    return render(request, "races/hot_run.html", context)


@login_required
@may_start
@require_POST
def start_trial(request: HttpRequest) -> HttpResponse:
    """Run an own schedule, or look for one that breaks the form, on servers to throw away."""
    try:
        terms = inputs.trial(request.POST.dict())
        if not trial.possible():
            raise InvalidInput({"scenario": "This machine has no PostgreSQL to throw away."})
        run = services.start_run(kind=LabRun.Kind.TRIAL, asked=terms, actor=_actor(request))
    except InvalidInput as refusal:
        messages.warning(request, " ".join(refusal.errors.values()))
        return _back(request)
    except services.Busy as busy:
        messages.warning(request, str(busy))
        return redirect("races:trial", busy.run.pk)
    return redirect("races:trial", run.pk)


@login_required
@may_see
@vary_on_headers("HX-Request")
@require_safe
def trial_page(request: HttpRequest, run_id: int) -> HttpResponse:
    """Show an own schedule: under way, refused, or step by step as any other run."""
    services.bury_lost()
    run = get_object_or_404(LabRun, pk=run_id, kind=LabRun.Kind.TRIAL)
    race = scenario.scenarios().get(run.asked["scenario"])
    if race is None or all(form.name != run.asked["strategy"] for _, form in race.forms()):
        raise Http404
    context: dict[str, Any] = {"run": run, "race": race, "asked": run.asked}
    context["address"] = Address(race.name, slug(run.asked["strategy"]))
    if "run" in run.result and run.state == LabRun.State.DONE:
        kind = next(kind for kind, form in race.forms() if form.name == run.asked["strategy"])
        context["page"] = _trial_run(request, run, kind)
        context["large"] = request.GET.get("view") == LARGE
    part = _is_part(request) and "page" not in context
    return render(request, f"races/{'parts/trial' if part else 'trial'}.html", context)


@login_required
@may_start
@require_POST
def end(request: HttpRequest, run_id: int) -> HttpResponse:
    """End a run before its time; its process is gone a moment later."""
    run = get_object_or_404(LabRun, pk=run_id)
    if not services.end_run(run_id=run.pk):
        messages.warning(request, "That run is over already.")
    return redirect("races:hot_run" if run.kind == LabRun.Kind.HOT else "races:trial", run.pk)


def _hot_page(request: HttpRequest, form: HotForm, status: int = 200) -> HttpResponse:
    latest = list(LabRun.objects.filter(kind=LabRun.Kind.HOT).order_by("-pk")[:LATEST])
    finished = next((run for run in latest if run.state == LabRun.State.DONE), None)
    shown = finished.result if finished else _recorded()
    context = {
        "form": form,
        "not_here": "" if trial.possible() else NOT_HERE,
        "latest": latest,
        "under_way": next((run for run in latest if run.is_open), None),
        "shown": finished,
        "recorded": shown if not finished else None,
        "asked": shown.get("asked", {}),
        "lanes": _lanes(shown),
        "plots": plot.together(shown.get("lanes", [])),
        "strategies": STRATEGIES.values(),
    }
    return render(request, "races/hot.html", context, status=status)


def _recorded() -> dict[str, Any]:
    """The hot run that is checked in."""
    file = library.FOLDER / "hot.json"
    found: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    return found


def _lanes(result: dict[str, Any]) -> list[plot.Lane]:
    lanes = result.get("lanes", [])
    fastest = max((lane["figures"].get("per_second", 0) for lane in lanes), default=0) or 1
    return [
        plot.Lane(
            name=lane["strategy"],
            title=lane["title"],
            naive=lane["naive"],
            state=lane["state"],
            figures=lane["figures"],
            plot=plot.lane_plot(lane["samples"], lane["credits"]),
            share=round(100 * lane["figures"].get("per_second", 0) / fastest, 1),
            costs=STRATEGIES[lane["strategy"]].costs,
            keeps=STRATEGIES[lane["strategy"]].keeps,
        )
        for lane in lanes
        if lane["strategy"] in STRATEGIES
    ]


def _trial_run(request: HttpRequest, run: LabRun, kind: str) -> page.Page:
    step = request.GET.get("step", "")
    asked = int(step) if step.isascii() and step.isdigit() and len(step) <= 4 else None
    found = library.single_from_json(run.result)
    form = Form(run.asked["strategy"], kind, (found,))
    recording = Recording(run.asked["scenario"], (form,))
    view = LARGE if request.GET.get("view") == LARGE else ""
    address = Address(recording.scenario, slug(form.name), step=asked, view=view, path=request.path)
    return page.build(recording, form, found, None, address)


def _is_part(request: HttpRequest) -> bool:
    return "HX-Request" in request.headers and "HX-Boosted" not in request.headers


def _actor(request: HttpRequest) -> str:
    return str(request.user.get_username())


def _back(request: HttpRequest) -> HttpResponse:
    """To the form that was meant, or to all races."""
    name, strategy = request.POST.get("scenario", ""), request.POST.get("strategy", "")
    recording = library.get(name)
    known = recording and any(slug(form.name) == strategy for form in recording.forms)
    return redirect(str(Address(name, strategy)) if known else "races:index")
