"""Reads the database's own catalogue and tells what stands outside the wall between organizations."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.db import connection

# Tables without a policy, each with the reason why nothing in it belongs to one organization alone.
OPEN_TABLES: Mapping[str, str] = {
    "auth_group": "Django's groups; roles are held by memberships",
    "auth_group_permissions": "as auth_group",
    "auth_permission": "names of rights",
    "auth_user": "staff sign in before any organization is known; no customers",
    "auth_user_groups": "as auth_group",
    "auth_user_user_permissions": "as auth_group",
    "axes_accessattempt": "failed log-ins of staff, before any organization is known",
    "axes_accessattemptexpiration": "as axes_accessattempt",
    "axes_accessfailurelog": "as axes_accessattempt",
    "axes_accesslog": "as axes_accessattempt",
    "config_cache": "Django's cache: keys of throttles, no customers",
    "config_canary": "one row: when a worker last ran a task",
    "config_schedule": "when each schedule is due again, for all machines together",
    "django_admin_log": "Django's own, unused: acts stand in the audit log",
    "django_content_type": "names of models",
    "django_migrations": "which migrations ran",
    "django_q_ormq": "wake-up calls: ids of organizations",
    "django_q_schedule": "unused: schedules are code",
    "django_q_task": "results of wake-up calls",
    "django_session": "staff sessions: user ids",
    "fulfillment_circuit": "health of the installation's mail providers",
    "fulfillment_claimroute": "routing: hash of an invitation, sign-in link or library session → organization",
    "fulfillment_emailecho": "routing: hash of a message's name → a report that came early, without any address",
    "fulfillment_emailroute": "routing: hash of a message's name → organization",
    "fulfillment_linkroute": "routing: hash of a link → organization",
    "fulfillment_pageroute": "routing: hash of an unsubscribe or intake address → organization",
    "orders_channelroute": "routing: key of an address → organization",
    "orders_domainroute": "routing: domain of a shop → organization",
    "otp_static_staticdevice": "second factors of staff",
    "otp_static_statictoken": "second factors of staff",
    "otp_totp_totpdevice": "second factors of staff",
    "pghistory_context": "request ids of row history",
    "profiles_duework": "routing: organization → when its work is due",
    "profiles_organizationroute": "routing: slug → organization",
    "profiles_staffroute": "routing: staff user → organizations",
    "profiles_streambacklog": "routing: organization → since when its oldest event waits for Redis",
    "profiles_streamcircuit": "health of the installation's Redis",
    "profiles_tokenroute": "routing: hash of an API token → organization",
    "profiles_webhookroute": "routing: organizations that have a webhook endpoint",
}
# The tenant itself: its own id is what the policy compares.
SELF = "profiles_organization"
# Functions that run with another role's rights, each with the reason why it cannot leak.
DEFINER_FUNCTIONS: Mapping[str, str] = {
    "orders_search(text,integer)": "names the organization of the setting itself; index search behind the wall",
    "profiles_search(text,integer)": "as orders_search",
}
# And with the rights of the tables' owner, who stands behind the wall like everybody.
OWNER_FUNCTIONS: Mapping[str, str] = {
    "orders_estimate()": "takes and returns nothing: it only has tables estimated",
}

_TABLES = """
SELECT c.oid::bigint AS oid, c.relname AS name, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced,
       pg_get_userbyid(c.relowner) AS owner,
       EXISTS (SELECT FROM pg_attribute a
                WHERE a.attrelid = c.oid AND a.attname = 'organization_id') AS has_organization
  FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY c.relname
"""
_POLICIES = """
SELECT polname, polpermissive, polcmd, polroles = '{0}' AS everybody,
       pg_get_expr(polqual, polrelid) AS qual, pg_get_expr(polwithcheck, polrelid) AS checked
  FROM pg_policy WHERE polrelid = %s
