"""Addresses of the pricing pages."""

from django.urls import path

from pricing import views

app_name = "pricing"
urlpatterns = [
    path("products/", views.products, name="products"),
    path("products/<int:product_id>/", views.product, name="product"),
    path("products/<int:product_id>/edit/", views.edit_product, name="product_edit"),
    path("reductions/", views.reductions, name="reductions"),
    path("reductions/new/", views.schedule, name="schedule"),
    path("reductions/<uuid:reduction_id>/", views.reduction, name="reduction"),
    path("reductions/<uuid:reduction_id>/cancel/", views.cancel, name="reduction_cancel"),
]
