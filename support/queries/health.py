"""How each channel does: its last delivery, what came and what was refused lately. Three queries for all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, OuterRef, Q, Subquery, Sum

from orders.models import Channel, ChannelDay, Delivery

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

    def state(self, now: datetime) -> tuple[str, str]:
        """(words, tone), the worst first."""
        if self.refused_at is not None and (self.last is None or self.last < self.refused_at):
            return "Refused: check its secret", "bad"
        if self.quarantined:
            return f"{self.quarantined} quarantined", "look"
        if self.last is None:
            return "Nothing received yet", "waiting"
        if now - self.last <= LATELY:
            return "Receiving", "well"
        return ("Quiet for long", "look") if now - self.last > QUIET_AFTER else ("Quiet today", "over")


def of_channels(now: datetime) -> list[Health]:
    """Every channel. Refusals are counted by the day, so that theirs are of today and yesterday."""
    last = Delivery.objects.filter(channel=OuterRef("pk")).order_by("-received_at", "-id").values("received_at")[:1]
    channels: Sequence[Channel] = list(
        Channel.objects.annotate(last=Subquery(last))
        .defer("secret", "former_secret", "credentials")
        .order_by("kind", "domain")
    )
    quarantined = Count("id", filter=Q(state=Delivery.State.QUARANTINED))
    lately = Delivery.objects.filter(received_at__gte=now - LATELY).order_by().values("channel_id")
    came: dict[int, tuple[int, int]] = {
        row["channel_id"]: (row["received"], row["quarantined"])
        for row in lately.annotate(received=Count("id"), quarantined=quarantined)
    }
    days = ChannelDay.objects.filter(on__gte=(now - LATELY).date()).order_by().values("channel_id")
    refused = {row["channel_id"]: row["refused"] for row in days.annotate(refused=Sum("refused"))}
    at = dict(
        ChannelDay.objects.filter(on__gte=(now - LATELY).date())
        .order_by("on")
        .values_list("channel_id", "last_refused_at")
    )
    return [
        Health(
            channel=channel,
            last=channel.last,  # type: ignore[attr-defined]
            received=came.get(channel.pk, (0, 0))[0],
            quarantined=came.get(channel.pk, (0, 0))[1],
            refused=refused.get(channel.pk, 0),
            refused_at=at.get(channel.pk),
        )
        for channel in channels
    ]
