"""The dialog about things that could not be read from their provider: read them now."""

from collections.abc import Sequence

from orders.actions import lookups
from orders.models import Lookup
from profiles.actors import Refusal
from profiles.models import Organization
from support.admin.dialogs import Done, Press, registered
from support.admin.lists import Many, counted


@registered
class ReadMany(Many):
    name, permission, title, button = "read_many", "replay", "Read these from their provider", "Read now"

    def counted(self, ids: Sequence[int]) -> list[str]:
        rows = Lookup.objects.filter(pk__in=ids, state__in=[Lookup.State.FAILED, Lookup.State.DONE])
        able = rows.count()
        said = [f"{counted(able, 'thing is', 'things are')} asked for again, now, also of channels that call by hand."]
        if rest := len(ids) - able:
            said.append(f"{counted(rest, 'thing')} of those chosen are being read already.")
        return said

    def do(self, subject: Organization, press: Press) -> Done:
        done, left = 0, ""
        for row in Lookup.objects.filter(pk__in=press.data["ids"]).order_by("pk"):
            try:
                lookups.retry(row, by=press.by, because=press.because)
                done += 1
            except lookups.NotWaiting as refused:
                left = str(refused)
        if not done:
            raise Refusal(left or "None of these is there any more.")
        stay = len(press.data["ids"]) - done
        return Done(
            f"{counted(done, 'thing is', 'things are')} being read." + (f" {stay} stay: {left}" if stay else "")
        )
