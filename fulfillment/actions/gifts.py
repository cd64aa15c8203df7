"""Rights that no order gave: granting what a coupon or a mission gives, each once, and taking it back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fulfillment.actions import entitlements, jobs, links
from fulfillment.actions.entitlements import DIGITAL, Verdict
from fulfillment.models import Entitlement
from orders.models import Product
from orders.queries import bundles
from profiles import bulk
from profiles.actions import settlement


@dataclass(frozen=True, slots=True)
class Gift:
    """One product for one customer; `key` begins with its source and grants once."""

    profile_id: int
    product: Product
    source: str
    key: str
    because: str


def contents(products: Iterable[Product]) -> dict[int, list[Product]]:
    """The digital products that each of these is, or holds as a bundle. At most two queries."""
    found = list(products)
    inside = bundles.components(product.pk for product in found if product.kind == Product.Kind.BUNDLE)
    return {product.pk: [one for one in inside.get(product.pk, [product]) if one.kind in DIGITAL] for product in found}


def give(gifts: Sequence[Gift], *, organization_id: int) -> list[Entitlement]:
    """Grant these, active at once; their jobs and mails follow. What was granted under its key before stays."""
    if not gifts:
        return []
    known = set(Entitlement.objects.filter(source_key__in=[g.key for g in gifts]).values_list("source_key", flat=True))
    fresh = [
        Entitlement(
            organization_id=organization_id,
            profile_id=gift.profile_id,
            product=gift.product,
            source=gift.source,
            source_key=gift.key,
            status=Entitlement.Status.ACTIVE,
            because=gift.because[:300],
        )
        for gift in {gift.key: gift for gift in gifts if gift.key not in known}.values()
    ]
    bulk.insert(Entitlement, fresh)
    jobs.settle(fresh)
    if fresh:
        settlement.wake(organization_id)
    return fresh


def judge(verdicts: Sequence[tuple[Entitlement, Verdict]]) -> list[Entitlement]:
    """Write what the facts say of these unless a person decided; links die with the right. Returns what changed."""
    changed = [row for row, verdict in verdicts if entitlements.apply(row, verdict, None)]
    bulk.update(Entitlement, changed, ["status", "because"])
    if dead := [row.pk for row in changed if not row.downloadable]:
        links.revoke_all(dead, because="The entitlement was withdrawn")
    jobs.settle(changed)
    return changed
