"""An organization whose customers buy, write, are merged and parted; with the invariants that hold at any moment."""

import json
import time
from typing import Any

from django.db import connection
from django.db.models import F

from attribution.actions import conversations
from config import drains
from orders import parsing
from orders.actions import channels, deliveries, statistics
from orders.messages import Customer
from orders.models import Order, ProfileTotal
from orders.providers import standard
from profiles import rules, tenancy
from profiles.actions import merges, organizations
from profiles.actors import Actor
from profiles.models import Identifier, Merge, Organization, Profile, Review
from support.queries import snapshot
from tests.talks import conversation

LEAD = Actor(label="Lea", role="lead")
SYSTEM = Actor.system("the test")


class People:
    """One organization with one shop. Orders are named by numbers, customers by their ids."""

    def __init__(self, slug: str = "lantern", *, shared_from: int | None = None) -> None:
        """`shared_from` is how many others make a phone or e-mail shared, where a story is about something else."""
        self.organization = organizations.create(
            slug, name=slug, currency="EUR", region="DE", timezone="UTC", by=SYSTEM
        )
        with self.inside():
            if shared_from:
                self.organization.identity = {"shared_from": {"phone": shared_from, "email": shared_from}}
                self.organization.save()
            self.channel = channels.connect(
                self.organization, kind="api", domain="till.example", by=SYSTEM, calls_provider=False
            )

    def inside(self) -> Any:
        return tenancy.organization(self.organization.pk)

    # What happens ---------------------------------------------------------------------------------------------

    def send(self, number: int, *, total: str = "10.00", version: int = 0, **customer: Any) -> None:
        """A delivery about order `number`; a higher version is newer word of it."""
        placed, updated = f"2026-11-{1 + number % 27:02d}T10:00:00Z", f"2026-12-01T10:{version:02d}:00Z"
        body = {
            "external_id": f"o-{number}",
            "currency": "EUR",
            "total": total,
            "placed_at": placed,
            "updated_at": updated,
            "customer": customer,
            "lines": [{"sku": "BOOK", "title": "Book", "quantity": 1, "total": total}],
        }
        raw = json.dumps(body).encode()
        name = f"d-{number}-{version}"
        headers = standard.headers([self.channel.secret], message_id=name, timestamp=int(time.time()), body=raw)
        deliveries.store(
            self.organization.pk, self.channel.pk, delivery_id=name, topic="order", body=raw, headers=headers
        )

    def buy(self, number: int, **more: Any) -> int | None:
        """The same, worked through; returns whose order it is."""
        self.send(number, **more)
        self.work()
        return self.owner(number)

    def customer(self, number: int, **more: Any) -> int:
        """The same; somebody's it is."""
        owner = self.buy(number, **more)
        assert owner is not None
        return owner

    def chat(self, name: str, **customer: Any) -> None:
        with self.inside():
            at = parsing.instant("2026-11-01T09:00:00Z")
            message = conversation(external_id=name, started_at=at, customer=Customer(**customer))
            conversations.record(message, organization=self.organization)

    def work(self) -> None:
        while drains.round_of(self.organization.pk):
            pass

    def merge(self, one: int, other: int) -> Merge:
        with self.inside():
            verified = ["e-mail", "order number"]
            made = merges.merge_by_staff(one, other, by=LEAD, because="one person", verified=verified)
        self.work()
        return made

    def undo(self, merge: Merge) -> None:
        with self.inside():
            merges.undo(merge, by=LEAD, because="two people")
        self.work()

    # What is --------------------------------------------------------------------------------------------------

    def owner(self, number: int) -> int | None:
        with self.inside():
            return Order.objects.values_list("profile_id", flat=True).get(external_id=f"o-{number}")

    def owners(self, *numbers: int) -> list[int | None]:
        return [self.owner(number) for number in numbers]

    def standing(self) -> list[int]:
        with self.inside():
            return list(Profile.objects.filter(merged_into=None).order_by("pk").values_list("pk", flat=True))

    def keys(self, profile_id: int) -> list[str]:
        with self.inside():
            return sorted(Identifier.objects.filter(profile_id=profile_id).values_list("spelled", flat=True))

    def total(self, profile_id: int) -> tuple[int, int]:
        """How many orders count, and their net sum."""
        with self.inside():
            row = ProfileTotal.objects.filter(profile_id=profile_id, currency="EUR").first()
        return (row.orders, row.net_minor) if row else (0, 0)

    def merges(self) -> list[Merge]:
        with self.inside():
            return list(Merge.objects.order_by("pk"))

    def reviews(self) -> list[str]:
        with self.inside():
            return sorted(Review.objects.values_list("kind", flat=True))

    def snapshot(self) -> dict[str, Any]:
        with self.inside():
            return snapshot.take(self.organization)


