"""The tenant: one seller's brand. Its row is behind the wall like everything else; the route finds it by slug."""

from django.db import models


class OrganizationRoute(models.Model):
    """Routing table: slug → organization. No customer data, no policy."""

    slug = models.SlugField(max_length=63, unique=True)

    class Meta:
        verbose_name = "organization route"

    def __str__(self) -> str:
        return self.slug


class Organization(models.Model):
    """A seller's brand. `id` is its route's id; the policy shows the row only in its own context."""

    id = models.BigIntegerField(primary_key=True)
    slug = models.SlugField(max_length=63)
    name = models.CharField(max_length=200)
    currency = models.CharField(max_length=3, help_text="Base currency, ISO 4217.")
    region = models.CharField(max_length=2, help_text="Country whose national phone numbers are read, ISO 3166.")
    timezone = models.CharField(max_length=63, default="UTC", help_text="IANA zone in which days begin and end.")
    support_email = models.CharField(max_length=254, blank=True, default="")
    own_domains = models.JSONField(
        default=list, blank=True, help_text="The seller's own mail domains: never a customer."
    )
    blocked = models.JSONField(default=list, blank=True, help_text="Values never used to recognise a customer.")
    identity = models.JSONField(
        default=dict, blank=True, help_text="What differs from the usual rules of identity (profiles/rules.py)."
    )
    policies = models.JSONField(
        default=dict,
        blank=True,
        help_text="What differs from the usual terms, by policy.",
    )
    is_demo = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name
