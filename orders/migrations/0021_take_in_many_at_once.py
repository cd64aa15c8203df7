"""Keep the deliveries that came at the same time to one organization in one statement and one commit."""

from importlib import import_module

from django.db import migrations

# In the order of their key, so that two processes that keep the same deliveries wait for one another and never in a
# circle. What came a moment before is known and answered by none.
TAKE_IN = """
CREATE FUNCTION orders_take_in(
  p_organization bigint, p_queue text, p_task text, p_channels bigint[], p_deliveries text[], p_hashes bytea[],
  p_topics text[], p_bodies bytea[], p_headers text[]
) RETURNS TABLE (channel bigint, delivery text, hash bytea) LANGUAGE plpgsql AS $$
DECLARE former text := coalesce(current_setting('app.organization_id', true), '');
BEGIN
  PERFORM set_config('app.organization_id', p_organization::text, true);
  RETURN QUERY
  INSERT INTO orders_delivery AS d (organization_id, channel_id, delivery_id, topic, body, body_hash, headers)
  SELECT p_organization, v.c, v.i, v.t, v.b, v.h, v.m::jsonb
    FROM unnest(p_channels, p_deliveries, p_hashes, p_topics, p_bodies, p_headers) AS v(c, i, h, t, b, m)
   ORDER BY v.c, v.i, v.h
  ON CONFLICT (organization_id, channel_id, delivery_id, body_hash) DO NOTHING
  RETURNING d.channel_id, d.delivery_id::text, d.body_hash;
  IF FOUND AND
     -- ON CONFLICT locks the row even where its WHERE is false: deliveries at once would commit one after the other.
     NOT EXISTS (SELECT FROM profiles_duework w WHERE w.organization_id = p_organization AND w.due_at <= now()) THEN
    INSERT INTO profiles_duework (organization_id, due_at) VALUES (p_organization, now())
    ON CONFLICT (organization_id) DO UPDATE SET due_at = now() WHERE profiles_duework.due_at > now();
    IF FOUND THEN
      INSERT INTO django_q_ormq (key, payload, lock) VALUES (p_queue, p_task, now());
    END IF;
  END IF;
  -- A caller's own transaction goes on in the context it had.
  PERFORM set_config('app.organization_id', former, true);
END $$;
"""
ONE = "orders_take_in(bigint, bigint, text, text, bytea, bytea, jsonb, text, text)"
MANY = "orders_take_in(bigint, text, text, bigint[], text[], bytea[], text[], bytea[], text[])"
FORMER = import_module("orders.migrations.0003_take_in_one_statement").TAKE_IN


class Migration(migrations.Migration):
    dependencies = [("orders", "0020_mark_stale_days")]

    operations = [
        migrations.RunSQL(TAKE_IN, f"DROP FUNCTION {MANY}"),
        migrations.RunSQL(f"DROP FUNCTION {ONE}", FORMER),
    ]
