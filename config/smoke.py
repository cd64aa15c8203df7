"""A purchase and a claim from end to end on the configured parts, in test mode, link by link (SPEC FUL-12).

What it makes is marked as a test and counts in no total. The customer's side goes through the application itself, the
work is left to the workers that run: what is broken is told by the name of the link that broke.
"""

import io
import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from config import inside
from fulfillment import storages
from fulfillment.actions import assets, claims, entitlements, invitations, links
from fulfillment.models import Asset, Claim, Email, Entitlement, Job
from orders.actions import channels, products
from orders.models import Channel, Delivery, Order
from orders.providers import standard
from profiles import clock, tenancy
from profiles.actors import Actor
from profiles.models import Organization, Profile

BY = Actor.system("smoke test")
DOMAIN = "smoke-test"
SKU = "SMOKE-TEST"
CONTENT = b"%PDF-1.4\n% A file of nobody's customer, by which a smoke test sees that files arrive whole.\n%%EOF\n"
ADDRESS = "smoke-test@aftersale.example"
POLL_SECONDS = 0.2


class Broken(Exception):
    """A link of the chain does not hold; `link` names it, the sentence says what was seen."""

    def __init__(self, link: str, sentence: str) -> None:
        super().__init__(sentence)
        self.link = link


@dataclass(frozen=True, slots=True)
class Held:
    """A link that holds: what was seen and how many seconds it took."""

    link: str
    told: str
    seconds: float


