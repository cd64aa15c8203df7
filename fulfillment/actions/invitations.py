"""The line in a guest's mail that leads to their library: made in bulk, stored as a hash, with a time to remind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from fulfillment import tokens
from fulfillment.models import Claim, ClaimRoute, Entitlement
from orders.models import Order
from profiles import bulk, clock

REMIND_AFTER = (timedelta(days=7), timedelta(days=21))
# What was bought so long before it was known here came from a file, and is no news to its buyer.
HISTORIC = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Issued:
    """A secret address of ours, at the only moment its secret is known."""

    claim: Claim
    secret: str

    @property
    def masked(self) -> str:
        """Stands for the secret in the kept copy of a mail; unlike that of any other in the same mail."""
        return f"{tokens.fragment(self.secret)}…{self.claim.kind[0]}{self.claim.pk}"

    @property
    def url(self) -> str:
        return address(self.secret)

    @property
    def masked_url(self) -> str:
        return address(self.masked)


def address(secret: str) -> str:
    """The public address of an invitation or sign-in link, always on the configured host."""
    return f"{settings.BASE_URL}/claim/{secret}"


def make(wanted: Sequence[Claim]) -> list[Issued]:
    """Give each of these rows its secret and store them with their routes: two statements whatever their number."""
    secrets = [tokens.make() for _ in wanted]
    for row, secret in zip(wanted, secrets, strict=True):
        row.digest = tokens.digest(secret)
    bulk.insert(Claim, wanted)
    bulk.insert(ClaimRoute, [ClaimRoute(digest=row.digest, organization_id=row.organization_id) for row in wanted])
    return [Issued(row, secret) for row, secret in zip(wanted, secrets, strict=True)]


def invite(groups: Mapping[str, Sequence[Entitlement]]) -> dict[str, Issued]:
    """One invitation for each mail (by its own key) that carries a guest's links; others get none."""
    now = clock.now()
    invited = {key: group for key, group in groups.items() if _is_guest(group)}
    rows = [
        Claim(
            organization_id=group[0].organization_id,
            kind=Claim.Kind.INVITATION,
            profile_id=group[0].profile_id,
            order_id=group[0].order_id,
            to=group[0].order.email if group[0].order else "",
            created_at=now,
            remind_at=_first_reminder(group[0].order, now),
        )
        for group in invited.values()
    ]
    return dict(zip(invited, make(rows), strict=True)) if rows else {}


def _is_guest(group: Sequence[Entitlement]) -> bool:
    """Whether the mail goes to the customer's own address and something in it waits to be claimed.

    An address that staff typed for one order gets that order's links and no way to the whole library (SPEC SUP-14).
    """
    order = group[0].order
    redirected = order is not None and bool(order.delivery_email)
    return not redirected and any(one.status == Entitlement.Status.PENDING_CLAIM for one in group)


def _first_reminder(order: Order | None, now: datetime) -> datetime | None:
    if order is not None and (order.channel.made_up or order.placed_at < now - HISTORIC):
        return None
    return now + REMIND_AFTER[0]
