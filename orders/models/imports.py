"""Files that sellers import: the file in parts, what became of each row, and the mappings of columns they keep."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from orders.files.dialects import Mode, Record
from orders.models.channels import Channel
from profiles.models import Tenant
from profiles.tenancy import TenantForeignKey


class ColumnMapping(Tenant):
    """What the columns and words of a file of somebody else's mean, kept under a name for the next one."""

    class Mode(models.TextChoices):
        ORDERS = Mode.ORDERS.value, "Orders"
        PAYOUTS = Mode.PAYOUTS.value, "Payouts"

    name = models.CharField(max_length=100)
    mode = models.CharField(max_length=7, choices=Mode)
    columns = models.JSONField(default=dict, help_text="Our field to their heading.")
    decimals = models.CharField(max_length=7, default="point")
    dates = models.CharField(max_length=3, default="ISO")
    encoding = models.CharField(max_length=20, blank=True, default="")
    delimiter = models.CharField(max_length=1, blank=True, default="")
    statuses = models.JSONField(default=dict, help_text="Their word to ours.")
    silent = models.CharField(max_length=10, default="paid", help_text="What a file without a status column means.")
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="columnmapping_unique")]

    def __str__(self) -> str:
        return self.name


class Import(Tenant):
    """One file that was handed in. What is to be done stands in `state`; a worker goes on where another died.

    `version` is the time of its word: of two files about one order the later import's stands. `position` is the line
    up to which everything is worked and committed.
    """

    Mode = ColumnMapping.Mode

    class Record(models.TextChoices):
        NET = Record.NET.value, "Gross and fees"
        GROSS = Record.GROSS.value, "Gross alone"
        NONE = Record.NONE.value, "Nothing: booked from elsewhere"

    class State(models.TextChoices):
        ASKING = "asking", "Needs an answer"
        READING = "reading", "Being checked"
        CHECKED = "checked", "Checked, not imported"
        TAKING = "taking", "Being imported"
        DONE = "done", "Imported"
        REFUSED = "refused", "Refused"
        UNDOING = "undoing", "Being undone"
        UNDONE = "undone", "Undone"
        DISCARDED = "discarded", "Discarded"

    TRANSITIONS = {
        State.ASKING: {State.READING, State.TAKING, State.ASKING, State.REFUSED, State.DISCARDED},
        State.READING: {State.CHECKED, State.REFUSED, State.ASKING, State.DISCARDED},
        State.CHECKED: {State.TAKING, State.READING, State.ASKING, State.DISCARDED},
        State.TAKING: {State.DONE, State.REFUSED},
        State.DONE: {State.UNDOING},
        State.REFUSED: {State.READING, State.ASKING, State.DISCARDED},
        State.UNDOING: {State.UNDONE},
        State.UNDONE: set(),
        State.DISCARDED: set(),
    }
    DUE = (State.READING, State.TAKING, State.UNDOING)

    channel = TenantForeignKey(Channel, related_name="imports")
    mode = models.CharField(max_length=7, choices=Mode)
    record = models.CharField(max_length=5, choices=Record, default=Record.NET)
    mail = models.BooleanField(default=False, help_text="Buyers get their mail as if they had bought now.")
    state = models.CharField(max_length=10, choices=State)
    filename = models.CharField(max_length=255)
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    declared = models.JSONField(default=dict)
    mapping = TenantForeignKey(ColumnMapping, null=True, blank=True, related_name="imports")
    recipe = models.JSONField(default=dict)
    headings = ArrayField(models.TextField(), default=list)
    preview = models.JSONField(default=list, help_text="The first rows as they are read.")
    refusal = models.TextField(blank=True, default="")
    repeats = TenantForeignKey("self", null=True, blank=True, related_name="repeated_by")
    version = models.DateTimeField()
    position = models.BigIntegerField(default=0)
    rows = models.IntegerField(default=0)
    fresh = models.IntegerField(default=0)
    updated = models.IntegerField(default=0)
    same = models.IntegerField(default=0)
    conflicts = models.IntegerField(default=0)
    rejected = models.IntegerField(default=0)
    withdrawn = models.IntegerField(default=0, help_text="Orders and payouts an undo took back.")
    kept = models.IntegerField(default=0, help_text="What an undo had to leave as it is.")
    by = models.CharField(max_length=200)
    by_user_id = models.BigIntegerField(null=True)
    attempts = models.SmallIntegerField(default=0)
    last_error = models.TextField(blank=True, default="")
    due_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(
                fields=["organization", "due_at"], name="import_due", condition=models.Q(due_at__isnull=False)
            ),
            models.Index(fields=["organization", "-created_at", "-id"], name="import_newest"),
            models.Index(fields=["organization", "state", "-created_at"], name="import_state"),
            models.Index(fields=["organization", "sha256"], name="import_content"),
            models.Index(fields=["organization", "channel", "-version"], name="import_of_channel"),
        ]

    def __str__(self) -> str:
        return self.filename

    @property
    def source_id(self) -> int:
        """The import whose rows tell what became of this file's."""
        return self.repeats_id or self.pk


class ImportPart(Tenant):
    """A piece of a file, so that a worker of any machine goes on with it, and none holds all of it."""

    imported = TenantForeignKey(Import, on_delete=models.CASCADE, related_name="parts")
    number = models.IntegerField()
    content = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "imported", "number"], name="importpart_unique")]


class ImportRow(Tenant):
    """What became of one row. `key` is the order or payout it is about, '' where it could not be read."""

    class Outcome(models.TextChoices):
        NEW = "new", "New"
        UPDATE = "update", "Updated"
        SAME = "same", "Known"
        CONFLICT = "conflict", "Conflict"
        REJECT = "reject", "Rejected"

    TOLD = (Outcome.NEW, Outcome.UPDATE)
    ODD = (Outcome.CONFLICT, Outcome.REJECT)

    imported = TenantForeignKey(Import, on_delete=models.CASCADE, related_name="row_set")
    line = models.BigIntegerField()
    key = models.CharField(max_length=255, blank=True, default="")
    cells = ArrayField(models.TextField(), default=list)
    outcome = models.CharField(max_length=8, choices=Outcome)
    reason = models.TextField(blank=True, default="")
    kept = models.TextField(blank=True, default="", help_text="Why an undo left it as it is.")
    # What all rows of its order say together, on one of them: so that the same file need not be read again.
    digest = models.CharField(max_length=64, blank=True, default="", db_default="")
    currency = models.CharField(max_length=3, blank=True, default="", db_default="")
    total_minor = models.BigIntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "imported", "line"], name="importrow_unique")]
        indexes = [
            models.Index(fields=["organization", "imported", "key"], name="importrow_of_key"),
            models.Index(
                fields=["organization", "imported", "line"],
                name="importrow_odd",
                condition=models.Q(outcome__in=["conflict", "reject"]),
            ),
            models.Index(fields=["organization", "key"], name="importrow_key"),
        ]
