"""Recording what conversation sources deliver: messages add up, of everything else the newest word stands.

Any order and any number of deliveries end in the same conversation; a batch costs a fixed number of statements.
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import QuerySet

from attribution import words
from attribution.actions import attributions, conversations, messages
from attribution.models import Conversation, Message
from attribution.queries import events
from orders.actions.statements import Said
from orders.messages import TalkLine, TalkMessage
from orders.models import Channel
from profiles import bulk, clock
from profiles.actions import resolution, settlement, streams
from profiles.models import Organization

FIELDS = (
    "started_at", "last_activity_at", "ended_at", "status", "labels", "words", "email", "phone", "email_raw",
    "phone_raw", "name", "identifiers", "message_count", "tags", "enquiries",
)  # fmt: skip
Key = tuple[int, str]


def record(said: Sequence[Said], *, organization: Organization) -> None:
    """Write these conversations, find their customers, and have the orders they may have led to settled."""
    told: dict[Key, list[TalkMessage]] = {}
    channels: dict[int, Channel] = {}
    for one in said:
        if not isinstance(one.message, TalkMessage):
            continue
        if one.channel.built_in:
            conversations.record(one.message, organization=organization)
        else:
            told.setdefault((one.channel.pk, one.message.external_id), []).append(one.message)
            channels[one.channel.pk] = one.channel
    if not told:
        return
    rows = _rows(told, channels, organization)
    orders = attributions.rerun(rows)
    rules = messages.rules(organization)
    now = clock.now()
    written = [
        messages.write(_message(row, line, told_by.version), rules, now=now)
        for row in rows
        for told_by in told[_key(row)]
        for line in told_by.lines
    ]
    messages.keep(written, organization_id=organization.pk)
    for row in rows:
        _merge(row, told[_key(row)], organization)
    messages.derive(rows, rules)
    bulk.update(Conversation, rows, FIELDS)
    touched = resolution.settle(rows, organization=organization)
    fresh = list(Conversation.objects.filter(pk__in=[row.pk for row in rows]).order_by("pk"))
    settlement.request(organization.pk, orders=orders | attributions.rerun(fresh), profiles=touched)
    streams.publish([events.conversation(row) for row in fresh], organization_id=organization.pk)


def _key(row: Conversation) -> Key:
    return row.channel_id or 0, row.external_id


def _rows(
    told: dict[Key, list[TalkMessage]], channels: dict[int, Channel], organization: Organization
) -> list[Conversation]:
    """The conversations, locked; those that were not known are begun."""
    known = {_key(row) for row in _named(told)}
    fresh = [
        Conversation(
            organization=organization,
            channel=channels[key[0]],
            external_id=key[1],
            source=channels[key[0]].label[:100],
            started_at=min(message.started_at for message in told[key]),
            last_activity_at=min(message.started_at for message in told[key]),
        )
        for key in sorted(told)
        if key not in known
    ]
    bulk.insert(Conversation, fresh, ignore_conflicts=True)
    return [row for row in _named(told).select_for_update(no_key=True).order_by("pk") if _key(row) in told]


def _named(keys: Iterable[Key]) -> QuerySet[Conversation]:
    wanted = list(keys)
    return Conversation.objects.filter(channel__in={key[0] for key in wanted}, external_id__in=[k[1] for k in wanted])


def _merge(row: Conversation, told: Sequence[TalkMessage], organization: Organization) -> None:
    row.words = words.merged([row.words, *(words.of(message) for message in told)])
    row.started_at = min([row.started_at, *(message.started_at for message in told)])
    moments = [message.last_activity_at for message in told if message.last_activity_at]
    moments += [line.at for message in told for line in message.lines]
    row.last_activity_at = max([row.last_activity_at, row.started_at, *moments])
    row.status = words.value(row.words, "status", Conversation.Status.OPEN)
    ended = words.value(row.words, "ended_at")
    row.ended_at = datetime.fromisoformat(ended) if ended else None
    row.labels = list(words.value(row.words, "labels", []))
    row.email_raw, row.phone_raw = words.value(row.words, "email"), words.value(row.words, "phone")
    row.name = words.value(row.words, "name")
    row.identifiers, row.email, row.phone = resolution.keys_of(
        {"email": row.email_raw, "phone": row.phone_raw, **words.others(row.words)},
        region=organization.region,
        source=f"conversation:{row.source}",
    )


def _message(row: Conversation, line: TalkLine, version: datetime) -> Message:
    digest = hashlib.sha256(f"{line.by}|{line.at.isoformat()}|{line.text}".encode()).hexdigest()
    return Message(
        organization_id=row.organization_id,
        conversation=row,
        external_id=line.external_id,
        version=version,
        at=line.at,
        by=line.by.value,
        text=line.text,
        text_hash=digest,
    )
