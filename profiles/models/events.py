"""What a customer did that is no order and no conversation: looked at a product, filled a cart, opened an e-mail."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from profiles.events import FUNNEL_TYPES
from profiles.models.base import Fact


class Event(Fact):
    """One thing that happened, by its source's own id: stored once, never changed.

    `given` are the identifiers as they were sent; `products` the SKUs or product ids its payload names.
    """

    moment = "occurred_at"

    event_id = models.CharField(max_length=255)
    source = models.CharField(max_length=300, help_text="Which channel told it, as kind:domain.")
    type = models.CharField(max_length=60)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)
    given: Any = models.JSONField(default=dict)
    payload: Any = models.JSONField(default=dict)
    products = ArrayField(models.TextField(), default=list, blank=True)
    customer_name = models.CharField(max_length=300, blank=True, default="")
    digest = models.CharField(max_length=64, help_text="SHA-256 of what was sent: tells a repeat from another body.")
    told_as = models.CharField(
        max_length=20, blank=True, default="", help_text="What it became besides: an order or a refund."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "source", "event_id"], name="event_unique"),
        ]
        indexes = [
            models.Index(fields=["organization", "profile", "-occurred_at"], name="event_of_profile"),
            # A sale at a till stands unattached as the order it became.
            models.Index(
                fields=["organization", "-occurred_at", "-id"],
                name="event_unattached",
                condition=models.Q(profile__isnull=True, told_as=""),
            ),
            models.Index(
                fields=["organization", "-occurred_at", "-id"],
                name="event_of_a_funnel",
                condition=models.Q(type__in=FUNNEL_TYPES),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"

    # The raw spelling of an identifier, where `resolution` looks for it.

    @property
    def email_raw(self) -> str:
        return str(self.given.get("email", ""))

    @property
    def phone_raw(self) -> str:
        return str(self.given.get("phone", ""))
