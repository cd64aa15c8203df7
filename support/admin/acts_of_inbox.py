"""Dialogs about raw deliveries: read them again, or say that they need nothing."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest

from orders.actions import deliveries
from orders.models import Delivery
from profiles.models import Organization
from support.admin.dialogs import Dialog, Done, Press, registered
from support.admin.lists import Many, counted

State = Delivery.State
REPLAYED = (State.QUARANTINED, State.IGNORED, State.DISMISSED, State.DONE)
DISMISSED = (State.QUARANTINED, State.IGNORED)
AGAIN = "Put the cause right first: what is wrong still, is quarantined again with its reason."


class OfDelivery(Dialog):
    model, related = Delivery, ("channel",)

    def subject(self, subject_id: int) -> Any:
        """Without the body, which no dialog shows."""
        row = Delivery.objects.defer("body").select_related("channel").filter(pk=subject_id).first()
        return row if row is not None else super().subject(subject_id)

    def about(self, subject: Delivery) -> str:
        return f"{subject.topic or 'Delivery'} of {subject.channel.label}, {subject.delivery_id}"


@registered
class Replay(OfDelivery):
    name, permission, title, button = "replay", "replay", "Read it again", "Replay"

    def cannot(self, subject: Delivery) -> str:
        return "" if subject.state in REPLAYED else "It waits to be read already."

    def will(self, subject: Delivery, request: HttpRequest) -> list[str]:
        return ["1 delivery is read again from its raw bytes.", "An order known already is not made twice.", AGAIN]

    def do(self, subject: Delivery, press: Press) -> Done:
        deliveries.replay([subject.pk], by=press.by, because=press.because)
        return Done("1 delivery waits to be read again; that takes seconds.")


@registered
class Dismiss(OfDelivery):
    name, permission, title, button = "dismiss", "dismiss", "Dismiss the delivery", "Dismiss"
    inverse = "Replay reads it after all."

    def cannot(self, subject: Delivery) -> str:
        return "" if subject.state in DISMISSED else f"It is {subject.get_state_display().lower()}: nothing to dismiss."

    def will(self, subject: Delivery, request: HttpRequest) -> list[str]:
        return ["1 delivery is left as it is: nothing is recorded from it.", "It leaves “What needs me now”."]

    def do(self, subject: Delivery, press: Press) -> Done:
        deliveries.dismiss(subject, by=press.by, because=press.because)
        return Done("1 delivery dismissed.")


def _able(ids: Sequence[int], states: Sequence[str]) -> int:
    return Delivery.objects.filter(pk__in=ids, state__in=states).count()


def _left(ids: Sequence[int], able: int, why: str) -> list[str]:
    rest = len(ids) - able
    return [f"{counted(rest, 'delivery', 'deliveries')} of those chosen stay: {why}."] if rest else []


@registered
class ReplayMany(Many):
    name, permission, title, button = "replay_many", "replay", "Read these again", "Replay the chosen"

    def counted(self, ids: Sequence[int]) -> list[str]:
        able = _able(ids, REPLAYED)
        them = "is" if able == 1 else "are"
        said = f"{counted(able, 'delivery', 'deliveries')} {them} read again from the raw bytes."
        return [said, *_left(ids, able, "they wait to be read already"), AGAIN]

    def do(self, subject: Organization, press: Press) -> Done:
        count = deliveries.replay(press.data["ids"], by=press.by, because=press.because)
        return Done(f"{counted(count, 'delivery waits', 'deliveries wait')} to be read again; that takes seconds.")


@registered
class DismissMany(Many):
    name, permission, title, button = "dismiss_many", "dismiss", "Dismiss these", "Dismiss the chosen"
    inverse = "Replay reads them after all."

    def counted(self, ids: Sequence[int]) -> list[str]:
        able = _able(ids, DISMISSED)
        them = "is" if able == 1 else "are"
        return [
            f"{counted(able, 'delivery', 'deliveries')} {them} left as {'it is' if able == 1 else 'they are'}.",
            *_left(ids, able, "they are recorded, or wait to be read"),
        ]

    def do(self, subject: Organization, press: Press) -> Done:
        rows = Delivery.objects.defer("body").filter(pk__in=press.data["ids"], state__in=DISMISSED)
        count = 0
        for row in rows:
            deliveries.dismiss(row, by=press.by, because=press.because)
            count += 1
        return Done(f"{counted(count, 'delivery', 'deliveries')} dismissed.")
