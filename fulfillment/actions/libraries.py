"""Sessions of a library: opened by a proof, idle at most a day, ended by their owner or with their customer."""

from dataclasses import dataclass
from datetime import timedelta

from fulfillment import tokens
from fulfillment.actions import downloads, links
from fulfillment.models import Asset, ClaimRoute, Entitlement, LibrarySession
from fulfillment.queries import versions
from profiles import clock
from profiles.actions import audit
from profiles.actors import Actor, NotFound
from profiles.models import Profile

IDLE = timedelta(hours=24)
LONGEST = timedelta(days=30)
NOTED_EVERY = timedelta(minutes=1)
# How long the downloads of one day are counted on one link; nobody is ever given its secret.
COUNTED_FOR = timedelta(hours=24)
NO_SUCH_FILE = "There is no such file in this library."


@dataclass(frozen=True, slots=True)
class Opened:
    """A session and its secret, at the only moment both are known."""

    session: LibrarySession
    secret: str


def open_for(profile: Profile, *, by: str, network: str, agent: str) -> Opened:
    """Open the library of this customer in one browser; `by` says what proved who it is."""
    now, secret = clock.now(), tokens.make()
    row = LibrarySession.objects.create(
        organization_id=profile.organization_id,
        profile=profile,
        digest=tokens.digest(secret),
        started_at=now,
        seen_at=now,
        by=by[:40],
        network=network,
        agent=agent[:200],
    )
    ClaimRoute.objects.create(digest=row.digest, organization_id=row.organization_id)
    audit.record("library.opened", by=Actor.customer(), subject=row, profile_id=profile.pk)
    return Opened(row, secret)


def find(secret: str) -> LibrarySession | None:
    """The living session of this secret, noted as seen; None where it ended or its customer went. Needs the context."""
    if not tokens.well_formed(secret):
        return None
    row = LibrarySession.objects.select_related("profile", "organization").filter(digest=tokens.digest(secret)).first()
    if row is None or row.ended_at or row.profile.merged_into_id:
        return None
    now = clock.now()
    if row.seen_at <= now - IDLE or row.started_at <= now - LONGEST:
        return None
    if row.seen_at <= now - NOTED_EVERY:
        LibrarySession.objects.filter(pk=row.pk).update(seen_at=now)
    return row


def close(session: LibrarySession) -> None:
    """Sign out: this browser opens nothing any more. Safe any number of times."""
    ended = LibrarySession.objects.filter(pk=session.pk, ended_at__isnull=True).update(ended_at=clock.now())
    if ended:
        audit.record("library.closed", by=Actor.customer(), subject=session, profile_id=session.profile_id)


def close_all(profile_id: int) -> int:
    """End every session of this customer; returns how many ended."""
    return LibrarySession.objects.filter(profile=profile_id, ended_at__isnull=True).update(ended_at=clock.now())


def download(profile_id: int, entitlement_id: int, asset_id: int | None, *, network: str, agent: str) -> str:
    """Open a download session for a file of what this customer owns, without one for all as a zip; returns its secret.

    Counted, logged and checked like a mailed link. Raises NotFound, or as `downloads.use` does.
    """
    entitlement, files = owned_files(profile_id, entitlement_id, asset_id)
    asset = None if asset_id is None else files[0]
    return downloads.use(links.of_library(entitlement, COUNTED_FOR), asset, network=network, agent=agent)


def owned_files(profile_id: int, entitlement_id: int, asset_id: int | None) -> tuple[Entitlement, list[Asset]]:
    """A file, or all that are current, and the right to them, if they are this customer's; raises NotFound."""
    rows = Entitlement.objects.select_related("product", "order", "profile")
    entitlement = rows.filter(pk=entitlement_id, profile=profile_id).first()
    if entitlement is None:
        raise NotFound(NO_SUCH_FILE)
    if asset_id is None:
        files = list(versions.of(entitlement.product_id, since=entitlement.created_at).current)
    else:
        files = list(Asset.objects.filter(pk=asset_id, product=entitlement.product_id, withdrawn=False))
    if not files:
        raise NotFound(NO_SUCH_FILE)
    return entitlement, files
