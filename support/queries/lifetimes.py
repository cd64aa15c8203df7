"""What one customer was worth so far, and how much of it came of conversations (SPEC ATT-5)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from orders import money
from orders.actions.statistics import COUNTED
from orders.models import ProfileTotal
from profiles import prepared
from profiles.actions import proofs
from profiles.models import Profile

# The conversations of the customer under no currency, beside the attributed orders of each.
_TALKED = f"""
SELECT '' AS currency, count(*) FROM attribution_conversation c WHERE c.profile_id = %(profile)s
 UNION ALL
SELECT o.currency, count(*) FROM orders_order o
  JOIN attribution_attribution a ON a.organization_id = o.organization_id AND a.order_id = o.id
 WHERE a.current AND a.conversation_id IS NOT NULL AND {COUNTED} AND o.profile_id = %(profile)s
 GROUP BY o.currency
"""


@dataclass(frozen=True, slots=True)
class Talked:
    """How many conversations a customer had, and how many counted orders of each currency came of one."""

    conversations: int
    purchases: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Lifetime:
    """A customer's purchases in one currency: counted orders only, money after refunds and lost disputes."""

    email: str | None
    currency: str
    purchases: int
    net_minor: int
    first_purchase_at: datetime | None
    last_purchase_at: datetime | None
    conversations: int
    attributed: int

    @property
    def average_minor(self) -> int:
        return average(self.net_minor, self.purchases)


def average(net_minor: int, purchases: int) -> int:
    """What one purchase brought, half a minor unit rounded up; 0 of none."""
    return money.convert(net_minor, of=purchases, into=1) if purchases else 0


def of_profile(profile: Profile, currency: str) -> Lifetime:
    """The customer's figures in this currency; three queries. An absorbed customer has none: ask for the survivor."""
    total = ProfileTotal.objects.filter(profile=profile, currency=currency).first()
    talks = talked(profile.pk)
    addresses = proofs.mail_addresses([profile.pk]).get(profile.pk, [])
    return Lifetime(
        email=addresses[0] if addresses else None,
        currency=currency,
        purchases=total.orders if total else 0,
        net_minor=total.net_minor if total else 0,
        first_purchase_at=total.first_purchase_at if total else None,
        last_purchase_at=total.last_purchase_at if total else None,
        conversations=talks.conversations,
        attributed=talks.purchases.get(currency, 0),
    )


def talked(profile_id: int) -> Talked:
    """One query for every currency."""
    counts: dict[str, int] = dict(prepared.fetch(_TALKED, {"profile": profile_id}))
    return Talked(conversations=counts.pop("", 0), purchases=counts)
