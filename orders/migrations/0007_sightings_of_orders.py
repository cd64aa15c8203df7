"""Write down which identifiers the orders bear that were there before this was kept."""

from django.db import migrations

from profiles.tenancy import InEachOrganization

SIGHTINGS = """
INSERT INTO profiles_sighting (organization_id, key, fact, fact_id, at, others)
SELECT f.organization_id, k, 'orders.Order', f.id, f.placed_at,
       ARRAY(SELECT o FROM unnest(f.identifiers) AS o
              WHERE o <> k AND split_part(o, ':', 1) IN ('phone', 'email', 'loyalty'))
  FROM orders_order f, unnest(f.identifiers) AS k
ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0006_deliveries_set_aside"), ("profiles", "0007_shared_values")]

    operations = [InEachOrganization(SIGHTINGS)]
