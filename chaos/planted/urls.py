"""The site, and beside it one address that asks for bare effects."""

from django.urls import include, path

from chaos.planted import views

urlpatterns = [path("chaos/bare", views.ask_for_bare_effects), path("", include("config.urls"))]
handler400 = "config.errors.bad_request"
handler404 = "config.errors.not_found"
handler500 = "config.errors.server_error"
