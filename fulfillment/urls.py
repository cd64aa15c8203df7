"""The customer's addresses."""

from django.urls import path

from fulfillment import views

urlpatterns = [
    path("download/file/<str:secret>", views.file),
    path("download/<str:secret>", views.page),
    path("download/<str:secret>/renew", views.renew),
    path("download/<str:secret>/<int:asset_id>", views.page),
]
