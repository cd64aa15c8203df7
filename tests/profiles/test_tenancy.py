"""The wall between organizations, from the inside: what a stranger sees, writes and leaves behind."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, IntegrityError, connection, models, transaction

from orders.models import Line, Order
from profiles import tenancy
from profiles.actions import organizations
from profiles.models import Organization, Profile, Tenant
from tests.stage import BY, Stage, sample

MODELS = [model for model in apps.get_models() if issubclass(model, Tenant)]


@pytest.fixture
def stage(db: None) -> Stage:
    """An organization with a row in most tables: bought at two shops, merged, undone, refused once."""
    stage = Stage()
    stage.post("stripe", sample("stripe/checkout.session.completed.json"))
    stage.post("shopify", sample("shopify/orders-paid.json"), topic="orders/paid")
    stage.post("shopify", b"{}", secret="wrong")
    stage.work()
    return stage


@pytest.fixture
def stranger(stage: Stage) -> int:
    return another("stranger").pk


def another(slug: str) -> Organization:
    return organizations.create(slug, name=slug, currency="EUR", region="DE", timezone="UTC", by=BY)


def setting() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(current_setting('app.organization_id', true), '')")
        return str(cursor.fetchone()[0])


def counted(sql: str, *values: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)
        return int(cursor.fetchone()[0])


# Reading --------------------------------------------------------------------------------------------------------


def test_a_stranger_sees_no_row_of_any_table(stage: Stage, stranger: int) -> None:
    for model in MODELS:
        rows, raw = model._base_manager, f'SELECT count(*) FROM "{model._meta.db_table}"'
        mine = f"{raw} WHERE organization_id = {stage.organization.pk}"
        with stage.inside():
            assert rows.count() == counted(raw) == counted(mine), model
        with tenancy.organization(stranger):
            assert rows.filter(organization_id=stage.organization.pk).count() == counted(mine) == 0, model
            assert counted(raw) == rows.filter(organization_id=stranger).count(), model
        assert rows.count() == counted(raw) == counted(mine) == 0, model


def test_the_stage_fills_the_tables_that_matter(stage: Stage) -> None:
    """A table without rows proves nothing about its wall; what the stage leaves empty, the catalogue's test covers."""
    with stage.inside():
        filled = {model._meta.label for model in MODELS if model._base_manager.exists()}
    assert filled >= {
        "orders.Channel", "orders.ChannelDay", "orders.Delivery", "orders.Order", "orders.Line", "orders.Product",
        "orders.StatusChange", "orders.ProfileTotal", "orders.Payment", "profiles.Profile",
        "profiles.Identifier", "profiles.AuditEntry", "fulfillment.Asset", "fulfillment.Entitlement",
        "fulfillment.Job", "fulfillment.Email", "fulfillment.DownloadLink", "attribution.Attribution",
    }  # fmt: skip


def test_the_organization_itself_is_behind_the_wall(stage: Stage, stranger: int) -> None:
    assert Organization.objects.count() == 0
    with tenancy.organization(stranger):
        assert list(Organization.objects.values_list("pk", flat=True)) == [stranger]


@pytest.mark.parametrize(
    "trick",
    [
        "SELECT count(*) FROM orders_order WHERE organization_id = %s OR true",
        "SELECT count(*) FROM (SELECT * FROM orders_order UNION ALL SELECT * FROM orders_order) o",
        "SELECT count(*) FROM profiles_profile p JOIN orders_order o ON true",
        "SELECT (SELECT count(*) FROM orders_order) FROM pg_class WHERE relname = 'orders_order'",
    ],
)
def test_no_trick_of_sql_passes_the_wall(stage: Stage, stranger: int, trick: str) -> None:
    values = (stage.organization.pk,) if "%s" in trick else ()
    with tenancy.organization(stranger):
        assert counted(trick, *values) == 0


