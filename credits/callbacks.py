"""The address that the provider calls. No sign-in: its signature is what counts."""

from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from credits import services


@csrf_exempt
@require_POST
def callback(request: HttpRequest, token: UUID) -> HttpResponse:
    """Take a status callback. 403: forged; 404: no attempt of ours; 400: no status in it.

    The same told twice is answered alike and changes nothing.
    """
    if not is_signed(request):
        return _answer(403, "The signature does not fit. Nothing was changed.")
    sid, status = request.POST.get("MessageSid", ""), request.POST.get("MessageStatus", "")
    if not 0 < len(sid) <= 64 or not 0 < len(status) <= 20:
        return _answer(400, "MessageSid and MessageStatus are needed. Nothing was changed.")
    try:
        news = services.receive_callback(
            token=token, sid=sid, status=status, error_code=_code(request)
        )
    except services.UnknownAttempt:
        return _answer(404, "No text of ours was sent under this address. Nothing was changed.")
    return _answer(200, "Recorded." if news else "Known already.")


def is_signed(request: HttpRequest) -> bool:
    """Whether the provider signed this very request (twilio.com/docs/usage/security).

    The signature is over the address that the provider called, which is the public one.
    """
    from twilio.request_validator import RequestValidator

    if not settings.TEXTS.secret:
        return False
    origin = settings.TEXTS.public_url or request.build_absolute_uri("/").rstrip("/")
    validator = RequestValidator(settings.TEXTS.secret)
    signature = request.headers.get("X-Twilio-Signature", "")
    return bool(validator.validate(origin + request.get_full_path(), request.POST, signature))


def _code(request: HttpRequest) -> int | None:
    code = request.POST.get("ErrorCode", "")
    return int(code) if code.isascii() and code.isdecimal() and len(code) < 9 else None


def _answer(status: int, message: str) -> JsonResponse:
    return JsonResponse({"message": message}, status=status)
