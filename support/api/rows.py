"""The shapes of the answers and bodies, for the OpenAPI document."""

from drf_spectacular.utils import inline_serializer
from rest_framework import serializers

from support.differences import KINDS


class LineRow(serializers.Serializer[object]):
    sku = serializers.CharField()
    title = serializers.CharField()
    quantity = serializers.IntegerField()
    total = serializers.CharField(help_text="Decimal with exactly the currency's decimals.")


class AttributionRow(serializers.Serializer[object]):
    method = serializers.ChoiceField(["session_match", "time_proximity", "email_match", "no_match"])
    confidence = serializers.CharField()
    conversation = serializers.CharField(allow_null=True)


class OwnedRow(serializers.Serializer[object]):
    sku = serializers.CharField()
    status = serializers.ChoiceField(["pending_claim", "active", "suspended", "revoked", "expired"])
    source = serializers.CharField()  # type: ignore[assignment]


class OrderRow(serializers.Serializer[object]):
    id = serializers.IntegerField()
    channel = serializers.CharField()
    external_id = serializers.CharField()
    number = serializers.CharField()
    status = serializers.CharField()
    payment_status = serializers.CharField()
    currency = serializers.CharField()
    total = serializers.CharField()
    refunded = serializers.CharField()
    placed_at = serializers.DateTimeField()
    test = serializers.BooleanField()
    profile = serializers.IntegerField(allow_null=True)
    customer = serializers.ListField(child=serializers.CharField())
    lines = LineRow(many=True)
    attribution = AttributionRow(allow_null=True)
    entitlements = OwnedRow(many=True)


class ProfileRow(serializers.Serializer[object]):
    id = serializers.IntegerField()
    identifiers = serializers.ListField(child=serializers.CharField())
    strength = serializers.IntegerField()
    orders = serializers.IntegerField()
    lifetime_value = serializers.DictField(child=serializers.CharField())
    first_purchase_at = serializers.DateTimeField(allow_null=True)
    last_purchase_at = serializers.DateTimeField(allow_null=True)
    claimed = serializers.BooleanField()


class TimelineRow(serializers.Serializer[object]):
    id = serializers.CharField()
    at = serializers.DateTimeField()
    type = serializers.CharField()
    title = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]


class OrderNameRow(serializers.Serializer[object]):
    id = serializers.IntegerField()
    channel = serializers.CharField()
    external_id = serializers.CharField()


class EntitlementRow(OwnedRow):
    id = serializers.IntegerField()
    because = serializers.CharField()
    profile = serializers.IntegerField()
    order = OrderNameRow(allow_null=True)
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)


class ConversationRow(serializers.Serializer[object]):
    id = serializers.IntegerField()
    external_id = serializers.CharField()
    customer = serializers.ListField(child=serializers.CharField())
    profile = serializers.IntegerField(allow_null=True)
    channel = serializers.CharField()
    started_at = serializers.DateTimeField()
    last_activity_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    status = serializers.ChoiceField(["open", "snoozed", "closed"])
    message_count = serializers.IntegerField()
    labels = serializers.ListField(child=serializers.CharField(), help_text="As the source tags it.")
    tags = serializers.ListField(child=serializers.CharField(), help_text="What was asked for.")


class DiscrepancyRow(serializers.Serializer[object]):
    id = serializers.IntegerField()
    kind = serializers.ChoiceField(list(KINDS))
    status = serializers.ChoiceField(["open", "closed", "written_off"])
    amount = serializers.CharField(help_text="Unsigned difference; nothing on the other side: the whole sum.")
    currency = serializers.CharField()
    found_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True)
    happened_at = serializers.DateTimeField()
    test = serializers.BooleanField()
    channel = serializers.CharField()
    external_id = serializers.CharField()
    order = OrderNameRow(allow_null=True)
    other_order = OrderNameRow(allow_null=True)
    repair = serializers.CharField()


class ProductRevenueRow(serializers.Serializer[object]):
    sku = serializers.CharField()
    title = serializers.CharField()
    revenue = serializers.CharField()
    quantity = serializers.IntegerField()


class DayRevenueRow(serializers.Serializer[object]):
    date = serializers.DateField()
    revenue = serializers.CharField()


class BandRevenueRow(serializers.Serializer[object]):
    high = serializers.CharField(help_text="Confidence from 0.85.")
    medium = serializers.CharField(help_text="From 0.65.")
    low = serializers.CharField(help_text="From 0.50.")


