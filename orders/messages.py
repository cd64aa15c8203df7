"""The frozen messages a provider's delivery is parsed into: past `providers/` nobody sees a provider's own dict.

Money is an integer in the minor unit of the ISO 4217 currency beside it; instants are aware datetimes in UTC.
A message carries the provider's own version of what it says, so that any order of arrival ends in the same facts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum

FROM_FILE = "file:"
"""What the ids of payments and refunds begin with that only a file told of."""


class OrderStatus(StrEnum):
    """Where the goods are, as the channel says (SPEC ORD-3)."""

    PENDING = "pending"
    PROCESSING = "processing"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"


class Authority(StrEnum):
    """How much a source knows about an order: a payment alone is overruled by the checkout or shop it belongs to.

    A file knows less than either: what the provider itself says of an order always stands.
    """

    FILE = "0-file"
    PAYMENT = "1-payment"
    ORDER = "2-order"


class RefundStatus(StrEnum):
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class DisputeStatus(StrEnum):
    OPENED = "opened"
    WON = "won"
    LOST = "lost"


class PaymentStatus(StrEnum):
    """State of one payment at the provider (not of the order)."""

    PENDING = "pending"
    CAPTURED = "captured"
    FAILED = "failed"


class PayoutStatus(StrEnum):
    PENDING = "pending"
    PAID = "paid"
    FAILED = "failed"


class BalanceKind(StrEnum):
    """What moved a provider's balance."""

    CAPTURED = "captured"
    REFUND = "refund"
    REFUND_FAILED = "refund_failed"
    DISPUTE = "dispute"
    DISPUTE_REVERSED = "dispute_reversed"
    FEE = "fee"
    ADJUSTMENT = "adjustment"
    CARRIED = "carried"
    CONVERSION = "conversion"
    UNKNOWN = "unknown"


class TalkStatus(StrEnum):
    """State of a conversation at its source."""

    OPEN = "open"
    SNOOZED = "snoozed"
    CLOSED = "closed"