def test_the_application_cannot_switch_the_wall_off(stage: Stage) -> None:
    for statement in (
        "SET row_security = off; SELECT count(*) FROM orders_order",
        "ALTER TABLE orders_order DISABLE ROW LEVEL SECURITY",
        "DROP POLICY tenant ON orders_order",
        "SET ROLE aftersale_bypass",
        "SET SESSION AUTHORIZATION aftersale_owner",
        "COPY orders_order TO PROGRAM 'cat'",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


# Writing --------------------------------------------------------------------------------------------------------


def test_rows_of_another_organization_cannot_be_made(stage: Stage, stranger: int) -> None:
    with tenancy.organization(stranger):
        for organization_id in (stage.organization.pk, 999_999):
            with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
                Profile.objects.create(organization_id=organization_id)


def test_rows_of_another_organization_cannot_be_changed_or_taken_away(stage: Stage, stranger: int) -> None:
    with tenancy.organization(stranger):
        assert Order.objects.all().update(number="stolen") == 0
        assert Profile.objects.filter(organization_id=stage.organization.pk).delete()[0] == 0
        assert counted("WITH gone AS (DELETE FROM orders_line RETURNING 1) SELECT count(*) FROM gone") == 0
    with stage.inside():
        assert not Order.objects.filter(number="stolen").exists()
        assert Profile.objects.count() == 2


def test_a_row_cannot_be_moved_to_another_organization(stage: Stage, stranger: int) -> None:
    with stage.inside(), pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
        Profile.objects.update(organization_id=stranger)


def test_a_reference_to_another_organizations_row_is_refused(stage: Stage, stranger: int) -> None:
    """A plain foreign key would accept it, because its check passes the policies."""
    with stage.inside():
        order = Order.objects.first()
        assert order is not None
    with pytest.raises(IntegrityError), transaction.atomic(), tenancy.organization(stranger):
        line = Line(organization_id=stranger, order=order, external_id="1", position=0, quantity=1, total_minor=1)
        line.title = line.sku = "theirs"
        line.save()
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_nothing_is_written_outside_of_any_organization(stage: Stage) -> None:
    with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
        Profile.objects.create(organization_id=stage.organization.pk)
    assert Order.objects.all().update(number="nobody's") == 0


# The context ----------------------------------------------------------------------------------------------------


def test_outside_of_a_context_there_is_none(db: None) -> None:
    with pytest.raises(tenancy.NoOrganization):
        tenancy.current()


def test_nested_contexts_restore_the_one_around_them(db: None) -> None:
    with tenancy.organization(1):
        with tenancy.organization(2):
            with tenancy.organization(2):
                assert tenancy.current() == 2
            assert tenancy.current() == 2
        assert tenancy.current() == 1
    assert setting() == ""


def test_an_error_inside_restores_the_context_around_it(db: None) -> None:
    with tenancy.organization(1):
        with pytest.raises(ZeroDivisionError), tenancy.organization(2):
            raise ZeroDivisionError
        assert tenancy.current() == 1
        with pytest.raises(DatabaseError), tenancy.organization(2), connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")
        assert tenancy.current() == 1
    assert setting() == ""


@pytest.mark.parametrize("wrong", ["1; DROP TABLE x", "", None, "x"])
def test_a_context_is_a_number(db: None, wrong: Any) -> None:
    with pytest.raises((TypeError, ValueError)), tenancy.organization(wrong):
        pass


@pytest.fixture
def two(transactional_db: None) -> Iterator[tuple[int, int]]:
    """Two organizations with one and two customers."""
    ids = another("one").pk, another("two").pk
    for count, organization_id in enumerate(ids, 1):
        with tenancy.organization(organization_id):
            for _ in range(count):
                Profile.objects.create(organization_id=organization_id)
    yield ids


def test_an_error_leaves_no_context_on_the_connection(two: tuple[int, int]) -> None:
    with pytest.raises(ZeroDivisionError), tenancy.organization(two[0]):
        raise ZeroDivisionError
    assert setting() == "" and Profile.objects.count() == 0


def test_a_thousand_mixed_contexts_on_one_connection_never_mix(two: tuple[int, int]) -> None:
    """F51: requests of two organizations and of none, one in twenty ending in an error, on one connection."""
    chance = random.Random(51)
    backend = counted("SELECT pg_backend_pid()")
    for _ in range(1_000):
        which = chance.choice([0, 1, None])
        try:
            if which is None:
                assert Profile.objects.count() == 0
                continue
            with tenancy.organization(two[which]):
                assert Profile.objects.count() == which + 1
                if chance.random() < 0.3:
                    with tenancy.organization(two[1 - which]):
                        assert Profile.objects.count() == 2 - which
                        if chance.random() < 0.05:
                            raise ZeroDivisionError
                if chance.random() < 0.05:
                    raise ZeroDivisionError
                assert tenancy.current() == two[which]
        except ZeroDivisionError:
            continue
    assert counted("SELECT pg_backend_pid()") == backend


def test_without_a_local_setting_the_context_would_leak(two: tuple[int, int]) -> None:
    """The control: the same with SET for the session shows one organization's rows to the next request."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.organization_id', %s, false)", [str(two[1])])
        try:
            assert Profile.objects.count() == 2
        finally:
            cursor.execute("RESET app.organization_id")
    assert Profile.objects.count() == 0


def test_every_tenant_model_references_others_within_its_organization() -> None:
    """A plain ForeignKey between tenant models would be checked past the policies."""
    plain = [
        f"{model._meta.label}.{field.name}"
        for model in MODELS
        for field in model._meta.local_fields
        if isinstance(field, models.ForeignKey)
        and not isinstance(field, tenancy.TenantForeignKey)
        and field.name != "organization"
        and issubclass(field.related_model, Tenant)
    ]
    assert plain == []
