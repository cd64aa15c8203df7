"""The loop about figures: days that changed are counted anew, when nothing else waits."""

from profiles import tenancy
from profiles.models import Organization
from support.actions import tallies


def days(organization_id: int) -> int:
    """Count some stale days in one transaction; returns how many. Whoever reads meanwhile counts these days alone."""
    with tenancy.organization(organization_id):
        return tallies.settle(Organization.objects.get(pk=organization_id))
