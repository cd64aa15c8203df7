"""Rows of several sorts come in one statement, planned once, and are the same objects as one by one."""

from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import Q, QuerySet
from django.test.utils import CaptureQueriesContext

from fulfillment.models import Entitlement, Job
from orders.models import Line, Order, Payment, Refund, StatusChange
from profiles import prepared
from profiles.in_arrays import Place
from profiles.models import Tenant
from support.queries.together import Reading
from tests.desk import Desk
from tests.stage import sample

MODELS = [model for model in apps.get_models() if issubclass(model, Tenant)]


def same(found: list[Any], rows: QuerySet[Any]) -> bool:
    """Field by field, related objects included, and of the same types."""
    wanted = list(rows)
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        assert type(one) is type(other) and _plain(one) == _plain(other)
    return bool(wanted)


def _plain(row: Any) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name, value in vars(row).items():
        if name != "_state":
            told[name] = (type(value), bytes(value) if isinstance(value, memoryview) else value)
    cached = row._state.fields_cache
    return told | {f"related {name}": _plain(one) for name, one in cached.items() if one is not None}


def test_rows_of_every_table_are_those_that_the_queryset_gives(desk: Desk) -> None:
    desk.stage.post("shopify", sample("shopify/refunds-create.json"), topic="refunds/create", delivery="r1")
    desk.stage.work()
    with desk.inside():
        rows = {model._meta.label_lower.replace(".", "_"): model._base_manager.order_by("pk")[:20] for model in MODELS}
        with CaptureQueriesContext(connection) as captured:
            found = Reading(lambda: rows).read()
        assert len(captured) == 1
        assert sum(same(found[name], rows[name]) for name in rows) >= 20


def test_related_and_deferred_columns_come_as_asked(desk: Desk) -> None:
    with desk.inside():
        related = Entitlement.objects.select_related("product", "order__channel", "line").defer("order__extra")
        found = Reading(lambda: {"rights": related.order_by("-pk"), "jobs": Job.objects.order_by("pk")}).read()
        with CaptureQueriesContext(connection) as captured:
            assert [right.order.channel.label for right in found["rights"]]
        assert len(captured) == 0
        assert "extra" in found["rights"][0].order.get_deferred_fields()
        assert same(found["rights"], related.order_by("-pk"))


def test_each_sort_keeps_its_order_and_limit(desk: Desk) -> None:
    for number in range(3):
        desk.buy(id=8_800 + number, name=f"#{number}")
    with desk.inside():
        newest, oldest = Order.objects.order_by("-pk")[:2], Order.objects.order_by("pk")[1:3]
        found = Reading(lambda: {"newest": newest, "none": Refund.objects.all(), "oldest": oldest}).read()
        assert found == {"newest": list(newest), "none": [], "oldest": list(oldest)}


def test_what_can_hold_nothing_is_empty(desk: Desk) -> None:
    with desk.inside():
        rows = {"none": Line.objects.filter(pk__in=[]), "changes": StatusChange.objects.order_by("pk")}
        assert Reading(lambda: rows).read() == {"none": [], "changes": list(rows["changes"])}
        assert Reading(lambda: {"none": Payment.objects.none()}).read() == {"none": []}


def test_rows_of_one_sort_are_the_same_without_json(desk: Desk) -> None:
    with desk.inside():
        rows = Entitlement.objects.select_related("product", "order__channel").order_by("pk")
        assert same(Reading(lambda: {"rights": rows}).read()["rights"], rows)
        for model in MODELS:
            of_model = {"rows": model._base_manager.order_by("pk")[:20]}
            same(Reading(of_model.copy).read()["rows"], of_model["rows"])


def test_values_are_told_anew_and_the_statement_is_planned_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def planned() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_prepared_statements")
            return int(cursor.fetchone()[0])

    def make() -> dict[str, QuerySet[Any]]:
        of_it = Q(order=Place("order"))
        mine = Q(order__in=Order.objects.filter(profile=Place("profile")).values("pk"))
        return {"lines": Line.objects.filter(of_it), "rights": Entitlement.objects.filter(of_it | mine)}

    reading = Reading(make)
    with desk.inside():
        before = planned()  # by whatever ran before in this session
        monkeypatch.setattr(prepared, "KEPT_AT_MOST", before + 1)
        lines, rights = Line.objects.filter(order=desk.order), Entitlement.objects.filter(order=desk.order)
        for _ in range(7):  # the sixth time, and from then on, the plan is that of the first five
            found = reading.read(order=desk.order.pk, profile=0)
            assert same(found["lines"], lines) and same(found["rights"], rights)
        other = reading.read(order=desk.order.pk + 1, profile=desk.order.profile_id)
        assert other["lines"] == [] and same(other["rights"], rights)
        assert planned() == before + 1


def test_a_value_that_is_not_told_is_missed(desk: Desk) -> None:
    reading = Reading(lambda: {"lines": Line.objects.filter(order=Place("order"))})
    with desk.inside(), pytest.raises(KeyError):
        reading.read(profile=1)
