"""The desk the tests sit at: an organization with one purchase, and who signs in there."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from fulfillment.models import Entitlement
from orders.models import Order
from profiles.actions import organizations
from profiles.actors import Actor
from profiles.models import AuditEntry, Profile
from tests.stage import BY, Stage, sample

Sign = Callable[..., Client]


def sign_in(stage: Stage, role: str, **options: Any) -> Client:
    """Somebody new of this role in the stage's organization, at the desk."""
    user = User.objects.create_user(f"{role}.{stage.slug}.{User.objects.count()}", is_staff=True)
    with stage.inside():
        organizations.add_member(stage.organization, user, role, by=BY)
    client = Client(**options)
    client.force_login(user)
    return client


def member(stage: Stage, name: str, role: str) -> Actor:
    """Somebody new of this role in the stage's organization, as who does an act."""
    user = User.objects.create_user(name, is_staff=True)
    with stage.inside():
        organizations.add_member(stage.organization, user, role, by=BY)
    return Actor(label=name.title(), role=role, user_id=user.pk)


@dataclass
class Desk:
    """The stage with one paid order on it, and the rows its pages are about."""

    stage: Stage

    def __post_init__(self) -> None:
        self.buy()
        with self.stage.inside():
            self.order = Order.objects.get()
            self.entitlement = Entitlement.objects.filter(order=self.order).order_by("pk").first()
            self.profile = Profile.objects.get()
        assert self.entitlement is not None

    def buy(self, **changes: Any) -> None:
        """One more order, of another customer where `changes` say so."""
        body = sample("shopify/orders-paid.json")
        body.update(changes)
        assert self.stage.post("shopify", body, topic="orders/paid", delivery=str(body["id"])).status_code == 200
        self.stage.work()

    def inside(self) -> Any:
        return self.stage.inside()

    def url(self, name: str, *args: Any) -> str:
        return reverse(f"admin:{name}", args=args)

    @property
    def order_url(self) -> str:
        return self.url("orders_order_change", self.order.pk)

    @property
    def profile_url(self) -> str:
        return self.url("profiles_profile_change", self.profile.pk)

    def act(self, name: str, subject_id: int) -> str:
        return reverse("admin:dialog", kwargs={"name": name, "subject_id": subject_id})

    def press(self, client: Client, name: str, subject_id: int, **data: Any) -> Any:
        """Open the dialog, then press its button with the key it was drawn with."""
        url = self.act(name, subject_id)
        opened = client.get(url)
        assert opened.status_code == 200, opened.content
        data = {"because": "the customer asked", "act": str(opened.context["form"]["act"].value()), **data}
        return client.post(url, data, headers={"Referer": f"http://testserver{self.order_url}"})

    def acts(self, action: str) -> list[AuditEntry]:
        with self.inside():
            return list(AuditEntry.objects.filter(action=action))
