"""What every tenant's row has in common."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.base import ModelState
from django.db.models.signals import post_init, pre_init

from profiles.tenancy import TenantForeignKey


class Tenant(models.Model):
    """A row of one organization; its migration puts the table behind the wall with `tenancy.Secure`."""

    # No constraint: every insert would lock the one organization row that all others share.
    organization = models.ForeignKey(
        "profiles.Organization",
        on_delete=models.PROTECT,
        db_constraint=False,
        db_index=False,
        related_name="+",
        editable=False,
    )

    class Meta:
        abstract = True

    @classmethod
    def from_db(cls, db: str | None, field_names: Collection[str], values: Collection[Any], **more: Any) -> Self:
        """A row as it was read. Django's own way, field by field, takes three times as long."""
        if more or pre_init.receivers or post_init.receivers:
            return super().from_db(db, field_names, values, **more)
        row = cls.__new__(cls)
        row._state = ModelState()
        row._state.adding = False
        row._state.db = db
        row.__dict__.update(zip(field_names, values, strict=True))
        return row


class Fact(Tenant):
    """A fact that bears identifiers and so belongs to a customer: an order, a conversation, an event.

    `identifiers` are spelled as in SURFACE.md ("email:a@example.com"). They decide who it is, and after the undo of a
    merge to whose side a fact goes that came since.
    """

    identifiers = ArrayField(models.TextField(), default=list, blank=True, editable=False)
    settled_identifiers = ArrayField(models.TextField(), null=True, editable=False)
    profile = TenantForeignKey(
        "profiles.Profile", on_delete=models.PROTECT, null=True, blank=True, related_name="%(class)ss", editable=False
    )
    provisional = models.BooleanField(default=False, editable=False)
    # Whose it is was said by a person: no identifier, and no later version of it, decides otherwise.
    linked_by_staff = models.BooleanField(default=False)

    moment: ClassVar[str]
    """The field that says when it happened."""
    settles_as: ClassVar[str] = ""
    """The subject under which a change of it is settled; empty where its customer stands for it."""

    class Meta:
        abstract = True

    @property
    def happened_at(self) -> datetime:
        """The fact's own time, by which facts are taken in turn."""
        found: datetime = getattr(self, self.moment)
        return found