class TalkBy(StrEnum):
    """Who wrote: a bot's words are kept and never count."""

    CUSTOMER = "customer"
    AGENT = "agent"
    BOT = "bot"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelFacts:
    """What a parser may know of the channel a delivery came through."""

    kind: str
    domain: str
    test: bool = False
    currency: str = ""
    region: str = ""
    programme: str = "default"
    can_read: bool = False
    """Whether the provider's own API may be asked for what a delivery only names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One authentic delivery as it was received: exact bytes, allow-listed headers with lower-case names.

    `looked_up` names what was read from the provider's own API and not delivered; `received_at` is when it was kept.
    """

    body: bytes
    headers: Mapping[str, str]
    channel: ChannelFacts
    topic: str = ""
    delivery_id: str = ""
    looked_up: str = ""
    received_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where the customer lives, as the provider spelled it; empty text where it said nothing."""

    street: str = ""
    more: str = ""
    postcode: str = ""
    city: str = ""

    def facts(self) -> dict[str, str]:
        """What it says, by name, each part cut at 200 characters; nothing where it says nothing."""
        parts = {"street": self.street, "more": self.more, "postcode": self.postcode, "city": self.city}
        return {name: text[:200] for name, text in parts.items() if text}


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Who bought, in the spelling of the provider; empty text where the provider said nothing.

    `region` is the ISO 3166 country of the order's address, used to read national phone numbers.
    `locale` is the language they shopped in, as a BCP 47 tag. `others` are ids of other kinds, each under its name.
    `verified_account` is true only where the shop itself vouches for a signed-in account with a verified address.
    """

    email: str = ""
    phone: str = ""
    name: str = ""
    region: str = ""
    loyalty_id: str = ""
    device_id: str = ""
    cookie_id: str = ""
    verified_account: bool = False
    locale: str = ""
    address: Address = field(default_factory=Address)
    others: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line; `total_minor` is what the customer paid for it after discounts.

    `listing_ids` are the channel's own ids to map by, most exact first (variant id, then product or price id).
    """

    external_id: str
    title: str
    quantity: int
    total_minor: int
    sku: str = ""
    listing_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundedLine:
    line_external_id: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundMessage:
    """One refund by the provider's id. The order is named by its external id or only by its payment.

    `shop_amount_minor` is the amount in the shop's currency where the refund was paid in the buyer's currency and the
    payload itself tells both sums; None where it does not. `lines` is empty for an amount-only refund.
    """

    external_id: str
    amount_minor: int
    currency: str
    status: RefundStatus
    refunded_at: datetime
    version: datetime
    rank: int = 0
    order_external_id: str = ""
    payment_reference: str = ""
    charge_reference: str = ""
    shop_amount_minor: int | None = None
    shop_currency: str = ""
    reason: str = ""
    lines: tuple[RefundedLine, ...] = ()
    test: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeMessage:
    external_id: str
    amount_minor: int
    currency: str
    status: DisputeStatus
    opened_at: datetime
    version: datetime
    rank: int = 0
    order_external_id: str = ""
    payment_reference: str = ""
    charge_reference: str = ""
    reason: str = ""
    evidence_due_at: datetime | None = None
    test: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentMessage:
    """One payment by the provider's id (Stripe: the payment intent's)."""

    external_id: str
    amount_minor: int
    currency: str
    status: PaymentStatus
    paid_at: datetime
    version: datetime
    rank: int = 0
    order_external_id: str = ""
    charge_reference: str = ""
    method: str = ""
    last4: str = ""
    fee_minor: int | None = None
    test: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutMessage:
    """One payout by the provider's id. `amount_minor` is the deposit; below zero where money was taken back.

    `gross_minor` and `fee_minor` are what the provider says of the whole, None where only its lines tell.
    `complete` is true where all of its lines were told with it. `order_external_ids` are the orders a file names as
    paid out by it, without saying what each brought.
    """

    external_id: str
    amount_minor: int
    currency: str
    status: PayoutStatus
    made_at: datetime
    version: datetime
    rank: int = 0
    arrives_on: date | None = None
    gross_minor: int | None = None
    fee_minor: int | None = None
    destination: str = ""
    complete: bool = False
    from_file: bool = False
    order_external_ids: tuple[str, ...] = ()
    test: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceMessage:
    """One movement of a provider's balance; `amount_minor` is signed, and the net is that less `fee_minor`."""

    external_id: str
    kind: BalanceKind
    amount_minor: int
    currency: str
    at: datetime
    version: datetime
    fee_minor: int = 0
    rank: int = 0
    payout_external_id: str = ""
    source_reference: str = ""
    payment_reference: str = ""
    order_external_id: str = ""
    described: str = ""
    test: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupMessage:
    """A thing that was only named: nothing is known of it before the provider's own API has been asked.

    `account` is the provider's name of the merchant it belongs to; empty where it is the channel's own.
    """

    thing: str
    external_id: str
    account: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkLine:
    """One message of a conversation, by the source's own id; `text` is plain, and empty where there was none."""

    external_id: str
    by: TalkBy
    at: datetime
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkMessage:
    """What a source says of a conversation at `version`; its lines add up, of everything else the newest word stands.

    `status`, `labels` and `ended_at` are None where nothing was said of them. `page` is the address of the page on
    which the customer began to write. `source` and `message_count` only tell what a program of the seller's own says.
    """

    external_id: str
    started_at: datetime
    version: datetime
    customer: Customer
    last_activity_at: datetime | None = None
    status: TalkStatus | None = None
    ended_at: datetime | None = None
    labels: tuple[str, ...] | None = None
    page: str = ""
    source: str = ""
    message_count: int = 0
    lines: tuple[TalkLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderMessage:
    """One order as its channel describes it at `version` (the provider's own time of change).

    Of two messages about one order the greater (authority, version, rank, digest) wins, whichever came first.
    `rank` breaks ties of the clock: how far the order had come. `paid` says the provider holds the order fully paid.
    `refunds_complete` is true where `refunds` is the whole list of the order's refunds at `version`
    (WooCommerce), so that a refund no longer listed did not happen.
    `extra_facts` are small provider facts worth showing (referrer, discount codes), plain text by name.
    `booked` is false where its money is booked from elsewhere; `quiet` that no mail is to go out by itself, which
    counts only in the first word of an order.
    """

    external_id: str
    currency: str
    total_minor: int
    placed_at: datetime
    version: datetime
    status: OrderStatus
    paid: bool
    customer: Customer
    lines: tuple[Line, ...]
    authority: Authority = Authority.ORDER
    rank: int = 0
    number: str = ""
    payment_failed: bool = False
    paid_at: datetime | None = None
    cancelled: bool = False
    test: bool = False
    discount_minor: int = 0
    tax_minor: int = 0
    shipping_minor: int = 0
    payment_reference: str = ""
    charge_reference: str = ""
    presentment_currency: str = ""
    presentment_total_minor: int | None = None
    refunds: tuple[RefundMessage, ...] = ()
    refunds_complete: bool = False
    conversation_hint: str = ""
    flags: tuple[str, ...] = ()
    extra_facts: Mapping[str, str] = field(default_factory=dict)
    booked: bool = True
    quiet: bool = False


Message = (
    OrderMessage
    | RefundMessage
    | DisputeMessage
    | PaymentMessage
    | PayoutMessage
    | BalanceMessage
    | LookupMessage
    | TalkMessage
)


class Unusable(Exception):
    """An authentic delivery that cannot become facts: kept and quarantined, with this sentence as the reason."""


class Ignored(Exception):
    """An authentic delivery that has nothing to say to us: kept as ignored, with this sentence as the reason."""
