"""Which facts bear which identifier, and beside which others: what tells a shared value from a person's own."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from profiles.models.base import Tenant


class Sighting(Tenant):
    """One identifier on one fact, at the fact's own time. Follows the fact's identifiers, whoever the customer is."""

    key = models.CharField(max_length=420, help_text="As facts bear it: email:a@example.com.")
    fact = models.CharField(max_length=60, help_text="app.Model of the fact.")
    fact_id = models.BigIntegerField()
    at = models.DateTimeField()
    others = ArrayField(models.TextField(), default=list, help_text="The other strong identifiers of the fact.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "key", "fact", "fact_id"], name="sighting_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.key} on {self.fact}:{self.fact_id}"
