"""Addresses of the operations pages."""

from django.urls import path

from config.operations import control, message, messages, overview

app_name = "operations"
urlpatterns = [
    path("", overview.overview, name="overview"),
    path("pause/", control.pause, name="pause"),
    path("messages/", messages.messages, name="messages"),
    path("messages/act/", control.act, name="act"),
    path("messages/<uuid:message_id>/", message.message, name="message"),
]
