"""Find orders by any fragment of e-mail, name or number, behind the wall and by an index (see profiles 0003)."""

from django.db import migrations

SEARCH = r"""
CREATE INDEX order_fragment ON orders_order
  USING gin (profiles_trigrams(organization_id, email || ' ' || customer_name || ' ' || number));
CREATE FUNCTION orders_search(fragment text, at_most int) RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  SELECT o.id FROM orders_order o,
         (SELECT nullif(current_setting('app.organization_id', true), '')::bigint AS organization_id) me
   WHERE o.organization_id = me.organization_id
     AND profiles_trigrams(o.organization_id, o.email || ' ' || o.customer_name || ' ' || o.number)
         @> profiles_trigrams(me.organization_id, fragment)
     AND lower(o.email || ' ' || o.customer_name || ' ' || o.number) LIKE profiles_like(fragment)
   ORDER BY o.placed_at DESC, o.id DESC LIMIT at_most
$$;
SELECT profiles_own('orders_search(text, int)');
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0003_take_in_one_statement"), ("profiles", "0003_search_by_fragment")]

    operations = [
        migrations.RunSQL(SEARCH, "DROP FUNCTION orders_search(text, int); DROP INDEX order_fragment;"),
    ]
