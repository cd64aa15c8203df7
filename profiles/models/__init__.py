"""Who: organizations, staff, customers, and the record of who did what."""

from profiles.models.audit import AuditEntry
from profiles.models.base import Fact, Tenant
from profiles.models.cuts import Cut
from profiles.models.events import Event
from profiles.models.members import Membership, Role, StaffRoute
from profiles.models.merges import Merge, MergeMove, Review, Separation
from profiles.models.organizations import Organization, OrganizationRoute
from profiles.models.profiles import Identifier, Profile
from profiles.models.sightings import Sighting
from profiles.models.streams import StreamBacklog, StreamCircuit, StreamEntry
from profiles.models.suggestions import Likeness, LikenessKey, Suggestion
from profiles.models.tokens import ApiToken, IdempotencyKey, TokenRoute
from profiles.models.webhooks import WebhookDelivery, WebhookEndpoint, WebhookRoute
from profiles.models.work import DueWork, SettlementRequest

__all__ = [
    "ApiToken",
    "AuditEntry",
    "Cut",
    "DueWork",
    "Event",
    "Fact",
    "IdempotencyKey",
    "Identifier",
    "Likeness",
    "LikenessKey",
    "Membership",
    "Merge",
    "MergeMove",
    "Organization",
    "OrganizationRoute",
    "Profile",
    "Review",
    "Role",
    "Separation",
    "SettlementRequest",
    "Sighting",
    "StaffRoute",
    "StreamBacklog",
    "StreamCircuit",
    "StreamEntry",
    "Suggestion",
    "Tenant",
    "TokenRoute",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookRoute",
]
