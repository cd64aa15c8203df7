"""The figures of each day, counted once and kept: derived wholly from the facts by `support.actions.tallies`."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from orders.models import Channel, Product
from profiles.models import Tenant
from profiles.tenancy import TenantForeignKey


class Tally(Tenant):
    """One day, by the organization's calendar. What `support.queries.day_counts` counts, under the same names.

    The rows of a day are true while no `StaleDay` names it.
    """

    day = models.DateField()

    derived = True

    class Meta:
        abstract = True


class OfOrders(Tally):
    """Orders of one channel and currency."""

    channel = TenantForeignKey(Channel, on_delete=models.CASCADE, related_name="+")
    currency = models.CharField(max_length=3)

    class Meta:
        abstract = True


class RevenueTally(OfOrders):
    """What was bought, by the method and band of the attribution; both are empty where no conversation led to it."""

    method = models.CharField(max_length=16)
    band = models.CharField(max_length=6)
    orders = models.BigIntegerField()
    gross_minor = models.BigIntegerField()
    refunded_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "day", "channel", "currency", "method", "band"], name="revenuetally_unique"
            ),
        ]


class GrowthTally(OfOrders):
    """What becomes of orders: returned, repeated, delivered."""

    orders = models.BigIntegerField()
    refunded = models.BigIntegerField(help_text="Of these, some money went back.")
    with_customer = models.BigIntegerField()
    repeated = models.BigIntegerField(help_text="Of these, it was not the customer's first.")
    jobs = models.BigIntegerField()
    delivered = models.BigIntegerField()
    net_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "day", "channel", "currency"], name="growthtally_unique"),
        ]


class OfProducts(OfOrders):
    """A product's share of what its orders brought; lines nobody mapped stand under their own words."""

    product = TenantForeignKey(Product, on_delete=models.CASCADE, null=True, related_name="+")
    sku = models.CharField(max_length=200)
    title = models.CharField(max_length=500)
    quantity = models.BigIntegerField()
    net_minor = models.BigIntegerField()

    class Meta:
        abstract = True


class ProductTally(OfProducts):
    class Meta:
        indexes = [models.Index(fields=["organization", "day"], name="producttally_day")]


class ProductMonth(OfProducts):
    """The same of a whole month, whose first day is `day`: the sum of its days."""

    class Meta:
        indexes = [models.Index(fields=["organization", "day"], name="productmonth_month")]


class OfCohorts(OfOrders):
    """Orders by the month in which their customer bought first in this currency."""

    cohort = models.DateField()
    customers = models.BigIntegerField(help_text="Orders that are their customer's first of their month.")
    orders = models.BigIntegerField()
    net_minor = models.BigIntegerField()

    class Meta:
        abstract = True


class CohortTally(OfCohorts):
    class Meta:
        indexes = [models.Index(fields=["organization", "day"], name="cohorttally_day")]


class CohortMonth(OfCohorts):
    """The same of a whole month, whose first day is `day`: the sum of its days."""

    class Meta:
        indexes = [models.Index(fields=["organization", "day"], name="cohortmonth_month")]


class OfConversations(Tally):
    """Conversations that began on the day, by where they say they took place."""

    source = models.CharField(max_length=100)
    channel = TenantForeignKey(Channel, on_delete=models.CASCADE, null=True, related_name="+")
    conversations = models.BigIntegerField()

    class Meta:
        abstract = True


class ConversationTally(OfConversations):
    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "day", "source", "channel"],
                name="conversationtally_unique",
                nulls_distinct=False,
            ),
        ]


class ConvertedTally(OfConversations):
    """Those that led to an order, whenever it was placed, by the channels in which their orders stand."""

    currency = models.CharField(max_length=3)
    order_channels = ArrayField(models.BigIntegerField())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "day", "source", "channel", "currency", "order_channels"],
                name="convertedtally_unique",
                nulls_distinct=False,
            ),
        ]
