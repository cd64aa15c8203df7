"""Every channel's adapter by its kind, those that give money back and those that list: these dicts are all there is."""

from orders.providers.api import Api
from orders.providers.contract import Provider
from orders.providers.pos import Pos
from orders.providers.refunding import Refunder
from orders.providers.shopify import Shopify
from orders.providers.shopify_refunding import ShopifyRefunder
from orders.providers.shopify_truth import ShopifyTruth
from orders.providers.stripe import Stripe
from orders.providers.stripe_refunding import StripeRefunder
from orders.providers.stripe_truth import StripeTruth
from orders.providers.truth import Truth
from orders.providers.woocommerce import WooCommerce
from orders.providers.woocommerce_refunding import WooCommerceRefunder
from orders.providers.woocommerce_truth import WooCommerceTruth

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

# Whose own lists are read, for what webhooks missed and for what was paid out.
TRUTHS: dict[str, Truth] = {
    "stripe": StripeTruth(),
    "shopify": ShopifyTruth(),
    "woocommerce": WooCommerceTruth(),
}
