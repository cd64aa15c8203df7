"""What every tenant's row has in common."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import DEFAULT_DB_ALIAS, models
from django.db.models.base import ModelState
from django.db.models.fields.related_descriptors import ForeignKeyDeferredAttribute
from django.db.models.query_utils import DeferredAttribute
from django.db.models.signals import post_init, pre_init

from profiles.tenancy import TenantForeignKey


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a new row of a model holds before anything is given."""

    columns: frozenset[str]
    references: Mapping[str, str]
    targets: Mapping[str, type[models.Model]]
    constants: Mapping[str, Any]
    made: Sequence[tuple[str, Callable[[], Any]]]

    def takes(self, given: Mapping[str, Any]) -> bool:
        """Whether only columns and references are given, and none of them twice."""
        for name in given:
            if name not in self.columns:
                column = self.references.get(name)
                if column is None or column in given:
                    return False
        return True


@cache
def _shape(model: type[models.Model]) -> _Shape | None:
    """None for a model that has more than plain columns: then each field knows itself how it is set."""
    fields = model._meta.concrete_fields
    if model._meta.abstract or len(fields) < len(model._meta.fields):
        return None
    constants, made = dict[str, Any](), list[tuple[str, Callable[[], Any]]]()
    for field in fields:
        setter = type(vars(model).get(field.attname) or getattr(model, field.attname, None))
        if setter not in (DeferredAttribute, ForeignKeyDeferredAttribute) or field.generated:
            return None
        # Expressions are never changed, but copied, so that all rows may share what leaves a value to the database.
        if field.has_default() and callable(field.default):
            made.append((field.attname, field.get_default))
        else:
            constants[field.attname] = field.get_default()
    references = {field.name: field.attname for field in fields if field.name != field.attname}
    ours = [field for field in fields if type(field) in (models.ForeignKey, TenantForeignKey)]
    targets: dict[str, Any] = {field.name: field.related_model for field in ours if _by_key(field)}
    return _Shape(frozenset(field.attname for field in fields), references, targets, constants, made)


def _by_key(field: Any) -> bool:
    return bool(field.target_field.primary_key)


def _refer(row: models.Model, column: str, name: str, to: models.Model) -> None:
    """What Django's descriptor does where there is one database and many rows may refer to one."""
    row.__dict__[column] = to.pk
    row._state.fields_cache[name] = to
    row._state.db = row._state.db or to._state.db or DEFAULT_DB_ALIAS
    to._state.db = to._state.db or row._state.db


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

    def __init__(self, *args: Any, **given: Any) -> None:
        """A new row. What Django does field by field, through descriptors, takes four times as long."""
        shape = None if args or pre_init.receivers or post_init.receivers else _shape(type(self))
        if shape is None or not shape.takes(given):
            super().__init__(*args, **given)
            return
        row, self._state = self.__dict__, ModelState()
        row.update(shape.constants)
        for attname, default in shape.made:
            if attname not in given:
                row[attname] = default()
        for name, value in given.items():
            if name in shape.columns:
                row[name] = value
            elif value.__class__ is shape.targets.get(name):
                _refer(self, shape.references[name], name, value)
            else:
                setattr(self, name, value)

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
