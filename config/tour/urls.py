"""Addresses of the tour."""

from django.urls import path

from config.tour import views

app_name = "tour"
urlpatterns = [
    path("score/", views.score, name="score"),
    path("<slug:step>/", views.press, name="press"),
]
