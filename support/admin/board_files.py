"""The boards as tables of a file: money as numbers in the currency's own decimals, days as ISO dates."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from attribution.models import Attribution
from orders import money
from orders.models import Channel
from support.admin.boards import Choice
from support.analytics import BANDS, Figures, Sum

Sheets = dict[str, list[Sequence[Any]]]


def about(choice: Choice) -> list[Sequence[Any]]:
    """Of what the tables tell."""
    return [
        ["About", ""],
        ["From", f"{choice.span.start}"],
        ["Until", f"{choice.span.last}"],
        ["Time zone", choice.organization.timezone],
        ["Currency", choice.currency],
        ["Channel", choice.channel.label if choice.channel else "All"],
    ]


def major(minor: int, choice: Choice) -> Decimal:
    return Decimal(minor).scaleb(-money.exponent(choice.currency))


def revenue(found: Figures, choice: Choice) -> Sheets:
    """The first board."""

    def sums(one: Sum) -> list[Any]:
        return [
            one.orders,
            *(major(minor, choice) for minor in (one.gross_minor, one.refunded_minor, one.net_minor)),
        ]

    money_heads = ["Orders", "Gross", "Refunded or lost", "Net"]
    labels = {row.pk: row.label for row in choice.channels}
    methods = dict(Attribution.Method.choices)
    kinds = dict(Channel.Kind.choices)
    return {
        "Summary": [
            *about(choice),
            ["Total", *money_heads],
            ["All orders", *sums(found.total)],
            ["After a conversation", *sums(found.attributed)],
            ["Conversations", found.conversations],
            ["Conversion rate %", found.conversion_rate],
            ["Conversations that led to an order", found.converted],
            ["Of all conversations %", found.converted_rate],
        ],
        "Days": [
            ["Day", *money_heads, "Orders after a conversation", "Net after a conversation"],
            *(
                [f"{one.day}", *sums(one.total), one.attributed.orders, major(one.attributed.net_minor, choice)]
                for one in found.by_day
            ),
        ],
        "Confidence": [
            ["Confidence", *money_heads],
            *([name.capitalize(), *sums(found.by_band.get(name, Sum()))] for name in BANDS),
        ],
        "Methods": [
            ["Method", *money_heads],
            *([methods.get(name, name), *sums(one)] for name, one in sorted(found.by_method.items())),
        ],
        "Platforms": [
            ["Platform", *money_heads],
            *([kinds.get(name, name), *sums(one)] for name, one in sorted(found.by_platform.items())),
        ],
        "Channels": [
            ["Channel", *money_heads, "Orders after a conversation", "Net after a conversation"],
            *(
                [labels.get(pk, str(pk)), *sums(one), led.orders, major(led.net_minor, choice)]
                for pk, one in sorted(found.by_channel.items())
                for led in [found.attributed_by_channel.get(pk, Sum())]
            ),
        ],
        "Products": [
            ["SKU", "Product", "Quantity", "Net", "In the catalogue"],
            *(
                [one.sku, one.title, one.quantity, major(one.net_minor, choice), "yes" if one.product_id else "no"]
                for one in found.products
            ),
        ],
    }
