"""One message's page: its effect from the request to the provider's answer, step by step."""

import json
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from config.operations import effects, timeline
from config.operations.access import may_see
from outbox import handlers
from outbox.models import Message

MOST_RELATED = 30


@login_required
@may_see
@vary_on_headers("HX-Request")
@require_safe
def message(request: HttpRequest, message_id: UUID) -> HttpResponse:
    """Show everything that is known about a message; to htmx, the part that lives."""
    found = Message.objects.filter(pk=message_id).first()
    if found is None:
        raise Http404
    related = Message.objects.filter(operation_id=found.operation_id).exclude(pk=found.pk)
    effect = effects.of(found)
    part = "HX-Request" in request.headers
    template = "operations/parts/message.html" if part else "operations/message.html"
    context = {
        "message": found,
        "arguments": json.dumps(found.args, ensure_ascii=False),
        "queue": known.queue if (known := handlers.find(found.handler)) else "",
        "steps": timeline.of(found, effect),
        "effect": effect,
        "related": related.order_by("id")[:MOST_RELATED],
    }
    return render(request, template, context)
