"""Find mails that are no receipts, and what no order gave, among these alone."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("fulfillment", "0017_services_of_bundles_and_by_hand"),
        ("orders", "0025_search_settled_orders"),
        ("profiles", "0017_lists_from_the_index_alone"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="email",
            index=models.Index(
                condition=models.Q(("template", "receipt"), _negated=True),
                fields=["organization", "template", "-created_at", "-id"],
                name="email_of_template",
            ),
        ),
        migrations.AddIndex(
            model_name="entitlement",
            index=models.Index(
                condition=models.Q(("source", "order"), _negated=True),
                fields=["organization", "source", "-created_at", "-id"],
                name="entitlement_of_source",
            ),
        ),
    ]
