"""A customer's second address and their change of address, on the way from a code to its effect."""

from django.db import models

from profiles.models import Profile, Tenant
from profiles.tenancy import TenantForeignKey


class AddressProof(Tenant):
    """A code that was mailed to an address which a signed-in customer says is theirs too."""

    profile = TenantForeignKey(Profile, on_delete=models.CASCADE, related_name="address_proofs")
    address = models.CharField(max_length=320)
    code = models.BinaryField(max_length=32, help_text="Keyed hash of the six digits.")
    tries = models.SmallIntegerField(default=0)
    started_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    proved_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True, help_text="When a newer code took its place.")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(tries__lte=5), name="addressproof_tries_within_limit"),
        ]
        indexes = [models.Index(fields=["organization", "profile", "-started_at"], name="addressproof_of_profile")]

    def __str__(self) -> str:
        return f"Proof of an address of customer {self.profile_id}"


class EmailChange(Tenant):
    """One change of the address for mail: a code to the new one, a notice with a veto to the former one."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting for the code"
        CONFIRMED = "confirmed", "Confirmed, veto possible"
        DONE = "done", "In effect"
        VETOED = "vetoed", "Stopped by the customer"
        REPLACED = "replaced", "Replaced by a newer one"
        EXPIRED = "expired", "Never confirmed"
        STOPPED = "stopped", "Could not take effect"

    OPEN = (State.WAITING, State.CONFIRMED)
    TRANSITIONS = {
        State.WAITING: {State.CONFIRMED, State.DONE, State.VETOED, State.REPLACED, State.EXPIRED, State.STOPPED},
        State.CONFIRMED: {State.DONE, State.VETOED, State.REPLACED, State.STOPPED},
        # The veto reaches its reader after the code was entered: for a week it takes the change back.
        State.DONE: {State.VETOED},
        State.VETOED: set(),
        State.REPLACED: set(),
        State.EXPIRED: set(),
        State.STOPPED: set(),
    }

    profile = TenantForeignKey(Profile, on_delete=models.CASCADE, related_name="email_changes")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    former = models.CharField(max_length=320, blank=True, default="")
    to = models.CharField(max_length=320)
    by_staff = models.BooleanField(default=False)
    started_by = models.CharField(max_length=200)
    reason = models.TextField(blank=True, default="")
    moves_orders = models.BooleanField(default=False, help_text="What is not yet delivered goes there too.")
    code = models.BinaryField(max_length=32, help_text="Keyed hash of the six digits.")
    tries = models.SmallIntegerField(default=0)
    confirm_digest = models.BinaryField(max_length=32)
    veto_digest = models.BinaryField(max_length=32)
    started_at = models.DateTimeField()
    expires_at = models.DateTimeField(help_text="Until when the code is taken.")
    due_at = models.DateTimeField(null=True, help_text="When something happens by the clock: effect or expiry.")
    confirmed_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    trouble = models.CharField(max_length=300, blank=True, default="", help_text="Why it could not take effect.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "confirm_digest"], name="emailchange_confirm_unique"),
            models.UniqueConstraint(fields=["organization", "veto_digest"], name="emailchange_veto_unique"),
            models.CheckConstraint(condition=models.Q(tries__lte=5), name="emailchange_tries_within_limit"),
        ]
        indexes = [
            models.Index(fields=["organization", "profile", "-started_at"], name="emailchange_of_profile"),
            models.Index(
                fields=["organization", "due_at"], name="emailchange_due", condition=models.Q(due_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"Change of address of customer {self.profile_id}"
