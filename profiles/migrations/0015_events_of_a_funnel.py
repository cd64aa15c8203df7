"""Find the events from a button to a review among all others."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("profiles", "0014_settle_payouts")]

    operations = [
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                fields=["organization", "occurred_at"],
                name="event_of_a_funnel",
                condition=models.Q(
                    type__in=(
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
                    )
                ),
            ),
        ),
    ]
