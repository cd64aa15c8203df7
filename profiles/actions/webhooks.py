"""Endpoints of other systems: who is told, with which secret, and since when no longer."""

import base64
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

from profiles import clock, tenancy
from profiles.actions import audit, outbox, streams
from profiles.actors import Actor, Invalid, Refusal
from profiles.models import Organization, StreamEntry, WebhookDelivery, WebhookEndpoint, WebhookRoute
from profiles.providers import outgoing

FORMER_SIGNS_FOR = timedelta(hours=24)
State = WebhookEndpoint.State


class NotPossible(Refusal):
    """The endpoint is in no state for this."""


def add(
    organization: Organization, *, name: str, url: str, topics: Sequence[str], by: Actor, because: str
) -> WebhookEndpoint:
    """A new endpoint, sent everything of its topics from now on; its `secret` is shown this once. Raises Invalid."""
    by.require("connect")
    reason = audit.require_reason(because)
    wanted = _topics(topics)
    address = _address(url)
    if WebhookEndpoint.objects.filter(url=address).exists():
        raise Invalid("There is an endpoint with this address already: choose its topics instead.")
    endpoint = WebhookEndpoint.objects.create(
        organization=organization,
        name=name.strip()[:100] or address[:100],
        url=address,
        topics=wanted,
        secret=_secret(),
    )
    WebhookRoute.objects.get_or_create(organization_id=organization.pk)
    audit.record("webhook.added", by=by, subject=endpoint, because=reason, details={"url": address, "topics": wanted})
    return endpoint


def change(endpoint: WebhookEndpoint, *, topics: Sequence[str], by: Actor, because: str) -> WebhookEndpoint:
    """Send other topics from now on."""
    by.require("connect")
    reason = audit.require_reason(because)
    endpoint = _locked(endpoint)
    former, endpoint.topics = endpoint.topics, _topics(topics)
    endpoint.save(update_fields=["topics"])
    details = {"former": former, "topics": endpoint.topics}
    audit.record("webhook.changed", by=by, subject=endpoint, because=reason, details=details)
    return endpoint


def rotate(endpoint: WebhookEndpoint, *, by: Actor, because: str) -> WebhookEndpoint:
    """A new secret; for 24 hours the former one signs too. The new `secret` is shown this once."""
    by.require("connect")
    reason = audit.require_reason(because)
    endpoint = _locked(endpoint)
    endpoint.former_secret, endpoint.former_secret_until = endpoint.secret, clock.now() + FORMER_SIGNS_FOR
    endpoint.secret = _secret()
    endpoint.save(update_fields=["secret", "former_secret", "former_secret_until"])
    audit.record("webhook.secret_rotated", by=by, subject=endpoint, because=reason)
    return endpoint


def disable(endpoint: WebhookEndpoint, *, by: Actor, because: str) -> WebhookEndpoint:
    """Send it nothing more; what waits stays and goes out when it is switched on again. Raises NotPossible."""
    by.require("connect")
    reason = audit.require_reason(because)
    endpoint = _locked(endpoint)
    if endpoint.state == State.DISABLED:
        raise NotPossible("It is switched off already.")
    switch_off(endpoint, why=reason, by=by)
    return endpoint


def switch_off(endpoint: WebhookEndpoint, *, why: str, by: Actor) -> None:
    """Write that a locked endpoint is sent nothing more, and on record why."""
    endpoint.state, endpoint.disabled_at = State.DISABLED, clock.now()
    endpoint.why, endpoint.by_itself = why[:500], not by.is_person
    endpoint.save(update_fields=["state", "disabled_at", "why", "by_itself"])
    audit.record("webhook.disabled", by=by, subject=endpoint, because=why)


def enable(endpoint: WebhookEndpoint, *, by: Actor, because: str) -> WebhookEndpoint:
    """Send again, beginning with what waited. What happened while it was off is sent by `replay_since`."""
    by.require("connect")
    reason = audit.require_reason(because)
    endpoint = _locked(endpoint)
    if endpoint.state == State.ENABLED:
        raise NotPossible("It is sending already.")
    _address(endpoint.url)
    endpoint.state, endpoint.why, endpoint.by_itself = State.ENABLED, "", False
    endpoint.disabled_at = endpoint.failing_since = endpoint.rests_until = None
    endpoint.save(update_fields=["state", "disabled_at", "why", "by_itself", "failing_since", "rests_until"])
    audit.record("webhook.enabled", by=by, subject=endpoint, because=reason)
    return endpoint


def test(endpoint: WebhookEndpoint, *, by: Actor, because: str) -> WebhookDelivery:
    """Send one event that says it is a test, by the way every event goes."""
    by.require("connect")
    reason = audit.require_reason(because)
    endpoint = _locked(endpoint)
    if endpoint.state == State.DISABLED:
        raise NotPossible("It is switched off: switch it on first.")
    now = clock.now()
    number = StreamEntry.objects.filter(topic=outbox.TEST, subject=f"webhook:{endpoint.pk}").count() + 1
    entry = StreamEntry.objects.create(
        organization_id=endpoint.organization_id,
        topic=outbox.TEST,
        type="webhook.test",
        subject=f"webhook:{endpoint.pk}",
        revision=number,
        occurred_at=now,
        payload='{"message":"This is a test of your endpoint."}',
        digest=by.act,
        published_at=now,  # never goes to the streams
    )
    delivery = WebhookDelivery.objects.create(
        organization_id=endpoint.organization_id, endpoint=endpoint, entry=entry, due_at=now
    )
    audit.record("webhook.tested", by=by, subject=endpoint, because=reason)
    return delivery


