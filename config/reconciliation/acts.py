"""Acting: begin a run, or say something to a finding. Each act is in the audit log."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from outbox.reconciliation import acts, chain, registered
from outbox.reconciliation.models import Finding, Reconciliation

may_begin = permission_required("outbox.add_reconciliation", raise_exception=True)
may_act = permission_required("outbox.add_findingact", raise_exception=True)


@login_required
@may_begin
@require_POST
def begin(request: HttpRequest) -> HttpResponse:
    """Start a run of all checks or of one; where another one runs, show that."""
    check = request.POST.get("check", "")
    if check and check not in registered():
        messages.warning(request, "There is no such check.")
        return redirect("reconciliation:overview")
    started = chain.start(
        cause=request.user.get_username(),
        names=[check] if check else [],
        dry_run="dry_run" in request.POST,
    )
    if started is None:
        messages.warning(request, "Another reconciliation is running. One is enough.")
        return _to_the_one_that_runs()
    return redirect("reconciliation:run", run_id=started.pk)


@login_required
@may_act
@require_POST
def act(request: HttpRequest, finding_id: int) -> HttpResponse:
    """Acknowledge a finding or reopen it, with a note."""
    get_object_or_404(Finding, pk=finding_id)
    kinds = {"acknowledge": acts.acknowledge, "reopen": acts.reopen}
    verb = kinds.get(request.POST.get("act", ""))
    try:
        if verb is None:
            raise ValueError("Choose what to do.")
        verb(
            finding_id=finding_id,
            actor=request.user.get_username(),
            note=request.POST.get("note", "").replace("\x00", ""),
        )
    except (acts.NotOpen, ValueError) as refusal:
        messages.warning(request, str(refusal))
    else:
        messages.success(request, "Noted.")
    return redirect("reconciliation:finding", finding_id=finding_id)


def _to_the_one_that_runs() -> HttpResponse:
    other = Reconciliation.objects.under_way().first()
    if other is None:
        return redirect("reconciliation:overview")
    return redirect("reconciliation:run", run_id=other.pk)
