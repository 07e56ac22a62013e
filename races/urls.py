"""Addresses of the race lab."""

from django.urls import path

from races import run_views, views

app_name = "races"
urlpatterns = [
    path("races/", views.index, name="index"),
    path("races/hot/", run_views.hot, name="hot"),
    path("races/hot/start/", run_views.start_hot, name="hot_start"),
    path("races/hot/<int:run_id>/", run_views.hot_run, name="hot_run"),
    path("races/trials/start/", run_views.start_trial, name="trial_start"),
    path("races/trials/<int:run_id>/", run_views.trial_page, name="trial"),
    path("races/runs/<int:run_id>/end/", run_views.end, name="end"),
    path("races/<str:name>/", views.scenario_page, name="scenario"),
    path("races/<str:name>/<str:strategy>/", views.run_page, name="run"),
    path("races/<str:name>/<str:strategy>/picture.svg", views.picture_page, name="picture"),
]
