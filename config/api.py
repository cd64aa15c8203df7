"""Which address of the API leads to which endpoint; writes are settled by the pipeline before they are answered."""

import time

from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from config import drains, refunding
from support.api import (
    analytics,
    conversations,
    coupons,
    discrepancies,
    entitlements,
    events,
    orders,
    profiles,
    refunds,
)

AT_MOST_SECONDS = 2.0


def settle(organization_id: int) -> None:
    """Make what a write touched agree now, for two seconds at most; the workers do the rest."""
    until = time.monotonic() + AT_MOST_SECONDS
    while time.monotonic() < until and drains.settlements(organization_id):
        pass


def settle_refund(organization_id: int) -> None:
    """Ask the provider first, so that the answer tells what it said; one that is silent is asked again by a worker."""
    refunding.refunds(organization_id)
    settle(organization_id)


urlpatterns = [
    path("orders", orders.Orders.as_view(settle=settle)),
    path("orders/<int:pk>", orders.OneOrder.as_view()),
    path("orders/<int:pk>/refund", refunds.RefundOrder.as_view(settle=settle_refund)),
    path("profiles", profiles.Profiles.as_view()),
    path("profiles/<int:pk>", profiles.OneProfile.as_view()),
    path("profiles/<int:pk>/timeline", profiles.Timeline.as_view()),
    path("profiles/<int:pk>/merge", profiles.MergeProfiles.as_view(settle=settle)),
    path("merges", profiles.Merges.as_view()),
    path("merges/<int:pk>/undo", profiles.UndoMerge.as_view(settle=settle)),
    path("entitlements", entitlements.Entitlements.as_view()),
    path("entitlements/<int:pk>/resend", entitlements.Resend.as_view(settle=settle)),
    path("entitlements/<int:pk>/revoke", entitlements.Revoke.as_view(settle=settle)),
    path("entitlements/<int:pk>/restore", entitlements.Restore.as_view(settle=settle)),
    path("events", events.Events.as_view(settle=settle)),
    path("coupons", coupons.Coupons.as_view()),
    path("coupons/quote", coupons.Quote.as_view()),
    path("coupons/redeem", coupons.Redeem.as_view(settle=settle)),
    path("coupons/confirm", coupons.Confirm.as_view(settle=settle)),
    path("discrepancies", discrepancies.Discrepancies.as_view()),
    path("analytics/revenue", analytics.Revenue.as_view()),
    path("customers/<int:pk>/ltv", analytics.LifetimeValue.as_view()),
    path("conversations", conversations.Conversations.as_view(settle=settle)),
    path("schema", SpectacularAPIView.as_view(authentication_classes=[], permission_classes=[]), name="schema"),
    path(
        "docs",
        SpectacularSwaggerSplitView.as_view(url_name="schema", authentication_classes=[], permission_classes=[]),
        name="docs",
    ),
]
