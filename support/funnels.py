"""Which customer events are steps from a button to a review, and where a payload names what they are about (ATT-8)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from support.analytics import percent

STEPS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "clicks": ("button_clicked", "button_click"),
        "checkouts": ("checkout_started", "checkout_start", "begin_checkout", "initiate_checkout"),
        "conversions": ("checkout_completed", "purchase"),
        "reviews": ("review_submitted", "review"),
    }
)
"""Each step of `analytics.Growth` and the types of event that are one; the first is the name to use."""

# Where a payload names each thing, the first that holds a text or a number.
POST: Final = ("post_id", "post")
ATTACHMENT: Final = ("attachment_id", "attachment")
RESOLUTION: Final = ("resolution",)
ORDER: Final = ("order_id", "order")
TOTAL: Final = ("total", "value", "amount")
CURRENCY: Final = ("currency",)
CHANNEL: Final = ("channel", "domain", "shop")
"""The domain of a connected channel, or its kind and domain; an event that names none counts for the channel by which
it was told."""
LONGEST: Final = 200
"""Letters kept of what a payload names; more are cut."""


@dataclass(slots=True)
class Row:
    """The steps that name one post, attachment or resolution ("" where they name none), or all of them together.

    `orders` are the conversions that brought money in the currency asked for, `net_minor` what they brought.
    """

    name: str = ""
    clicks: int = 0
    checkouts: int = 0
    conversions: int = 0
    reviews: int = 0
    orders: int = 0
    net_minor: int = 0

    @property
    def checkout_rate(self) -> Decimal | None:
        """Checkouts begun of a hundred clicks; None where nobody clicked."""
        return percent(self.checkouts, self.clicks) if self.clicks else None

    @property
    def paid_rate(self) -> Decimal | None:
        """Conversions of a hundred checkouts; None where nobody began one."""
        return percent(self.conversions, self.checkouts) if self.checkouts else None

    @property
    def whole_rate(self) -> Decimal | None:
        """Conversions of a hundred clicks; None where nobody clicked."""
        return percent(self.conversions, self.clicks) if self.clicks else None

    @property
    def average_minor(self) -> int | None:
        """What one order brought, rounded down to the minor unit; None where none did."""
        return self.net_minor // self.orders if self.orders else None
