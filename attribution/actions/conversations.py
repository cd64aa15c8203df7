"""Conversations that programs of the seller's own tell of: words add up, so that any order of updates ends the same."""

import hashlib
from collections.abc import Sequence

from attribution import words
from attribution.actions import attributions, messages
from attribution.enquiries import Rules
from attribution.models import Conversation, Message
from attribution.queries import events
from orders.actions import channels, deliveries
from orders.messages import TalkLine, TalkMessage
from orders.providers import api_talks
from profiles import bulk, clock
from profiles.actions import linking, resolution, settlement, streams, turns
from profiles.actors import Actor
from profiles.models import Organization, Profile


def tell(message: TalkMessage, *, organization: Organization, body: bytes) -> Conversation:
    """Keep what a program told in the inbox, in its own words, and record it; the same words again are kept once."""
    deliveries.keep(channels.built_in(organization), topic=api_talks.TOPIC, body=body)
    return record(message, organization=organization)


def record(message: TalkMessage, *, organization: Organization) -> Conversation:
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
                "source": message.source or "api",
            },
        )
        row = Conversation.objects.select_for_update(no_key=True).get(pk=row.pk)
    former = attributions.rerun([row])
    _merge_facts(row, message, organization)
    _record_lines(row, message.lines, rules)
    messages.derive([row], rules)
    row.save()
    touched = resolution.settle([row], organization=organization)
    row.refresh_from_db()
    orders = former | attributions.rerun([row])
    settlement.request(organization.pk, orders=orders, profiles=touched)
    streams.publish([events.conversation(row)], organization_id=organization.pk)
    return row


def _merge_facts(row: Conversation, message: TalkMessage, organization: Organization) -> None:
    moments = [line.at for line in message.lines]
    row.started_at = min(row.started_at, message.started_at)
    row.last_activity_at = max(
        [row.last_activity_at, message.started_at, *moments, *filter(None, [message.last_activity_at])]
    )
    row.ended_at = max(filter(None, [row.ended_at, message.ended_at]), default=None)
    row.status = Conversation.Status.CLOSED if row.ended_at else Conversation.Status.OPEN
    row.message_count = max(row.message_count, message.message_count, len(moments))
    row.labels = sorted(set(row.labels) | set(message.labels or ()))
    row.words = words.merged([row.words, words.of_customer(message)])
    row.email_raw = words.value(row.words, "email", row.email_raw)
    row.phone_raw = words.value(row.words, "phone", row.phone_raw)
    row.name = words.value(row.words, "name", row.name)
    row.identifiers, row.email, row.phone = resolution.keys_of(
        {"email": row.email_raw, "phone": row.phone_raw},
        region=words.value(row.words, "region") or organization.region,
        source=f"conversation:{row.source}",
    )


def _record_lines(row: Conversation, lines: Sequence[TalkLine], rules: Rules) -> None:
    now = clock.now()
    fresh = [
        Message(
            organization_id=row.organization_id,
            conversation=row,
            at=line.at,
            by=line.by.value,
            text=line.text,
            text_hash=hashlib.sha256(line.text.encode()).hexdigest(),
        )
        for line in lines
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
