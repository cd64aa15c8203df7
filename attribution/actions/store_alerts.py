"""What staff do about an alert of their store."""

from attribution.models import StoreAlert
from profiles import clock
from profiles.actions import audit, settlement
from profiles.actors import Actor, Refusal


class AlreadyAcknowledged(Refusal):
    title = "Already acknowledged"


class NotAcknowledged(Refusal):
    title = "Not acknowledged"


def acknowledge(alert: StoreAlert, *, by: Actor, because: str) -> StoreAlert:
    """Somebody saw to it; it stays whatever the facts say later. Raises AlreadyAcknowledged. Inverse: reopen."""
    by.require("acknowledge")
    reason = audit.require_reason(because)
    alert = _locked(alert)
    if alert.acknowledged_at:
        raise AlreadyAcknowledged(f"Already acknowledged by {alert.acknowledged_by}.")
    alert.acknowledged_at, alert.acknowledged_by, alert.note = clock.now(), by.label[:200], reason
    return _written(alert, "store_alert.acknowledged", by, reason)


def reopen(alert: StoreAlert, *, by: Actor, because: str) -> StoreAlert:
    """Take an acknowledgement back. Raises NotAcknowledged. Inverse: acknowledge."""
    by.require("acknowledge")
    reason = audit.require_reason(because)
    alert = _locked(alert)
    if alert.acknowledged_at is None:
        raise NotAcknowledged("Nobody acknowledged it yet.")
    alert.acknowledged_at, alert.acknowledged_by, alert.note = None, "", ""
    # What is open stands only as long as the facts bear it.
    settlement.request(alert.organization_id, orders=[alert.order_id])
    return _written(alert, "store_alert.reopened", by, reason)


def _locked(alert: StoreAlert) -> StoreAlert:
    return StoreAlert.objects.select_for_update(of=("self",), no_key=True).select_related("order").get(pk=alert.pk)


def _written(alert: StoreAlert, action: str, by: Actor, reason: str) -> StoreAlert:
    alert.save(update_fields=["acknowledged_at", "acknowledged_by", "note"])
    order = alert.order
    audit.record(action, by=by, subject=alert, because=reason, profile_id=order.profile_id, order_id=order.pk)
    return alert
