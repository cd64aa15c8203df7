"""Days whose figures have to be counted anew."""

from django.db import models

from profiles.models import Tenant


class StaleDay(Tenant):
    """A fact of this day changed: one row for each change, written in its transaction by triggers (`orders.marks`).

    Nothing is unique here, so that two batches with orders of one day never wait for each other; a day counts as stale
    as long as any row names it.
    """

    day = models.DateField(help_text="By the organization's calendar.")

    derived = True

    class Meta:
        indexes = [models.Index(fields=["organization", "day"], name="staleday_day")]

    def __str__(self) -> str:
        return str(self.day)
