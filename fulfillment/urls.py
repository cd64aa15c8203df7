"""The customer's addresses, and those at which mail services report."""

from django.urls import path

from fulfillment import webhooks
from fulfillment.views import downloads

urlpatterns = [
    path("anymail/<slug:esp>/tracking/", webhooks.receive),
    path("download/file/<str:secret>", downloads.file),
    path("download/<str:secret>", downloads.page),
    path("download/<str:secret>/renew", downloads.renew),
    path("download/<str:secret>/<int:asset_id>", downloads.page),
]
