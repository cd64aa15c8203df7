"""The customer's addresses, and those at which mail services report."""

from django.urls import path

from fulfillment import webhooks
from fulfillment.views import addresses, callbacks, claims, downloads, intakes, libraries, redeeming, unsubscribes

urlpatterns = [
    path("anymail/<slug:esp>/tracking/", webhooks.receive),
    path("download/file/<str:secret>", downloads.file),
    path("download/<str:secret>", downloads.page),
    path("download/<str:secret>/renew", downloads.renew),
    path("download/<str:secret>/all", downloads.page, {"everything": True}),
    path("download/<str:secret>/<int:asset_id>", downloads.page),
    path("claim/auth0/callback", callbacks.finish),
    path("claim/address/<str:secret>", addresses.change),
    path("claim/<str:secret>", claims.page),
    path("claim/<str:secret>/renew", claims.renew),
    path("unsubscribe/<str:secret>", unsubscribes.page),
    path("intake/<str:secret>", intakes.page),
    path("redeem/<slug:slug>/", redeeming.page),
    path("library/", libraries.index),
    path("library/<slug:slug>/", libraries.page),
    path("library/<slug:slug>/sign-out", libraries.sign_out),
    path("library/<slug:slug>/addresses", addresses.page),
    path("library/<slug:slug>/service/<int:service_id>", libraries.form),
    path("library/<slug:slug>/receipt/<int:order_id>", libraries.receipt),
    path("library/<slug:slug>/file/<int:entitlement_id>/all", libraries.file),
    path("library/<slug:slug>/file/<int:entitlement_id>/<int:asset_id>", libraries.file),
]
