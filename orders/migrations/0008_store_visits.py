"""Keep visits to stores, and find the orders without a customer newest first."""

import django.db.models.deletion
from django.db import migrations, models

import profiles.tenancy
from profiles.tenancy import Secure


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0007_sightings_of_orders"),
        ("profiles", "0008_customer_events"),
    ]

    operations = [
        migrations.CreateModel(
            name="StoreVisit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("store_id", models.CharField(blank=True, default="", max_length=500)),
                ("store_name", models.CharField(blank=True, default="", max_length=500)),
                ("visited_at", models.DateTimeField()),
            ],
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=models.Q(("profile__isnull", True)),
                fields=["organization", "-placed_at", "-id"],
                name="order_unattached",
            ),
        ),
        migrations.AddField(
            model_name="storevisit",
            name="order",
            field=profiles.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="visits",
                to="orders.order",
            ),
        ),
        migrations.AddField(
            model_name="storevisit",
            name="organization",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                editable=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="profiles.organization",
            ),
        ),
        migrations.AddField(
            model_name="storevisit",
            name="profile",
            field=profiles.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="visits",
                to="profiles.profile",
            ),
        ),
        migrations.AddIndex(
            model_name="storevisit",
            index=models.Index(fields=["organization", "profile", "-visited_at"], name="storevisit_of_profile"),
        ),
        migrations.AddConstraint(
            model_name="storevisit",
            constraint=models.UniqueConstraint(fields=("organization", "order"), name="storevisit_unique"),
        ),
        Secure("StoreVisit"),
    ]
