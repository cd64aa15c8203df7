"""How each channel does: its last delivery, what came and what was refused lately; few queries for all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Q, Sum

from orders.models import Channel, ChannelDay, Delivery, Lookup

LATELY = timedelta(hours=24)
QUIET_AFTER = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Health:
    channel: Channel
    last: datetime | None
    received: int
    quarantined: int
    refused: int
    refused_at: datetime | None
    unread: int

    def state(self, now: datetime) -> tuple[str, str]:
        """(words, tone), the worst first."""
        if self.refused_at is not None and (self.last is None or self.last < self.refused_at):
            return "Refused: check its secret", "bad"
        if self.unread:
            return f"{self.unread} could not be read", "look"
        if self.quarantined:
            return f"{self.quarantined} quarantined", "look"
        if self.last is None:
            return "Nothing received yet", "waiting"
        if now - self.last <= LATELY:
            return "Receiving", "well"
        return ("Quiet for long", "look") if now - self.last > QUIET_AFTER else ("Quiet today", "over")


def of_channels(now: datetime) -> list[Health]:
    """Every channel. Refusals are counted by the day, so that theirs are of today and yesterday."""
    channels: Sequence[Channel] = list(
        Channel.objects.defer("secret", "former_secret", "credentials").order_by("kind", "domain")
    )
    quarantined = Count("id", filter=Q(state=Delivery.State.QUARANTINED))
    lately = Delivery.objects.filter(received_at__gte=now - LATELY).order_by().values("channel_id")
    came: dict[int, tuple[int, int, datetime]] = {
        row["channel_id"]: (row["received"], row["quarantined"], row["last"])
        for row in lately.annotate(received=Count("id"), quarantined=quarantined, last=Max("received_at"))
    }
    # Of the others by their own rows: walking back through everybody's to find theirs takes long.
    silent = Delivery.objects.filter(channel_id__in=[row.pk for row in channels if row.pk not in came]).order_by()
    before = dict(silent.values("channel_id").annotate(last=Max("received_at")).values_list("channel_id", "last"))
    days = ChannelDay.objects.filter(on__gte=(now - LATELY).date()).order_by().values("channel_id")
    refused = {row["channel_id"]: row["refused"] for row in days.annotate(refused=Sum("refused"))}
    at = dict(
        ChannelDay.objects.filter(on__gte=(now - LATELY).date())
        .order_by("on")
        .values_list("channel_id", "last_refused_at")
    )
    unread = Lookup.objects.filter(state=Lookup.State.FAILED).order_by().values("channel_id").annotate(n=Count("id"))
    failed: dict[int, int] = dict(unread.values_list("channel_id", "n"))
    return [
        Health(
            channel=channel,
            last=came[channel.pk][2] if channel.pk in came else before.get(channel.pk),
            received=came[channel.pk][0] if channel.pk in came else 0,
            quarantined=came[channel.pk][1] if channel.pk in came else 0,
            refused=refused.get(channel.pk, 0),
            refused_at=at.get(channel.pk),
            unread=failed.get(channel.pk, 0),
        )
        for channel in channels
    ]
