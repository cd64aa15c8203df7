"""The rows of a customer or an order by what a person types: each step one equality on an index."""

from django.db.models import Q

from orders.models import Order
from profiles.models import Identifier

AT_MOST = 50


def of(text: str) -> Q:
    """Rows whose `order` or `profile` is named so: an order's number or id, a customer's e-mail or phone, an id."""
    orders, people = ids(text)
    return Q(order_id__in=orders) | Q(profile_id__in=people)


def ids(text: str) -> tuple[list[int], list[int]]:
    """(orders, customers) by exact number, external id, e-mail, phone or our own id."""
    text = text.strip()
    named = Order.objects.filter(Q(number__in=[text, f"#{text}"]) | Q(external_id=text))
    orders = list(named.values_list("pk", flat=True)[:AT_MOST])
    known = Identifier.objects.filter(kind__in=[Identifier.Kind.EMAIL, Identifier.Kind.PHONE], value=text.casefold())
    people = list(known.values_list("profile_id", flat=True)[:AT_MOST])
    if text.isdigit() and len(text) < 19:
        orders.append(int(text))
        people.append(int(text))
    return orders, people
