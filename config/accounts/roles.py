"""Three roles: a viewer sees, an operator acts, an admin also deletes and manages accounts.

The rule speaks of codenames and not of models, so an app that is added later joins in with its
first migration. Nothing is ever taken away here: what an admin adds to a group by hand stays.
"""

from typing import Any

from django.apps import AppConfig
from django.contrib.auth.models import Group, Permission
from django.db.models import QuerySet

VIEWER, OPERATOR, ADMIN = "viewer", "operator", "admin"
ROLES = (VIEWER, OPERATOR, ADMIN)

#: The apps that do the business and the apps that run the house. Only an admin sees the latter.
ROOMS = frozenset({"outbox", "pricing", "credits", "orders", "races", "sandbox"})
HOUSE = frozenset({"accounts", "auth", "django_celery_beat"})


def grant_after_migrate(sender: AppConfig, using: str, **kwargs: Any) -> None:
    """Give each role its permissions on the app just migrated. A second call changes nothing."""
    if sender.label not in ROOMS | HOUSE:
        return
    for role in ROLES:
        group, _ = Group.objects.using(using).get_or_create(name=role)
        group.permissions.add(*_granted(role, sender.label, using))


def _granted(role: str, app_label: str, using: str) -> "QuerySet[Permission]":
    """Return the permissions on one app that a role holds."""
    permissions = Permission.objects.using(using).filter(content_type__app_label=app_label)
    if role == ADMIN:
        return permissions
    if app_label in HOUSE:
        return permissions.none()
    if role == OPERATOR:
        return permissions.exclude(codename__startswith="delete_")
    return permissions.filter(codename__startswith="view_")
