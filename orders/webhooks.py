"""Where the payment provider's webhooks arrive. Only what it signed is read."""

import json

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from orders import services

OLDEST_SECONDS = 300
"""How old a signature may be (docs.stripe.com/webhooks): an old one may be somebody's recording."""


@csrf_exempt
@require_POST
def stripe_webhook(request: HttpRequest) -> HttpResponse:
    """Check the signature over the raw body, then keep the event; once, however often it comes."""
    import stripe

    signature = request.headers.get("Stripe-Signature", "")
    secret = settings.SHOP.stripe_webhook_secret
    try:
        text = request.body.decode()
        if not secret:
            raise ValueError("no secret")
        stripe.WebhookSignature.verify_header(text, signature, secret, tolerance=OLDEST_SECONDS)
        event = json.loads(text)
        body = event["data"]["object"]
        new = services.note_event(event_id=event["id"], kind=event["type"], body=dict(body))
    except (ValueError, KeyError, TypeError, RecursionError, stripe.SignatureVerificationError):
        return JsonResponse({"error": "This is no event that the provider signed."}, status=400)
    return JsonResponse({"received": True, "new": new})
