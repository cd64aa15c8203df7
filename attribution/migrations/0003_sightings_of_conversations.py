"""Write down which identifiers the conversations bear that were there before this was kept."""

from django.db import migrations

from profiles.tenancy import InEachOrganization

SIGHTINGS = """
INSERT INTO profiles_sighting (organization_id, key, fact, fact_id, at, others)
SELECT f.organization_id, k, 'attribution.Conversation', f.id, f.started_at,
       ARRAY(SELECT o FROM unnest(f.identifiers) AS o
              WHERE o <> k AND split_part(o, ':', 1) IN ('phone', 'email', 'loyalty'))
  FROM attribution_conversation f, unnest(f.identifiers) AS k
ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies = [("attribution", "0002_wall_between_organizations"), ("profiles", "0007_shared_values")]

    operations = [InEachOrganization(SIGHTINGS)]
