"""The wall between organizations, read from the database's catalogue: what is born outside of it is found here."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction

from config import databases
from profiles import tenancy
from profiles.models import AuditEntry, Tenant
from tests.house import catalogue
from tests.stage import Stage, sample


def test_the_wall_has_no_hole(db: None) -> None:
    assert catalogue.holes() == []


def test_every_reviewed_exception_still_exists(db: None) -> None:
    assert set(catalogue.OPEN_TABLES) <= {table["name"] for table in catalogue.tables()}


def test_every_tenant_model_stands_behind_the_wall(db: None) -> None:
    behind = {table["name"] for table in catalogue.tenant_tables()}
    assert {model._meta.db_table for model in apps.get_models() if issubclass(model, Tenant)} <= behind


@contextmanager
def as_owner() -> Iterator[Callable[[str], None]]:
    """Statements of the role that owns the tables, none of which stay."""
    # A role is a property of the connection, and a rollback ends what it made.
    with databases.as_owner():
        connection.set_autocommit(False)
        try:
            with connection.cursor() as cursor:
                yield cursor.execute
        finally:
            connection.rollback()
            connection.set_autocommit(True)


LEAKS = {
    "a table without a policy": ("CREATE TABLE leak (id bigint, organization_id bigint)", "leak: row-level security"),
    "a policy that is not forced": (
        "ALTER TABLE orders_order NO FORCE ROW LEVEL SECURITY",
        "orders_order: row-level security is not enabled and forced",
    ),
    "a table nobody reviewed": ("CREATE TABLE leak (id bigint, email text)", "leak has no organization"),
    "a second policy that lets all pass": ("CREATE POLICY wide ON orders_order USING (true)", "has 2 policies"),
    "a policy without nullif": (
        "ALTER POLICY tenant ON orders_order USING (organization_id = current_setting('app.organization_id')::bigint)",
        "orders_order: the policy tenant says",
    ),
    "a unique key without the organization": (
        "CREATE UNIQUE INDEX leak ON orders_order (external_id)",
        "the index leak begins with external_id",
    ),
    "a reference without the organization": (
        "ALTER TABLE orders_line ADD UNIQUE (id); ALTER TABLE orders_line ADD other bigint REFERENCES orders_line (id)",
        "does not carry the organization",
    ),
    "a plain view": ("CREATE VIEW leak AS SELECT * FROM orders_order", "the view leak is not security_invoker"),
    "a materialized view": (
        "CREATE MATERIALIZED VIEW leak AS SELECT * FROM orders_order",
        "leak is a materialized view",
    ),
    "a function with more rights": (
        "CREATE FUNCTION leak() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM orders_order'",
        "leak() is SECURITY DEFINER and stands on no reviewed list",
    ),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("leak", LEAKS)
def test_a_hole_is_found(leak: str) -> None:
    statement, complaint = LEAKS[leak]
    with as_owner() as execute:
        execute(statement)
        assert [found for found in catalogue.holes() if complaint in found]


def test_the_application_runs_as_a_role_of_no_power(db: None) -> None:
    (role,) = catalogue.rows(
        "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb,"
        " pg_has_role(current_user, 'aftersale_bypass', 'MEMBER') AS bypasses"
        " FROM pg_roles WHERE rolname = current_user"
    )
    assert [name for name, held in role.items() if held is True] == []
    assert role["rolname"] not in {table["owner"] for table in catalogue.tables()}
    assert catalogue.rows("SELECT FROM pg_proc WHERE proowner = current_user::regrole") == []


def test_the_application_may_not_empty_a_table_past_the_policies(db: None) -> None:
    """The tests' own database grants TRUNCATE for their clean-up; what the owner gives away by default does not."""
    given = catalogue.rows(
        "SELECT privilege_type AS what FROM pg_default_acl, aclexplode(defaclacl)"
        " WHERE defaclobjtype = 'r' AND grantee = current_user::regrole"
    )
    assert sorted({row["what"] for row in given}) == ["DELETE", "INSERT", "SELECT", "UPDATE"]


@pytest.mark.parametrize("statement", ["UPDATE profiles_auditentry SET reason = ''", "DELETE FROM profiles_auditentry"])
def test_the_audit_log_only_grows(db: None, statement: str) -> None:
    stage = Stage()
    with stage.inside():
        before = AuditEntry.objects.count()
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
        assert AuditEntry.objects.count() == before > 0


def test_the_search_functions_know_only_the_organization_that_is_set(db: None) -> None:
    stage, stranger = Stage(), Stage(slug="stranger")
    assert stage.post("api", sample("api/order.json")).status_code == 200
    stage.work()
    for search in ("profiles_search", "orders_search"):
        with stage.inside():
            assert len(catalogue.rows(f"SELECT {search}('ada@', 10)")) == 1
        with tenancy.organization(stranger.organization.pk):
            assert catalogue.rows(f"SELECT {search}('ada@', 10)") == []
        assert catalogue.rows(f"SELECT {search}('ada@', 10)") == []
