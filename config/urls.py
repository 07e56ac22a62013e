"""All addresses of the site but /healthz and /readyz, which config.middleware answers."""

from django.contrib import admin
from django.urls import include, path

from config import desk, metrics, pages
from config.accounts.views import admin_door
from config.api import api

urlpatterns = [
    path("", pages.home, name="home"),
    path("", include("pricing.urls")),
    path("", include("credits.urls")),
    path("", include("orders.urls")),
    path("", include("races.urls")),
    path("dead-letters/", desk.dead_letters, name="dead_letters"),
    path("dead-letters/act/", desk.act, name="dead_letters_act"),
    path("dead-letters/<uuid:message_id>/", desk.dead_letter, name="dead_letter"),
    path("reconciliation/", include("config.reconciliation.urls")),
    path("operations/", include("config.operations.urls")),
    path("tour/", include("config.tour.urls")),
    path("metrics", metrics.metrics, name="metrics"),
    path("accounts/", include("config.accounts.urls")),
    # One door, and it is rate limited: the admin's own sign-in page leads to it.
    path("admin/login/", admin_door),
    path("admin/", admin.site.urls),
    path("api/v1/", api.urls),
]

handler400 = "config.errors.bad_request"
handler404 = "config.errors.not_found"
handler500 = "config.errors.server_error"