@dataclass
class Smoke:
    """One run for one organization; `mark` tells its rows from those of every other run."""

    organization_id: int
    email: str = ADDRESS
    patience: float = 30.0
    mark: str = field(default_factory=lambda: secrets.token_hex(6))
    order_id: int = 0
    entitlement_id: int = 0
    profile_id: int = 0
    cookies: str = ""

    def purchase(self) -> Iterator[Held]:
        """Each link as it holds, in the order a purchase passes them; raises Broken at the first that does not."""
        yield from self._each(*self._bought(), ("download", self.download), ("revocation", self.revocation))

    def claim(self) -> Iterator[Held]:
        """The same for a guest who claims: invitation, sign-in mail, library, file; raises Broken."""
        local, _, domain = self.email.rpartition("@")
        self.email = f"{local}+{self.mark}@{domain}"  # who claimed before is no guest any more
        yield from self._each(
            *self._bought(),
            ("invitation", self.invitation),
            ("sign-in mail", self.sign_in_mail),
            ("claim", self.confirm),
            ("library", self.library),
            ("revocation", self.revocation),
        )

    def _bought(self) -> tuple[tuple[str, Callable[[], str]], ...]:
        return (
            ("database", self.database),
            ("storage", self.storage),
            ("intake", self.intake),
            ("worker", self.worker),
            ("order", self.order),
            ("delivery", self.delivery),
            ("mail", self.mail),
        )

    def _each(self, *steps: tuple[str, Callable[[], str]]) -> Iterator[Held]:
        for name, step in steps:
            began = time.monotonic()
            try:
                told = step()
            except DatabaseError as error:
                raise Broken("database", f"{type(error).__name__}: {str(error).strip().splitlines()[0]}") from error
            yield Held(name, told, round(time.monotonic() - began, 2))

    # The links --------------------------------------------------------------------------------------------------

    def database(self) -> str:
        """It answers, and its tables are those of this edition."""
        missing = MigrationExecutor(connection).migration_plan(MigrationExecutor(connection).loader.graph.leaf_nodes())
        if missing:
            raise Broken("database", f"{len(missing)} migrations are missing: run manage.py migrate.")
        return "answers, with every migration"

    def storage(self) -> str:
        """A file of ours can be stored, and every store gives it back whole."""
        with self._inside() as organization:
            product = products.add(
                organization=organization,
                sku=SKU,
                title="Smoke test",
                kind="ebook",
                price="1.00",
                currency="EUR",
                by=BY,
            )
            try:
                asset = assets.add(product, io.BytesIO(CONTENT), filename="smoke-test.pdf", by=BY)
                asset = assets.restore(asset, io.BytesIO(CONTENT))  # the stores may be others than the last time
            except storages.StoreFailed as error:
                raise Broken("storage", str(error)) from error
        seen = []
        for alias in storages.aliases(asset.in_second):
            found = storages.inspect(alias, asset.path, thorough=True)
            if isinstance(found, storages.Unreachable):
                raise Broken("storage", f"The store {alias} does not answer: {found.reason}")
            if not isinstance(found, storages.Found) or found.checksum != asset.sha256:
                raise Broken("storage", f"The store {alias} does not give back what was stored ({asset.path}).")
            seen.append(alias)
        return f"{len(CONTENT)} bytes came back whole from {', '.join(seen)}"

    def intake(self) -> str:
        """A signed delivery of a paid test order is taken."""
        with self._inside() as organization:
            channel = Channel.objects.filter(kind="api", domain=DOMAIN).first() or channels.connect(
                organization, kind="api", domain=DOMAIN, calls_provider=False, by=BY
            )
            path, secret = channel.webhook_path, channel.secret
        body = json.dumps(self._sale()).encode()
        headers = standard.headers([secret], message_id=f"smoke-{self.mark}", timestamp=int(time.time()), body=body)
        answer = inside.call("POST", path, body=body, headers={"content-type": "application/json", **headers})
        if answer.status != 200:
            raise Broken("intake", f"A signed delivery was answered {answer.status}: {answer.body[:200]!r}")
        return "a signed delivery was stored and answered 200"

    def worker(self) -> str:
        """Somebody works: the delivery is taken up."""

        def taken() -> Delivery | None:
            row = Delivery.objects.filter(channel__domain=DOMAIN, delivery_id=f"smoke-{self.mark}").first()
            return None if row is None or row.state in (Delivery.State.QUEUED, Delivery.State.CLAIMED) else row

        row = self._await(taken)
        if row is None:
            raise Broken(
                "worker",
                f"The delivery is stored and nobody took it up within {self.patience:g} s."
                " Is manage.py run or manage.py work running?",
            )
        if row.state != Delivery.State.DONE:
            raise Broken("worker", f"The delivery was set aside: {row.reason}")
        return "took the delivery up"

    def order(self) -> str:
        """It became a paid test order of a customer, who got the right to the product."""

        def granted() -> Entitlement | None:
            return (
                Entitlement.objects.select_related("order")
                .filter(order__channel__domain=DOMAIN, order__external_id=self.mark)
                .first()
            )

        right = self._await(granted)
        if right is None:
            with self._inside():
                order = Order.objects.filter(channel__domain=DOMAIN, external_id=self.mark).first()
            seen = "there is no order" if order is None else f"the order is {order.get_payment_status_display()}"
            raise Broken("order", f"Nothing was granted within {self.patience:g} s; {seen}.")
        assert right.order is not None
        if not right.order.test:
            raise Broken("order", "The order is not marked as a test.")
        self.order_id, self.entitlement_id = right.order.pk, right.pk
        return f"granted ({right.get_status_display().lower()}), marked as a test"

    def delivery(self) -> str:
        """The job found its file and wrote its mail."""

        def beyond() -> Job | None:
            job = Job.objects.get(entitlement=self.entitlement_id)
            return None if job.state in Job.DUE else job

        job = self._await(beyond)
        if job is None:
            with self._inside():
                job = Job.objects.get(entitlement=self.entitlement_id)
            link = "storage" if job.state == Job.State.PENDING_STORAGE else "worker"
            raise Broken(link, f"{job.get_state_display()}: {job.last_error or 'nobody took the job up'}")
        if job.state in (Job.State.FAILED, Job.State.CANCELLED):
            raise Broken("delivery", f"{job.get_state_display()}: {job.last_error}")
        return "links made, mail written"

    def mail(self) -> str:
        """A provider took the receipt, or it is kept where there is none."""

        def decided() -> Email | None:
            row = self._receipt()
            waiting = row is None or (
                row.state in (Email.State.QUEUED, Email.State.CLAIMED) and not (row.attempts and row.last_error)
            )
            return None if waiting else row

        row = self._await(decided)
        if row is None:
            raise Broken("mail", f"No receipt was handed to a provider within {self.patience:g} s.")
        if row.state not in (Email.State.SENT, Email.State.KEPT):
            raise Broken("mail", f"{row.get_state_display()}: {row.last_error or row.provider}")
        kept = row.state == Email.State.KEPT
        return "kept in the database: no provider is configured" if kept else f"taken by {row.provider}"

    def download(self) -> str:
        """The link's page opens, its button leads to the file, and the file is whole."""
        with self._inside():
            given = links.make_temporary(
                Entitlement.objects.select_related("product", "order").get(pk=self.entitlement_id),
                by=BY,
                because="Smoke test",
            )
        path = urlsplit(given.url).path
        page = inside.call("GET", path)
        if page.status != 200:
            raise Broken("download", f"The link's page answered {page.status}.")
        pressed = inside.call("POST", path, headers={"content-type": "application/x-www-form-urlencoded"})
        if pressed.status != 303:
            raise Broken("storage" if pressed.status == 503 else "download", f"The button answered {pressed.status}.")
        return self._fetched(pressed.headers["location"])

    def _fetched(self, location: str) -> str:
        """The file as the customer's browser gets it."""
        got = inside.call("GET", urlsplit(location).path)
        status, body = got.status, got.body
        if status == 302:
            try:
                answer = httpx.get(got.headers["location"], timeout=15, trust_env=False)
            except httpx.HTTPError as error:
                raise Broken("storage", f"The file's address does not answer: {type(error).__name__}.") from error
            status, body = answer.status_code, answer.content
        if status != 200 or body != CONTENT:
            raise Broken("storage", f"The file came back as {status} with {len(body)} bytes of {len(CONTENT)}.")
        return f"{len(body)} bytes, as they were stored"

    def invitation(self) -> str:
        """A guest's invitation opens its page, however often it is looked at, and its button mails a sign-in link."""
        with self._inside():
            right = Entitlement.objects.get(pk=self.entitlement_id)
            if right.status != Entitlement.Status.PENDING_CLAIM:
                raise Broken("invitation", f"The guest's right is {right.get_status_display().lower()}.")
            row = Claim.objects.filter(profile=right.profile_id, kind=Claim.Kind.INVITATION).first()
            if row is None:
                raise Broken("invitation", "The receipt invited nobody.")
            fresh = Claim(
                organization_id=row.organization_id,
                kind=Claim.Kind.INVITATION,
                profile_id=right.profile_id,
                to=row.to,
                created_at=clock.now(),
            )
            (issued,) = invitations.make([fresh])
            self.profile_id = right.profile_id
        path = urlsplit(issued.url).path
        for method in ("HEAD", "GET", "GET"):
            if (status := inside.call(method, path).status) != 200:
                raise Broken("invitation", f"Its page answered {status}.")
        if (status := inside.call("POST", path).status) not in (200, 303):
            raise Broken("invitation", f"Its button answered {status}.")
        return "opens, and its button asks for a sign-in link"

    def sign_in_mail(self) -> str:
        """A provider took the sign-in link, or it is kept where there is none."""

        def decided() -> Email | None:
            row = Email.objects.filter(profile=self.profile_id, template=Email.Template.CLAIM).first()
            waits = row is None or (row.state in (Email.State.QUEUED, Email.State.CLAIMED) and not row.last_error)
            return None if waits else row

        row = self._await(decided)
        if row is None or row.state not in (Email.State.SENT, Email.State.KEPT):
            raise Broken("mail", (row.last_error if row else "") or "The sign-in link was handed to no provider.")
        return "kept in the database" if row.state == Email.State.KEPT else f"taken by {row.provider}"

    def confirm(self) -> str:
        """The link's button opens the library once; a second press of it does not."""
        with self._inside():
            profile = Profile.objects.get(pk=self.profile_id)
            issued = claims.begin(profile, Claim.Kind.SIGN_IN, asker=claims.Asker("", "smoke test", None))
        if issued is None:
            raise Broken("claim", "No sign-in link was made.")
        path = urlsplit(issued.url).path
        if (status := inside.call("GET", path).status) != 200:
            raise Broken("claim", f"The sign-in page answered {status}.")
        opened = inside.call("POST", path)
        if opened.status != 303 or not opened.cookies:
            raise Broken("claim", f"Its button answered {opened.status}.")
        self.cookies = "; ".join(f"{name}={value}" for name, value in opened.cookies.items())
        if (status := inside.call("POST", path).status) != 410:
            raise Broken("claim", f"A used sign-in link answered {status}, not 410.")

        def active() -> Entitlement | None:
            return Entitlement.objects.filter(pk=self.entitlement_id, status=Entitlement.Status.ACTIVE).first()

        if self._await(active) is None:
            raise Broken("claim", f"The right did not become active within {self.patience:g} s.")
        return "the customer is known, the right is active"

    def library(self) -> str:
        """The library shows what was bought, and its button leads to the file."""
        with self._inside() as organization:
            slug = organization.slug
            asset_id = Asset.objects.get(product__sku=SKU, current=True).pk
        headers = {"cookie": self.cookies}
        page = inside.call("GET", f"/library/{slug}/", headers=headers)
        if page.status != 200 or b"Smoke test" not in page.body:
            raise Broken("library", f"The library answered {page.status} without what was bought.")
        pressed = inside.call("POST", f"/library/{slug}/file/{self.entitlement_id}/{asset_id}", headers=headers)
        if pressed.status != 303:
            raise Broken("storage" if pressed.status == 503 else "library", f"The button answered {pressed.status}.")
        return self._fetched(pressed.headers["location"])

    def revocation(self) -> str:
        """The right is taken back, and a link given out before is dead at once."""
        with self._inside():
            right = Entitlement.objects.select_related("product", "order").get(pk=self.entitlement_id)
            given = links.make_temporary(right, by=BY, because="Smoke test")
            entitlements.revoke(right, by=BY, because="End of the smoke test")
        status = inside.call("GET", urlsplit(given.url).path).status
        if status != 410:
            raise Broken("revocation", f"A revoked link's page answered {status}, not 410.")
        return "the link died with the right"

    # What they use ----------------------------------------------------------------------------------------------

    @contextmanager
    def _inside(self) -> Iterator[Organization]:
        """The organization's context for one look, with the organization itself."""
        with tenancy.organization(self.organization_id):
            yield Organization.objects.get(pk=self.organization_id)

    def _await(self, look: Callable[[], Any]) -> Any:
        """What `look` finds, as soon as it finds something; None when patience is over."""
        deadline = time.monotonic() + self.patience
        while True:
            with self._inside():
                found = look()
            if found is not None or time.monotonic() > deadline:
                return found
            time.sleep(POLL_SECONDS)

    def _receipt(self) -> Email | None:
        return Email.objects.filter(order=self.order_id, template=Email.Template.RECEIPT).first()

    def _sale(self) -> dict[str, Any]:
        return {
            "external_id": self.mark,
            "number": f"SMOKE-{self.mark}",
            "payment_status": "paid",
            "currency": "EUR",
            "total": "1.00",
            "placed_at": clock.now().isoformat(),
            "test": True,
            "customer": {"email": self.email, "name": "Smoke Test"},
            "lines": [{"sku": SKU, "title": "Smoke test", "quantity": 1, "total": "1.00"}],
        }
