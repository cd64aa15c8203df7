"""Which address leads to which door."""

from django.urls import include, path

from config import health
from orders import webhooks

urlpatterns = [
    path("healthz", health.alive),
    path("readyz", health.ready),
    path("metrics", health.measured),
    path("api/webhooks/woocommerce/order-created", webhooks.receive_by_domain, {"kind": "woocommerce"}),
    path("api/webhooks/shopify/order-created", webhooks.receive_by_domain, {"kind": "shopify"}),
    path("api/webhooks/<str:kind>/<str:key>", webhooks.receive),
    path("api/", include("config.api")),
    path("", include("fulfillment.urls")),
]
