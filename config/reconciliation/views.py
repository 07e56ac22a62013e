"""Looking: all runs, one run with its findings, one finding with what people said to it."""

from typing import Any

from django.contrib.auth.decorators import login_required, permission_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from config.reconciliation.progress import lines, progress
from config.reconciliation.shown import shown, state_of, subject_address, title_of
from config.reconciliation.trend import trend
from outbox.reconciliation import registered, selectors
from outbox.reconciliation.models import Finding, Reconciliation

RUNS_PER_PAGE = 20
FINDINGS_PER_PAGE = 50
OPEN_SHOWN = 50
RUNS_IN_TREND = 30
LEFT = {"mended": True, "left": False}
may_see = permission_required("outbox.view_reconciliation", raise_exception=True)


@login_required
@may_see
@vary_on_headers("HX-Request")
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Show what runs, what waits for a person, how it went over time, and every run."""
    runs = Paginator(Reconciliation.objects.order_by("-pk"), RUNS_PER_PAGE)
    page = runs.get_page(request.GET.get("page"))
    recent = Reconciliation.objects.filter(finished_at__isnull=False, dry_run=False)
    plotted = list(recent.order_by("-pk")[:RUNS_IN_TREND])[::-1]
    tallies = selectors.tallies({run.pk: run for run in [*page, *plotted]}.values())
    left = selectors.open_findings()
    context = {
        "page": page,
        "runs": [(run, tallies[run.pk]) for run in page],
        "running": progress(Reconciliation.objects.under_way().first()),
        "last": plotted[-1] if plotted else None,
        "trend": trend([(run, tallies[run.pk]) for run in plotted]),
        "open": [shown(finding) for finding in left.select_related("reconciliation")[:OPEN_SHOWN]],
        "open_count": left.count(),
        "names": list(registered()),
    }
    return _whole_or_live(request, "overview", context)


@login_required
@may_see
@vary_on_headers("HX-Request")
@require_safe
def one_run(request: HttpRequest, run_id: int) -> HttpResponse:
    """Show how far it is, what each check saw, and its findings, of one check or of all."""
    run = get_object_or_404(Reconciliation, pk=run_id)
    check, left = request.GET.get("check", ""), request.GET.get("left", "")
    findings = run.findings.with_last_act().order_by("pk")
    if check in run.names:
        findings = findings.filter(check_name=check)
    if left in LEFT:
        findings = findings.filter(repaired=LEFT[left])
    page = Paginator(findings, FINDINGS_PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "run": run,
        "running": progress(run) if run.running else None,
        "lines": lines(run, selectors.by_check(run)),
        "tally": selectors.tallies([run])[run.pk],
        "page": page,
        "findings": [shown(finding) for finding in page],
        "check": check if check in run.names else "",
        "left": left if left in LEFT else "",
    }
    return _whole_or_live(request, "run", context)


@login_required
@may_see
@require_safe
def one_finding(request: HttpRequest, finding_id: int) -> HttpResponse:
    """Show the evidence, what was done, what people said, and the same subject in other runs."""
    known = Finding.objects.with_last_act().select_related("reconciliation")
    finding = get_object_or_404(known, pk=finding_id)
    context = {
        "finding": finding,
        "address": subject_address(finding),
        "title": title_of(finding),
        "state": state_of(finding),
        "acts": finding.acts.all(),
        "same": selectors.the_same(finding),
    }
    return render(request, "reconciliation/finding.html", context)


def _whole_or_live(request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    """To htmx, only the part of the page that keeps itself up to date."""
    live = "HX-Request" in request.headers
    return render(request, f"reconciliation/{'parts/' if live else ''}{name}.html", context)
