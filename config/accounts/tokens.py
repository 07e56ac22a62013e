"""Issue, find and revoke API tokens."""

import hashlib
import secrets
from datetime import timedelta

from django.contrib.auth.models import User
from django.db.models import Q
from django.db.models.functions import Now

from .models import ApiToken

PREFIX = "once_"  # lets a secret scanner recognise a leaked token
HINT_LENGTH = len(PREFIX) + 6
#: ``last_used_at`` is written at most this often, so that reading stays reading under load.
USE_RECORDED_EVERY = timedelta(minutes=1)
_USE_IS_OLD = Q(last_used_at=None) | Q(last_used_at__lt=Now() - USE_RECORDED_EVERY)


def issue_token(*, user: User) -> str:
    """Return a new token of the user, which nobody can show again; earlier ones stay valid."""
    token = PREFIX + secrets.token_urlsafe(32)
    ApiToken.objects.create(user=user, digest=_digest(token), hint=token[:HINT_LENGTH])
    return token


def find_token(*, token: str) -> ApiToken | None:
    """Return the row of a valid token of an active user, or None; remember that it was used."""
    found = (
        ApiToken.objects.select_related("user")
        .filter(digest=_digest(token), revoked_at=None, user__is_active=True)
        .annotate(use_is_old=_USE_IS_OLD)
        .first()
    )
    if found is not None and found.use_is_old:
        ApiToken.objects.filter(_USE_IS_OLD, pk=found.pk).update(last_used_at=Now())
    return found


def revoke_token(*, token_id: int) -> bool:
    """End a token at once. Return whether this call did it: a second one returns False."""
    return bool(ApiToken.objects.filter(pk=token_id, revoked_at=None).update(revoked_at=Now()))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
