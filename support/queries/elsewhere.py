"""Which conversations name a shop that was not asked for: they cannot have led to an order in those that were."""

from collections.abc import Sequence
from dataclasses import dataclass

from orders.models import Channel


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A conversation names another shop by its `source`, or by a channel of its own of that shop's domain."""

    sources: Sequence[str] = ()
    channel_ids: Sequence[int] = ()


def than(asked: Sequence[int] | None, channels: Sequence[Channel]) -> Elsewhere:
    """What names another shop than the channels asked for (None for all), of all the organization has.

    A domain that one of those asked for has too is not another; a chat system is no shop.
    """
    wanted = {row.pk for row in channels if asked is None or row.pk in asked}
    here = {row.domain for row in channels if row.pk in wanted}
    others = [row for row in channels if row.pk not in wanted and row.domain not in here]
    shops = {row.domain for row in others if row.kind not in Channel.TALKS}
    return Elsewhere(
        sources=sorted({row.domain for row in others}),
        channel_ids=[row.pk for row in channels if row.domain in shops],
    )
