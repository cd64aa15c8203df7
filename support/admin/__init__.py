"""The desk's lists, pages and dialogs."""

from typing import Any

from django.db import models

from attribution.models import StoreAlert
from fulfillment.models import Email, Entitlement, Job, Reach, Suppression
from orders.models import Channel, Delivery, Line, Order, Product
from profiles.models import (
    ApiToken,
    AuditEntry,
    Identifier,
    Membership,
    Merge,
    Organization,
    Profile,
    Review,
    StreamEntry,
    Suggestion,
    WebhookDelivery,
    WebhookEndpoint,
)
from support.admin import (
    acts_of_alike,
    acts_of_catalogue,
    acts_of_channels,
    acts_of_customers,
    acts_of_cuts,
    acts_of_delivery,
    acts_of_identity,
    acts_of_inbox,
    acts_of_jobs,
    acts_of_links,
    acts_of_mail,
    acts_of_orders,
    acts_of_reach,
    acts_of_reviews,
    acts_of_settings,
    acts_of_stores,
    acts_of_webhooks,
)
from support.admin.alike import SuggestionAdmin
from support.admin.audit import AuditEntryAdmin
from support.admin.catalogue import ProductAdmin
from support.admin.channels import ChannelAdmin
from support.admin.deliveries import EmailAdmin, EntitlementAdmin
from support.admin.identifiers import IdentifierAdmin
from support.admin.identities import MergeAdmin, ReviewAdmin
from support.admin.inbox import DeliveryAdmin
from support.admin.jobs import JobAdmin
from support.admin.orders import OrderAdmin
from support.admin.profiles import ProfileAdmin
from support.admin.settings import ApiTokenAdmin, MembershipAdmin, OrganizationAdmin
from support.admin.stores import StoreAlertAdmin
from support.admin.streams import StreamEntryAdmin
from support.admin.unmapped import LineAdmin
from support.admin.unreached import ReachAdmin, SuppressionAdmin
from support.admin.webhooks import WebhookDeliveryAdmin, WebhookEndpointAdmin

# The dialogs register themselves as their modules load.
ACTS = (
    acts_of_delivery,
    acts_of_customers,
    acts_of_alike,
    acts_of_cuts,
    acts_of_orders,
    acts_of_inbox,
    acts_of_catalogue,
    acts_of_jobs,
    acts_of_reviews,
    acts_of_identity,
    acts_of_channels,
    acts_of_settings,
    acts_of_links,
    acts_of_stores,
    acts_of_webhooks,
    acts_of_reach,
    acts_of_mail,
)

REGISTERED: list[tuple[type[models.Model], Any]] = [
    (Order, OrderAdmin),
    (Profile, ProfileAdmin),
    (Job, JobAdmin),
    (Entitlement, EntitlementAdmin),
    (Email, EmailAdmin),
    (Reach, ReachAdmin),
    (Suppression, SuppressionAdmin),
    (Delivery, DeliveryAdmin),
    (Line, LineAdmin),
    (Product, ProductAdmin),
    (Channel, ChannelAdmin),
    (Merge, MergeAdmin),
    (WebhookEndpoint, WebhookEndpointAdmin),
    (WebhookDelivery, WebhookDeliveryAdmin),
    (StreamEntry, StreamEntryAdmin),
    (Review, ReviewAdmin),
    (Identifier, IdentifierAdmin),
    (StoreAlert, StoreAlertAdmin),
    (Suggestion, SuggestionAdmin),
    (AuditEntry, AuditEntryAdmin),
    (Membership, MembershipAdmin),
    (ApiToken, ApiTokenAdmin),
    (Organization, OrganizationAdmin),
]
