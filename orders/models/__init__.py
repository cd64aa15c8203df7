"""What was sold and paid: channels, the inbox, the catalogue, orders and money."""

from orders.models.backfills import Backfill
from orders.models.bundles import BundleItem
from orders.models.channels import Channel, ChannelDay, ChannelRoute, DomainRoute
from orders.models.deliveries import Delivery
from orders.models.imports import ColumnMapping, Import, ImportPart, ImportRow
from orders.models.ledger import LedgerEntry, Period
from orders.models.lookups import Lookup
from orders.models.money import Dispute, MoneyFact, Payment, ProfileTotal, Rate, Refund
from orders.models.orders import Line, Order, StatusChange
from orders.models.payouts import Payout, PayoutLine
from orders.models.products import Listing, Product
from orders.models.refund_requests import RefundRequest
from orders.models.stale_days import StaleDay
from orders.models.storefronts import StorefrontPage
from orders.models.visits import StoreVisit

__all__ = [
    "Backfill",
    "BundleItem",
    "Channel",
    "ChannelDay",
    "ChannelRoute",
    "ColumnMapping",
    "Delivery",
    "Dispute",
    "DomainRoute",
    "Import",
    "ImportPart",
    "ImportRow",
    "LedgerEntry",
    "Line",
    "Listing",
    "Lookup",
    "MoneyFact",
    "Order",
    "Payment",
    "Payout",
    "PayoutLine",
    "Period",
    "Product",
    "ProfileTotal",
    "Rate",
    "Refund",
    "RefundRequest",
    "StaleDay",
    "StatusChange",
    "StoreVisit",
    "StorefrontPage",
]
