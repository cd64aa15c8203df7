"""Services that were bought or given: what has to be known before the work begins, and how far it is."""

from typing import Any

from django.db import models
from django.db.models.functions import Now

from orders.models import Line, Order, Product
from profiles.models import Profile, Tenant
from profiles.tenancy import TenantForeignKey


class IntakeForm(Tenant):
    """What is asked before the work on a product begins: a list of questions as `fulfillment/intakes.py` reads them."""

    product = TenantForeignKey(Product, on_delete=models.CASCADE, related_name="intake_forms")
    questions: Any = models.JSONField(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "product"], name="intakeform_unique")]

    def __str__(self) -> str:
        return f"Intake form of {self.product_id}"


class Service(Tenant):
    """One service, once for each source. Which state may follow which stands in TRANSITIONS.

    The facts open and end what lines gave (`actions.services`), a person what was given by hand
    (`actions.given_services`).
    """

    follows = "order"

    class State(models.TextChoices):
        INTAKE = "intake", "Waiting for the intake form"
        READY = "ready", "Ready to start"
        STARTED = "started", "Started"
        DONE = "done", "Done"
        ENDED = "ended", "Refunded, cancelled or withdrawn"

    class Source(models.TextChoices):
        ORDER = "order", "Order"
        BUNDLE = "bundle", "Bundle"
        MANUAL = "manual", "Given by hand"

    OF_LINES = (Source.ORDER, Source.BUNDLE)

    TRANSITIONS = {
        State.INTAKE: {State.READY, State.STARTED, State.ENDED},
        State.READY: {State.INTAKE, State.STARTED, State.ENDED},
        State.STARTED: {State.READY, State.DONE, State.ENDED},
        State.DONE: {State.STARTED, State.ENDED},
        State.ENDED: {State.INTAKE, State.READY},
    }

    source = models.CharField(max_length=8, choices=Source, default=Source.ORDER)
    source_key = models.CharField(max_length=80, help_text="What gives it; each source gives once.")
    profile = TenantForeignKey(Profile, null=True, related_name="services")
    order = TenantForeignKey(Order, null=True, blank=True, on_delete=models.CASCADE, related_name="services")
    line = TenantForeignKey(Line, null=True, on_delete=models.SET_NULL, related_name="+")
    product = TenantForeignKey(Product, related_name="+")
    state = models.CharField(max_length=8, choices=State)
    because = models.CharField(max_length=300, blank=True, default="", help_text="Why a person gave or withdrew it.")
    answers: Any = models.JSONField(default=list, help_text="Each question as it was asked, with its answer.")
    answered_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "source_key"], name="service_unique")]
        indexes = [
            models.Index(fields=["organization", "-created_at", "-id"], name="service_newest"),
            models.Index(fields=["organization", "state", "-created_at"], name="service_state"),
            models.Index(fields=["organization", "order"], name="service_of_order"),
            models.Index(fields=["organization", "profile", "-created_at"], name="service_of_profile"),
        ]

    def __str__(self) -> str:
        return f"{self.product} ({self.get_state_display()})"

    @property
    def given_key(self) -> str:
        """By what follow-ups know one that no order gave."""
        return f"service:{self.pk}"
