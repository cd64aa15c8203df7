"""What missions look at: the deeds of customers, and whether each reward can be delivered."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from fulfillment import missions
from fulfillment.missions import Deed, Rule, Terms
from fulfillment.models import Asset, FormerTerms, Mission, MissionCompletion, MissionReward
from orders.models import Line, Order, Product
from orders.queries import bundles
from profiles.models import Event

STANDS = (Order.PaymentStatus.PAID, Order.PaymentStatus.PARTIALLY_REFUNDED)


@dataclass(frozen=True, slots=True)
class Reward:
    """One reward as it stands: `wrong` says why it cannot be delivered, '' if it can."""

    mission_id: int
    sku: str
    product: Product | None
    wrong: str = ""


def deeds(profile_ids: Collection[int], terms: Sequence[Terms]) -> dict[int, list[Deed]]:
    """What these customers did that any of these missions may count; at most three queries."""
    found: dict[int, list[Deed]] = defaultdict(list)
    since = min(one.starts_at for one in terms)
    for pk, profile_id, type_, at, payload in Event.objects.filter(
        profile__in=profile_ids, type__in=missions.types(terms), occurred_at__gte=since
    ).values_list("pk", "profile_id", "type", "occurred_at", "payload"):
        found[profile_id or 0].append(Deed(at, f"event:{pk}", type_, mission=missions.named(payload)))
    if not any(one.rule == Rule.PURCHASES for one in terms):
        return found
    orders = list(
        Order.objects.filter(profile__in=profile_ids, placed_at__gte=since, payment_status__in=STANDS, test=False)
    )
    skus: dict[int, set[str]] = defaultdict(set)
    if any(one.skus for one in terms):
        lines = Line.objects.filter(order__in=[order.pk for order in orders], removed=False, product__isnull=False)
        for order_id, sku in lines.values_list("order_id", "product__sku"):
            skus[order_id].add(sku or "")
    for order in orders:
        if not order.cancelled:
            deed = Deed(order.placed_at, f"order:{order.pk}", purchase=True, skus=frozenset(skus[order.pk]))
            found[order.profile_id or 0].append(deed)
    return found


def former(active: Sequence[Mission]) -> Mapping[int, list[FormerTerms]]:
    """By mission, the terms it had before it was changed; one query."""
    found: dict[int, list[FormerTerms]] = defaultdict(list)
    for row in FormerTerms.objects.filter(mission__in=active).order_by("replaced_at", "pk"):
        found[row.mission_id].append(row)
    return found


def rewards(mission_ids: Iterable[int]) -> list[Reward]:
    """Each reward of these missions, checked against the catalogue and the files; at most five queries."""
    rows = MissionReward.objects.filter(mission__in=list(mission_ids)).order_by("mission_id", "sku")
    return _checked(list(rows.values_list("mission_id", "sku")))


def promised(completion: MissionCompletion) -> list[Reward]:
    """What the mission gave when this was earned, checked likewise; at most six queries."""
    since = FormerTerms.objects.filter(mission=completion.mission_id, replaced_at__gte=completion.created_at)
    then = since.order_by("replaced_at", "pk").first()
    if then is None:
        return rewards([completion.mission_id])
    return _checked([(completion.mission_id, sku) for sku in then.rewards])


def _checked(rows: Sequence[tuple[int, str]]) -> list[Reward]:
    products = {one.sku: one for one in Product.objects.filter(sku__in={sku for _, sku in rows})} if rows else {}
    inside = bundles.components(one.pk for one in products.values() if one.kind == Product.Kind.BUNDLE)
    parts = {one.pk: inside.get(one.pk, [one]) for one in products.values()}
    ids = {part.pk for found in parts.values() for part in found if part.kind in Product.DIGITAL}
    filed = set(Asset.objects.filter(product__in=ids, current=True).values_list("product_id", flat=True))
    told = []
    for mission_id, sku in rows:
        product = products.get(sku)
        told.append(Reward(mission_id, sku, product, _wrong(product, parts, filed)))
    return told


def _wrong(product: Product | None, parts: dict[int, list[Product]], filed: set[int]) -> str:
    if product is None:
        return "There is no product of this SKU."
    if product.kind == Product.Kind.SERVICE:
        return "It is a service, which a mission cannot give: grant it by hand to who earned it."
    digital = [part for part in parts[product.pk] if part.kind in Product.DIGITAL]
    if not digital:
        return "It is not digital: there is nothing to deliver."
    if services := [part for part in parts[product.pk] if part.kind == Product.Kind.SERVICE]:
        return f"{services[0].sku} in it is a service, which a mission cannot give: grant it by hand to who earned it."
    without = [part for part in digital if part.pk not in filed and part.kind != Product.Kind.IMAGE]
    if without:
        return f"{without[0].sku} has no file yet."
    return ""
