"""Addresses of the order pages, and of the provider's webhooks."""

from django.urls import path

from orders import views, webhooks

app_name = "orders"
urlpatterns = [
    path("orders/", views.orders, name="orders"),
    path("orders/new/", views.place, name="place"),
    path("orders/<uuid:order_id>/", views.order, name="order"),
    path("orders/<uuid:order_id>/cancel/", views.cancel, name="order_cancel"),
    path("orders/<uuid:order_id>/refund/", views.refund, name="order_refund"),
    path("orders/<uuid:order_id>/receipt/", views.receipt, name="order_receipt"),
    path("webhooks/stripe/", webhooks.stripe_webhook, name="stripe_webhook"),
]
