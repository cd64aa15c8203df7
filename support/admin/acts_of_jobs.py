"""The dialog about many jobs at once: after an outage, everything stuck starts again."""

from collections.abc import Sequence

from django.db.models import Q

from fulfillment.actions import jobs
from fulfillment.models import Entitlement, Job
from profiles.actors import Refusal
from profiles.models import Organization
from support.admin.dialogs import Done, Press, registered
from support.admin.lists import Many, counted


@registered
class RetryMany(Many):
    name, permission, title, button = "retry_many", "retry", "Try these deliveries again", "Retry the chosen"

    def counted(self, ids: Sequence[int]) -> list[str]:
        able = Job.objects.filter(
            ~Q(state=Job.State.COMPLETED), pk__in=ids, entitlement__status__in=Entitlement.DOWNLOADABLE
        ).count()
        rest = len(ids) - able
        said = f"{counted(able, 'job starts', 'jobs start')} again from the beginning, now."
        return [
            said,
            *([f"{counted(rest, 'job')} of those chosen stay: delivered, or nothing to deliver."] * bool(rest)),
        ]

    def do(self, subject: Organization, press: Press) -> Done:
        done, left = 0, ""
        rows = Job.objects.filter(pk__in=press.data["ids"]).order_by("pk")
        for job in rows:
            try:
                jobs.retry(job, by=press.by, because=press.because)
                done += 1
            except jobs.NotAllowed as refused:
                left = str(refused)
        if not done:
            raise Refusal(left or "None of these jobs is there any more.")
        stay = len(press.data["ids"]) - done
        return Done(
            f"{counted(done, 'job was', 'jobs were')} queued again." + (f" {stay} stay: {left}" if left else "")
        )
