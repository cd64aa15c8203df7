"""Keep a delivery, mark its organization as having work and wake a worker, in one statement and one commit."""

from django.db import migrations

# Checking the reference would lock the one channel's row for every delivery that comes through it at once. The id comes
# from the channel itself, read a moment before, and channels are never deleted.
UNLOCK = "ALTER TABLE orders_delivery DROP CONSTRAINT IF EXISTS orders_delivery_channel_id_tenant_fk"

TAKE_IN = """
CREATE FUNCTION orders_take_in(
  p_organization bigint, p_channel bigint, p_delivery text, p_topic text, p_body bytea, p_hash bytea,
  p_headers jsonb, p_queue text, p_task text
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE kept bigint; former text := coalesce(current_setting('app.organization_id', true), '');
BEGIN
  PERFORM set_config('app.organization_id', p_organization::text, true);
  INSERT INTO orders_delivery (organization_id, channel_id, delivery_id, topic, body, body_hash, headers)
  VALUES (p_organization, p_channel, p_delivery, p_topic, p_body, p_hash, p_headers)
  ON CONFLICT (organization_id, channel_id, delivery_id, body_hash) DO NOTHING RETURNING id INTO kept;
  -- A caller's own transaction goes on in the context it had.
  PERFORM set_config('app.organization_id', former, true);
  IF kept IS NULL THEN RETURN false; END IF;
  -- ON CONFLICT locks the row even where its WHERE is false: deliveries at once would commit one after the other.
  IF EXISTS (SELECT FROM profiles_duework w WHERE w.organization_id = p_organization AND w.due_at <= now()) THEN
    RETURN true;
  END IF;
  INSERT INTO profiles_duework (organization_id, due_at) VALUES (p_organization, now())
  ON CONFLICT (organization_id) DO UPDATE SET due_at = now() WHERE profiles_duework.due_at > now();
  IF FOUND THEN
    INSERT INTO django_q_ormq (key, payload, lock) VALUES (p_queue, p_task, now());
  END IF;
  RETURN true;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0002_wall_between_organizations"), ("django_q", "0018_task_success_index")]

    operations = [
        migrations.RunSQL(UNLOCK, migrations.RunSQL.noop),
        migrations.RunSQL(TAKE_IN, "DROP FUNCTION orders_take_in"),
    ]
