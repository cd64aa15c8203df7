"""Dialogs about libraries: mail the claim link, remind those who never came, begin a change of address."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.http import HttpRequest

from fulfillment.actions import claims, reminders
from fulfillment.models import Entitlement
from profiles.models import Organization, Profile
from support.actions import customers
from support.admin.base import masked
from support.admin.dialogs import Ask, Dialog, Done, Press, registered
from support.admin.lists import Many, counted
from support.models import Approval


class Sending(Dialog):
    """Mail the invitation to the library again."""

    permission, title, button = "resend", "Send the claim link", "Claim link"

    def will_for(self, profile: Profile, request: HttpRequest) -> list[str]:
        found = claims.reach(profile)
        if found.cannot:
            return []
        return [
            f"1 e-mail goes to {masked(found.to, request)}, with a way into the library.",
            f"It leads to {counted(len(found.titles), 'product')}; the customer signs in by a link of their own.",
        ]

    def done_for(self, profile: Profile, press: Press) -> Done:
        mail = claims.send(profile, by=press.by, because=press.because, key=press.key)
        return Done(f"1 e-mail with the claim link is on its way to {mail.to}.")


@registered
class SendClaimLink(Sending):
    name, model = "send_claim_link", Profile

    def cannot(self, subject: Profile) -> str:
        return claims.reach(subject).cannot

    def will(self, subject: Profile, request: HttpRequest) -> list[str]:
        return self.will_for(subject, request)

    def do(self, subject: Profile, press: Press) -> Done:
        return self.done_for(subject, press)


@registered
class SendClaimLinkOf(Sending):
    name, model, related = "send_claim_link_of", Entitlement, ("product", "order", "profile")

    def about(self, subject: Entitlement) -> str:
        return f"{subject.product.sku} · {subject.product.title}"

    def cannot(self, subject: Entitlement) -> str:
        if not subject.downloadable:
            return f"There is nothing to claim: {subject.because}."
        return claims.reach(subject.profile).cannot

    def will(self, subject: Entitlement, request: HttpRequest) -> list[str]:
        return self.will_for(subject.profile, request)

    def do(self, subject: Entitlement, press: Press) -> Done:
        return self.done_for(subject.profile, press)


@registered
class RemindMany(Many):
    name, permission, title, button = "remind_many", "resend", "Remind customers", "Remind"

    def counted(self, ids: Sequence[int]) -> list[str]:
        found = [reminders.ready(row) for row in Profile.objects.filter(pk__in=ids)]
        ready = sum(not one.cannot for one in found)
        passed = [one.cannot for one in found if one.cannot]
        reasons = [f"{passed.count(why)} passed over: {why[:1].lower()}{why[1:]}" for why in sorted(set(passed))]
        return [f"{counted(ready, 'customer gets', 'customers get')} 1 reminder each.", *reasons]

    def do(self, subject: Organization, press: Press) -> Done:
        done = reminders.remind(press.data["ids"], by=press.by, because=press.because, key=press.key)
        over = f" {len(done.passed_over)} passed over." if done.passed_over else ""
        return Done(f"{counted(len(done.sent), 'reminder is', 'reminders are')} on the way.{over}")


class AskNewAddress(Ask):
    to = forms.EmailField(label="New address", max_length=254)
    first_point = forms.CharField(
        label="First data point the customer stated",
        max_length=200,
        help_text="It must be on record: an order number, the former address, the phone, the end of the card.",
    )
    second_point = forms.CharField(label="Second data point", max_length=200, help_text="A different one.")
    moves_orders = forms.BooleanField(label="Send what is not delivered yet there, too", required=False)


@registered
class StartEmailChange(Dialog):
    name, permission, model, related = "start_email_change", "change_email", Profile, ("organization",)
    title, button = "Begin a change of address", "Change address…"
    form = AskNewAddress
    inverse = "The former address can stop it; a newer change takes its place."

    def cannot(self, subject: Profile) -> str:
        return "This customer was merged into another one." if subject.merged_into_id else ""

    def will(self, subject: Profile, request: HttpRequest) -> list[str]:
        former = claims.address_of(subject.pk)
        notice = f"1 notice goes to {masked(former, request)}, which can stop it." if former else "No former address."
        return [
            "1 code goes to the new address: only the customer can enter it.",
            notice,
            "It takes effect 24 hours from now at the earliest, and lapses without the code.",
        ]

    def do(self, subject: Profile, press: Press) -> Done:
        made = customers.change_email(
            subject,
            press.data["to"],
            by=press.by,
            because=press.because,
            points=[press.data["first_point"], press.data["second_point"]],
            moves_orders=press.data["moves_orders"],
            key=press.key,
        )
        if isinstance(made, Approval):
            return Done("Asked: a second person confirms before anything is mailed.")
        return Done("Begun. 1 code and 1 notice are on their way; the customer finishes it.")


def notes(rows: Sequence[Any], request: HttpRequest) -> list[dict[str, Any]]:
    """What the customer's page says of changes of address: those under way, and those that were stopped."""
    said = []
    for row in rows:
        who = "staff" if row.by_staff else "the customer"
        address = masked(row.to, request)
        words = {
            "waiting": f"A change of address to {address}, begun by {who}, waits for the customer's code.",
            "confirmed": f"The change of address to {address} is confirmed and takes effect after the veto's day.",
            "vetoed": f"The former address stopped a change to {address}, begun by {row.started_by}.",
            "stopped": f"The change of address to {address} could not take effect: {row.trouble}",
        }
        if row.state in words:
            said.append({"words": words[row.state], "at": row.ended_at or row.started_at})
    return said
