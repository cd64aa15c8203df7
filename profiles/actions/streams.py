"""Telling others what happened: one door to the outbox of the event streams and of the webhooks (SPEC PRO-14).

What is told is written in the caller's transaction, so that an event exists if and only if its change does. Saying the
same again writes nothing: settle may run any number of times. The rows wait here until `profiles.actions.outbox` and
`profiles.actions.webhooks` have them sent.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from profiles import bulk, clock, prepared
from profiles.models import Merge, Review

RAW = "events.raw"
NORMALIZED = "events.normalized"
MERGED = "merge.completed"
REVIEW = "merge.review_requested"
TOPICS = {
    NORMALIZED: "Orders, conversations and events as they are known",
    RAW: "Every delivery as a shop sent it",
    MERGED: "Two customers became one, or two again",
    REVIEW: "A person has to decide who is who",
}
MERGE_STREAM = "merge_requests"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to tell; `subject` is what it is about, unique in the organization: order:shopify:shop.example/5678."""

    topic: str
    type: str
    subject: str
    profile_id: int | None
    occurred_at: datetime
    payload: dict[str, Any]


# What a subject was told last is found by the unique key. The customers' rows are locked before the first id is drawn,
# so that of one customer's events the later id is also the later commit: a publisher that goes by id never swaps two.
_PUBLISH = """
WITH given AS (
  SELECT * FROM unnest(%(topics)s::text[], %(types)s::text[], %(subjects)s::text[], %(profiles)s::bigint[],
                       %(moments)s::timestamptz[], string_to_array(%(payloads)s, chr(10)), %(digests)s::uuid[])
         WITH ORDINALITY AS v(topic, type, subject, profile_id, occurred_at, payload, digest, n)
), fresh AS MATERIALIZED (
  SELECT g.*, coalesce(told.revision, 0) + 1 AS revision
    FROM given g LEFT JOIN LATERAL (
           SELECT e.revision, e.digest FROM profiles_streamentry e
            WHERE e.organization_id = %(organization)s::bigint AND e.topic = g.topic AND e.subject = g.subject
            ORDER BY e.revision DESC LIMIT 1) told ON true
   WHERE told.digest IS DISTINCT FROM g.digest
), locked AS MATERIALIZED (
  SELECT p.id FROM profiles_profile p WHERE p.id IN (SELECT profile_id FROM fresh) ORDER BY p.id FOR NO KEY UPDATE
), added AS (
  INSERT INTO profiles_streamentry
         (organization_id, topic, type, subject, revision, profile_id, occurred_at, payload, digest)
  SELECT %(organization)s::bigint, topic, type, subject, revision, profile_id, occurred_at, payload, digest
    FROM fresh WHERE (SELECT count(*) FROM locked) >= 0 ORDER BY n
  RETURNING id, topic
)
INSERT INTO profiles_webhookdelivery (organization_id, endpoint_id, entry_id, state, due_at, attempts, tries)
SELECT %(organization)s::bigint, w.id, a.id, 'queued', statement_timestamp() + %(offset)s, 0, '[]'
  FROM added a JOIN profiles_webhookendpoint w ON w.state = 'enabled' AND a.topic = ANY(w.topics)
"""


def publish(entries: Sequence[Entry], *, organization_id: int) -> None:
    """Tell these, each unless it is what was told of its subject last; one statement for any number.

    Runs in the caller's transaction, which holds a lock on whatever each subject is (the order's row, say): two that
    tell of one subject go one after the other.
    """
    offset: Any = clock.offset()
    for part in _once_each(entries):
        payloads = [json.dumps(entry.payload, sort_keys=True, separators=(",", ":")) for entry in part]
        prepared.run(
            _PUBLISH,
            {
                "organization": str(organization_id),
                "topics": bulk.array_literal(entry.topic for entry in part),
                "types": bulk.array_literal(entry.type for entry in part),
                "subjects": bulk.array_literal(entry.subject for entry in part),
                "profiles": bulk.array_of_numbers(entry.profile_id for entry in part),
                "moments": bulk.array_literal(str(entry.occurred_at) for entry in part),
                # One text: of an array every quote would be escaped. JSON holds no line feed.
                "payloads": "\n".join(payloads),
                "digests": bulk.array_literal(_digest(*told) for told in zip(part, payloads, strict=True)),
                "offset": offset,
            },
        )


def _once_each(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """The entries in rounds in which no subject stands twice; nearly always one round."""
    rounds: list[dict[tuple[str, str], Entry]] = []
    for entry in entries:
        key = (entry.topic, entry.subject)
        # A later word goes after every earlier one of its subject.
        number = next((n + 1 for n in range(len(rounds) - 1, -1, -1) if key in rounds[n]), 0)
        if number == len(rounds):
            rounds.append({})
        rounds[number][key] = entry
    return (list(part.values()) for part in rounds)


def _digest(entry: Entry, payload: str) -> str:
    told = f"{entry.type}\n{entry.profile_id}\n{payload}".encode()
    return hashlib.blake2b(told, digest_size=16).hexdigest()


# What this app has to tell ---------------------------------------------------------------------------------------


def instant(at: datetime | None) -> str | None:
    """ISO 8601 in UTC with Z."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def tell_merge(merge: Merge) -> None:
    """Two customers became one, or two again. The caller holds both."""
    undone = merge.undone_at is not None
    payload = {
        "merge": merge.pk,
        "survivor": merge.survivor_id,
        "absorbed": merge.absorbed_id,
        "automatic": merge.automatic,
        "reason": merge.reason,
        "matched": merge.matched,
        "at": instant(merge.at),
        "undone_at": instant(merge.undone_at),
    }
    kind = "profile.merge_undone" if undone else "profile.merged"
    entry = Entry(MERGED, kind, f"merge:{merge.pk}", merge.survivor_id, merge.undone_at or merge.at, payload)
    publish([entry], organization_id=merge.organization_id)


def tell_review(kind: str, subject: str) -> None:
    """A person has to decide: told once for each review, by the row as it stands."""
    review = Review.objects.get(kind=kind, subject=subject)
    payload = {
        "review": review.pk,
        "kind": review.kind,
        "fact": review.subject,
        "candidates": review.candidates,
        "explanation": review.explanation,
    }
    entry = Entry(REVIEW, "review.requested", f"review:{review.pk}", review.profile_id, review.created_at, payload)
    publish([entry], organization_id=review.organization_id)
