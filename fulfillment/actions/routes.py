"""By which names a message can be found again when a mail service reports what became of it."""

from collections.abc import Iterable, Sequence

from django.db import connection

from fulfillment.models import Email, EmailEvent
from fulfillment.providers.tracking import digest
from profiles import bulk

# A name that another message bears already leads to neither: nobody's mail may be taken for somebody else's.
_REMEMBER = """
INSERT INTO fulfillment_emailroute (digest, organization_id, email_id)
SELECT d, o, e FROM unnest(%s::bytea[], %s::bigint[], %s::bigint[]) AS v(d, o, e) ORDER BY d
ON CONFLICT (digest) DO UPDATE SET email_id = NULL
 WHERE fulfillment_emailroute.email_id <> excluded.email_id
    OR fulfillment_emailroute.organization_id <> excluded.organization_id
"""
_ATTACH = """
DELETE FROM fulfillment_emailecho e USING fulfillment_emailroute r
 WHERE r.digest = e.digest AND r.organization_id = %s AND r.email_id IS NOT NULL
   AND (%s::bytea[] IS NULL OR e.digest = ANY(%s::bytea[]))
RETURNING r.email_id, e.provider, e.kind, e.at, e.key, e.words
"""


def announce(emails: Sequence[Email]) -> None:
    """Before they are sent: the names we gave these messages, so that no report can come too early for them."""
    _remember((name, email) for email in emails for name in (email.message_id, f"effect:{email.effect_key}"))


def taken(emails: Sequence[Email]) -> None:
    """Providers took these: the names they gave them. Whatever was reported under those meanwhile is attached."""
    named = [one for one in emails if one.provider_message_id and one.provider_message_id != one.message_id]
    if named:
        _remember((email.provider_message_id, email) for email in named)
        attach(named[0].organization_id, {digest(email.provider_message_id) for email in named})


def attach(organization_id: int, digests: Iterable[bytes] | None = None) -> int:
    """Give reports that came early to their messages, those of these names or all; returns how many."""
    names = sorted(digests) if digests is not None else None
    with connection.cursor() as cursor:
        cursor.execute(_ATTACH, [organization_id, names, names])
        found = cursor.fetchall()
    known = set(Email.objects.filter(pk__in={row[0] for row in found}).values_list("pk", flat=True)) if found else set()
    rows = [
        EmailEvent(
            organization_id=organization_id, email_id=pk, provider=provider, kind=kind, at=at, key=key, words=words
        )
        for pk, provider, kind, at, key, words in found
        if pk in known
    ]
    bulk.insert(EmailEvent, rows, ignore_conflicts=True)
    return len(rows)


def _remember(names: Iterable[tuple[str, Email]]) -> None:
    rows = {digest(name): email for name, email in names}
    if rows:
        owners = [email.organization_id for email in rows.values()]
        with connection.cursor() as cursor:
            cursor.execute(_REMEMBER, [list(rows), owners, [email.pk for email in rows.values()]])
