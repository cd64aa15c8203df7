"""Rows, read and new, become objects by a shorter way than Django's, and are the same."""

from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pytest
from django.apps import apps
from django.db import models
from django.db.models.signals import post_init

from orders.models import Order
from profiles.models import Tenant
from tests.stage import Stage, sample

MODELS = [model for model in apps.get_models() if issubclass(model, Tenant)]


@pytest.fixture
def filled(db: None) -> Stage:
    stage = Stage()
    assert stage.post("shopify", sample("shopify/orders-paid.json"), topic="orders/paid").status_code < 300
    stage.work()
    return stage


def as_django(row: models.Model) -> models.Model:
    """The same row as Django's own way makes it."""
    fields = [field for field in row._meta.concrete_fields if field.attname in vars(row)]
    values = [vars(row)[field.attname] for field in fields]
    made: models.Model = models.Model.from_db.__func__(type(row), "default", [f.attname for f in fields], values)  # type: ignore[attr-defined]
    return made


def inside(row: models.Model) -> dict[str, Any]:
    own = {name: UUID if isinstance(value, UUID) else value for name, value in vars(row).items() if name != "_state"}
    return {**own, "adding": row._state.adding, "db": row._state.db, "known": row._state.fields_cache}


def new_by_django(model: type[models.Model], /, **given: Any) -> models.Model:
    """A new row as Django's own way makes it."""
    row = model.__new__(model)
    models.Model.__init__(row, **given)
    return row


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_a_new_row_is_as_django_makes_it(model: type[models.Model]) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    with patch("django.utils.timezone.now", return_value=moment):
        assert inside(model()) == inside(new_by_django(model))
        for field in model._meta.concrete_fields:
            given: dict[str, Any] = {field.attname: 7}
            assert inside(model(**given)) == inside(new_by_django(model, **given))
            if field.remote_field:
                _refers_alike(model, field)


def _refers_alike(model: type[models.Model], field: Any) -> None:
    for stored in (None, "default"):
        one, other = (field.remote_field.model(pk=3) for _ in range(2))
        one._state.db = other._state.db = stored
        assert inside(model(**{field.name: one})) == inside(new_by_django(model, **{field.name: other}))
        assert one._state.db == other._state.db == "default"
    if field.null:
        assert inside(model(**{field.name: None})) == inside(new_by_django(model, **{field.name: None}))


def test_new_rows_share_no_default_that_can_change() -> None:
    one, other = Order(), Order()
    one.identifiers.append("email:a@example.com")
    one.extra["more"] = 1
    assert (other.identifiers, other.extra) == ([], {})


@pytest.mark.parametrize("given", [{"nobody": 1}, {"channel": Order(pk=1)}])
def test_what_django_refuses_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)) as ours:
        Order(**given)
    with pytest.raises((TypeError, ValueError)) as theirs:
        new_by_django(Order, **given)
    assert str(ours.value) == str(theirs.value)


def test_a_new_row_may_be_given_by_its_key() -> None:
    assert Order(pk=3).pk == 3 and Order(pk=3, number="1").number == "1"


def test_a_row_read_is_as_django_makes_it(filled: Stage) -> None:
    with filled.inside():
        rows = [row for model in MODELS for row in model._base_manager.all()[:2]]
    assert {Order} < {type(row) for row in rows} and len({type(row) for row in rows}) > 10
    for row in rows:
        assert inside(row) == inside(as_django(row))
        assert row == as_django(row) and not row._state.adding


def test_what_was_left_out_is_read_when_it_is_asked_for(filled: Stage) -> None:
    with filled.inside():
        whole, part = Order.objects.get(), Order.objects.only("number").get()
        assert part.get_deferred_fields() and whole.get_deferred_fields() == set()
        assert part.total_minor == whole.total_minor
        part.refresh_from_db(fields=["profile"])
        assert part.profile == whole.profile


def test_who_listens_to_objects_being_made_is_told(filled: Stage) -> None:
    told: list[models.Model] = []

    def listen(instance: models.Model, **_: Any) -> None:
        told.append(instance)

    post_init.connect(listen, sender=Order)
    try:
        with filled.inside():
            order = Order.objects.get()
        made = Order(number="1")
    finally:
        post_init.disconnect(listen, sender=Order)
    assert [id(one) for one in told] == [id(order), id(made)]
