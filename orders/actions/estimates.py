"""What the database believes of the size of its tables, kept true while a file fills them.

Every index of a tenant's table begins with the organization. Of a table that it believes empty the planner thinks all
of them equally good, and takes one by which each look-up reads every row of the organization. By itself it looks again
after a minute, in which a file brings a hundred thousand orders.
"""

from django.db import connection

_BELIEVED = "SELECT reltuples FROM pg_class WHERE oid = 'orders_order'::regclass"
FIRST = 500
GROWN = 4


def due(rows: int) -> bool:
    """Whether the database believes in far fewer orders than one file alone has brought rows of."""
    if rows < FIRST:
        return False
    with connection.cursor() as cursor:
        cursor.execute(_BELIEVED)
        return bool(cursor.fetchone()[0] * GROWN < rows)


def refresh() -> None:
    """Have the tables that a file fills estimated anew: some tenths of a second, in a transaction of its own."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT orders_estimate()")
