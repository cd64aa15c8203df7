"""An organization's own terms of work, by policy: what differs from the usual is kept, the rest stays the usual.

A policy is named and read by its own rules module (for example `fulfillment/followups.py`); that module checks the
values before they come here. A change is audited with what stood before.
"""

from collections.abc import Mapping
from typing import Any

from profiles.actions import audit
from profiles.actors import Actor
from profiles.models import Organization


def change(organization: Organization, policy: str, values: Mapping[str, Any], *, by: Actor, because: str) -> bool:
    """Keep these values, which differ from the usual ones; false where they stood already."""
    by.require("manage_policies")
    reason = audit.require_reason(because)
    row = Organization.objects.select_for_update().get(pk=organization.pk)
    former = row.policies.get(policy, {})
    wanted = dict(values)
    if former == wanted:
        return False
    row.policies = {**row.policies, policy: wanted}
    row.save(update_fields=["policies"])
    organization.policies = row.policies
    audit.record(
        "policy.changed",
        by=by,
        subject=row,
        because=reason,
        details={"policy": policy, "before": former, "after": wanted},
        organization_id=row.pk,
    )
    return True
