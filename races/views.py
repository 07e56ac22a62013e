"""The race lab's pages for looking: all races, one run, its picture. Everything is recorded."""

from typing import Any

from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from races import scenario
from races.explorer import ScheduleDoesNotFit
from races.recording import library
from races.recording.data import Form, Recording, Run
from races.scenario import HOLDS, NAIVE, Scenario
from races.stage import lookup, page, picture
from races.stage.address import LARGE, Address, form_of, slug

may_see = permission_required("races.view_labrun", raise_exception=True)
FIRST = "one_credit_is_spent_once"
Shown = tuple[Recording, Form, Run, tuple[Form, Run] | None, Address]


class Unknown(LookupError):
    """The address names something that is not there; the message says what, and what there is."""


@login_required
@may_see
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """List all races."""
    return render(request, "races/index.html", _all_races())


@login_required
@may_see
@require_safe
def scenario_page(request: HttpRequest, name: str) -> HttpResponse:
    """Lead to the scenario's first naive form."""
    try:
        recording = _recording(name)
    except Unknown as error:
        return _unknown(request, str(error))
    return redirect(str(Address(recording.scenario, slug(recording.forms[0].name))))


@login_required
@may_see
@require_safe
def run_page(request: HttpRequest, name: str, strategy: str) -> HttpResponse:
    """Show one run, step by step, or two of them side by side."""
    try:
        shown = _shown(request, name, strategy)
    except Unknown as error:
        return _unknown(request, str(error))
    except ScheduleDoesNotFit as error:
        return _not_recorded(request, name, strategy, str(error), status=400)
    except lookup.NotRecorded as error:
        return _not_recorded(request, name, strategy, str(error), possible=error.possible)
    built = page.build(*shown)
    context = {"page": built, "large": built.address.view == LARGE, "asked": _asked_step(request)}
    return render(request, "races/run.html", context)


@login_required
@may_see
@require_safe
def picture_page(request: HttpRequest, name: str, strategy: str) -> HttpResponse:
    """The same as a picture to keep."""
    try:
        built = page.build(*_shown(request, name, strategy))
    except (Unknown, ScheduleDoesNotFit, lookup.NotRecorded) as error:
        return HttpResponse(str(error), status=404, content_type="text/plain; charset=utf-8")
    answer = HttpResponse(picture.draw(built), content_type="image/svg+xml; charset=utf-8")
    file = f"{built.race.name}-{built.address.strategy}.svg"
    answer["Content-Disposition"] = f'attachment; filename="{file}"'
    return answer


def _shown(request: HttpRequest, name: str, strategy: str) -> Shown:
    """What the address names; raises Unknown, NotRecorded or ScheduleDoesNotFit."""
    recording = _recording(name)
    form = _form(recording, strategy)
    wanted = request.GET.get("schedule", "")
    run = lookup.find(form, wanted) if wanted else lookup.default(form, recording)
    second = request.GET.get("beside", "")
    other = _form(recording, second) if second else None
    same = lookup.find(other, run.wanted) if other else None
    address = Address(
        recording.scenario,
        slug(form.name),
        schedule=run.wanted,
        step=_asked_step(request),
        beside=slug(other.name) if other else "",
        view=LARGE if request.GET.get("view") == LARGE else "",
    )
    return recording, form, run, (other, same) if other and same else None, address


def _recording(name: str) -> Recording:
    try:
        race = scenario.get(name)
    except scenario.UnknownScenario:
        raise Unknown(f"There is no race “{name[:80]}”.") from None
    recording = library.get(race.name)
    if recording is None:
        raise Unknown(f"“{race.claim}” was not recorded yet: manage.py record_races {race.name}")
    return recording


def _form(recording: Recording, strategy: str) -> Form:
    form = form_of(recording, strategy)
    if form is None:
        known = ", ".join(slug(each.name) for each in recording.forms)
        raise Unknown(f"This race knows no strategy “{strategy[:80]}”. There are: {known}.")
    return form


def _asked_step(request: HttpRequest) -> int | None:
    """The step in the address; what is no number is as good as none."""
    text = request.GET.get("step", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else None


def _all_races() -> dict[str, Any]:
    """Every recorded race; the one to begin with stands apart."""
    races = [each for each in map(_summary, scenario.scenarios().values()) if each]
    first = next((each for each in races if each["race"].name == FIRST), None)
    return {"first": first, "races": [each for each in races if each is not first]}


def _summary(race: Scenario) -> dict[str, Any] | None:
    recording = library.get(race.name)
    if recording is None:
        return None
    first = recording.forms[0]
    return {
        "race": race,
        "address": Address(race.name, slug(first.name)),
        "first": first,
        "beside": _beside(recording, first),
        "broken": lookup.default(first, recording),
        "naive": [form for form in recording.forms if form.kind == NAIVE],
        "holds": [form for form in recording.forms if form.kind == HOLDS],
        "ours": any(form.ours for _, form in race.forms()),
    }


def _beside(recording: Recording, first: Form) -> Address:
    """The first form, and the first that holds, under what breaks the one."""
    other = next((form for form in recording.forms if form.kind == HOLDS), first)
    run = lookup.default(first, recording)
    return Address(
        recording.scenario, slug(first.name), schedule=run.wanted, beside=slug(other.name)
    )


def _unknown(request: HttpRequest, message: str) -> HttpResponse:
    return render(request, "races/index.html", {**_all_races(), "message": message}, status=404)


def _not_recorded(
    request: HttpRequest,
    name: str,
    strategy: str,
    message: str,
    *,
    status: int = 404,
    possible: bool = False,
) -> HttpResponse:
    recording = _recording(name)
    form = _form(recording, strategy)
    address = Address(recording.scenario, slug(form.name))
    context = {
        "race": scenario.get(recording.scenario),
        "form": form,
        "message": message,
        "possible": possible,
        "wanted": request.GET.get("schedule", "")[: lookup.LONGEST],
        "address": address,
        "known": [(run, address.but(schedule=run.wanted)) for run in form.runs],
    }
    return render(request, "races/not_recorded.html", context, status=status)
