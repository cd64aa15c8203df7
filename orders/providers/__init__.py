"""Every channel's adapter by its kind, and every one that gives money back: these dicts are the whole list."""

from orders.providers.api import Api
from orders.providers.contract import Provider
from orders.providers.pos import Pos
from orders.providers.refunding import Refunder
from orders.providers.shopify import Shopify
from orders.providers.shopify_refunding import ShopifyRefunder
from orders.providers.stripe import Stripe
from orders.providers.stripe_refunding import StripeRefunder
from orders.providers.woocommerce import WooCommerce
from orders.providers.woocommerce_refunding import WooCommerceRefunder

PROVIDERS: dict[str, Provider] = {
    "stripe": Stripe(),
    "shopify": Shopify(),
    "woocommerce": WooCommerce(),
    "pos": Pos(),
    "api": Api(),
}

# Who gives money back when asked; the others' refunds are made by hand and told.
REFUNDERS: dict[str, Refunder] = {
    "stripe": StripeRefunder(),
    "shopify": ShopifyRefunder(),
    "woocommerce": WooCommerceRefunder(),
}
