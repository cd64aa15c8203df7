"""Dialogs about what was bought: mail it again, a temporary link, again, grant, revoke, restore, another address."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.http import HttpRequest

from fulfillment import followups as rules
from fulfillment.actions import (
    corrections,
    delivery_addresses,
    emails,
    entitlements,
    given_services,
    jobs,
    links,
    suppressions,
)
from fulfillment.models import DownloadLink, Email, Entitlement, Job, Reach
from orders.models import Order, Product
from profiles import clock
from profiles.actors import Invalid
from profiles.models import Profile
from support.admin.base import address_of, masked
from support.admin.dialogs import Ask, Dialog, Done, Press, registered
from support.admin.lists import counted

OF_ENTITLEMENT = ("product", "order__channel", "profile", "organization")
PRODUCTS_LISTED = 300


def about_of(entitlement: Entitlement) -> str:
    of = f", order {entitlement.order}" if entitlement.order else ""
    return f"{entitlement.product.sku} · {entitlement.product.title}{of}"


def _live(entitlement: Entitlement) -> int:
    rows = DownloadLink.objects.filter(entitlement=entitlement, revoked_at__isnull=True, expires_at__gt=clock.now())
    return rows.count()


def _links(count: int) -> str:
    return f"{count} link" if count == 1 else f"{count} links"


class AskResend(Ask):
    to = forms.EmailField(
        label="Corrected address",
        max_length=320,
        required=False,
        help_text="For this order's mail from now on. Left empty, the same address is tried again.",
    )


@registered
class Resend(Dialog):
    name, permission, title, button = "resend", "resend", "Resend the link", "Resend"
    model, related = Entitlement, OF_ENTITLEMENT
    form = AskResend

    def about(self, subject: Entitlement) -> str:
        return about_of(subject)

    def cannot(self, subject: Entitlement) -> str:
        if not subject.downloadable:
            return f"There is nothing to resend: {subject.because}."
        return (
            ""
            if emails.address(subject)
            else "There is no usable address on record: correct the delivery e-mail first."
        )

    def prepare(self, form: AskResend, subject: Entitlement, request: HttpRequest) -> None:
        if subject.order_id is None or not self._came_back(subject):
            form.fields.pop("to")  # nothing speaks against the address on record
        elif not form.is_bound:
            row = Reach.objects.filter(order=subject.order_id).first()
            form.initial["to"] = masked(row.suggestion, request) if row else ""

    def _came_back(self, subject: Entitlement) -> bool:
        return bool(suppressions.undeliverable([emails.address(subject)]))

    def will(self, subject: Entitlement, request: HttpRequest) -> list[str]:
        to = masked(emails.address(subject), request)
        warned = [f"Mail to {to} came back: correct the address first."] if self._came_back(subject) else []
        hours = int(
            (links.IMAGE_FOR if subject.product.kind == Product.Kind.IMAGE else links.MAILED_FOR).total_seconds()
        )
        return [
            *warned,
            f"1 e-mail goes to {to}{', or to the corrected address' if warned else ''}.",
            f"1 new link, good for {hours // 3600} hours.",
            *([f"{_links(live)} given out before: good until expiry."] if (live := _live(subject)) else []),
        ]

    def do(self, subject: Entitlement, press: Press) -> Done:
        to = press.data.get("to")
        if to and subject.order is not None:
            subject.order = delivery_addresses.change(subject.order, to, by=press.by, because=press.because)
        mail = emails.resend(subject, by=press.by, because=press.because, key=press.key)
        return Done(f"1 e-mail with a new link is on its way to {mail.to}.")


@registered
class TemporaryLink(Dialog):
    name, permission, title, button = "temporary_link", "temporary_link", "Make a temporary link", "Temporary link"
    model, related = Entitlement, OF_ENTITLEMENT
    inverse = "Revoke the access, or let it expire."

    def about(self, subject: Entitlement) -> str:
        return about_of(subject)

    def cannot(self, subject: Entitlement) -> str:
        return "" if subject.downloadable else f"It cannot be downloaded: {subject.because}."

    def will(self, subject: Entitlement, request: HttpRequest) -> list[str]:
        return ["1 link, good for 24 hours, shown to you once.", "No e-mail is sent: paste it into the chat."]

    def do(self, subject: Entitlement, press: Press) -> Done:
        given = links.make_temporary(subject, by=press.by, because=press.because)
        until = f"{given.link.expires_at:%-d %b %Y, %H:%M} UTC"
        return Done("Temporary link made.", shown=given.url, note=f"Works until {until}. It is not shown again.")


@registered
class Retry(Dialog):
    name, permission, title, button = "retry", "retry", "Try the delivery again", "Retry"
    model, related = Job, ("entitlement__product", "entitlement__order")

    def about(self, subject: Job) -> str:
        return about_of(subject.entitlement)

    def cannot(self, subject: Job) -> str:
        if subject.state == Job.State.COMPLETED:
            return "It is delivered. To mail the link again, use Resend."
        return (
            "" if subject.entitlement.downloadable else f"There is nothing to deliver: {subject.entitlement.because}."
        )

    def will(self, subject: Job, request: HttpRequest) -> list[str]:
        so_far = f"{subject.attempts} tries so far" + (f": {subject.last_error}" if subject.last_error else ".")
        return ["1 job starts again from the beginning, now.", so_far]

    def do(self, subject: Job, press: Press) -> Done:
        jobs.retry(subject, by=press.by, because=press.because)
        return Done("1 job was queued again; it starts within seconds.")


@registered
class Revoke(Dialog):
    name, permission, title, button, danger = "revoke", "revoke", "Revoke access", "Revoke", True
    model, related = Entitlement, OF_ENTITLEMENT
    inverse = "Restore gives it back; dead links stay dead."

    def about(self, subject: Entitlement) -> str:
        return about_of(subject)

    def cannot(self, subject: Entitlement) -> str:
        return f"It is revoked already: {subject.because}." if subject.status == Entitlement.Status.REVOKED else ""

    def will(self, subject: Entitlement, request: HttpRequest) -> list[str]:
        name = masked(str(subject.profile), request)
        said = [f"{name} can no longer download {subject.product.sku}.", f"{_links(_live(subject))} die at once."]
        if subject.line_id is None:
            said.append("Follow-ups planned after this gift are stopped, unless more was given with it.")
        return said

    def do(self, subject: Entitlement, press: Press) -> Done:
        dead = entitlements.revoke(subject, by=press.by, because=press.because)
        return Done(f"Revoked. {_links(dead)} {'is' if dead == 1 else 'are'} dead.")


@registered
class Restore(Dialog):
    name, permission, title, button = "restore", "restore", "Restore access", "Restore"
    model, related = Entitlement, OF_ENTITLEMENT
    inverse = "Revoke takes it away again."

    def about(self, subject: Entitlement) -> str:
        return about_of(subject)

    def cannot(self, subject: Entitlement) -> str:
        return f"It is {subject.get_status_display().lower()} already." if subject.downloadable else ""

    def will(self, subject: Entitlement, request: HttpRequest) -> list[str]:
        said = [
            f"{masked(str(subject.profile), request)} may download {subject.product.sku} again.",
            "Links that died stay dead: resend one.",
        ]
        if subject.decision != Entitlement.Decision.REVOKED:
            said.append(f"The facts say otherwise ({subject.because}); your word stands against them.")
        return said

    def do(self, subject: Entitlement, press: Press) -> Done:
        entitlements.restore(subject, by=press.by, because=press.because)
        return Done(f"Restored. {subject.product.sku} can be downloaded again by 1 customer.")


class AskProduct(Ask):
    product = forms.ModelChoiceField(
        Product.objects.none(),
        label="Product",
        empty_label="Choose a product",
        help_text="Digital products and services; a bundle is granted by its parts.",
    )

    def take_products(self) -> None:
        field: Any = self.fields["product"]
        kinds = (*entitlements.DIGITAL, Product.Kind.SERVICE)
        field.queryset = Product.objects.filter(kind__in=kinds).order_by("sku")[:PRODUCTS_LISTED]
        # A sliced queryset cannot be looked up in: the chosen one is found among the listed.
        listed = list(field.queryset)
        field.queryset = Product.objects.filter(pk__in=[row.pk for row in listed]).order_by("sku")
        field.label_from_instance = _named


def _named(product: Product) -> str:
    service = " (service)" if product.kind == Product.Kind.SERVICE else ""
    return f"{product.sku} · {product.title}{service}"


class Granting(Dialog):
    """Give a digital product or a service by hand."""

    permission, title, button = "grant", "Grant a product", "Grant a product"
    form = AskProduct
    inverse = "Revoke takes it away again; a service is withdrawn."

    def prepare(self, form: AskProduct, subject: Any, request: HttpRequest) -> None:
        form.take_products()

    def will(self, subject: Any, request: HttpRequest) -> list[str]:
        policy = rules.read(request.organization.policies)  # type: ignore[attr-defined]
        said = [
            "1 entitlement, active at once, without payment.",
            "1 e-mail with a link, where there is an address.",
            f"{_planned(rules.planned_for_gift(policy))}.",
        ]
        if not Product.objects.filter(kind=Product.Kind.SERVICE).exists():
            return said
        kinds = rules.planned(digital=False, offered=frozenset(), policy=policy)
        hours = policy.of(rules.Kind.KICKOFF).hours
        form = f"; its form goes out in {counted(hours, 'hour')}" if rules.Kind.KICKOFF in kinds else ""
        return [*said, f"Of a service instead: 1 service opened, without payment{form}. {_planned(kinds)}."]

    def grant(self, profile: Profile, order: Order | None, press: Press) -> Done:
        product = press.data["product"]
        if product.kind == Product.Kind.SERVICE:
            given_services.give(profile, product, by=press.by, because=press.because, key=press.key, order=order)
            return Done(f"1 service given: {product.sku}. See it under Services on this page.")
        entitlements.grant(profile, product, by=press.by, because=press.because, key=press.key, order=order)
        return Done(f"1 entitlement granted: {product.sku}. Its e-mail follows.")


def _planned(kinds: Sequence[rules.Kind]) -> str:
    names = ", ".join(rules.KINDS[kind].lower() for kind in kinds)
    return f"{counted(len(kinds), 'follow-up')} planned{f': {names}' if names else ''}"


@registered
class Grant(Granting):
    name, model = "grant", Profile

    def do(self, subject: Profile, press: Press) -> Done:
        return self.grant(subject, None, press)


@registered
class GrantForOrder(Granting):
    name, model, related = "grant_for_order", Order, ("channel", "profile")

    def about(self, subject: Order) -> str:
        return f"Order {subject}, for its customer"

    def cannot(self, subject: Order) -> str:
        return "" if subject.profile_id else "The order has no customer yet: link it to one first."

    def do(self, subject: Order, press: Press) -> Done:
        if subject.profile is None:
            raise Invalid("The order has no customer yet: link it to one first.")
        return self.grant(subject.profile, subject, press)


class AskAddress(Ask):
    to = forms.EmailField(
        label="Deliver to", max_length=320, help_text="For this order's mail only; the customer's own address stays."
    )
    resend = forms.BooleanField(label="Mail its links there now", required=False, initial=True)


@registered
class ChangeDeliveryEmail(Dialog):
    name, permission, model, related = (
        "change_delivery_email",
        "change_delivery_email",
        Order,
        ("channel", "profile", "organization"),
    )
    title, button = "Correct the delivery e-mail", "Correct e-mail"
    form = AskAddress
    inverse = "Correct it back the same way."

    def about(self, subject: Order) -> str:
        return f"Order {subject}"

    def prepare(self, form: AskAddress, subject: Order, request: HttpRequest) -> None:
        if not form.is_bound:
            bounced = Email.objects.filter(order=subject, bounced_at__isnull=False).exists()
            form.initial["to"] = "" if bounced else masked(subject.mail_to, request)

    def will(self, subject: Order, request: HttpRequest) -> list[str]:
        owned = self._owned(subject).count()
        waiting = Email.objects.filter(order=subject, state=Email.State.QUEUED).count()
        return [
            f"Mail of this order goes to the new address; so far {masked(subject.mail_to, request) or 'nowhere'}.",
            *([f"{waiting} waiting {'e-mail is' if waiting == 1 else 'e-mails are'} redirected."] if waiting else []),
            f"{_links(owned)} can be mailed there at once.",
        ]

    def do(self, subject: Order, press: Press) -> Done:
        to = press.data["to"]
        sent = corrections.correct(
            subject, to, by=press.by, because=press.because, key=press.key, mail=press.data["resend"]
        )
        mailed = f" {sent} {'e-mail is' if sent == 1 else 'e-mails are'} on the way." if sent else ""
        return Done(f"Mail of this order goes to {to} now.{mailed}", url=address_of(subject, subject.pk))

    def _owned(self, order: Order) -> Any:
        return Entitlement.objects.filter(order=order, status__in=Entitlement.DOWNLOADABLE)
