"""Incidents: an outage or a doubt about the data, from its first sight to what was learnt from it."""

from django.db import models
from django.db.models.functions import Now

from profiles.models import Tenant
from profiles.tenancy import TenantForeignKey
from support.models.alerts import Alert


class Incident(Tenant):
    """One outage with its runbook and time-line; of each kind one is open at a time."""

    class Kind(models.TextChoices):
        EMAIL = "email", "E-mail outage"
        STORAGE = "storage", "File store outage"
        DATA = "data", "Data integrity"

    kind = models.CharField(max_length=8, choices=Kind)
    alert = TenantForeignKey(Alert, null=True, blank=True, related_name="incidents")
    opened_at = models.DateTimeField()
    opened_by = models.CharField(max_length=200)
    because = models.TextField()
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=200, blank=True, default="")
    learnt = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "kind"], name="incident_open_once", condition=models.Q(closed_at__isnull=True)
            ),
        ]
        indexes = [models.Index(fields=["organization", "-opened_at", "-id"], name="incident_newest")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.opened_at:%-d %b %Y, %H:%M}"


class IncidentEntry(Tenant):
    """One line of an incident's time-line that somebody wrote, or the system in its own name."""

    incident = TenantForeignKey(Incident, on_delete=models.CASCADE, related_name="entries")
    at = models.DateTimeField(db_default=Now())
    by = models.CharField(max_length=200)
    by_person = models.BooleanField(default=True)
    words = models.TextField()

    class Meta:
        indexes = [models.Index(fields=["organization", "incident", "at"], name="incidententry_of_incident")]
