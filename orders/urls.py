"""Addresses of the order pages, and of the provider's webhooks."""

from django.urls import path

from orders import webhooks

app_name = "orders"
urlpatterns = [
    path("webhooks/stripe/", webhooks.stripe_webhook, name="stripe_webhook"),
]
