"""The project's own handlers. There is one, for the tour, where there is a tour."""

from django.conf import settings

from config.tour import bridge

if settings.EMBEDDED:
    bridge.declare()
