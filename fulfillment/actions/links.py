"""Giving out, using and revoking download links; the secret leaves this module once and is stored only as a hash."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection

from fulfillment import tokens
from fulfillment.models import Asset, DownloadLink, DownloadSession, Entitlement, LinkRoute
from orders.models import Product
from profiles import bulk, clock
from profiles.actions import audit
from profiles.actors import Actor, Invalid, Refusal

MAILED_FOR = timedelta(hours=48)
IMAGE_FOR = timedelta(hours=24)
TEMPORARY_FOR = timedelta(hours=24)
LONGEST = timedelta(days=30)
SESSION_FOR = timedelta(minutes=30)
REPLACED = "A new link took its place."


class LinkExpired(Refusal):
    status = 410
    title = "Link expired"


class LinkRevoked(Refusal):
    status = 410
    title = "Link revoked"


class LinkUsedUp(Refusal):
    status = 410
    title = "Link used up"


@dataclass(frozen=True, slots=True)
class Given:
    """A link and its secret, at the only moment both are known."""

    link: DownloadLink
    secret: str

    @property
    def url(self) -> str:
        return address(self.secret)

    @property
    def masked_url(self) -> str:
        return address(self.masked)

    @property
    def masked(self) -> str:
        return f"{tokens.fragment(self.secret)}…{self.link.pk}"


def address(secret: str) -> str:
    """The public address of a secret, always on the configured host."""
    return f"{settings.BASE_URL}/download/{secret}"


def make_mailed(entitlements: Sequence[Entitlement]) -> Mapping[int, Given]:
    """One link for each entitlement, for its e-mail: 48 hours, images 24."""
    now = clock.now()
    return _make(
        [
            (e, now + (IMAGE_FOR if e.product.kind == Product.Kind.IMAGE else MAILED_FOR), DownloadLink.Kind.MAILED)
            for e in entitlements
        ]
    )


def make_temporary(
    entitlement: Entitlement,
    *,
    by: Actor,
    because: str,
    lifetime: timedelta = TEMPORARY_FOR,
    use_limit: int | None = None,
) -> Given:
    """A link a person may paste into a chat: short-lived, with its owner and reason on record."""
    by.require("temporary_link")
    reason = audit.require_reason(because)
    if not timedelta(0) < lifetime <= LONGEST:
        raise Invalid("A link lives between a moment and 30 days.")
    if not entitlement.downloadable:
        raise LinkRevoked(f"This entitlement cannot be downloaded: {entitlement.because}.")
    given = _make([(entitlement, clock.now() + lifetime, DownloadLink.Kind.TEMPORARY)])[entitlement.pk]
    DownloadLink.objects.filter(pk=given.link.pk).update(created_by=by.label, reason=reason, use_limit=use_limit)
    audit.record(
        "link.made",
        by=by,
        subject=given.link,
        because=reason,
        profile_id=entitlement.profile_id,
        order_id=entitlement.order_id,
        details={"link": given.link.hint, "expires_at": f"{given.link.expires_at:%Y-%m-%dT%H:%M:%SZ}"},
    )
    return given


def regenerate(
    entitlement: Entitlement,
    *,
    by: Actor,
    because: str,
    lifetime: timedelta,
    use_limit: int | None = None,
) -> tuple[Given, int]:
    """Kill every live link of this right and make one anew; returns it and how many died. Raises as make_temporary."""
    given = make_temporary(entitlement, by=by, because=because, lifetime=lifetime, use_limit=use_limit)
    former = DownloadLink.objects.filter(entitlement=entitlement, revoked_at__isnull=True, expires_at__gt=clock.now())
    former = former.exclude(pk=given.link.pk)
    now, dead = clock.now(), list(former.values_list("pk", flat=True))
    DownloadSession.objects.filter(link__in=dead, expires_at__gt=now).update(expires_at=now)
    DownloadLink.objects.filter(pk__in=dead).update(revoked_at=now, revoked_because=REPLACED)
    return given, len(dead)


def of_library(entitlement: Entitlement, lifetime: timedelta) -> DownloadLink:
    """The link on which this entitlement's downloads from the library are counted; its secret is given to nobody."""
    rows = DownloadLink.objects.select_related("entitlement").filter(
        entitlement=entitlement,
        kind=DownloadLink.Kind.LIBRARY,
        revoked_at__isnull=True,
        expires_at__gt=clock.now(),
    )
    live = rows.order_by("-pk").first()
    if live is not None:
        return live
    return _make([(entitlement, clock.now() + lifetime, DownloadLink.Kind.LIBRARY)])[entitlement.pk].link


