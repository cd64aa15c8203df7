"""Whether the very same file, imported before, would change anything now: asked of its words, without reading a row.

A word is what all rows of one order say together. With each import its digests stand beside its rows.
"""

from orders.files import words
from orders.files.dialects import Mode
from orders.messages import Authority
from orders.models import Import
from profiles import bulk

# What `import_rows` calls the same, in SQL. Each order is looked up by itself and goes by its index, whatever the
# planner believes of tables that a file has just filled.
_STANDS = """
SELECT count(*), count(nullif(r.digest, '')), count(o.stands)
  FROM orders_importrow r LEFT JOIN LATERAL (
    SELECT true AS stands FROM orders_order
     WHERE r.digest <> '' AND channel_id = %(channel)s AND external_id = r.key
       AND CASE authority WHEN %(file)s THEN digest = r.digest AND %(undone)s <> ALL (flags)
           ELSE currency = r.currency AND total_minor = r.total_minor END
    OFFSET 0) o ON true
 WHERE r.imported_id = %(imported)s
"""


def newest(row: Import) -> Import | None:
    """The last finished import of the same bytes under the same terms, if all its rows were taken or refused.

    Of payouts there is none: they are few, and what a row of them says is judged by other payouts too.
    """
    if row.mode != Mode.ORDERS:
        return None
    alike = Import.objects.filter(
        channel=row.channel,
        mode=row.mode,
        sha256=row.sha256,
        record=row.record,
        declared=row.declared,
        mapping=row.mapping,
        state=Import.State.DONE,
        repeats=None,
    )
    found = alike.order_by("-version", "-pk").first()
    if found is None or found.conflicts or (row.mapping and row.mapping.changed_at > found.created_at):
        return None
    return found


def stands(found: Import) -> bool:
    """Whether each order of this import is known now and says what the file said, so that every row of it is known."""
    names = {"imported": found.pk, "channel": found.channel_id, "file": Authority.FILE.value, "undone": words.UNDONE}
    with bulk.cursor() as cursor:
        cursor.execute(_STANDS, names, prepare=False)
        told = cursor.fetchone()
    assert told is not None
    rows, said, standing = told
    # Rows that are gone, or were kept before their words were, prove nothing.
    return rows == found.rows and said == standing and (said > 0 or found.rejected == found.rows)
