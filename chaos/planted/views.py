"""POST /chaos/bare: enqueue bare effects, as any view of the site enqueues its own."""

import json
from typing import Any

from django.http import HttpRequest
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

import outbox
from config.api import signed_in_or_token


@csrf_exempt
@require_POST
@signed_in_or_token
@outbox.idempotent_post
def ask_for_bare_effects(request: HttpRequest) -> tuple[int, dict[str, Any]]:
    """One message for each of the numbers given; once for each `Idempotency-Key`."""
    asked = json.loads(request.body)
    numbers = asked["numbers"]
    handler = "chaos.bulk" if asked.get("bulk") else "chaos.bare"
    outbox.enqueue_many(handler, [{"number": number} for number in numbers])
    return 201, {"id": numbers[0]}
