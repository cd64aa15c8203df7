"""Recording conversations: each word adds to what is known, so that any order of updates ends in the same facts."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from attribution.actions import attributions, messages
from attribution.enquiries import Rules
from attribution.models import Conversation, Message
from attribution.queries import events
from orders.messages import Customer
from profiles import bulk, clock
from profiles.actions import linking, resolution, settlement, streams, turns
from profiles.actors import Actor
from profiles.models import Organization, Profile


@dataclass(frozen=True, slots=True)
class Said:
    """A moment at which somebody wrote."""

    at: datetime
    by: str
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationMessage:
    """A conversation as its source describes it."""

    external_id: str
    started_at: datetime
    last_activity_at: datetime | None = None
    ended_at: datetime | None = None
    source: str = "api"
    customer: Customer = field(default_factory=Customer)
    message_count: int = 0
    tags: tuple[str, ...] = ()
    messages: tuple[Said, ...] = ()


def record(message: ConversationMessage, *, organization: Organization) -> Conversation:
    """Write or update one conversation, find its customer, and have the orders it may have led to settled."""
    turns.together(organization.pk)
    rules = messages.rules(organization)
    row = (
        Conversation.objects.select_for_update(no_key=True)
        .filter(channel=None, external_id=message.external_id)
        .first()
    )
    if row is None:
        row, _ = Conversation.objects.get_or_create(
            organization=organization,
            channel=None,
            external_id=message.external_id,
            defaults={
                "started_at": message.started_at,
                "last_activity_at": message.started_at,
                "source": message.source,
            },
        )
        row = Conversation.objects.select_for_update(no_key=True).get(pk=row.pk)
    former = attributions.rerun([row])
    _merge_facts(row, message, organization)
    _record_messages(row, message.messages, rules)
    messages.derive([row], rules)
    row.save()
    touched = resolution.settle([row], organization=organization)
    row.refresh_from_db()
    orders = former | attributions.rerun([row])
    settlement.request(organization.pk, orders=orders, profiles=touched)
    streams.publish([events.conversation(row)], organization_id=organization.pk)
    return row


def _merge_facts(row: Conversation, message: ConversationMessage, organization: Organization) -> None:
    moments = [said.at for said in message.messages]
    row.started_at = min(row.started_at, message.started_at)
    row.last_activity_at = max(
        [row.last_activity_at, message.started_at, *moments, *filter(None, [message.last_activity_at])]
    )
    row.ended_at = max(filter(None, [row.ended_at, message.ended_at]), default=None)
    row.status = Conversation.Status.CLOSED if row.ended_at else Conversation.Status.OPEN
    row.message_count = max(row.message_count, message.message_count, len(moments))
    row.labels = sorted(set(row.labels) | set(message.tags))
    customer = message.customer
    row.email_raw, row.phone_raw = customer.email[:400] or row.email_raw, customer.phone[:200] or row.phone_raw
    row.name = customer.name[:300] or row.name
    fields = {"email": row.email_raw, "phone": row.phone_raw}
    row.identifiers, row.email, row.phone = resolution.keys_of(
        fields, region=customer.region or organization.region, source=f"conversation:{row.source}"
    )


def _record_messages(row: Conversation, said: Sequence[Said], rules: Rules) -> None:
    now = clock.now()
    fresh = [
        Message(
            organization_id=row.organization_id,
            conversation=row,
            at=one.at,
            by=one.by,
            text=one.text,
            text_hash=hashlib.sha256(one.text.encode()).hexdigest(),
        )
        for one in said
    ]
    bulk.insert(Message, [messages.write(one, rules, now=now) for one in fresh], ignore_conflicts=True)


def link(conversation: Conversation, profile: Profile, *, by: Actor, because: str) -> Conversation:
    """Say whose conversation this is where no identifier does. Raises AlreadyLinked or Invalid. Inverse: unlink."""
    conversation = linking.link(conversation, profile, by=by, because=because)
    orders = attributions.rerun([conversation])
    settlement.request(conversation.organization_id, orders=orders, profiles=[profile.pk])
    return conversation


def unlink(conversation: Conversation, *, by: Actor, because: str) -> Conversation:
    """Take the link back: the conversation's own identifiers decide again. Raises NotLinked. Inverse: link."""
    orders = attributions.rerun([conversation])
    conversation, former = linking.unlink(conversation, by=by, because=because)
    organization = Organization.objects.get(pk=conversation.organization_id)
    touched = resolution.settle([conversation], organization=organization)
    settlement.request(organization.pk, orders=orders, profiles={former, *touched})
    return conversation
