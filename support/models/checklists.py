"""That an item of a checklist was dealt with in its period, by whom and how."""

from django.db import models

from profiles.models import Tenant


class ChecklistTick(Tenant):
    """One item in one period; taken back, it goes. `told` is what a command said of it."""

    item = models.CharField(max_length=30)
    period_on = models.DateField(help_text="First day of the day, week or month.")
    done_at = models.DateTimeField()
    done_by = models.CharField(max_length=200)
    by_person = models.BooleanField(default=True)
    note = models.TextField(blank=True, default="")
    told = models.TextField(blank=True, default="")
    failed = models.BooleanField(default=False, help_text="It was tried, and did not come out well.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "item", "period_on"], name="checklisttick_unique"),
        ]
        indexes = [models.Index(fields=["organization", "-done_at"], name="checklisttick_newest")]

    def __str__(self) -> str:
        return f"{self.item} of {self.period_on}"
