"""When lines of bundles were first given anything: what was in the bundle then counts, whatever came into it later."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Min

from fulfillment.models import Entitlement, Service
from orders.models import Line


def since(lines: Collection[Line]) -> dict[int, datetime]:
    """When each of these lines was given its first right or service as a bundle; one query, none for no line."""
    if not lines:
        return {}
    of = {"order__in": {line.order_id for line in lines}, "line__in": [line.pk for line in lines]}
    rights = Entitlement.objects.filter(source=Entitlement.Source.BUNDLE, **of)
    services = Service.objects.filter(source=Service.Source.BUNDLE, **of)
    firsts = (rows.order_by().values_list("line").annotate(first=Min("created_at")) for rows in (rights, services))
    found: dict[int, datetime] = {}
    for line_id, first in next(firsts).union(next(firsts), all=True):
        found[line_id] = min(first, found.get(line_id, first))
    return found
