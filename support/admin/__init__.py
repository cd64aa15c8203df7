"""The desk's lists, pages and dialogs."""

from typing import Any

from django.db import models

from attribution.models import Conversation, StoreAlert
from fulfillment.models import (
    Asset,
    Coupon,
    Email,
    Entitlement,
    Followup,
    Job,
    Mission,
    Reach,
    Service,
    Suppression,
    Unclaimed,
)
from orders.models import (
    Channel,
    Delivery,
    Import,
    LedgerEntry,
    Line,
    Lookup,
    Order,
    Payout,
    Period,
    Product,
    RefundRequest,
    StorefrontPage,
)
from profiles.models import (
    ApiToken,
    AuditEntry,
    Event,
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
    acts_of_alerts,
    acts_of_alike,
    acts_of_approvals,
    acts_of_catalogue,
    acts_of_channels,
    acts_of_checklists,
    acts_of_claims,
    acts_of_conversations,
    acts_of_coupons,
    acts_of_customers,
    acts_of_cuts,
    acts_of_delivery,
    acts_of_discrepancies,
    acts_of_drills,
    acts_of_files,
    acts_of_finance,
    acts_of_followups,
    acts_of_given,
    acts_of_identity,
    acts_of_imports,
    acts_of_inbox,
    acts_of_incidents,
    acts_of_jobs,
    acts_of_links,
    acts_of_lookups,
    acts_of_mail,
    acts_of_missions,
    acts_of_offers,
    acts_of_orders,
    acts_of_reach,
    acts_of_refunds,
    acts_of_reviews,
    acts_of_settings,
    acts_of_storefronts,
    acts_of_stores,
    acts_of_webhooks,
)
from support.admin.alerts import AlertAdmin
from support.admin.alike import SuggestionAdmin
from support.admin.approvals import ApprovalAdmin
from support.admin.audit import AuditEntryAdmin
from support.admin.catalogue import ProductAdmin
from support.admin.channels import ChannelAdmin
from support.admin.conversations import ConversationAdmin
from support.admin.coupons import CouponAdmin
from support.admin.deliveries import EmailAdmin, EntitlementAdmin
from support.admin.discrepancies import DiscrepancyAdmin, ReconcileRunAdmin
from support.admin.files import AssetAdmin
from support.admin.followups import FollowupAdmin, ServiceAdmin
from support.admin.identifiers import IdentifierAdmin
from support.admin.identities import MergeAdmin, ReviewAdmin
from support.admin.imports import ImportAdmin
from support.admin.inbox import DeliveryAdmin
from support.admin.incidents import IncidentAdmin
from support.admin.jobs import JobAdmin
from support.admin.ledger import LedgerEntryAdmin, PeriodAdmin
from support.admin.lookups import LookupAdmin
from support.admin.missions import MissionAdmin
from support.admin.orders import OrderAdmin
from support.admin.payouts import PayoutAdmin
from support.admin.profiles import ProfileAdmin
from support.admin.refunds import RefundRequestAdmin
from support.admin.settings import ApiTokenAdmin, MembershipAdmin, OrganizationAdmin
from support.admin.steps import StepAdmin
from support.admin.storefronts import StorefrontPageAdmin
from support.admin.stores import StoreAlertAdmin
from support.admin.streams import StreamEntryAdmin
from support.admin.unclaimed import UnclaimedAdmin
from support.admin.unmapped import LineAdmin
from support.admin.unreached import ReachAdmin, SuppressionAdmin
from support.admin.webhooks import WebhookDeliveryAdmin, WebhookEndpointAdmin
from support.models import Alert, Approval, Discrepancy, Incident, ReconcileRun

# The dialogs register themselves as their modules load.
ACTS = (
    acts_of_delivery,
    acts_of_given,
    acts_of_files,
    acts_of_claims,
    acts_of_customers,
    acts_of_alerts,
    acts_of_incidents,
    acts_of_drills,
    acts_of_alike,
    acts_of_cuts,
    acts_of_orders,
    acts_of_inbox,
    acts_of_lookups,
    acts_of_catalogue,
    acts_of_jobs,
    acts_of_reviews,
    acts_of_identity,
    acts_of_channels,
    acts_of_conversations,
    acts_of_checklists,
    acts_of_storefronts,
    acts_of_settings,
    acts_of_links,
    acts_of_stores,
    acts_of_webhooks,
    acts_of_refunds,
    acts_of_approvals,
    acts_of_reach,
    acts_of_mail,
    acts_of_followups,
    acts_of_coupons,
    acts_of_missions,
    acts_of_offers,
    acts_of_imports,
    acts_of_finance,
    acts_of_discrepancies,
)

REGISTERED: list[tuple[type[models.Model], Any]] = [
    (Order, OrderAdmin),
    (RefundRequest, RefundRequestAdmin),
    (Payout, PayoutAdmin),
    (LedgerEntry, LedgerEntryAdmin),
    (Period, PeriodAdmin),
    (Approval, ApprovalAdmin),
    (Profile, ProfileAdmin),
    (Job, JobAdmin),
    (Entitlement, EntitlementAdmin),
    (Email, EmailAdmin),
    (Followup, FollowupAdmin),
    (Service, ServiceAdmin),
    (Unclaimed, UnclaimedAdmin),
    (Reach, ReachAdmin),
    (Suppression, SuppressionAdmin),
    (Delivery, DeliveryAdmin),
    (Lookup, LookupAdmin),
    (Import, ImportAdmin),
    (Line, LineAdmin),
    (Product, ProductAdmin),
    (Asset, AssetAdmin),
    (Coupon, CouponAdmin),
    (Mission, MissionAdmin),
    (Channel, ChannelAdmin),
    (StorefrontPage, StorefrontPageAdmin),
    (Merge, MergeAdmin),
    (WebhookEndpoint, WebhookEndpointAdmin),
    (WebhookDelivery, WebhookDeliveryAdmin),
    (StreamEntry, StreamEntryAdmin),
    (Review, ReviewAdmin),
    (Identifier, IdentifierAdmin),
    (StoreAlert, StoreAlertAdmin),
    (Conversation, ConversationAdmin),
    (Event, StepAdmin),
    (Alert, AlertAdmin),
    (Incident, IncidentAdmin),
    (Discrepancy, DiscrepancyAdmin),
    (ReconcileRun, ReconcileRunAdmin),
    (Suggestion, SuggestionAdmin),
    (AuditEntry, AuditEntryAdmin),
    (Membership, MembershipAdmin),
    (ApiToken, ApiTokenAdmin),
    (Organization, OrganizationAdmin),
]
