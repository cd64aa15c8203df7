"""Made-up purchases in the providers' own shape and signature, so that they come in by the same door as real ones."""

from collections.abc import Mapping
from types import ModuleType

from orders.generated import Purchase
from orders.imitation import shopify, stripe, woocommerce
from orders.imitation.wire import Parcel, number, parcel

__all__ = ["Parcel", "number", "order_id", "parcel", "parcels"]

_SHOPS: Mapping[str, ModuleType] = {"shopify": shopify, "stripe": stripe, "woocommerce": woocommerce}


def parcels(purchase: Purchase) -> list[Parcel]:
    """Every delivery that the shop would have sent about this purchase, in the order of events."""
    told: list[Parcel] = _SHOPS[purchase.kind].tell(purchase)
    return told


def order_id(purchase: Purchase) -> str:
    """The order's own id at its shop."""
    return str(_SHOPS[purchase.kind].order_id(purchase))
