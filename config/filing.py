"""The loop about files on sale: each that is due is read in every store, when nothing else waits."""

import time

from fulfillment.actions import verifications
from profiles import tenancy

FILES = 20
# Nobody's delivery waits longer than this, or than one file takes, because files are being read.
AT_MOST_SECONDS = 10


def files(organization_id: int) -> int:
    """Read due files outside of any transaction, copy what one store lacks; returns how many were read."""
    with tenancy.organization(organization_id):
        due = verifications.claim(FILES)
    if not due:
        return 0
    began = time.monotonic()
    seen = verifications.look(due, enough=lambda: time.monotonic() - began > AT_MOST_SECONDS)
    with tenancy.organization(organization_id):
        verifications.conclude(seen, unread=due[len(seen) :])
    return len(seen)
