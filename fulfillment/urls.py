"""The customer's addresses, and those at which mail services report."""

from django.urls import path

from fulfillment import webhooks
from fulfillment.views import addresses, callbacks, claims, downloads, intakes, libraries, redeeming, unsubscribes
from fulfillment.views.languages import spoken

urlpatterns = [
    path("anymail/<slug:esp>/tracking/", webhooks.receive),
    path("download/file/<str:secret>", spoken(downloads.file)),
    path("download/<str:secret>", spoken(downloads.page)),
    path("download/<str:secret>/renew", spoken(downloads.renew)),
    path("download/<str:secret>/all", spoken(downloads.page), {"everything": True}),
    path("download/<str:secret>/<int:asset_id>", spoken(downloads.page)),
    path("claim/auth0/callback", spoken(callbacks.finish)),
    path("claim/address/<str:secret>", spoken(addresses.change)),
    path("claim/<str:secret>", spoken(claims.page)),
    path("claim/<str:secret>/renew", spoken(claims.renew)),
    path("unsubscribe/<str:secret>", spoken(unsubscribes.page)),
    path("intake/<str:secret>", spoken(intakes.page)),
    path("redeem/<slug:slug>/", spoken(redeeming.page)),
    path("library/", spoken(libraries.index)),
    path("library/<slug:slug>/", spoken(libraries.page)),
    path("library/<slug:slug>/sign-out", spoken(libraries.sign_out)),
    path("library/<slug:slug>/addresses", spoken(addresses.page)),
    path("library/<slug:slug>/service/<int:service_id>", spoken(libraries.form)),
    path("library/<slug:slug>/receipt/<int:order_id>", spoken(libraries.receipt)),
    path("library/<slug:slug>/file/<int:entitlement_id>/all", spoken(libraries.file)),
    path("library/<slug:slug>/file/<int:entitlement_id>/<int:asset_id>", spoken(libraries.file)),
]
