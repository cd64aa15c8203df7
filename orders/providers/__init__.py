"""Every channel's adapter by its kind, who is asked for more, who lists and who gives money back: the whole lists."""

from orders.providers.api import Api
from orders.providers.chatwoot import Chatwoot
from orders.providers.clover import Clover
from orders.providers.contract import Provider
from orders.providers.etsy import Etsy
from orders.providers.intercom import Intercom
from orders.providers.pos import Pos
from orders.providers.readers import CloverReader, EtsyReader, ShopierReader, SquareReader
from orders.providers.reading import Reader
from orders.providers.refunding import Refunder
from orders.providers.shopier import Shopier
from orders.providers.shopify import Shopify
from orders.providers.shopify_refunding import ShopifyRefunder
from orders.providers.shopify_truth import ShopifyTruth
from orders.providers.square import Square
from orders.providers.stripe import Stripe
from orders.providers.stripe_refunding import StripeRefunder
from orders.providers.stripe_truth import StripeTruth
from orders.providers.truth import Truth
from orders.providers.whatsapp import WhatsApp
from orders.providers.woocommerce import WooCommerce
from orders.providers.woocommerce_refunding import WooCommerceRefunder
from orders.providers.woocommerce_truth import WooCommerceTruth

PROVIDERS: dict[str, Provider] = {
    "stripe": Stripe(),
    "shopify": Shopify(),
    "woocommerce": WooCommerce(),
    "shopier": Shopier(),
    "etsy": Etsy(),
    "square": Square(),
    "clover": Clover(),
    "pos": Pos(),
    "chatwoot": Chatwoot(),
    "intercom": Intercom(),
    "whatsapp": WhatsApp(),
    "api": Api(),
}

# Whose deliveries only name some things, so that their own API is asked for them.
READERS: dict[str, Reader] = {
    "shopier": ShopierReader(),
    "etsy": EtsyReader(),
    "square": SquareReader(),
    "clover": CloverReader(),
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
