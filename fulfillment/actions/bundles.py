"""What a change of a bundle means for those who bought it: they keep what they have, and get what is new by choice."""

from collections.abc import Iterable

from django.db.models import Exists, OuterRef, QuerySet

from fulfillment.actions.entitlements import DIGITAL
from fulfillment.models import Entitlement
from orders.actions import bundles as catalogue
from orders.models import BundleItem, Line, Product
from orders.queries import bundles
from profiles import bulk
from profiles.actions import settlement
from profiles.actors import Actor, NotFound

NOT_SETTLED = "Given to everybody who owns the bundle"


def fill(bundle: Product, skus: Iterable[str], *, by: Actor) -> int:
    """Put these SKUs into the bundle, each once; returns how many are new. Raises as `add`, or NotFound."""
    by.require("map_product")
    wanted = list(dict.fromkeys(sku.strip() for sku in skus))
    if not wanted:
        return 0
    found = {row.sku: row for row in Product.objects.filter(sku__in=wanted)}
    if absent := [sku for sku in wanted if sku not in found]:
        raise NotFound(f"There is no product {absent[0]}: add it before its bundle.")
    known = set(BundleItem.objects.filter(bundle=bundle).values_list("component_id", flat=True))
    fresh = [found[sku] for sku in wanted if found[sku].pk not in known]
    for component in fresh:
        add(bundle, component, to_owners=False, by=by, because="Listed with the bundle")
    return len(fresh)


def add(bundle: Product, component: Product, *, to_owners: bool, by: Actor, because: str) -> int:
    """One more product in the bundle; returns how many entitlements owners are given.

    Lines that were paid for and given nothing so far are settled in any case. Raises what `orders` refuses.
    """
    if to_owners:
        by.require("grant")
    catalogue.add(bundle, component, by=by, because=because)
    empty = _lines(bundle).filter(~Exists(_given()))
    orders = set(empty.values_list("order_id", flat=True))
    fresh = _missing(bundle, component) if to_owners else []
    bulk.insert(Entitlement, fresh)
    orders |= {row.order_id for row in fresh if row.order_id}
    settlement.request(bundle.organization_id, orders=orders, wake_worker=bool(orders))
    return len(fresh)


def remove(bundle: Product, component: Product, *, by: Actor, because: str) -> None:
    """Take a product out of the bundle for who buys it from now on; owners keep it. Raises NotFound."""
    catalogue.remove(bundle, component, by=by, because=because)


def owners(bundle: Product) -> int:
    """How many paid lines hold what was in this bundle, or in one around it."""
    return _lines(bundle).filter(Exists(_given(status__in=Entitlement.DOWNLOADABLE))).count()


def choosable(bundle: Product) -> QuerySet[Product]:
    """What can still be put into this bundle."""
    inside = BundleItem.objects.filter(bundle=bundle).values("component_id")
    kinds = [*DIGITAL, Product.Kind.BUNDLE, Product.Kind.SERVICE]
    return Product.objects.filter(kind__in=kinds).exclude(pk__in=inside).exclude(pk__in=bundles.around(bundle.pk))


def _lines(bundle: Product) -> QuerySet[Line]:
    return Line.objects.filter(product__in=bundles.around(bundle.pk), removed=False)


def _given(**more: object) -> QuerySet[Entitlement]:
    return Entitlement.objects.filter(line=OuterRef("pk"), source=Entitlement.Source.BUNDLE, **more)


def _missing(bundle: Product, component: Product) -> list[Entitlement]:
    """An entitlement for each owner and each digital product that came with the component. Settling decides of each."""
    is_bundle = component.kind == Product.Kind.BUNDLE
    products = bundles.components([component.pk])[component.pk] if is_bundle else [component]
    lines = list(_lines(bundle).filter(Exists(_given(status__in=Entitlement.DOWNLOADABLE))).select_related("order"))
    keys = [f"line:{line.pk}:{product.pk}" for line in lines for product in products]
    known = set(Entitlement.objects.filter(source_key__in=keys).values_list("source_key", flat=True))
    return [
        Entitlement(
            organization_id=line.organization_id,
            profile_id=line.order.profile_id,
            order_id=line.order_id,
            line=line,
            product=product,
            source=Entitlement.Source.BUNDLE,
            source_key=key,
            status=Entitlement.Status.REVOKED,
            because=NOT_SETTLED,
        )
        for line in lines
        for product in products
        if product.kind in DIGITAL
        and line.order.profile_id is not None
        and (key := f"line:{line.pk}:{product.pk}") not in known
    ]
