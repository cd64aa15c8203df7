"""Two records that should agree and do not, and the runs that compared them."""

from django.db import models
from django.db.models.functions import Now

from fulfillment.models import Entitlement
from orders.models import Channel, Order, Payment, Payout, PayoutLine
from profiles.models import Tenant
from profiles.tenancy import TenantForeignKey
from support import differences


class ReconcileRun(Tenant):
    """One comparison of everything that happened from `since` to before `until`, kind by kind.

    `position` is the next kind to look at: whoever takes up a run that was killed goes on there. `counts` are by kind.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        CLAIMED = "claimed", "Under way"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    OPEN = (State.QUEUED, State.CLAIMED)

    since = models.DateTimeField()
    until = models.DateTimeField()
    repair = models.BooleanField(default=False)
    by_hand = models.BooleanField(default=False, help_text="Asked for by a person: every provider is asked.")
    state = models.CharField(max_length=7, choices=State, default=State.QUEUED)
    position = models.SmallIntegerField(default=0)
    counts = models.JSONField(default=dict)
    unreachable = models.JSONField(default=list, help_text="Channels whose provider did not answer, with its reason.")
    asked_by = models.CharField(max_length=200)
    because = models.TextField(blank=True, default="")
    attempts = models.SmallIntegerField(default=0)
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True, default="")
    asked_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "reconciliation"
        indexes = [
            models.Index(fields=["organization", "-asked_at", "-id"], name="reconcilerun_newest"),
            models.Index(
                fields=["organization", "due_at"],
                name="reconcilerun_due",
                condition=models.Q(state__in=["queued", "claimed"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.since:%-d %b %Y} to {self.until:%-d %b %Y}"


class Discrepancy(Tenant):
    """One thing that two records say differently, once for its kind and subject, however often it is found.

    `ours` and `theirs` are what each side says, as pairs of a name and a text, an instant or an amount of money.
    """

    class Kind(models.TextChoices):
        PAID_WITHOUT_ORDER = "paid_without_order", "Paid without order"
        PAID_WITHOUT_ENTITLEMENT = "paid_without_entitlement", "Paid without access"
        ENTITLEMENT_WITHOUT_PAYMENT = "entitlement_without_payment", "Access without payment"
        AMOUNT_DIFFERS = "amount_differs", "Amount or currency differs"
        REFUND_WITHOUT_REVOCATION = "refund_without_revocation", "Refund without revocation"
        MISSING_RECEIPT = "missing_receipt", "Missing receipt"
        DUPLICATE = "duplicate", "Duplicate"
        PAYOUT_DIFFERS = "payout_differs", "Payout differs"
        FEE_DIFFERS = "fee_differs", "Fee differs"
        UNKNOWN_PAYOUT_LINE = "unknown_payout_line", "Unknown payout line"

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        CLOSED = "closed", "Closed"
        WRITTEN_OFF = "written_off", "Written off"

    TRANSITIONS = {
        Status.OPEN: (Status.CLOSED, Status.WRITTEN_OFF),
        # Found again: the records part once more, or by another sum than the one that was written off.
        Status.CLOSED: (Status.OPEN,),
        Status.WRITTEN_OFF: (Status.OPEN, Status.CLOSED),
    }

    kind = models.CharField(max_length=30, choices=Kind)
    subject = models.CharField(max_length=300, help_text="What it is about, as sort:id; with the kind its own name.")
    status = models.CharField(max_length=11, choices=Status, default=Status.OPEN)
    amount_minor = models.BigIntegerField(help_text="The unsigned difference; the whole sum if a side is absent.")
    currency = models.CharField(max_length=3)
    test = models.BooleanField(default=False)
    at = models.DateTimeField(help_text="When it happened, by the provider's clock.")
    found_at = models.DateTimeField()
    due_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    closed_because = models.TextField(blank=True, default="")
    closed_by = models.CharField(max_length=200, blank=True, default="")
    channel = TenantForeignKey(Channel, null=True, related_name="discrepancies")
    order = TenantForeignKey(Order, null=True, related_name="discrepancies")
    other_order = TenantForeignKey(Order, null=True, related_name="discrepancies_as_other")
    payment = TenantForeignKey(Payment, null=True, related_name="discrepancies")
    payout = TenantForeignKey(Payout, null=True, related_name="discrepancies")
    payout_line = TenantForeignKey(PayoutLine, null=True, related_name="discrepancies")
    entitlement = TenantForeignKey(Entitlement, null=True, related_name="discrepancies")
    external_id = models.CharField(max_length=255, blank=True, default="", help_text="The provider's name for it.")
    ours = models.JSONField(default=list)
    theirs = models.JSONField(default=list)
    repair = models.CharField(max_length=10, help_text="Code of the suggested repair.")
    repaired_at = models.DateTimeField(null=True, help_text="When a repair was last tried.")
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "discrepancies"
        constraints = [
            models.UniqueConstraint(fields=["organization", "kind", "subject"], name="discrepancy_unique"),
            models.CheckConstraint(condition=models.Q(amount_minor__gte=0), name="discrepancy_unsigned"),
        ]
        indexes = [
            models.Index(fields=["organization", "-found_at", "-id"], name="discrepancy_newest"),
            models.Index(fields=["organization", "status", "due_at", "id"], name="discrepancy_due"),
            models.Index(fields=["organization", "kind", "status", "due_at", "id"], name="discrepancy_of_kind"),
            models.Index(fields=["organization", "at"], name="discrepancy_happened", condition=models.Q(status="open")),
            models.Index(
                fields=["organization", "order"],
                name="discrepancy_of_order",
                condition=models.Q(status="open", order__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.about.title}: {self.external_id or self.subject}"

    @property
    def about(self) -> differences.Kind:
        """What its kind means."""
        return differences.KINDS[self.kind]


class DiscrepancyEntry(Tenant):
    """One line of a discrepancy's history after it was found: closed, found again, a repair tried, written off."""

    discrepancy = TenantForeignKey(Discrepancy, on_delete=models.CASCADE, related_name="entries")
    at = models.DateTimeField()
    by = models.CharField(max_length=200)
    words = models.CharField(max_length=300)
    because = models.TextField(blank=True, default="")

    class Meta:
        indexes = [models.Index(fields=["organization", "discrepancy", "at"], name="discrepancyentry_of")]
