"""Let the lists of customers and of steps find a page, and count what is there, by an index alone."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("profiles", "0016_quicker_trigrams"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="event",
            name="event_of_a_funnel",
        ),
        migrations.RemoveIndex(
            model_name="profile",
            name="profile_newest",
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                condition=models.Q(
                    (
                        "type__in",
                        (
                            "begin_checkout",
                            "button_click",
                            "button_clicked",
                            "checkout_completed",
                            "checkout_start",
                            "checkout_started",
                            "initiate_checkout",
                            "purchase",
                            "review",
                            "review_submitted",
                        ),
                    )
                ),
                fields=["organization", "-occurred_at", "-id"],
                name="event_of_a_funnel",
            ),
        ),
        migrations.AddIndex(
            model_name="profile",
            index=models.Index(
                condition=models.Q(("merged_into__isnull", True)),
                fields=["organization", "-created_at", "-id"],
                name="profile_newest",
            ),
        ),
    ]
