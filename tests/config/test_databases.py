"""The two roles: the owner makes the tables, the application uses them, and migrate hands the rights over."""

import psycopg
import pytest
from django.db import connection

from config import databases, embedded
from tests import migrated


@pytest.mark.django_db(transaction=True)
def test_inside_the_block_the_owner_is_at_work_and_afterwards_the_application():
    def role():
        with connection.cursor() as cursor:
            cursor.execute("select current_user")
            return cursor.fetchone()[0]

    assert role() == embedded.APP
    with databases.as_owner():
        assert role() == embedded.OWNER
    assert role() == embedded.APP


def test_a_database_of_ones_own_needs_two_roles_and_migrate(installation):
    """As on a server: two roles without any right, one empty database."""
    cluster = embedded.ensure_running(installation.data)
    with psycopg.connect(cluster.url(embedded.SUPERUSER, "postgres"), autocommit=True) as superuser:
        superuser.execute("create role shop_owner login password 'o'; create role shop_app login password 'a'")
        superuser.execute("create database shop owner shop_owner")
    host = str(cluster.socket).replace("/", "%2F")
    installation.environ.update(
        DATABASE_URL=f"postgresql://shop_app:a@{host}:{embedded.PORT}/shop",
        DATABASE_OWNER_URL=f"postgresql://shop_owner:o@{host}:{embedded.PORT}/shop",
    )
    installation.manage("migrate", "--verbosity", "0")
    with psycopg.connect(installation.environ["DATABASE_URL"]) as application:
        assert application.execute("select count(*) from auth_user").fetchone() == (0,)
        application.execute("insert into auth_group (name) values ('care')")
        owners = application.execute("select distinct tableowner from pg_tables where schemaname = 'public'").fetchall()
        assert owners == [("shop_owner",)]
    installation.manage("migrate", "--verbosity", "0")


def test_one_role_alone_owns_the_tables(installation):
    cluster = embedded.ensure_running(installation.data)
    with psycopg.connect(cluster.url(embedded.SUPERUSER, "postgres"), autocommit=True) as superuser:
        superuser.execute("create role shop login password 's'")
        superuser.execute("create database shop owner shop")
    host = str(cluster.socket).replace("/", "%2F")
    installation.environ["DATABASE_URL"] = f"postgresql://shop:s@{host}:{embedded.PORT}/shop"
    installation.manage("migrate", "--verbosity", "0")
    installation.manage("check", "--database", "default")


def test_a_right_that_a_migration_took_away_stays_away(installation):
    migrated.install(installation)
    with psycopg.connect(installation.cluster.url_owner) as owner:
        owner.execute(f"revoke update, delete on auth_group from {embedded.APP}")
    installation.manage("migrate", "--verbosity", "0")
    with psycopg.connect(installation.cluster.url_app) as application:
        application.execute("insert into auth_group (name) values ('care')")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            application.execute("delete from auth_group")


@pytest.mark.parametrize("attribute", ["superuser", "bypassrls"])
def test_a_role_that_passes_the_policies_is_refused_with_a_sentence(installation, attribute):
    cluster = embedded.ensure_running(installation.data)
    with psycopg.connect(cluster.url(embedded.SUPERUSER, "postgres"), autocommit=True) as superuser:
        superuser.execute(f"create role mighty login {attribute} password 'm'")
    host = str(cluster.socket).replace("/", "%2F")
    installation.environ["DATABASE_URL"] = f"postgresql://mighty:m@{host}:{embedded.PORT}/postgres"
    refused = installation.manage("serve", "--port", str(installation.port), check=False)
    assert refused.code != 0
    assert refused.err.startswith("CommandError: DATABASE_URL must name another role: mighty ")
    assert refused.err.count("\n") == 1
    checked = installation.manage("check", "--database", "default", check=False)
    assert checked.code != 0
    assert "config.E001" in checked.err
