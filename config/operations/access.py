"""Who may look at operations, and who may act: the permissions of the outbox's messages."""

from django.contrib.auth.decorators import permission_required

may_see = permission_required("outbox.view_message", raise_exception=True)
may_act = permission_required("outbox.change_message", raise_exception=True)
