"""Merges of profiles with the journal that undoes them exactly, and the cases a person has to look at."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from profiles.models.base import Tenant
from profiles.models.profiles import Profile
from profiles.tenancy import TenantForeignKey


class Merge(Tenant):
    """Why two profiles became one: survivor, absorbed, evidence, actor, reason, and whether it was taken back."""

    survivor = TenantForeignKey(Profile, related_name="merges_as_survivor")
    absorbed = TenantForeignKey(Profile, related_name="merges_as_absorbed")
    at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)
    automatic = models.BooleanField(default=False)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, db_index=False, related_name="+"
    )
    actor_label = models.CharField(max_length=200)
    reason = models.TextField()
    verified = models.JSONField(default=list, help_text="Data points a person verified.")
    matched = models.JSONField(default=list, help_text="Identifiers that matched.")
    rule_version = models.CharField(max_length=20, default="1")
    trigger = models.CharField(max_length=200, blank=True, default="", help_text="The fact that brought them together.")
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.CharField(max_length=200, blank=True, default="")
    undo_reason = models.TextField(blank=True, default="")

    journal_stays = True

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(survivor__lt=models.F("absorbed")), name="merge_into_older"),
        ]
        indexes = [
            models.Index(fields=["organization", "-at", "-id"], name="merge_newest"),
            models.Index(fields=["organization", "survivor"], name="merge_of_survivor"),
            models.Index(fields=["organization", "absorbed"], name="merge_of_absorbed"),
        ]

    def __str__(self) -> str:
        return f"Merge {self.pk}: {self.absorbed_id} into {self.survivor_id}"


class MergeMove(Tenant):
    """One row a merge moved, with its former owner: the journal an undo reads back."""

    merge = TenantForeignKey(Merge, on_delete=models.CASCADE, related_name="moves")
    model = models.CharField(max_length=80, help_text="app.Model of the moved row.")
    field = models.CharField(max_length=60)
    row_id = models.BigIntegerField()
    former_id = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["organization", "merge"], name="mergemove_of_merge")]


class Separation(Tenant):
    """Do not link: a person said that these two profiles are different people."""

    low = TenantForeignKey(Profile, related_name="separations_low")
    high = TenantForeignKey(Profile, related_name="separations_high")
    merge = TenantForeignKey(Merge, null=True, blank=True, related_name="separations")
    at = models.DateTimeField()

    journal_stays = True

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "low", "high"], name="separation_unique"),
            models.CheckConstraint(condition=models.Q(low__lt=models.F("high")), name="separation_ordered"),
        ]
        indexes = [models.Index(fields=["organization", "high"], name="separation_high")]


class Review(Tenant):
    """A case of identity a person has to decide: too many matches, or evidence for both sides."""

    class Kind(models.TextChoices):
        TOO_MANY = "too_many", "More than three customers match"
        SEPARATED = "separated", "Matches customers that must not be linked"
        AFTER_UNDO = "after_undo", "Fits both sides of an undone merge"
        CONFLICT = "conflict", "Two loyalty ids of one programme"
        SHARED = "shared", "A value that many people share"

    kind = models.CharField(max_length=12, choices=Kind)
    profile = TenantForeignKey(Profile, related_name="reviews", null=True, blank=True)
    subject = models.CharField(max_length=80, help_text="The fact in question, as app.Model:id.")
    candidates = models.JSONField(default=list, help_text="Profile ids that match.")
    explanation = models.TextField(default="")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    decided_at = models.DateTimeField(null=True, blank=True)
    decision = models.TextField(blank=True, default="")
    decided_by = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "kind", "subject"], name="review_unique"),
        ]
        indexes = [
            models.Index(
                fields=["organization", "-created_at"], name="review_open", condition=models.Q(decided_at__isnull=True)
            ),
            models.Index(fields=["organization", "profile"], name="review_of_profile"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.subject})"
