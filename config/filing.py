"""The loop about files on sale: each that is due is read in every store."""

from fulfillment.actions import verifications
from profiles import tenancy

FILES = 20


def files(organization_id: int) -> int:
    """Due files are read in every store, outside of any transaction, and copied where one store lacks them."""
    with tenancy.organization(organization_id):
        due = verifications.claim(FILES)
    if not due:
        return 0
    seen = verifications.look(due)
    with tenancy.organization(organization_id):
        verifications.conclude(seen)
    return len(due)
