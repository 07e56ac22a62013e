"""One web request for one job: the business row and the message in one transaction."""

import json

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

import outbox
from benchmarks.work.models import Request


@csrf_exempt
def deduct(request: HttpRequest) -> HttpResponse:
    """POST the job as JSON: 202, and it will be done exactly once."""
    job = json.loads(request.body)
    with transaction.atomic():
        Request.objects.create(id=job["operation"], account_id=job["account_id"])
        outbox.enqueue(
            job["handler"], args={name: job[name] for name in ("operation", "account_id")}
        )
    return HttpResponse(status=202)


urlpatterns = [path("deduct", deduct)]
