"""The channels of an organization by the names they are chosen and shown by."""

from orders.models import Channel
from profiles import prepared


def labels() -> dict[int, str]:
    """Each channel's label, by the kinds and then the domains of channels."""
    rows = prepared.fetch("SELECT id, kind, domain FROM orders_channel ORDER BY kind, domain", ())
    return {pk: Channel(kind=kind, domain=domain).label for pk, kind, domain in rows}
