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
    return keep(organization, policy, values, by=by, because=because)


def keep(organization: Organization, policy: str, values: Mapping[str, Any], *, by: Actor, because: str) -> bool:
    """The same for an act that asked for a permission of its own."""
    reason = audit.require_reason(because)
    row = Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
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
        organization_id=row.pk,
        because=reason,
        details={"policy": policy, "before": former, "after": wanted},
    )
    return True
