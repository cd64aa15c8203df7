"""Take away the indexes that began with a staff user: nothing of a tenant is found past its organization."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def _user(**options):
    return models.ForeignKey(db_index=False, related_name="+", to=settings.AUTH_USER_MODEL, **options)


class Migration(migrations.Migration):
    dependencies = [
        ("profiles", "0003_search_by_fragment"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField("auditentry", "actor", _user(null=True, on_delete=django.db.models.deletion.PROTECT)),
        migrations.AlterField("membership", "user", _user(on_delete=django.db.models.deletion.CASCADE)),
        migrations.AlterField(
            "merge", "actor", _user(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT)
        ),
    ]
