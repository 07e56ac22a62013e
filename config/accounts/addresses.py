"""Where a request comes from."""

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest | None) -> str:
    """Return the address of the client, as far as our own proxies vouch for it.

    ``X-Forwarded-For`` is written from the left by anybody and from the right by our proxies, so
    with ``TRUSTED_PROXIES`` of them the last entry but that many minus one counts; with none (the
    default) the header is not looked at.
    """
    if request is None:
        return ""
    proxies: int = settings.TRUSTED_PROXIES
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",")]
    if proxies and len(hops) >= proxies:
        return hops[-proxies]
    return str(request.META.get("REMOTE_ADDR", ""))
