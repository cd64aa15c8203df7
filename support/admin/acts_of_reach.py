"""Dialogs about buyers who were not reached, and about addresses that want nothing more than what they bought."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.http import HttpRequest

from fulfillment import reach
from fulfillment.actions import corrections, suppressions
from fulfillment.models import Email, Entitlement, Reach, Suppression
from profiles.actions import policies
from profiles.actors import Invalid
from profiles.models import Organization
from support.admin.base import address_of, masked
from support.admin.dialogs import Ask, Dialog, Done, Press, registered
from support.admin.lists import counted
from support.queries import unreached

OF_REACH = ("order__channel", "order__profile", "order__organization", "email")


def _mails(number: int) -> str:
    return f"{counted(number, 'e-mail is', 'e-mails are')} on the way."


def _owned(order_id: int | None) -> int:
    return Entitlement.objects.filter(order=order_id, status__in=Entitlement.DOWNLOADABLE).count()


class AskCorrection(Ask):
    to = forms.EmailField(label="Deliver to", max_length=320, help_text="For this order's mail only.")


@registered
class CorrectAndResend(Dialog):
    name, permission, model, related = "correct_and_resend", "change_delivery_email", Reach, OF_REACH
    title, button = "Correct the address and resend", "Correct and resend"
    form = AskCorrection
    inverse = "Correct it back the same way; a mail that went out stays out."

    def about(self, subject: Reach) -> str:
        return f"Order {subject.order}"

    def prepare(self, form: AskCorrection, subject: Reach, request: HttpRequest) -> None:
        if not form.is_bound and request.actor.may("view_pii"):  # type: ignore[attr-defined]
            form.initial["to"] = subject.suggestion
            if subject.suggestion:
                typed, meant = subject.address.rpartition("@")[2], subject.suggestion.rpartition("@")[2]
                form.initial["because"] = f"Slip of the hand in the address: {typed} instead of {meant}."

    def will(self, subject: Reach, request: HttpRequest) -> list[str]:
        meant = masked(subject.suggestion, request)
        return [
            f"So far: {masked(subject.address, request)}. {reach.SENTENCES[reach.Why(subject.why)]}",
            f"Likely meant: {meant}." if meant else "Nothing looks like a slip of the hand: ask the customer.",
            f"1 e-mail with {counted(_owned(subject.order_id), 'new link')} at once; former links stay good.",
        ]

    def do(self, subject: Reach, press: Press) -> Done:
        sent = corrections.correct(subject.order, press.data["to"], by=press.by, because=press.because, key=press.key)
        return Done(f"Mail of order {subject.order} goes to the new address now. {_mails(sent)}")


@registered
class CorrectAll(Dialog):
    name, permission, model = "correct_all", "change_delivery_email", Organization
    title, button = "Correct and resend all suggestions", "Correct all suggestions"
    inverse = "Correct an order back by its own page; mails that went out stay out."

    def about(self, subject: Organization) -> str:
        return "Every order whose address has a likely correction"

    def _rows(self) -> list[Reach]:
        found = unreached.suggested().select_related(*OF_REACH).order_by("since", "pk")
        return list(found[: corrections.AT_ONCE])

    def cannot(self, subject: Organization) -> str:
        return "" if unreached.suggested().exists() else "No address has a likely correction now."

    def will(self, subject: Organization, request: HttpRequest) -> list[str]:
        found = self._rows()
        said = [f"{counted(len(found), 'order gets', 'orders get')} another address, and new links by e-mail."]
        shown = unreached.slips(found)
        said += [f"{counted(number, 'order')}: {typed} becomes {meant}." for typed, meant, number in shown[:8]]
        if len(found) == corrections.AT_ONCE:
            said.append(f"At most {corrections.AT_ONCE} at a time, the oldest first.")
        return said

    def prepare(self, form: Ask, subject: Organization, request: HttpRequest) -> None:
        if not form.is_bound:
            form.initial["because"] = "Slips of the hand in the addresses, corrected as suggested."

    def do(self, subject: Organization, press: Press) -> Done:
        done, sent = corrections.correct_all(self._rows(), by=press.by, because=press.because, key=press.key)
        return Done(f"{counted(done, 'order was', 'orders were')} corrected. {_mails(sent)}")


class OfEmail(Dialog):
    model, permission, related = Email, "resend", ("order__channel", "order__organization", "order__profile")

    def about(self, subject: Email) -> str:
        return f"Order {subject.order}" if subject.order else subject.get_template_display()


@registered
class ItArrived(OfEmail):
    name, title, button = "it_arrived", "Say that the mail arrived", "It arrived"
    inverse = "Send again, if it turns out otherwise."

    def cannot(self, subject: Email) -> str:
        if subject.delivered_at and not subject.bounced_at:
            return "That is known: it was delivered."
        return "It has not gone out yet." if subject.state in (Email.State.QUEUED, Email.State.CLAIMED) else ""

    def will(self, subject: Email, request: HttpRequest) -> list[str]:
        to = masked(subject.to, request)
        return [f"1 e-mail to {to} counts as delivered.", "The order leaves the list, and no further copy is sent."]

    def do(self, subject: Email, press: Press) -> Done:
        corrections.arrived(subject, by=press.by, because=press.because)
        return Done("1 e-mail counts as delivered.")


@registered
class SendAgain(OfEmail):
    name, title, button = "send_again", "Send the links again", "Send again"

    def cannot(self, subject: Email) -> str:
        if subject.order is None:
            return "This message belongs to no order: resend from the customer's page."
        return "" if _owned(subject.order_id) else "Nothing of this order can be downloaded now."

    def will(self, subject: Email, request: HttpRequest) -> list[str]:
        order = subject.order
        again = suppressions.undeliverable([subject.to])
        warned = ["Mail to this address came back before: correcting it is the better way."] if again else []
        to = masked(order.mail_to if order else subject.to, request)
        return [
            f"1 e-mail with {counted(_owned(subject.order_id), 'new link')} goes to {to}.",
            *warned,
            "The customer may get a second copy.",
        ]

    def do(self, subject: Email, press: Press) -> Done:
        if subject.order is None:
            raise Invalid("This message belongs to no order.")
        sent = corrections.send_again(subject.order, by=press.by, because=press.because, key=press.key)
        return Done(_mails(sent))


class AskHours(Ask):
    hours = forms.IntegerField(
        label="Hours", min_value=1, max_value=reach.LONGEST_HOURS, help_text="Without a sign of the mail or a download."
    )


@registered
class ReachPolicy(Dialog):
    name, permission, model = "reach_policy", "manage_policies", Organization
    title, button = "When a buyer counts as not reached", "After how many hours"
    form = AskHours
    inverse = "Choose the former number again."

    def about(self, subject: Organization) -> str:
        return subject.name

    def prepare(self, form: AskHours, subject: Organization, request: HttpRequest) -> None:
        if not form.is_bound:
            form.initial["hours"] = reach.read(subject.policies).hours

    def will(self, subject: Organization, request: HttpRequest) -> list[str]:
        hours = reach.read(subject.policies).hours
        return [
            f"Orders from now on are looked at after this many hours; so far {hours}.",
            "What came back or was refused is listed at once, whatever stands here.",
        ]

    def do(self, subject: Organization, press: Press) -> Done:
        values = {**subject.policies.get(reach.POLICY, {}), "hours": press.data["hours"]}
        try:
            terms = reach.checked(values)
        except ValueError as fault:
            raise Invalid(str(fault)) from None
        policies.change(subject, reach.POLICY, values, by=press.by, because=press.because)
        return Done(f"A buyer counts as not reached after {counted(terms.hours, 'hour')}.")


@registered
class LiftSuppression(Dialog):
    name, permission, model = "lift_suppression", "lift_suppression", Suppression
    title, button = "Write to this address again", "Write again"
    inverse = "The customer's next complaint or unsubscribe silences it again."

    def about(self, subject: Suppression) -> str:
        return f"{subject.get_reason_display()} on {subject.since:%-d %b %Y}"

    def cannot(self, subject: Suppression) -> str:
        return f"{subject.lifted_by} lifted it already." if subject.lifted_at else ""

    def will(self, subject: Suppression, request: HttpRequest) -> list[str]:
        return [
            f"{masked(subject.address, request)} gets follow-ups, reminders and offers again.",
            "Do this only when its owner asked for it: a second complaint harms all our mail.",
        ]

    def do(self, subject: Suppression, press: Press) -> Done:
        suppressions.lift(subject, by=press.by, because=press.because)
        return Done("1 address may be written to again.")


def of_reach(row: Reach) -> Sequence[tuple[str, int, bool]]:
    """The buttons of a row of the list: name, subject, whether it is legal."""
    doubtful = row.why in (reach.Why.UNKNOWN, reach.Why.SILENT, reach.Why.NOT_FETCHED, reach.Why.SOFT_BOUNCED)
    mail: Any = row.email_id or 0
    return (
        ("correct_and_resend", row.pk, True),
        ("it_arrived", mail, bool(mail) and doubtful),
        ("send_again", mail, bool(mail) and doubtful),
    )


def page_of(row: Reach) -> str:
    """A row's page is that of its order."""
    return address_of(row.order, row.order_id)
