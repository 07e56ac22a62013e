"""Headers, cookies and TLS. `manage.py check --deploy` has nothing to say about a deployment."""

from datetime import timedelta
from typing import Any

# Everything comes from our own address and no script stands in a page. `data:` is for the small
# pictures inside style sheets. Read by config.middleware.
CONTENT_SECURITY_POLICY = {
    "default-src": "'self'",
    "img-src": "'self' data:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}


def security_settings(*, https: bool, behind_proxy: bool) -> dict[str, Any]:
    """Everywhere the same, except that without TLS (loopback) no cookie may insist on it."""
    always = {
        "SECURE_CONTENT_TYPE_NOSNIFF": True,
        "SECURE_REFERRER_POLICY": "same-origin",
        "X_FRAME_OPTIONS": "DENY",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "CSRF_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": https,
        "CSRF_COOKIE_SECURE": https,
        "SECURE_SSL_REDIRECT": https,
    }
    return {**always, **(_only_with_tls() if https else {}), **_proxy(behind_proxy)}


def _only_with_tls() -> dict[str, Any]:
    return {
        "SECURE_HSTS_SECONDS": int(timedelta(days=365).total_seconds()),
        "SECURE_HSTS_INCLUDE_SUBDOMAINS": True,
        "SECURE_HSTS_PRELOAD": True,
    }


def _proxy(behind: bool) -> dict[str, Any]:
    """Only a proxy that sets this header itself may be trusted with it (BEHIND_PROXY=true)."""
    return {"SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https")} if behind else {}
