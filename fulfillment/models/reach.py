"""Who may not be written to, and which buyers have not been reached."""

from django.db import models
from django.db.models.functions import Now

from fulfillment.models.emails import Email
from fulfillment.reach import WORDS
from orders.models import Order
from profiles.models import Tenant
from profiles.tenancy import TenantForeignKey

CHOICES = [(str(why), words) for why, words in WORDS.items()]


class Suppression(Tenant):
    """An address that gets no follow-ups, reminders or offers. What was bought is delivered to it all the same."""

    class Reason(models.TextChoices):
        COMPLAINED = "complained", "Complained"
        UNSUBSCRIBED = "unsubscribed", "Unsubscribed"
        STAFF = "staff", "Asked us"

    address = models.CharField(max_length=320, help_text="Normalised.")
    reason = models.CharField(max_length=12, choices=Reason)
    email = TenantForeignKey(Email, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    since = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.CharField(max_length=200, blank=True, default="")
    lifted_because = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "address", "reason"],
                name="suppression_unique",
                condition=models.Q(lifted_at__isnull=True),
            )
        ]
        indexes = [models.Index(fields=["organization", "-since", "-id"], name="suppression_newest")]

    def __str__(self) -> str:
        return self.address


class Reach(Tenant):
    """An order whose buyer has to be looked after: at `due_at` it is looked whether the mail was of use.

    The row goes when the buyer was reached; with `why` it stands on the list of those who were not.
    """

    order = TenantForeignKey(Order, on_delete=models.CASCADE, related_name="reaches")
    due_at = models.DateTimeField(null=True)
    why = models.CharField(
        max_length=14, blank=True, default="", choices=[(str(w), words) for w, words in WORDS.items()]
    )
    words = models.TextField(blank=True, default="", help_text="What the mail server said.")
    since = models.DateTimeField(null=True)
    email = TenantForeignKey(Email, null=True, on_delete=models.SET_NULL, related_name="+")
    address = models.CharField(max_length=320, blank=True, default="")
    suggestion = models.CharField(max_length=320, blank=True, default="", help_text="The address likely meant.")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = "buyer not reached"
        verbose_name_plural = "buyers not reached"
        constraints = [models.UniqueConstraint(fields=["organization", "order"], name="reach_unique")]
        indexes = [
            models.Index(fields=["organization", "due_at"], name="reach_due", condition=models.Q(due_at__isnull=False)),
            models.Index(fields=["organization", "-since", "-id"], name="reach_open", condition=~models.Q(why="")),
        ]

    def __str__(self) -> str:
        return f"order {self.order_id}"
