"""The customer's addresses."""

from django.urls import path

from fulfillment.views import downloads

urlpatterns = [
    path("download/file/<str:secret>", downloads.file),
    path("download/<str:secret>", downloads.page),
    path("download/<str:secret>/renew", downloads.renew),
    path("download/<str:secret>/<int:asset_id>", downloads.page),
]
