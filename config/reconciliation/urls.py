"""Addresses under /reconciliation/."""

from django.urls import path

from config.reconciliation import acts, views

app_name = "reconciliation"
urlpatterns = [
    path("", views.overview, name="overview"),
    path("begin/", acts.begin, name="begin"),
    path("<int:run_id>/", views.one_run, name="run"),
    path("findings/<int:finding_id>/", views.one_finding, name="finding"),
    path("findings/<int:finding_id>/act/", acts.act, name="act"),
]
