"""Which address leads to which door."""

from django.urls import include, path

from config import health
from config.desk import desk
from orders import webhooks

urlpatterns = [
    path("healthz", health.alive),
    path("readyz", health.ready),
    path("metrics", health.measured),
    path("api/webhooks/<str:kind>/<str:key>", webhooks.receive),
    path("api/", include("config.api")),
    path("admin/", desk.urls),
    path("", include("fulfillment.urls")),
]
