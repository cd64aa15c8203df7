"""Customer events: stored once by their source's own id, then given to their customer (SPEC PRO-3, PRO-9)."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from profiles import bulk, events, identifiers
from profiles.actions import linking, resolution, settlement, streams
from profiles.actors import Actor, Refusal
from profiles.events import Told
from profiles.models import Event, Organization, Profile


class EventKnown(Refusal):
    """The id is known with another content: an event happened once, and what happened does not change."""

    title = "Event known"


@dataclass(frozen=True, slots=True)
class Recorded:
    """The rows of what was told, in the order told; `fresh` are the ids of those that were not known."""

    rows: list[Event]
    fresh: set[int]


def record(told: Sequence[Told], *, organization: Organization, became: Mapping[str, str] | None = None) -> Recorded:
    """Store these events, each once, and have them settled; any number costs the same statements.

    `became` says by event id what else an event was made: "order" or "refund". The same event again changes nothing;
    raises EventKnown for another content under a known id, and then stores none of them.
    """
    rows = _rows(told, organization, became or {})
    known = _stored(rows)
    bulk.insert(Event, [row for key, row in sorted(rows.items()) if key not in known], ignore_conflicts=True)
    stored = _stored(rows)
    for key, row in rows.items():
        if stored[key].digest != row.digest:
            raise EventKnown(f"The event {key[1]} is known already, with another content.")
    fresh = {row.pk for key, row in stored.items() if key not in known}
    settlement.request(organization.pk, events=fresh, wake_worker=bool(fresh))
    return Recorded([stored[one.source, one.event_id] for one in told], fresh)


def settle(event_ids: Sequence[int], *, organization: Organization) -> tuple[list[Event], set[int]]:
    """Give each event to its customer; returns the events, and every customer who may have changed by it."""
    rows = list(Event.objects.select_for_update(no_key=True).filter(pk__in=event_ids).order_by("pk"))
    touched = resolution.settle(rows, organization=organization)
    return rows, touched | {row.profile_id for row in rows if row.profile_id}


def normalized(rows: Sequence[Event]) -> list[streams.Entry]:
    """What others are told of these events, whose customers are known now."""
    return [
        streams.Entry(
            topic=streams.NORMALIZED,
            type=row.type,
            subject=f"event:{row.source}/{row.event_id}",
            profile_id=row.profile_id,
            occurred_at=row.occurred_at,
            payload={
                "id": row.pk,
                "event_id": row.event_id,
                "channel": row.source,
                "type": row.type,
                "occurred_at": streams.instant(row.occurred_at),
                "profile": row.profile_id,
                "identifiers": list(row.identifiers),
                "payload": row.payload,
            },
        )
        for row in rows
    ]


def raw(rows: Sequence[Event]) -> list[streams.Entry]:
    """What others are told of these events as they were sent."""
    return [
        streams.Entry(
            topic=streams.RAW,
            type="event.received",
            subject=f"event:{row.source}/{row.event_id}",
            profile_id=None,
            occurred_at=row.occurred_at,
            payload={
                "event_id": row.event_id,
                "channel": row.source,
                "type": row.type,
                "occurred_at": streams.instant(row.occurred_at),
                "identifiers": row.given,
                "payload": row.payload,
            },
        )
        for row in rows
    ]


def link(event: Event, profile: Profile, *, by: Actor, because: str) -> Event:
    """Say whose event this is where no identifier does. Raises AlreadyLinked or Invalid. Inverse: unlink."""
    event = linking.link(event, profile, by=by, because=because)
    settlement.request(event.organization_id, events=[event.pk], profiles=[profile.pk])
    return event


def unlink(event: Event, *, by: Actor, because: str) -> Event:
    """Take back what a person said: the event's own identifiers decide again. Raises NotLinked. Inverse: link."""
    event, former = linking.unlink(event, by=by, because=because)
    settlement.request(event.organization_id, events=[event.pk], profiles=[former])
    return event


def _rows(told: Iterable[Told], organization: Organization, became: Mapping[str, str]) -> dict[tuple[str, str], Event]:
    rows: dict[tuple[str, str], Event] = {}
    for one in told:
        row = _row(one, organization, became.get(one.event_id, ""))
        former = rows.setdefault((one.source, one.event_id), row)
        if former.digest != row.digest:
            raise EventKnown(f"The event {one.event_id} is told twice here, with two contents.")
    return rows


def _row(told: Told, organization: Organization, became: str) -> Event:
    keys, _, _ = resolution.keys_of(
        told.identifiers,
        region=organization.region,
        source=told.source,
        programme=events.programme_of(told.payload) or identifiers.DEFAULT_PROGRAMME,
    )
    return Event(
        organization=organization,
        event_id=told.event_id,
        source=told.source,
        type=told.type,
        occurred_at=told.occurred_at,
        identifiers=keys,
        given=dict(told.identifiers),
        payload=dict(told.payload),
        products=events.products_of(told.payload),
        customer_name=told.name[:300],
        digest=_digest(told),
        told_as=became,
    )


def _digest(told: Told) -> str:
    said = [told.type, told.occurred_at.isoformat(), dict(told.identifiers), dict(told.payload), told.name]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _stored(rows: Mapping[tuple[str, str], Event]) -> dict[tuple[str, str], Event]:
    """Those of these events that are in the database."""
    found = Event.objects.filter(
        source__in={source for source, _ in rows}, event_id__in=[event_id for _, event_id in rows]
    )
    return {(row.source, row.event_id): row for row in found if (row.source, row.event_id) in rows}