def _share(text: str) -> serializers.DecimalField:
    return serializers.DecimalField(12, 2, coerce_to_string=False, required=False, help_text=text)


def _sum(text: str = "") -> serializers.CharField:
    return serializers.CharField(required=False, help_text=text)


REVENUE_ROW = inline_serializer(
    "RevenueRow",
    {
        "totalRevenue": _sum("After refunds and lost disputes."),
        "grossRevenue": _sum(),
        "refundedRevenue": _sum(),
        "chatAttributedRevenue": _sum("After refunds and lost disputes."),
        "conversationCount": serializers.IntegerField(required=False),
        "attributedOrders": serializers.IntegerField(required=False),
        "conversionRate": _share("Attributed orders of a hundred conversations."),
        "convertedConversationRate": _share("Of a hundred conversations, those that led to an order."),
        "revenueByPlatform": serializers.DictField(child=serializers.CharField(), required=False),
        "revenueByConfidence": BandRevenueRow(required=False),
        "topProducts": ProductRevenueRow(many=True, required=False),
        "revenueOverTime": DayRevenueRow(many=True, required=False),
        "currency": serializers.CharField(help_text="Of every amount here."),
    },
)
LIFETIME_ROW = inline_serializer(
    "LifetimeRow",
    {
        "email": serializers.CharField(allow_null=True),
        "totalPurchases": serializers.IntegerField(),
        "lifetimeValue": serializers.CharField(help_text="After refunds and lost disputes."),
        "averageOrderValue": serializers.CharField(),
        "firstPurchaseAt": serializers.DateTimeField(allow_null=True),
        "lastPurchaseAt": serializers.DateTimeField(allow_null=True),
        "conversationCount": serializers.IntegerField(),
        "attributedPurchases": serializers.IntegerField(),
        "currency": serializers.CharField(),
    },
)


class EventRow(serializers.Serializer[object]):
    id = serializers.IntegerField()
    event_id = serializers.CharField()
    type = serializers.CharField()
    occurred_at = serializers.DateTimeField()
    source = serializers.CharField()  # type: ignore[assignment]
    customer = serializers.ListField(child=serializers.CharField())
    profile = serializers.IntegerField(allow_null=True)


class EventRows(serializers.Serializer[object]):
    results = EventRow(many=True)


class MergeRow(serializers.Serializer[object]):
    id = serializers.IntegerField()
    survivor = serializers.IntegerField()
    absorbed = serializers.IntegerField()
    reason = serializers.CharField()
    at = serializers.DateTimeField()
    undone_at = serializers.DateTimeField(allow_null=True)


class ResentRow(serializers.Serializer[object]):
    id = serializers.IntegerField()
    to = serializers.CharField()
    template = serializers.CharField()
    state = serializers.CharField()


class ReasonBody(serializers.Serializer[object]):
    reason = serializers.CharField()


class MergeBody(serializers.Serializer[object]):
    profile = serializers.IntegerField()
    reason = serializers.CharField()
    verified = serializers.ListField(child=serializers.CharField(), min_length=2)


class RefundedLineBody(serializers.Serializer[object]):
    """Or its SKU alone, as text, for all of a line."""

    sku = serializers.CharField(required=False)
    external_id = serializers.CharField(required=False, help_text="The channel's own id of the line.")
    quantity = serializers.IntegerField(required=False)


class RefundBody(serializers.Serializer[object]):
    reason = serializers.CharField()
    amount = serializers.CharField(required=False, help_text="Left out: that of the lines, or all that is left.")
    lines = RefundedLineBody(many=True, required=False)


class RefundRow(serializers.Serializer[object]):
    id = serializers.IntegerField()
    order = serializers.IntegerField()
    amount = serializers.CharField()
    currency = serializers.CharField()
    state = serializers.ChoiceField(["awaiting", "queued", "claimed", "unknown", "done", "failed", "cancelled"])
    refund = serializers.CharField(allow_null=True, help_text="The provider's id of the refund, once it made it.")
    refund_status = serializers.ChoiceField(["pending", "succeeded", "failed"], allow_null=True)
    error = serializers.CharField(help_text="What the provider said, where it refused or is silent.")


class CustomerBody(serializers.Serializer[object]):
    email = serializers.CharField(required=False)
    phone = serializers.CharField(required=False)
    loyalty_id = serializers.CharField(required=False)