"""
_INDEXES = """
SELECT i.indexrelid::regclass::text AS name, am.amname AS method, pg_get_indexdef(i.indexrelid, 1, true) AS first
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am am ON am.oid = c.relam WHERE i.indrelid = %s
"""
_REFERENCES = """
SELECT k.conname AS name, k.confrelid::regclass::text AS target,
       array(SELECT a.attname FROM unnest(k.conkey) WITH ORDINALITY u(n, o)
               JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.n ORDER BY o)::text[] AS columns
  FROM pg_constraint k WHERE k.contype = 'f' AND k.conrelid = %s
"""
_POLICY = (
    " = (NULLIF(( SELECT current_setting('app.organization_id'::text, true) AS current_setting), ''::text))::bigint)"
)


def rows(sql: str, *values: int) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, list(values) or None)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def tables() -> list[dict[str, Any]]:
    return rows(_TABLES)


def tenant_tables() -> list[dict[str, Any]]:
    """Every table that is not on the reviewed list: it has to stand behind the wall."""
    return [table for table in tables() if table["name"] not in OPEN_TABLES]


def holes() -> list[str]:
    """What is wrong with the wall, a sentence each; nothing where it is whole."""
    behind = {table["name"] for table in tenant_tables()}
    found: list[str] = []
    for table in tenant_tables():
        found += _of_policy(table)
        found += _of_indexes(table)
        found += _of_references(table, behind)
    return [*found, *_of_views(), *_of_functions()]


def _of_policy(table: Mapping[str, Any]) -> Iterator[str]:
    name = table["name"]
    wanted = f"({'id' if name == SELF else 'organization_id'}{_POLICY}"
    if not table["has_organization"] and name != SELF:
        yield f"{name} has no organization and stands on no reviewed list"
        return
    if not (table["enabled"] and table["forced"]):
        yield f"{name}: row-level security is not enabled and forced"
    policies = rows(_POLICIES, table["oid"])
    if len(policies) != 1:
        yield f"{name} has {len(policies)} policies, not one"
    for policy in policies:
        if not (policy["polpermissive"] and policy["polcmd"] == "*" and policy["everybody"]):
            yield f"{name}: the policy {policy['polname']} does not hold for every command and role"
        if policy["qual"] != wanted or policy["checked"] not in (None, wanted):
            yield f"{name}: the policy {policy['polname']} says {policy['qual']}"


def _of_indexes(table: Mapping[str, Any]) -> Iterator[str]:
    if table["name"] == SELF:
        return
    for index in rows(_INDEXES, table["oid"]):
        first = index["first"]
        if first != "organization_id" and not (index["method"] == "gin" and "(organization_id," in first):
            yield f"{table['name']}: the index {index['name']} begins with {first}"


def _of_references(table: Mapping[str, Any], behind: set[str]) -> Iterator[str]:
    for reference in rows(_REFERENCES, table["oid"]):
        if reference["target"] in behind and "organization_id" not in reference["columns"]:
            yield f"{table['name']}: the reference {reference['name']} does not carry the organization"


def _of_views() -> Iterator[str]:
    sql = "SELECT relname, relkind, reloptions FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    for view in rows(f"{sql} AND relkind IN ('v', 'm', 'f')"):
        if view["relkind"] != "v":
            yield f"{view['relname']} is a materialized view or foreign table, which no policy guards"
        elif "security_invoker=true" not in (view["reloptions"] or []):
            yield f"the view {view['relname']} is not security_invoker"


def _of_functions() -> Iterator[str]:
    sql = (
        "SELECT oid::regprocedure::text AS name, coalesce(proconfig, '{}') AS config, proowner::regrole::text AS owner"
        " FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef"
    )
    for function in rows(sql):
        name = function["name"]
        if name not in DEFINER_FUNCTIONS and name not in OWNER_FUNCTIONS:
            yield f"{name} is SECURITY DEFINER and stands on no reviewed list"
        if not any(option.startswith("search_path=pg_catalog") for option in function["config"]):
            yield f"{name} is SECURITY DEFINER without a fixed search_path"
        if (function["owner"] == "aftersale_bypass") is (name in OWNER_FUNCTIONS):
            yield f"{name} belongs to {function['owner']}"
