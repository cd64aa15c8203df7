"""Keep what customers want and the word to their store; let a person link a conversation."""

import django.db.models.deletion
from django.db import migrations, models

import profiles.tenancy
from profiles.tenancy import Secure


class Migration(migrations.Migration):
    dependencies = [
        ("attribution", "0003_sightings_of_conversations"),
        ("orders", "0008_store_visits"),
        ("profiles", "0008_customer_events"),
    ]

    operations = [
        migrations.CreateModel(
            name="ProductIntent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sku", models.CharField(max_length=255)),
                ("state", models.CharField(choices=[("open", "Open"), ("converted", "Converted")], max_length=10)),
                ("points", models.IntegerField()),
                ("counts", models.JSONField(default=dict, help_text="How often, by the type of event.")),
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                ("converted_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="StoreAlert",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sku", models.CharField(max_length=255)),
                ("store", models.CharField(max_length=500)),
                ("score", models.SmallIntegerField()),
                (
                    "because",
                    models.CharField(
                        help_text="What the customer did: looked at EBOOK-1 3 times this week.", max_length=400
                    ),
                ),
                ("at", models.DateTimeField(help_text="When the customer was at the store.")),
                ("acknowledged_at", models.DateTimeField(blank=True, null=True)),
                ("acknowledged_by", models.CharField(blank=True, default="", max_length=200)),
                ("note", models.TextField(blank=True, default="")),
            ],
            options={
                "verbose_name": "store alert",
            },
        ),
        migrations.AddField(
            model_name="conversation",
            name="linked_by_staff",
            field=models.BooleanField(default=False),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("profile__isnull", True)),
                fields=["organization", "-started_at", "-id"],
                name="conversation_unattached",
            ),
        ),
        migrations.AddField(
            model_name="productintent",
            name="order",
            field=profiles.tenancy.TenantForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="intents",
                to="orders.order",
            ),
        ),
        migrations.AddField(
            model_name="productintent",
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
            model_name="productintent",
            name="profile",
            field=profiles.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="intents",
                to="profiles.profile",
            ),
        ),
        migrations.AddField(
            model_name="storealert",
            name="order",
            field=profiles.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="store_alerts",
                to="orders.order",
            ),
        ),
        migrations.AddField(
            model_name="storealert",
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
        migrations.AddConstraint(
            model_name="productintent",
            constraint=models.UniqueConstraint(fields=("organization", "profile", "sku"), name="productintent_unique"),
        ),
        migrations.AddConstraint(
            model_name="productintent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("converted_at__isnull", False), ("order__isnull", False), ("state", "converted")),
                    models.Q(("converted_at__isnull", True), ("order__isnull", True), ("state", "open")),
                    _connector="OR",
                ),
                name="productintent_converted_by_an_order",
            ),
        ),
        migrations.AddIndex(
            model_name="storealert",
            index=models.Index(fields=["organization", "-at", "-id"], name="storealert_newest"),
        ),
        migrations.AddIndex(
            model_name="storealert",
            index=models.Index(
                condition=models.Q(("acknowledged_at__isnull", True)),
                fields=["organization", "-at", "-id"],
                name="storealert_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="storealert",
            constraint=models.UniqueConstraint(fields=("organization", "order", "sku"), name="storealert_unique"),
        ),
        migrations.AddConstraint(
            model_name="storealert",
            constraint=models.CheckConstraint(
                condition=models.Q(("score__range", (0, 100))), name="storealert_score_range"
            ),
        ),
        Secure("ProductIntent", "StoreAlert"),
    ]
