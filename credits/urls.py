"""Addresses of the credits pages, and the one that the provider calls."""

from django.urls import path

from credits import callbacks

app_name = "credits"
urlpatterns = [
    path("callbacks/texts/<uuid:token>/", callbacks.callback, name="callback"),
]