def _make(wanted: Sequence[tuple[Entitlement, datetime, str]]) -> dict[int, Given]:
    now = clock.now()
    secrets = [tokens.make() for _ in wanted]
    rows = [
        DownloadLink(
            organization_id=entitlement.organization_id,
            entitlement=entitlement,
            kind=kind,
            digest=tokens.digest(secret),
            hint=tokens.fragment(secret),
            created_at=now,
            expires_at=expires_at,
        )
        for (entitlement, expires_at, kind), secret in zip(wanted, secrets, strict=True)
    ]
    bulk.insert(DownloadLink, rows)
    bulk.insert(
        LinkRoute, [LinkRoute(digest=row.digest, organization_id=row.organization_id, link_id=row.pk) for row in rows]
    )
    return {row.entitlement_id: Given(row, secret) for row, secret in zip(rows, secrets, strict=True)}


def revoke_all(entitlement_ids: Iterable[int], *, because: str) -> int:
    """Kill every live link of these entitlements, sessions included; returns how many links died."""
    ids = list(entitlement_ids)
    DownloadSession.objects.filter(link__entitlement__in=ids).update(expires_at=clock.now())
    live = DownloadLink.objects.filter(entitlement__in=ids, revoked_at__isnull=True)
    return live.update(revoked_at=clock.now(), revoked_because=because[:300])


def revoke(link: DownloadLink, *, by: Actor, because: str) -> DownloadLink:
    """Kill one link with its running downloads; the right to the file stays. Raises LinkRevoked where it is dead."""
    by.require("temporary_link")
    reason = audit.require_reason(because)
    rows = DownloadLink.objects.select_for_update(of=("self",), no_key=True).select_related("entitlement")
    link = rows.get(pk=link.pk)
    if link.revoked_at:
        raise LinkRevoked("It is dead already.")
    link.revoked_at, link.revoked_because = clock.now(), reason[:300]
    link.save(update_fields=["revoked_at", "revoked_because"])
    DownloadSession.objects.filter(link=link, expires_at__gt=link.revoked_at).update(expires_at=link.revoked_at)
    audit.record(
        "link.revoked",
        by=by,
        subject=link,
        because=reason,
        profile_id=link.entitlement.profile_id,
        order_id=link.entitlement.order_id,
        details={"link": link.hint},
    )
    return link


def check(link: DownloadLink) -> None:
    """Raise LinkRevoked, LinkExpired or LinkUsedUp where the link gives nothing now.

    `fulfillment_gives` (migration 0016) is the same rule for whoever counts: it says whether, this says why.
    """
    entitlement = link.entitlement
    if link.revoked_at or entitlement.status in (Entitlement.Status.REVOKED, Entitlement.Status.SUSPENDED):
        raise LinkRevoked(entitlement.because if not entitlement.downloadable else link.revoked_because)
    now = clock.now()
    ended = entitlement.expires_at is not None and entitlement.expires_at <= now
    if link.expires_at <= now or ended or not entitlement.downloadable:
        raise LinkExpired("This link has expired.")
    if link.use_limit is not None and link.uses >= link.use_limit:
        raise LinkUsedUp("This link was used as often as it allows.")


def open_for_staff(entitlement: Entitlement, asset: Asset | None, *, by: Actor, because: str) -> str:
    """Thirty minutes in which staff get the file the customer's way; uses nothing up and is marked as theirs."""
    by.require("temporary_link")
    reason = audit.require_reason(because)
    if not entitlement.downloadable:
        raise LinkRevoked(f"This entitlement cannot be downloaded: {entitlement.because}.")
    link = _make([(entitlement, clock.now() + SESSION_FOR, DownloadLink.Kind.STAFF)])[entitlement.pk].link
    DownloadLink.objects.filter(pk=link.pk).update(created_by=by.label, reason=reason)
    secret = _open(link, asset, staff=by.label[:200])
    audit.record(
        "file.opened_by_staff",
        by=by,
        subject=entitlement,
        because=reason,
        profile_id=entitlement.profile_id,
        order_id=entitlement.order_id,
        details={"file": asset.filename if asset else "everything", "link": link.hint},
    )
    return secret


def _open(link: DownloadLink, asset: Asset | None, **said: str) -> str:
    """A session of this link; returns its secret."""
    now, secret = clock.now(), tokens.make()
    session = DownloadSession.objects.create(
        organization_id=link.organization_id,
        link=link,
        asset=asset,
        digest=tokens.digest(secret),
        started_at=now,
        expires_at=now + SESSION_FOR,
        **said,
    )
    LinkRoute.objects.create(digest=session.digest, organization_id=link.organization_id, session_id=session.pk)
    return secret


def route(secret: str) -> LinkRoute | None:
    """Whose link or session this is, by hash; None for anything unknown or malformed."""
    if not tokens.well_formed(secret):
        return None
    return LinkRoute.objects.filter(digest=tokens.digest(secret)).first()


def count_request(session: DownloadSession) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE fulfillment_downloadsession SET requests = requests + 1 WHERE id = %s", [session.pk])
