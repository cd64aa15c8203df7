"""Customers who are likely one person: what was compared, by which keys, and the pairs a person should look at."""

from django.db import models
from django.db.models.functions import Now

from profiles.models.base import Tenant
from profiles.models.profiles import Profile
from profiles.tenancy import TenantForeignKey


class Likeness(Tenant):
    """Where the search for others like this customer stands: what it last read of them, and when to read again."""

    profile = TenantForeignKey(Profile, on_delete=models.CASCADE, related_name="likenesses")
    digest = models.CharField(max_length=64, blank=True, default="", help_text="Of what was compared; '' before.")
    due_at = models.DateTimeField(null=True, help_text="When to look (again); a claim moves it on.")
    revision = models.IntegerField(default=1)
    attempts = models.SmallIntegerField(default=0)
    last_error = models.TextField(blank=True, default="", db_default="")

    derived = True

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "profile"], name="likeness_unique")]
        indexes = [
            models.Index(
                fields=["organization", "due_at"], name="likeness_due", condition=models.Q(due_at__isnull=False)
            )
        ]

    def __str__(self) -> str:
        return f"Likeness of customer {self.profile_id}"


class LikenessKey(Tenant):
    """One of the keys by which a customer is found: only those who share one are compared (`likeness.keys`)."""

    profile = TenantForeignKey(Profile, on_delete=models.CASCADE, related_name="likeness_keys")
    key = models.BigIntegerField()

    derived = True

    class Meta:
        indexes = [
            models.Index(fields=["organization", "key"], name="likenesskey_of_key"),
            models.Index(fields=["organization", "profile"], name="likenesskey_of_profile"),
        ]

    def __str__(self) -> str:
        return f"{self.key} of customer {self.profile_id}"


class Suggestion(Tenant):
    """Two customers who are likely one person, with the evidence. Nothing merges them but a person."""

    class Band(models.TextChoices):
        ALMOST_CERTAIN = "almost_certain", "Almost certain"
        LIKELY = "likely", "Likely"
        POSSIBLE = "possible", "Possible"

    class State(models.TextChoices):
        OPEN = "open", "Open"
        DISMISSED = "dismissed", "Different people"
        MERGED = "merged", "Merged"

    low = TenantForeignKey(Profile, on_delete=models.CASCADE, related_name="suggestions_low")
    high = TenantForeignKey(Profile, on_delete=models.CASCADE, related_name="suggestions_high")
    score = models.FloatField()
    band = models.CharField(max_length=14, choices=Band)
    evidence = models.JSONField(default=list, help_text="Findings: field, one, other, weight, words.")
    state = models.CharField(max_length=9, choices=State, default=State.OPEN)
    found_at = models.DateTimeField(db_default=Now(), editable=False)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=200, blank=True, default="")
    because = models.TextField(blank=True, default="")
    separated = models.BooleanField(default=False, help_text="Whether the decision also said: do not link.")

    derived = True

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "low", "high"], name="suggestion_unique"),
            models.CheckConstraint(condition=models.Q(low__lt=models.F("high")), name="suggestion_ordered"),
        ]
        indexes = [
            models.Index(fields=["organization", "state", "-score", "-id"], name="suggestion_state"),
            models.Index(fields=["organization", "high"], name="suggestion_of_high"),
        ]

    def __str__(self) -> str:
        return f"Customers {self.low_id} and {self.high_id}"

    @property
    def sentence(self) -> str:
        """The evidence in one sentence, the most telling first."""
        words = [found["words"] for found in sorted(self.evidence, key=lambda found: -found["weight"])]
        return ", ".join([*words[:1], *(word[0].lower() + word[1:] for word in words[1:])])
