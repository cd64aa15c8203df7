"""Reading a provider's own lists for a comparison: all that it says happened in a window, page by page."""

from collections.abc import Iterator
from datetime import datetime

from orders.actions import backfills
from orders.messages import Message
from orders.models import Channel
from orders.providers import TRUTHS
from orders.providers.truth import Asked, Cursor
from orders.queries.refunding import shop

PAGES_AT_MOST = 100_000


def read(channel: Channel, since: datetime, until: datetime) -> Iterator[Message]:
    """What the channel's provider tells of the window; nothing where nobody may ask. Raises `Away`."""
    if backfills.lacking(channel):
        return
    asked, called = Asked(since=since, until=until), shop(channel)
    place: Cursor = {}
    for _ in range(PAGES_AT_MOST):
        page = TRUTHS[channel.kind].page(asked, place, called)
        yield from page.messages
        if page.after is None:
            return
        place = page.after
