"""A viewer sees, an operator acts, an admin also deletes and manages accounts."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management.sql import emit_post_migrate_signal

from config.accounts import roles
from tests.accounts.people import make_user

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("permission", "viewer", "operator", "admin"),
    [
        ("pricing.view_product", True, True, True),
        ("outbox.view_message", True, True, True),
        ("pricing.add_pricereduction", False, True, True),
        ("pricing.change_product", False, True, True),
        ("outbox.change_message", False, True, True),
        ("pricing.delete_product", False, False, True),
        ("accounts.view_apitoken", False, False, True),
        ("auth.change_user", False, False, True),
        ("django_celery_beat.change_periodictask", False, False, True),
    ],
)
def test_each_role_may_do_its_part(
    permission: str, viewer: bool, operator: bool, admin: bool
) -> None:
    allowed = [make_user(role).has_perm(permission) for role in roles.ROLES]

    assert allowed == [viewer, operator, admin]


def test_nobody_without_a_role_may_do_anything() -> None:
    assert make_user().get_all_permissions() == set()


def test_migrating_again_changes_nothing_and_takes_nothing_away() -> None:
    _migrated()
    viewers = Group.objects.get(name="viewer")
    viewers.permissions.add(Permission.objects.get(codename="add_product"))
    before = set(viewers.permissions.values_list("codename", flat=True))

    _migrated()

    assert set(viewers.permissions.values_list("codename", flat=True)) == before
    assert Group.objects.filter(name="viewer").count() == 1


def test_a_model_that_is_added_later_joins_in_with_its_migration() -> None:
    product = Permission.objects.get(codename="view_product").content_type
    later = Permission.objects.create(codename="view_novelty", name="x", content_type=product)

    _migrated()

    assert set(later.group_set.values_list("name", flat=True)) == set(roles.ROLES)


def _migrated() -> None:
    emit_post_migrate_signal(verbosity=0, interactive=False, db="default")
