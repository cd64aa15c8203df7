"""Missions, their rewards, who completed them, and each mission's own log."""

from dataclasses import replace

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from fulfillment import missions
from orders.models import Product
from profiles.history import tracked
from profiles.models import Profile, Tenant
from profiles.tenancy import TenantForeignKey


@tracked("MissionEvent")
class Mission(Tenant):
    """What a customer does for a reward. A mission that is not active grants nothing new and takes nothing back."""

    class Rule(models.TextChoices):
        EVENTS = "events", "Does something so many times"
        PURCHASES = "purchases", "Buys so many times"
        REPORTED = "reported", "Another system reports it"

    class Period(models.TextChoices):
        ONCE = "once", "Once"
        MONTH = "month", "Once a month"
        YEAR = "year", "Once a year"

    slug = models.SlugField(max_length=60, db_index=False)
    title = models.CharField(max_length=200)
    rule = models.CharField(max_length=10, choices=Rule)
    event_type = models.CharField(max_length=60, blank=True, default="")
    times = models.PositiveSmallIntegerField(default=1)
    skus = ArrayField(models.TextField(), default=list, blank=True, help_text="Purchases of these; empty: of anything.")
    period = models.CharField(max_length=5, choices=Period, default=Period.ONCE)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    keeps = models.BooleanField(default=False, help_text="The reward stays when what earned it is taken back.")
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "slug"], name="mission_unique")]
        indexes = [models.Index(fields=["organization", "-created_at", "-id"], name="mission_newest")]

    def __str__(self) -> str:
        return self.title

    @property
    def terms(self) -> missions.Terms:
        return missions.Terms(
            slug=self.slug,
            rule=missions.Rule(self.rule),
            event_type=self.event_type,
            times=self.times,
            skus=frozenset(self.skus),
            period=missions.Period(self.period),
            starts_at=self.starts_at,
            ends_at=self.ends_at,
        )


class MissionReward(Tenant):
    """One product, by its SKU, that a completed mission gives."""

    mission = TenantForeignKey(Mission, on_delete=models.CASCADE, related_name="rewards")
    sku = models.CharField(max_length=100)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "mission", "sku"], name="missionreward_unique")]

    def __str__(self) -> str:
        return self.sku


class FormerTerms(Tenant):
    """What a mission asked for and gave until it was changed; who completed it before keeps what they earned by it."""

    mission = TenantForeignKey(Mission, on_delete=models.CASCADE, related_name="former")
    times = models.PositiveSmallIntegerField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)
    rewards = ArrayField(models.TextField(), default=list)
    replaced_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["organization", "mission", "replaced_at"], name="formerterms_of_mission")]

    def __str__(self) -> str:
        return f"{self.mission_id} until {self.replaced_at}"

    def terms(self, mission: Mission) -> missions.Terms:
        """As the rules read them; what cannot be changed is the mission's own."""
        return replace(mission.terms, times=self.times, starts_at=self.starts_at, ends_at=self.ends_at)


@tracked("MissionCompletionEvent")
class MissionCompletion(Tenant):
    """That a customer completed a mission in a period, as the facts say. `holder` stays when `profile` is merged."""

    class State(models.TextChoices):
        COMPLETED = "completed", "Completed"
        DOUBLED = "doubled", "Completed by both of two merged customers"
        WITHDRAWN = "withdrawn", "Taken back"
        KEPT = "kept", "Taken back, reward kept"

    mission = TenantForeignKey(Mission, related_name="completions")
    profile = TenantForeignKey(Profile, related_name="mission_completions")
    holder = models.BigIntegerField(editable=False)
    period = models.CharField(max_length=7, blank=True, default="", help_text="2026-11, 2026, or empty.")
    state = models.CharField(max_length=9, choices=State, default=State.COMPLETED)
    fact = models.CharField(max_length=60, help_text="What completed it: event:12 or order:7.")
    completed_at = models.DateTimeField()
    issue = models.PositiveSmallIntegerField(default=1, editable=False, help_text="Which issue of the reward is good.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "mission", "holder", "period"], name="missioncompletion_unique"
            )
        ]
        indexes = [
            models.Index(fields=["organization", "profile", "mission"], name="missioncompletion_of_profile"),
            models.Index(fields=["organization", "mission", "-completed_at"], name="missioncompletion_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.mission_id} by {self.profile_id}"


class MissionEntry(Tenant):
    """One line of a mission's own log: what happened to whom, by whom and why. Never changed."""

    class Kind(models.TextChoices):
        COMPLETED = "completed", "Completed"
        GRANTED = "granted", "Reward granted"
        UNGRANTABLE = "ungrantable", "Reward cannot be granted"
        REVOKED = "revoked", "Reward revoked"
        RESTORED = "restored", "Reward restored"
        REISSUED = "reissued", "Reward issued again"
        KEPT = "kept", "Reward kept"

    mission = TenantForeignKey(Mission, related_name="entries")
    completion = TenantForeignKey(MissionCompletion, related_name="entries")
    profile = TenantForeignKey(Profile, related_name="mission_entries")
    product = TenantForeignKey(Product, null=True, related_name="+")
    kind = models.CharField(max_length=11, choices=Kind)
    who = models.CharField(max_length=200)
    because = models.CharField(max_length=500, blank=True, default="")
    act = models.UUIDField(null=True)
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["organization", "mission", "-at", "-id"], name="missionentry_of_mission"),
            models.Index(fields=["organization", "profile", "-at"], name="missionentry_of_profile"),
            models.Index(fields=["organization", "completion"], name="missionentry_of_completion"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.completion_id}"
