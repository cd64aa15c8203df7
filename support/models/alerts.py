"""What is wrong now and was told to somebody: opened by the condition, resolved when the condition is gone."""

from django.db import models
from django.db.models.functions import Now

from profiles.models import Tenant
from profiles.tenancy import TenantForeignKey


class Alert(Tenant):
    """One trouble from its first sight to its end; while it lasts there is one row, however often it is seen."""

    class Severity(models.TextChoices):
        WARNING = "warning", "Warning"
        CRITICAL = "critical", "Critical"

    key = models.CharField(max_length=80)
    title = models.CharField(max_length=200)
    sentence = models.CharField(max_length=500)
    severity = models.CharField(max_length=8, choices=Severity)
    count = models.IntegerField(default=0)
    model = models.CharField(max_length=80, blank=True, default="", help_text="The list that shows it: app_model.")
    query = models.CharField(max_length=200, blank=True, default="")
    since = models.DateTimeField(help_text="When the oldest of it began.")
    opened_at = models.DateTimeField()
    seen_at = models.DateTimeField(help_text="When it was last found to be so.")
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.CharField(max_length=200, blank=True, default="")
    acknowledged_because = models.TextField(blank=True, default="")
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "key"], name="alert_open_once", condition=models.Q(resolved_at__isnull=True)
            ),
        ]
        indexes = [models.Index(fields=["organization", "-opened_at", "-id"], name="alert_newest")]

    def __str__(self) -> str:
        return self.title


class AlertNotice(Tenant):
    """One message about an alert to one place; its own place in the queue."""

    class Way(models.TextChoices):
        EMAIL = "email", "E-mail"
        SLACK = "slack", "Slack"

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        CLAIMED = "claimed", "Being sent"
        SENT = "sent", "Sent"
        KEPT = "kept", "Only here"
        FAILED = "failed", "Failed"

    alert = TenantForeignKey(Alert, on_delete=models.CASCADE, related_name="notices")
    way = models.CharField(max_length=5, choices=Way)
    to = models.CharField(max_length=320, blank=True, default="")
    said = models.CharField(max_length=700)
    state = models.CharField(max_length=7, choices=State, default=State.QUEUED)
    attempts = models.SmallIntegerField(default=0)
    due_at = models.DateTimeField(db_default=Now())
    lease_until = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())
    done_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["organization", "alert"], name="alertnotice_of_alert"),
            models.Index(
                fields=["organization", "due_at"],
                name="alertnotice_due",
                condition=models.Q(state__in=["queued", "claimed"]),
            ),
        ]
