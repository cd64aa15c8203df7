"""The database under its two roles: the one the application runs as, and the one that owns the tables."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connections
from psycopg import sql

from config import embedded


def settings_for(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Django's DATABASES, and what of the default one differs for the owner; {} when one role is both."""
    application, owner = values["DATABASE_URL"], values["DATABASE_OWNER_URL"]
    if not application:
        # Only noted here; whoever runs a command has started it before.
        cluster = embedded.describe(values["AFTERSALE_DATA"])
        parts = {"NAME": embedded.DATABASE, "HOST": str(cluster.socket), "PORT": str(embedded.PORT), "OPTIONS": {}}
        application = {**parts, "USER": embedded.APP, "PASSWORD": cluster.passwords[embedded.APP]}
        owner = {**parts, "USER": embedded.OWNER, "PASSWORD": cluster.passwords[embedded.OWNER]}
    databases = {"default": _complete(application)}
    if values["DATABASE_REPLICA_URL"]:
        databases["replica"] = {**_complete(values["DATABASE_REPLICA_URL"]), "TEST": {"MIRROR": "default"}}
    differs = {key: owner[key] for key in ("USER", "PASSWORD", "HOST", "PORT")} if owner else {}
    return databases, differs


def _complete(parts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **parts,
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": 3, "application_name": "aftersale", **parts["OPTIONS"]},
    }


@contextmanager
def as_owner(alias: str = "default") -> Iterator[None]:
    """Inside the block this database is reached as the role that owns the tables; the same role where one is both."""
    connection = connections[alias]
    application = {key: connection.settings_dict[key] for key in settings.DATABASE_OWNER}
    connection.close()
    connection.settings_dict.update(settings.DATABASE_OWNER)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(application)


def grant_to_application(alias: str = "default") -> None:
    """Let the application's role use what the owner makes; called as the owner, before it makes anything.

    Tables the role already has a right on are left as they are: a migration that took one away keeps its word.
    """
    application = settings.DATABASE_ROLE
    if settings.DATABASE_OWNER.get("USER", application) == application:
        return
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "select rolname from pg_roles where rolname = %s"
            " union all select rolname from pg_roles where rolname = %s and pg_has_role(current_user, oid, 'MEMBER')",
            [application, embedded.BYPASS],
        )
        for (role,) in cursor.fetchall():
            for statement in embedded.grants(role):
                cursor.execute(statement)
            cursor.execute(
                "select relname, relkind from pg_class where relnamespace = 'public'::regnamespace"
                " and relowner = current_user::regrole and (relkind in ('r', 'p', 'v') and not"
                " has_any_column_privilege(%s, oid, 'SELECT') or relkind = 'S' and not"
                " has_sequence_privilege(%s, oid, 'USAGE'))",
                [role, role],
            )
            for name, kind in cursor.fetchall():
                rights = "USAGE, SELECT ON SEQUENCE" if kind == "S" else "SELECT, INSERT, UPDATE, DELETE ON TABLE"
                cursor.execute(
                    sql.SQL(f"GRANT {rights} {{}} TO {{}}").format(sql.Identifier(name), sql.Identifier(role))
                )


def role_problem(alias: str = "default") -> str:
    """Why the application must not run under this role, in one sentence, or nothing. Raises Django's DatabaseError."""
    with connections[alias].cursor() as cursor:
        cursor.execute("select rolname, rolsuper, rolbypassrls from pg_roles where rolname = current_user")
        name, is_superuser, passes_policies = cursor.fetchone()
    if not (is_superuser or passes_policies):
        return ""
    what = "is a superuser" if is_superuser else "has BYPASSRLS"
    return (
        f"DATABASE_URL must name another role: {name} {what}, and so every organization would see the data of all"
        " (create one with LOGIN NOSUPERUSER NOBYPASSRLS)."
    )
