"""A desk with many rows for the measurements of its lists: each table is written by one statement, past the wall."""

from typing import Any

# What a column that must not be empty holds where a table below does not name it.
EMPTY = {
    "character varying": "''",
    "text": "''",
    "bigint": "0",
    "integer": "0",
    "smallint": "0",
    "boolean": "false",
    "ARRAY": "'{}'",
    "jsonb": "'{}'",
    "bytea": "''",
    "timestamp with time zone": "now()",
    "uuid": "gen_random_uuid()",
}
# Two words as a person's name, of which some are alike.
NAME = "initcap(substr(md5((n % 2003)::text), 1, 5) || ' ' || substr(md5((n % 100003)::text), 1, 7))"
EMAIL = "'buyer' || n || '@' || left(md5(n::text), 8) || '.example'"
SINCE = "now() - n * interval '30 seconds'"


def _rare(seldom: str, usually: str) -> str:
    """What a thousandth of the rows hold, and the others."""
    return f"CASE WHEN n % 1000 = 0 THEN {seldom} ELSE {usually} END"


# Table → what its columns hold in row n; the newest row is the first.
TABLES: dict[str, dict[str, str]] = {
    "profiles_profile": {"id": "n", "name": NAME, "strength": "20", "created_at": SINCE},
    "profiles_identifier": {
        "id": "n",
        "kind": "'email'",
        "value": EMAIL,
        "spelled": f"'email:' || {EMAIL}",
        "profile_id": "n",
        "status": "'active'",
    },
    "orders_profiletotal": {
        "profile_id": "n",
        "currency": "'EUR'",
        "orders": "1",
        "gross_minor": "4900",
        "net_minor": "4900",
        "first_purchase_at": SINCE,
        "last_purchase_at": SINCE,
    },
    "orders_order": {
        "id": "n",
        "profile_id": "n",
        "channel_id": "{channel}",
        "external_id": "'o' || n",
        "number": "'#' || n",
        "currency": "'EUR'",
        "total_minor": "4900",
        "placed_at": SINCE,
        "paid_at": SINCE,
        "channel_status": "'pending'",
        "channel_paid": "true",
        "payment_reference": "'pi_' || n",
        "customer_name": NAME,
        "email_raw": EMAIL,
        "email": EMAIL,
        "region": "'DE'",
        "authority": "'2-order'",
        "version": SINCE,
        "status": _rare("'pending'", "'delivered'"),
        "payment_status": "(ARRAY['paid', 'paid', 'paid', 'refunded'])[1 + n % 4]",
        "captured_minor": "4900",
        "settled_at": SINCE,
    },
    "orders_line": {
        "id": "n",
        "order_id": "n",
        "product_id": _rare("NULL", "{product}"),
        "external_id": "'l' || n",
        "sku": "'SKU-' || n % 500",
        "title": "'A book'",
        "quantity": "1",
        "total_minor": "4900",
    },
    "orders_payment": {
        "channel_id": "{channel}",
        "order_id": "n",
        "external_id": "'pi_' || n",
        "amount_minor": "4900",
        "currency": "'EUR'",
        "at": SINCE,
        "version": SINCE,
        "status": "'captured'",
        "last4": "lpad((n % 10000)::text, 4, '0')",
    },
    "fulfillment_entitlement": {
        "id": "n",
        "source": "'order'",
        "source_key": "'line:' || n",
        "status": "'active'",
        "because": "'Paid.'",
        "line_id": "n",
        "order_id": "n",
        "product_id": "{product}",
        "profile_id": "n",
        "created_at": SINCE,
    },
    "fulfillment_job": {
        "entitlement_id": "n",
        "state": _rare("'failed'", "'completed'"),
        "created_at": SINCE,
        "changed_at": SINCE,
        "completed_at": SINCE,
    },
    "fulfillment_downloadlink": {
        "kind": "'mailed'",
        "digest": "decode(md5(n::text), 'hex')",
        "hint": "left(md5(n::text), 6)",
        "entitlement_id": "n",
        "created_at": SINCE,
        "expires_at": "now() + interval '30 days'",
    },
    "fulfillment_email": {
        "effect_key": "'receipt:' || n",
        "template": "'receipt'",
        "to": EMAIL,
        "subject": "'Your order #' || n",
        "state": "'sent'",
        "order_id": "n",
        "profile_id": "n",
        "created_at": SINCE,
        "done_at": SINCE,
    },
    "orders_delivery": {
        "channel_id": "{channel}",
        "delivery_id": "'d' || n",
        "topic": "'orders/paid'",
        "body_hash": "decode(md5(n::text), 'hex')",
        "received_at": SINCE,
        "state": _rare("'quarantined'", "'done'"),
        "done_at": SINCE,
    },
    "attribution_conversation": {
        "external_id": "'c' || n",
        "source": "'chatwoot'",
        "email": EMAIL,
        "profile_id": "n",
        "started_at": SINCE,
        "last_activity_at": SINCE,
        "message_count": "3",
    },
    "profiles_event": {
        "event_id": "'e' || n",
        "source": "'web'",
        "type": "'begin_checkout'",
        "occurred_at": SINCE,
        "profile_id": "n",
    },
    "profiles_auditentry": {
        "at": SINCE,
        "actor_label": "'Bo'",
        "action": "'profile.viewed'",
        "subject_type": "'profiles.Profile'",
        "subject_id": "n",
        "profile_id": "n",
    },
}
# Building these at the end takes a third of the time that keeping them does.
BUILT_LAST = {
    "order_fragment": "orders_order USING gin"
    " (profiles_trigrams(organization_id, email || ' ' || customer_name || ' ' || number))"
    " WHERE settled_at IS NOT NULL",
    "identifier_fragment": "profiles_identifier USING gin (profiles_trigrams(organization_id, value))",
    "profile_fragment": "profiles_profile USING gin (profiles_trigrams(organization_id, name))",
}


def write(connection: Any, rows: int, *, organization: int, channel: int, product: int) -> None:
    """Fill every table with so many rows, on an autocommitting connection of the superuser."""
    # Neither triggers nor references are asked: nothing here is to be told on, and everything refers to what is there.
    connection.execute("SET session_replication_role = replica")
    known = {"channel": channel, "product": product}
    for name in BUILT_LAST:
        connection.execute(f"DROP INDEX IF EXISTS {name}")
    for table, columns in TABLES.items():
        values = {**_empty(connection, table), "organization_id": str(organization), **columns}
        names = ", ".join(f'"{name}"' for name in values)
        chosen = ", ".join(value.format(**known) if name in columns else value for name, value in values.items())
        connection.execute(f"INSERT INTO {table} ({names}) SELECT {chosen} FROM generate_series(1, {rows}) n")
        if "id" in columns:
            connection.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {rows})")
    for name, on in BUILT_LAST.items():
        connection.execute(f"CREATE INDEX {name} ON {on}")
    connection.execute("SET session_replication_role = origin")
    connection.execute("VACUUM (ANALYZE)")


def _empty(connection: Any, table: str) -> dict[str, str]:
    found = connection.execute(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s"
        " AND is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO'",
        [table],
    )
    return {name: EMPTY[sort] for name, sort in found.fetchall()}
