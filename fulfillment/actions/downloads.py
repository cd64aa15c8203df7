"""One use of a link: found, its files looked at, counted and logged, by two statements of the database.

The rules of a link stand in `fulfillment_gives` (migration 0016) for whoever counts, and in `links.check` for whoever
has to say why it gives nothing.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from fulfillment import tokens
from fulfillment.actions import links, reach, stores
from fulfillment.models import Asset, DownloadLink, LinkRoute
from fulfillment.queries import versions
from profiles import clock, prepared, tenancy
from profiles.actors import NotFound, Refusal

USES_AN_HOUR = 120
LONGEST_AGENT = 200

_FIND = "SELECT * FROM fulfillment_find_files(%s, %s)"
_COUNT = """
SELECT verdict, unreached FROM fulfillment_count_use(
  %s::bigint, %s::bigint, %s::bigint, %s, %s::text, %s::text, %s, %s::int, %s)
"""
# In the order of the model: `from_db` goes by it.
_COLUMNS: Final = (
    "id", "format", "path", "size", "sha256", "in_second", "current", "withdrawn", "created_at", "verdicts"
)  # fmt: skip


class NotGiven(Refusal):
    """The link gives nothing now; `links.check` knows why."""

    status = 410


class TooManyUses(Refusal):
    """One link is pressed far more often than a person presses it."""

    status = 429
    title = "Too many downloads"


class StoreAway(Refusal):
    """No store has the file whole at this moment: nothing was used up."""

    status = 503


@dataclass(frozen=True, slots=True)
class Offer:
    """What a link gives now."""

    organization_id: int
    link_id: int
    files: versions.Files
    store_in_trouble: bool

    def choose(self, asset_id: int | None, *, everything: bool) -> list[Asset]:
        """The files that were asked for; by default the first. Empty where this link does not give them."""
        if asset_id is not None:
            return [one] if (one := self.files.by_id(asset_id)) else []
        return self.files.current if everything else self.files.current[:1]


def confirm(secret: str, asset_id: int | None = None, *, everything: bool = False, network: str, agent: str) -> str:
    """Count one use of this link for one file, or for all as a zip; returns the secret of the session it opens.

    To be called outside of any transaction, because it asks the file store. Raises NotGiven, NotFound, StoreAway or
    TooManyUses; then nothing is used up.
    """
    offer = find(secret)
    if offer is None:
        raise NotGiven("This link gives nothing now.")
    chosen = offer.choose(asset_id, everything=everything)
    if not chosen:
        raise NotFound("This link does not lead to such a file.")
    health = stores.Health(in_trouble=offer.store_in_trouble)
    if any(health.where(asset) is None for asset in chosen):
        raise StoreAway("The file cannot be given at this moment.")
    asset = None if everything else chosen[0].pk
    return count(offer.organization_id, offer.link_id, asset, network=network, agent=agent)


def find(secret: str) -> Offer | None:
    """What this secret's link gives now, by one statement; None for one that gives nothing or is no link's."""
    if not tokens.well_formed(secret):
        return None
    rows = prepared.fetch_again(_FIND, [tokens.digest(secret), clock.offset()])
    if not rows:
        return None
    organization_id, link_id, since, in_trouble = rows[0][:4]
    return Offer(organization_id, link_id, _files(rows, since), in_trouble)


def count(organization_id: int, link_id: int, asset_id: int | None, *, network: str, agent: str) -> str:
    """Use the link once, if it may be used now, and open a session; returns its secret. Raises NotGiven, TooManyUses.

    One statement and, outside of a transaction, one commit. Where its answer was lost, it is not counted again.
    """
    secret = tokens.make()
    digest, agent = tokens.digest(secret), agent.replace("\0", "")[:LONGEST_AGENT]
    told = [organization_id, link_id, asset_id, digest, network, agent, links.SESSION_FOR, USES_AN_HOUR, clock.offset()]
    rows = prepared.fetch_again(_COUNT, told, unless=lambda: LinkRoute.objects.filter(digest=digest).exists())
    verdict, unreached = rows[0] if rows else ("counted", None)
    if verdict == "too often":
        raise TooManyUses("This link was used very often within the hour; please try again later.")
    if verdict != "counted":
        raise NotGiven("This link gives nothing now.")
    if unreached:
        with tenancy.organization(organization_id):
            reach.touch([unreached])
    return secret


def use(link: DownloadLink, asset: Asset | None, *, network: str, agent: str) -> str:
    """Count one use of a link that is at hand, without a file for all as a zip; returns the session's secret.

    Raises as `links.check` and `count` do.
    """
    links.check(link)
    return count(link.organization_id, link.pk, asset.pk if asset else None, network=network, agent=agent)


def _files(rows: Sequence[tuple[Any, ...]], since: datetime) -> versions.Files:
    assets = [Asset.from_db("default", _COLUMNS, [*row[4:-1], json.loads(row[-1])]) for row in rows]
    return versions.among(assets, since=since)
