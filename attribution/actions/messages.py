"""What was written in conversations: each message once, its text as long as the terms allow, and what it asks for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Q

from attribution import enquiries
from attribution.enquiries import Enquiry, Rules
from attribution.models import Conversation, Message
from orders.models import Product
from profiles import bulk, clock
from profiles.actions import policies
from profiles.actors import Actor, Invalid
from profiles.models import Organization

_KEEP = """
INSERT INTO attribution_message
       (organization_id, conversation_id, external_id, version, at, by, text, text_hash, enquiries)
SELECT %s, c, e, v, a, b, t, h, q::jsonb
  FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::text[], %s::text[], %s::text[],
              %s::text[]) AS given(c, e, v, a, b, t, h, q)
 ORDER BY c, e
ON CONFLICT (organization_id, conversation_id, external_id) WHERE NOT (external_id = '') DO UPDATE
   SET version = excluded.version, at = excluded.at, by = excluded.by, text = excluded.text,
       text_hash = excluded.text_hash, enquiries = excluded.enquiries
 WHERE (excluded.version, excluded.text_hash) >= (attribution_message.version, attribution_message.text_hash)
"""
_BLANK = "(SELECT coalesce(jsonb_agg(e || '{{\"sentence\": \"\"}}'), '[]') FROM jsonb_array_elements({0}) e)"
_FORGET = f"""
WITH old AS (
  UPDATE attribution_message SET text = '', enquiries = {_BLANK.format("enquiries")}
   WHERE text <> '' AND (%s OR at < %s) RETURNING conversation_id
), silent AS (
  UPDATE attribution_conversation c SET enquiries =
         (SELECT coalesce(jsonb_agg(CASE WHEN %s OR (e ->> 'at')::timestamptz < %s
                                         THEN e || '{{"sentence": ""}}' ELSE e END ORDER BY n), '[]')
            FROM jsonb_array_elements(c.enquiries) WITH ORDINALITY AS v(e, n))
   WHERE c.id IN (SELECT conversation_id FROM old) AND c.enquiries <> '[]'
)
SELECT count(*) FROM old
"""


def rules(organization: Organization) -> Rules:
    """The organization's terms, made ready for its catalogue. One query."""
    catalogue = tuple(Product.objects.order_by("sku").values_list("sku", "title"))
    return Rules(enquiries.read(organization.policies), catalogue)


def write(message: Message, rules: Rules, *, now: datetime) -> Message:
    """The message with what it asks for, and without a text that may not be kept."""
    found = rules.in_text(message.text) if message.by == Message.By.CUSTOMER else ()
    kept = _may_keep(message.at, rules, now)
    at = message.at.isoformat()
    message.enquiries = [{**asdict(one), "sentence": one.sentence if kept else "", "at": at} for one in found]
    message.text = message.text if kept else ""
    return message


def _may_keep(at: datetime, rules: Rules, now: datetime) -> bool:
    days = rules.policy.keep_days
    return bool(days) and at >= now - timedelta(days=days)


def keep(messages: Iterable[Message], *, organization_id: int) -> None:
    """Write these messages, each once by its source's id: of two words about one the newer stands. One statement."""
    newest: dict[tuple[int, str], Message] = {}
    for row in messages:
        former = newest.setdefault((row.conversation_id, row.external_id), row)
        if _age(row) > _age(former):
            newest[row.conversation_id, row.external_id] = row
    if not newest:
        return
    rows = list(newest.values())
    with connection.cursor() as cursor:
        cursor.execute(
            _KEEP,
            [
                organization_id,
                [row.conversation_id for row in rows],
                [row.external_id for row in rows],
                [row.version for row in rows],
                [row.at for row in rows],
                [str(row.by) for row in rows],
                [row.text for row in rows],
                [row.text_hash for row in rows],
                [bulk.as_json(row.enquiries) for row in rows],
            ],
        )


def _age(row: Message) -> tuple[Any, str]:
    return row.version, row.text_hash


def derive(conversations: Sequence[Conversation], rules: Rules) -> None:
    """Set on these what their messages say now: how many, and what was asked for. Two queries, nothing is written."""
    ids = [row.pk for row in conversations]
    spoken = Q(by__in=[Message.By.CUSTOMER, Message.By.AGENT])
    counted = (
        Message.objects.filter(conversation__in=ids)
        .values("conversation_id")
        .annotate(
            every=Count("pk"), spoken=Count("pk", filter=spoken), asked=Count("pk", filter=Q(by=Message.By.CUSTOMER))
        )
    )
    counts: dict[int, Any] = {row["conversation_id"]: row for row in counted.order_by()}
    asked: dict[int, list[dict[str, Any]]] = {pk: [] for pk in ids}
    telling = Message.objects.filter(conversation__in=ids).exclude(enquiries=[])
    told = telling.order_by("at", "external_id", "text_hash").values_list("conversation_id", "enquiries")
    for conversation_id, found in told:
        asked[conversation_id] += found
    for row in conversations:
        count = counts.get(row.pk, {"every": 0, "spoken": 0, "asked": 0})
        of_source = row.channel_id is not None
        row.message_count = count["spoken"] if of_source else max(row.message_count, count["every"])
        page = str(row.words.get("page", ["", ""])[1]) if count["asked"] else ""
        row.enquiries = _chosen(asked[row.pk], (*rules.in_labels(row.labels), *rules.in_page(page)), row.started_at)
        tags = {str(one["tag"]) for one in row.enquiries}
        row.tags = sorted(tags if of_source else tags | set(row.labels))


def _chosen(asked: Sequence[dict[str, Any]], noted: Sequence[Enquiry], at: datetime) -> list[dict[str, Any]]:
    """For each thing asked for the first message that did, else how else it is known."""
    found: dict[str, dict[str, Any]] = {}
    for one in (*asked, *({**asdict(enquiry), "at": at.isoformat()} for enquiry in noted)):
        found.setdefault(str(one["tag"]), one)
    return [found[tag] for tag in sorted(found)]


def forget(organization_id: int) -> int:
    """Take away texts older than the organization keeps them; counts and what was asked for stay. Returns how many."""
    policy = enquiries.read(Organization.objects.get(pk=organization_id).policies)
    every, until = policy.keep_days == 0, clock.now() - timedelta(days=policy.keep_days)
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, [every, until, every, until])
        return int(cursor.fetchone()[0])


def change_terms(organization: Organization, values: Mapping[str, Any], *, by: Actor, because: str) -> int:
    """Other words, labels and days from now on; texts that are too old by them go at once. Returns how many did.

    What was recognised before stays as it was. Raises Invalid.
    """
    try:
        enquiries.checked(values)
    except ValueError as fault:
        raise Invalid(str(fault)) from None
    if not policies.change(organization, enquiries.POLICY, values, by=by, because=because):
        raise Invalid("Nothing would change.")
    return forget(organization.pk)
