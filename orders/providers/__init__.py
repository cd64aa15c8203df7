"""Every channel's adapter by its kind: this dict is the whole list."""

from orders.providers.api import Api
from orders.providers.contract import Provider
from orders.providers.pos import Pos
from orders.providers.shopify import Shopify
from orders.providers.stripe import Stripe
from orders.providers.woocommerce import WooCommerce

PROVIDERS: dict[str, Provider] = {
    "stripe": Stripe(),
    "shopify": Shopify(),
    "woocommerce": WooCommerce(),
    "pos": Pos(),
    "api": Api(),
}