class OrderBody(serializers.Serializer[object]):
    external_id = serializers.CharField()
    number = serializers.CharField(required=False)
    currency = serializers.CharField()
    total = serializers.CharField()
    status = serializers.CharField(required=False)
    payment_status = serializers.ChoiceField(["paid", "unpaid", "failed"], required=False)
    placed_at = serializers.DateTimeField(required=False)
    test = serializers.BooleanField(required=False)
    customer = CustomerBody(required=False)
    lines = LineRow(many=True)


class MessageBody(serializers.Serializer[object]):
    at = serializers.DateTimeField()
    by = serializers.ChoiceField(["customer", "agent", "bot"])
    text = serializers.CharField(required=False)


class ConversationBody(serializers.Serializer[object]):
    external_id = serializers.CharField()
    channel = serializers.CharField(required=False)
    email = serializers.CharField(required=False)
    phone = serializers.CharField(required=False)
    started_at = serializers.DateTimeField()
    last_activity_at = serializers.DateTimeField(required=False)
    ended_at = serializers.DateTimeField(required=False)
    message_count = serializers.IntegerField(required=False)
    tags = serializers.ListField(child=serializers.CharField(), required=False)
    messages = MessageBody(many=True, required=False)


class IdentifiersBody(serializers.Serializer[object]):
    """Any other name is an identifier of its own kind."""

    email = serializers.CharField(required=False)
    phone = serializers.CharField(required=False)
    loyalty_id = serializers.CharField(required=False)
    device_id = serializers.CharField(required=False)
    cookie_id = serializers.CharField(required=False)


class EventBody(serializers.Serializer[object]):
    event_id = serializers.CharField(max_length=255, help_text="The source's own id: stored once.")
    type = serializers.RegexField(r"^[a-z][a-z0-9_]{0,59}$", help_text="product_view, cart, button_clicked, …")
    occurred_at = serializers.DateTimeField()
    identifiers = IdentifiersBody(required=False)
    payload = serializers.DictField(
        required=False,
        help_text="At most 65,536 bytes. Of a pos_transaction: the generic POS JSON. "
        "Of button_clicked, checkout_started, checkout_completed and review_submitted: "
        "post_id, attachment_id, resolution, channel, order_id, total and currency (docs/boards.md).",
    )


class EventsBody(serializers.Serializer[object]):
    events = EventBody(many=True, help_text="At most 500, stored all or none.")


class CouponCustomer(serializers.Serializer[object]):
    email = serializers.CharField(required=False)
    phone = serializers.CharField(required=False)


class QuoteBody(serializers.Serializer[object]):
    code = serializers.CharField()
    sku = serializers.CharField(required=False)
    amount = serializers.CharField(required=False, help_text="Decimal; else the product's price.")
    currency = serializers.CharField(required=False)


class RedeemBody(QuoteBody):
    customer = CouponCustomer()
    reference = serializers.CharField(required=False, help_text="The checkout's own name for it.")


class ConfirmBody(serializers.Serializer[object]):
    redemption = serializers.IntegerField()


class QuoteRow(serializers.Serializer[object]):
    amount = serializers.CharField()
    discount = serializers.CharField()
    to_pay = serializers.CharField()
    currency = serializers.CharField()


class CouponRow(serializers.Serializer[object]):
    id = serializers.IntegerField()
    code = serializers.CharField()
    kind = serializers.ChoiceField(["full", "percent", "amount"])
    percent = serializers.IntegerField(allow_null=True)
    amount = serializers.CharField(allow_null=True)
    currency = serializers.CharField()
    skus = serializers.ListField(child=serializers.CharField())
    starts_at = serializers.DateTimeField(allow_null=True)
    ends_at = serializers.DateTimeField(allow_null=True)
    limit = serializers.IntegerField(allow_null=True)
    limit_each = serializers.IntegerField()
    used = serializers.IntegerField()
    active = serializers.BooleanField()
    campaign = serializers.CharField()


class RedemptionRow(serializers.Serializer[object]):
    id = serializers.IntegerField()
    code = serializers.CharField()
    state = serializers.ChoiceField(["reserved", "redeemed", "released", "revoked"])
    sku = serializers.CharField(allow_null=True)
    profile = serializers.IntegerField()
    amount = serializers.CharField(allow_null=True)
    discount = serializers.CharField(allow_null=True)
    to_pay = serializers.CharField(allow_null=True)
    currency = serializers.CharField()
    redeemed_at = serializers.DateTimeField()
    reserved_until = serializers.DateTimeField(allow_null=True)
    reference = serializers.CharField()
    entitlements = OwnedRow(many=True)