def replay(ids: Sequence[int], *, by: Actor, because: str) -> int:
    """Send these once more, with the ids they had; returns how many. Raises NotPossible where none can be."""
    by.require("replay")
    reason = audit.require_reason(because)
    ended = WebhookDelivery.objects.filter(pk__in=ids, state__in=ENDED).exclude(entry__payload="")
    count = _again(ended)
    if not count:
        raise NotPossible("None of these can be sent again: they wait already, or what they said is no longer kept.")
    audit.record(
        "webhook.replayed", by=by, because=reason, details={"deliveries": count}, organization_id=tenancy.current()
    )
    return count


ENDED = (WebhookDelivery.State.DELIVERED, WebhookDelivery.State.FAILED)

_MISSED = """
  FROM profiles_streamentry e
 WHERE e.recorded_at >= %(since)s AND e.topic = ANY(%(topics)s) AND e.payload <> ''
   AND (e.published_at IS NULL OR e.published_at >= %(since)s)
   AND NOT EXISTS (SELECT FROM profiles_webhookdelivery d WHERE d.endpoint_id = %(endpoint)s AND d.entry_id = e.id)
"""
_COUNT_MISSED = f"SELECT count(*) {_MISSED}"
_SEND_MISSED = f"""
INSERT INTO profiles_webhookdelivery (organization_id, endpoint_id, entry_id, state, due_at, attempts, tries)
SELECT e.organization_id, %(endpoint)s, e.id, 'queued', statement_timestamp() + %(offset)s, 0, '[]'
{_MISSED} ORDER BY e.id
ON CONFLICT (organization_id, endpoint_id, entry_id) DO NOTHING
"""


def replay_since(endpoint: WebhookEndpoint, since: datetime, *, by: Actor, because: str) -> tuple[int, int]:
    """Send what failed since, and what it was never sent because it was off; (failed ones, missed ones)."""
    by.require("replay")
    reason = audit.require_reason(because)
    endpoint = _locked(endpoint)
    failed = _again(_failed_since(endpoint, since))
    with connection.cursor() as cursor:
        cursor.execute(_SEND_MISSED, _named(endpoint, since))
        missed = int(cursor.rowcount)
    details = {"failed": failed, "missed": missed, "since": since.isoformat()}
    audit.record("webhook.replayed", by=by, subject=endpoint, because=reason, details=details)
    return failed, missed


def not_arrived(endpoint: WebhookEndpoint, since: datetime) -> tuple[int, int]:
    """What `replay_since` would send: how many failed, and how many were never sent."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_MISSED, _named(endpoint, since))
        return _failed_since(endpoint, since).count(), int(cursor.fetchone()[0])


def _named(endpoint: WebhookEndpoint, since: datetime) -> dict[str, Any]:
    """When an event was written is noted in real time; `since` is not."""
    offset = clock.offset()
    return {"endpoint": endpoint.pk, "topics": endpoint.topics, "since": since - offset, "offset": offset}


def _failed_since(endpoint: WebhookEndpoint, since: datetime) -> QuerySet[WebhookDelivery]:
    """The endpoint's deliveries that failed for good, of events that are still kept."""
    failed = WebhookDelivery.objects.filter(endpoint=endpoint, state=WebhookDelivery.State.FAILED, done_at__gte=since)
    return failed.exclude(entry__payload="")


def _again(rows: QuerySet[WebhookDelivery]) -> int:
    ids = list(rows.select_for_update(of=("self",), no_key=True).order_by("pk").values_list("pk", flat=True))
    return WebhookDelivery.objects.filter(pk__in=ids).update(
        state=WebhookDelivery.State.QUEUED, attempts=0, due_at=clock.now(), lease_until=None, done_at=None
    )


def _locked(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    return WebhookEndpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)


def _topics(topics: Sequence[str]) -> list[str]:
    wanted = sorted(set(topics))
    if not wanted:
        raise Invalid("Choose at least one topic.")
    if unknown := sorted(set(wanted) - set(streams.TOPICS)):
        raise Invalid(f"Unknown topic {', '.join(unknown)}; choose from {', '.join(streams.TOPICS)}.")
    return wanted


def _address(url: str) -> str:
    address = url.strip()
    if len(address) > 500:
        raise Invalid("The address is longer than 500 characters.")
    try:
        outgoing.check(address, inside=not settings.PRODUCTION)
    except (outgoing.Forbidden, outgoing.Unreachable) as refused:
        raise Invalid(str(refused)) from refused
    return address


def _secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode("ascii")
