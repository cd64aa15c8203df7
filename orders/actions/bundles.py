"""What belongs to a bundle: saying it and changing it. Who bought it before keeps what they were given."""

from orders.models import BundleItem, Product
from orders.queries import bundles
from profiles.actions import audit
from profiles.actors import Actor, NotFound, Refusal


class NoBundle(Refusal):
    title = "No bundle"


class Circular(Refusal):
    """The component contains the bundle."""

    title = "A bundle inside itself"


class AlreadyInside(Refusal):
    title = "Already in the bundle"


def add(bundle: Product, component: Product, *, by: Actor, because: str) -> BundleItem:
    """One more product in the bundle, for everybody who buys it from now on. Inverse: remove.

    Raises NoBundle, AlreadyInside or Circular.
    """
    by.require("map_product")
    reason = audit.require_reason(because)
    _lock(bundle)
    if component.pk in bundles.around(bundle.pk):
        raise Circular(f"{component.sku} contains {bundle.sku}, so it cannot be part of it.")
    item, created = BundleItem.objects.get_or_create(
        organization_id=bundle.organization_id, bundle=bundle, component=component
    )
    if not created:
        raise AlreadyInside(f"{component.sku} is in {bundle.sku} already.")
    audit.record(
        "bundle.component_added",
        by=by,
        subject=bundle,
        because=reason,
        details={"sku": bundle.sku, "component": component.sku},
    )
    return item


def remove(bundle: Product, component: Product, *, by: Actor, because: str) -> None:
    """Take a product out of the bundle for who buys it from now on; owners keep it. Raises NotFound. Inverse: add."""
    by.require("map_product")
    reason = audit.require_reason(because)
    _lock(bundle)
    gone, _ = BundleItem.objects.filter(bundle=bundle, component=component).delete()
    if not gone:
        raise NotFound(f"{component.sku} is not in {bundle.sku}.")
    audit.record(
        "bundle.component_removed",
        by=by,
        subject=bundle,
        because=reason,
        details={"sku": bundle.sku, "component": component.sku},
    )


def _lock(bundle: Product) -> None:
    """One change of the catalogue's bundles at a time, so that two of them cannot close a circle together."""
    if bundle.kind != Product.Kind.BUNDLE:
        raise NoBundle(f"{bundle.sku} is no bundle, so nothing can be part of it.")
    list(
        Product.objects.select_for_update(no_key=True)
        .filter(kind=Product.Kind.BUNDLE)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