def broken(people: People) -> list[str]:
    """What is not as it must be after any history, a sentence each."""
    with people.inside():
        return [*_redirects(), *_rows_of_the_absorbed(), *_totals(), *_strengths(), *_orders()]


def _redirects() -> list[str]:
    two_hops = Profile.objects.filter(merged_into__merged_into__isnull=False)
    upwards = Profile.objects.filter(merged_into__gte=F("pk"))
    return [f"customer {pk} is not one hop from its survivor" for pk in two_hops.values_list("pk", flat=True)] + [
        f"customer {pk} was merged into a younger one" for pk in upwards.values_list("pk", flat=True)
    ]


def _rows_of_the_absorbed() -> list[str]:
    found = []
    for model, field in merges.moving_fields():
        if model is not Profile:
            rows = model._base_manager.filter(**{f"{field.name}__merged_into__isnull": False})
            found += [
                f"{model.__name__} {pk} belongs to an absorbed customer" for pk in rows.values_list("pk", flat=True)
            ]
    return found


def _totals() -> list[str]:
    columns = ["profile_id", "currency", *statistics.COLUMNS]
    with connection.cursor() as cursor:
        cursor.execute(statistics.RECOUNT, [list(Profile.objects.values_list("pk", flat=True))])
        names = [column.name for column in cursor.description]
        counted = {tuple(dict(zip(names, row, strict=True))[name] for name in columns) for row in cursor.fetchall()}
    kept = set(ProfileTotal.objects.values_list(*columns))
    return [f"totals differ: kept {kept - counted}, counted {counted - kept}"] if kept != counted else []


def _strengths() -> list[str]:
    kinds: dict[int, set[str]] = {}
    set_rules = rules.read(Organization.objects.get().identity)
    for profile_id, key in Identifier.objects.filter(status="active").values_list("profile_id", "kind"):
        kinds.setdefault(profile_id, set()).add(key)
    rows = Profile.objects.values_list("pk", "strength")
    return [
        f"customer {pk} has the strength {strength}"
        for pk, strength in rows
        if strength != set_rules.strength(kinds.get(pk, set()))
    ]


def _orders() -> list[str]:
    """Each identifier that an order bears belongs to somebody, and the order to somebody who has one of them.

    Unless it is shared or blocked; one that was cut stays with the last facts that bear it. What a person has to look
    at may bear one that nobody has.
    """
    rows = Identifier.objects.all()
    owner = {f"{row.kind}:{row.value}": row.profile_id for row in rows if row.profile_id}
    aside = {f"{row.kind}:{row.value}" for row in rows if row.profile_id is None}
    found = []
    for order in Order.objects.all():
        usable = [key for key in order.identifiers if key not in aside]
        owners = {owner.get(key) for key in usable}
        if order.settled_identifiers != order.identifiers:
            found.append(f"{order.external_id} is not settled")
        elif bool(usable) != (order.profile_id is not None):
            found.append(f"{order.external_id} has no customer, or one without anything to know them by")
        elif None in owners and not order.provisional:
            found.append(f"{order.external_id} bears an identifier that nobody has")
        elif usable and order.profile_id not in owners:
            found.append(f"{order.external_id} belongs to somebody with none of its identifiers")
    return found


def facts_of(people: People) -> dict[str, Any]:
    """The snapshot without what a person still has to decide, which an undo may add to."""
    return {name: value for name, value in people.snapshot().items() if name != "reviews"}
