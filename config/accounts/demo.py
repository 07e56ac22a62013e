"""The demo accounts of the embedded mode: one for each role, with one password made up per home.

The password is random and not a documented word, although embedded servers listen on loopback
only: other people may share the machine, and a page in the browser can reach loopback as well.
"""

import os
import secrets
from pathlib import Path

from django.contrib.auth.models import Group, User
from django.db import transaction

from . import roles


class DemoNotAllowed(Exception):
    """Demo accounts were asked for on a database that is not the embedded one."""


def ensure_accounts(*, embedded: bool, home: Path) -> str:
    """Make the demo accounts where they are missing, and return their password.

    A second call changes nothing, not even the sessions of those signed in. Raises
    ``DemoNotAllowed`` outside the embedded mode: an account whose password lies in a file has
    no place beside real data.
    """
    if not embedded:
        raise DemoNotAllowed("demo accounts exist in the embedded mode only; use createsuperuser")
    secret = password(home)
    for role in roles.ROLES:
        _ensure_account(role, secret)
    return secret


def password(home: Path) -> str:
    """Return the demo password of this home, made up at the first call."""
    path = home / "demo-password"
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        return _write_new_password(path)


def _write_new_password(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        # Exclusive and 0600 from the start: of two processes one makes it, and nobody else reads.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        file.write(made_up := secrets.token_urlsafe(9))
    return made_up


@transaction.atomic
def _ensure_account(role: str, secret: str) -> None:
    # Staff, so that the outbox's admin pages open; what they show depends on the role.
    user, _ = User.objects.get_or_create(username=role, defaults={"is_staff": True})
    user.groups.add(Group.objects.get(name=role))
    if not user.check_password(secret):
        user.set_password(secret)
        user.save(update_fields=["password"])
