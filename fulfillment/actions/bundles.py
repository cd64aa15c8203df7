"""What a change of a bundle means for those who bought it: they keep what they have, and get what is new by choice."""

from collections.abc import Iterable

from django.db.models import Exists, OuterRef, QuerySet

from fulfillment.actions import services
from fulfillment.actions.entitlements import DIGITAL
from fulfillment.models import Entitlement, Service
from orders.actions import bundles as catalogue
from orders.models import BundleItem, Line, Product
from orders.queries import bundles
from profiles import bulk, clock
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
    """One more product in the bundle; returns how many rights and services owners are given.

    Lines that were paid for and given nothing so far are settled in any case. Raises what `orders` refuses.
    """
    if to_owners:
        by.require("grant")
    catalogue.add(bundle, component, by=by, because=because)
    empty = _lines(bundle).filter(~Exists(_rights()), ~Exists(_services()))
    orders = set(empty.values_list("order_id", flat=True))
    rights, opened = _missing(bundle, component) if to_owners else ([], [])
    bulk.insert(Entitlement, rights)
    bulk.insert(Service, opened)
    orders |= {row.order_id for row in rights if row.order_id} | {row.order_id for row in opened if row.order_id}
    settlement.request(bundle.organization_id, orders=orders, wake_worker=bool(orders))
    return len(rights) + len(opened)


def remove(bundle: Product, component: Product, *, by: Actor, because: str) -> None:
    """Take a product out of the bundle for who buys it from now on; owners keep it. Raises NotFound."""
    catalogue.remove(bundle, component, by=by, because=because)


def owners(bundle: Product) -> int:
    """How many paid lines hold what was in this bundle, or in one around it."""
    return _owned(bundle).count()


def choosable(bundle: Product) -> QuerySet[Product]:
    """What can still be put into this bundle."""
    inside = BundleItem.objects.filter(bundle=bundle).values("component_id")
    kinds = [*DIGITAL, Product.Kind.BUNDLE, Product.Kind.SERVICE]
    return Product.objects.filter(kind__in=kinds).exclude(pk__in=inside).exclude(pk__in=bundles.around(bundle.pk))


def _lines(bundle: Product) -> QuerySet[Line]:
    return Line.objects.filter(product__in=bundles.around(bundle.pk), removed=False)


def _owned(bundle: Product) -> QuerySet[Line]:
    rights = _rights().filter(status__in=Entitlement.DOWNLOADABLE)
    return _lines(bundle).filter(Exists(rights) | Exists(_services().exclude(state=Service.State.ENDED)))


def _rights() -> QuerySet[Entitlement]:
    of = {"order": OuterRef("order"), "line": OuterRef("pk")}
    return Entitlement.objects.filter(source=Entitlement.Source.BUNDLE, **of)


def _services() -> QuerySet[Service]:
    return Service.objects.filter(order=OuterRef("order"), line=OuterRef("pk"), source=Service.Source.BUNDLE)


def _missing(bundle: Product, component: Product) -> tuple[list[Entitlement], list[Service]]:
    """What the component brings each owner: rights to what is digital, and services. Settling decides of each."""
    is_bundle = component.kind == Product.Kind.BUNDLE
    products = bundles.components([component.pk])[component.pk] if is_bundle else [component]
    lines = list(_owned(bundle).select_related("order", "product"))
    wanted = {f"line:{line.pk}:{one.pk}": (line, one) for line in lines if line.order.profile_id for one in products}
    known = set(Entitlement.objects.filter(source_key__in=wanted).values_list("source_key", flat=True))
    opened = set(Service.objects.filter(source_key__in=wanted).values_list("source_key", flat=True))
    now = clock.now()
    rights = [
        Entitlement(
            organization_id=line.organization_id,
            profile_id=line.order.profile_id or 0,
            order_id=line.order_id,
            line=line,
            product=product,
            source=Entitlement.Source.BUNDLE,
            source_key=key,
            status=Entitlement.Status.REVOKED,
            because=NOT_SETTLED,
        )
        for key, (line, product) in wanted.items()
        if product.kind in DIGITAL and key not in known
    ]
    fresh = [
        services.of_line(line, product, line.order.profile_id or 0, Service.State.ENDED, now)
        for key, (line, product) in wanted.items()
        if product.kind == Product.Kind.SERVICE and key not in opened
    ]
    return rights, fresh
