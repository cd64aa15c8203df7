"""manage.py deliver: enter an order by hand and deliver it, through the same pipeline as every other."""

import hashlib
import json
from typing import Any

from django.core.management import CommandError
from django.db import IntegrityError

from config import settling
from config.commands import OrganizationCommand
from fulfillment.models import Email, Entitlement, Job
from orders import money
from orders.actions import channels, manual
from orders.messages import Unusable
from orders.models import Line, Order, Product
from profiles import clock, identifiers, tenancy
from profiles.actions import organizations
from profiles.actors import Actor, Invalid, Refusal
from profiles.models import Organization

BY = Actor.system("command line")


class OtherFacts(Refusal):
    """An order of this number is known, and it says something else."""


class Command(OrganizationCommand):
    help = (
        "Enter a paid order on api:manual and deliver it; the same again changes nothing. Example:"
        " deliver --organization lantern --order 1001 --sku E-1 --email maya@example.org --amount 39.00"
    )

    def add_arguments(self, parser: Any) -> None:
        super().add_arguments(parser)
        parser.add_argument("--order", required=True, dest="number", help="the order's number; made when there is none")
        parser.add_argument("--sku", required=True)
        parser.add_argument("--email", required=True, help="who bought it, and gets the link")
        parser.add_argument("--amount", required=True, help="what was paid, as 39.00")
        parser.add_argument("--currency", help="ISO 4217 (the product's, else the organization's)")

    def run(self, **options: Any) -> None:
        organization_id = organizations.find(options["organization_slug"])
        try:
            with tenancy.organization(organization_id):
                order_id, created = self._enter(Organization.objects.get(pk=organization_id), **options)
        except Unusable as unusable:
            raise CommandError(str(unusable)) from unusable
        except IntegrityError:
            raise CommandError("The same order is being entered elsewhere at this moment: try again.") from None
        settling.work(organization_id)
        with tenancy.organization(organization_id):
            self._tell(order_id, created)

    def _enter(self, organization: Organization, **options: Any) -> tuple[int, bool]:
        product = Product.objects.filter(sku=options["sku"]).first()
        if product is None:
            raise Invalid(f"There is no product {options['sku']}: add it with add_product.")
        email = identifiers.mailable(options["email"])
        if email is None:
            raise Invalid(f"{options['email']} is not one usable e-mail address.")
        currency = (options["currency"] or product.currency or organization.currency).upper()
        wanted = {
            "external_id": options["number"],
            "number": options["number"],
            "currency": currency,
            "total": money.to_text(money.to_minor(options["amount"], currency), currency),
            "lines": [{"sku": product.sku, "title": product.title, "quantity": 1}],
            "customer": {"email": email},
            "payment_status": "paid",
        }
        channel = channels.built_in(organization)
        known = Order.objects.filter(channel=channel, external_id=options["number"]).first()
        if known is not None:
            _must_agree(known, wanted)
            if known.channel_paid:
                return known.pk, False
        mark = hashlib.sha256(json.dumps([wanted, known is None]).encode()).hexdigest()
        wanted["placed_at"] = (known.placed_at if known else clock.now()).isoformat()
        if known is not None:
            wanted["updated_at"] = clock.now().isoformat()
        body = json.dumps(wanted).encode()
        order = manual.record(wanted, organization=organization, by=BY, body=body, delivery_id=f"deliver-{mark}")
        return order.pk, known is None

    def _tell(self, order_id: int, created: bool) -> None:
        order = Order.objects.select_related("channel").get(pk=order_id)
        rights = list(Entitlement.objects.filter(order=order).select_related("product"))
        jobs = {job.entitlement_id: job for job in Job.objects.filter(entitlement__in=rights)}
        mails = Email.objects.filter(order=order).order_by("pk")
        document = {
            "order": order.external_id,
            "channel": order.channel.label,
            "created": created,
            "payment_status": order.payment_status,
            "entitlements": [
                {"sku": right.product.sku, "status": right.status, "delivery": jobs[right.pk].state}
                for right in rights
                if right.pk in jobs
            ],
            "emails": [{"to": mail.to, "template": mail.template, "state": mail.state} for mail in mails],
        }
        words = [f"Order {order}: {'entered' if created else 'known already'}, {order.get_payment_status_display()}."]
        for right in rights:
            job = jobs.get(right.pk)
            what = job.get_state_display().lower() if job else "nothing to deliver"
            words.append(f"{right.product.sku}: {what}. {job.last_error if job else ''}".strip())
        words += [f"{mail.get_template_display()} to {mail.to}: {mail.get_state_display().lower()}." for mail in mails]
        self.say("\n".join(words), document)


def _must_agree(known: Order, wanted: dict[str, Any]) -> None:
    """Raises OtherFacts where the known order is not the one that was asked for."""
    has = {
        "amount": f"{money.to_text(known.total_minor, known.currency)} {known.currency}",
        "SKU": ", ".join(Line.objects.filter(order=known, removed=False).values_list("sku", flat=True)),
        "e-mail": identifiers.mailable(known.email_raw) or known.email_raw,
    }
    asked = {
        "amount": f"{wanted['total']} {wanted['currency']}",
        "SKU": wanted["lines"][0]["sku"],
        "e-mail": wanted["customer"]["email"],
    }
    for name, value in has.items():
        if value != asked[name]:
            raise OtherFacts(
                f"There is an order {known} with another {name}: {value or 'none'}, and not {asked[name]}."
            )
