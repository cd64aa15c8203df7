"""Dialogs about what is written after a purchase or a gift, what was bought as a service, and a receipt sent again."""

from typing import Any

from django import forms
from django.http import HttpRequest

from fulfillment import followups as rules
from fulfillment import intakes
from fulfillment.actions import emails, followups, given_services, receipts, services
from fulfillment.followups import Kind
from fulfillment.models import Entitlement, Followup, Service
from orders.models import Order, Product
from profiles.actions import policies
from profiles.actors import Invalid
from profiles.models import Organization
from support.admin.base import masked
from support.admin.dialogs import Ask, Dialog, Done, Press, registered
from support.admin.followups import after, origin, standing
from support.admin.lists import counted


class OfFollowup(Dialog):
    model, permission = Followup, "resend"
    related = (
        *("organization", "order", "entitlement__product", "entitlement__order"),
        *("service__product", "service__order", "service__organization"),
    )

    def about(self, subject: Followup) -> str:
        return f"{subject.get_kind_display()}: {after(subject)}"


@registered
class StopFollowup(OfFollowup):
    name, title, button = "followup_stop", "Do not send this mail", "Stop"
    inverse = "Send now, on the same row."

    def cannot(self, subject: Followup) -> str:
        waits = subject.state == Followup.State.WAITING
        return "" if waits else f"It is {subject.get_state_display().lower()} already."

    def will(self, subject: Followup, request: HttpRequest) -> list[str]:
        return ["1 planned mail does not go out. Others to the same customer stay as they are."]

    def do(self, subject: Followup, press: Press) -> Done:
        followups.stop(subject, by=press.by, because=press.because)
        return Done("1 follow-up was stopped.")


@registered
class SendFollowup(OfFollowup):
    name, title, button = "followup_now", "Send this mail now", "Send now"

    def will(self, subject: Followup, request: HttpRequest) -> list[str]:
        return [
            f"1 mail to {masked(self._to(subject), request) or 'nobody'} goes out now instead of later.",
            "A refund, a revocation, an unsubscribe or a reply stops it all the same; the row then says so.",
        ]

    def _to(self, subject: Followup) -> str:
        if subject.given:
            return emails.address(subject.given)
        return subject.order.mail_to if subject.order else ""

    def do(self, subject: Followup, press: Press) -> Done:
        followups.send_now(subject, by=press.by, because=press.because)
        return Done("1 follow-up is looked at now.")


class AskTerms(Ask):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        asked: dict[str, forms.Field] = {}
        for kind, words in rules.KINDS.items():
            usual = rules.USUAL[kind]
            asked[f"{kind}_on"] = forms.BooleanField(label=words, required=False)
            asked[f"{kind}_hours"] = forms.IntegerField(
                label=f"{words}: hours",
                min_value=1,
                max_value=rules.LONGEST_HOURS,
                help_text=f"Usually {usual.hours}{' after the first download' if kind is Kind.CHECKIN else ''}.",
            )
        self.fields = {**asked, **self.fields}


@registered
class FollowupTerms(Dialog):
    name, permission, model = "followup_terms", "manage_policies", Organization
    title, button = "What is written after a purchase or a gift", "What is written, and when"
    form = AskTerms
    inverse = "Choose the former terms again."

    def about(self, subject: Organization) -> str:
        return subject.name

    def prepare(self, form: AskTerms, subject: Organization, request: HttpRequest) -> None:
        if not form.is_bound:
            policy = rules.read(subject.policies)
            for kind in Kind:
                form.initial[f"{kind}_on"] = policy.of(kind).on
                form.initial[f"{kind}_hours"] = policy.of(kind).hours

    def will(self, subject: Organization, request: HttpRequest) -> list[str]:
        waiting = Followup.objects.filter(state=Followup.State.WAITING).count()
        return [
            "Orders and gifts from now on follow these terms; after a gift nothing is offered for sale.",
            f"{counted(waiting, 'planned mail')} keep their time; those of a kind that is off are not sent.",
        ]

    def do(self, subject: Organization, press: Press) -> Done:
        values = {
            str(kind): {"on": press.data[f"{kind}_on"], "hours": press.data[f"{kind}_hours"]}
            for kind in Kind
            if rules.Terms(press.data[f"{kind}_on"], press.data[f"{kind}_hours"]) != rules.USUAL[kind]
        }
        try:
            rules.checked(values)
        except ValueError as fault:
            raise Invalid(str(fault)) from None
        policies.change(subject, rules.POLICY, values, by=press.by, because=press.because)
        on = sum(press.data[f"{kind}_on"] for kind in Kind)
        return Done(f"{counted(on, 'sort')} of mail follow a purchase now.")


class OfService(Dialog):
    model, permission = Service, "retry"
    related = ("organization", "order", "product", "line__product", "profile")
    to: str

    def about(self, subject: Service) -> str:
        of = f", order {subject.order}" if subject.order else ""
        whence = origin(subject)
        return f"{subject.product.title}{of}{f', {whence}' if whence else ''}"

    def cannot(self, subject: Service) -> str:
        may = Service.TRANSITIONS[Service.State(subject.state)]
        return "" if self.to in may else f"It is {standing(subject).lower()}."

    def do(self, subject: Service, press: Press) -> Done:
        row = services.move(subject, self.to, by=press.by, because=press.because)
        return Done(f"1 service is {row.get_state_display().lower()} now.")


@registered
class StartService(OfService):
    name, title, button, to = "service_start", "Start the work", "Start", Service.State.STARTED
    inverse = "Take back, on the same row."

    def will(self, subject: Service, request: HttpRequest) -> list[str]:
        missing = (
            [] if subject.answered_at else ["The intake form is not filled in: nobody is reminded of it any more."]
        )
        return ["The customer's answers can no longer be changed by them.", *missing]


@registered
class FinishService(OfService):
    name, title, button, to = "service_finish", "The work is done", "Done", Service.State.DONE
    inverse = "Take back, on the same row."


@registered
class ReopenService(OfService):
    name, title, button, to = "service_reopen", "Take the last step back", "Take back", ""

    def cannot(self, subject: Service) -> str:
        return "" if subject.state in (Service.State.STARTED, Service.State.DONE) else "There is no step to take back."

    def do(self, subject: Service, press: Press) -> Done:
        to = Service.State.STARTED if subject.state == Service.State.DONE else Service.State.READY
        row = services.move(subject, to, by=press.by, because=press.because)
        return Done(f"1 service is {row.get_state_display().lower()} now.")


class OfGiven(OfService):
    """About a service that a person gave; what was bought is ended by its money."""

    def cannot(self, subject: Service) -> str:
        if subject.source != Service.Source.MANUAL:
            return "It came with an order: refund or cancel that, and it ends by itself."
        ended, withdraws = subject.state == Service.State.ENDED, self.to == Service.State.ENDED
        return "" if ended != withdraws else f"It is {standing(subject).lower()} already."


@registered
class WithdrawService(OfGiven):
    name, permission, title, button = "service_withdraw", "revoke", "Withdraw the service", "Withdraw"
    to, danger = Service.State.ENDED, True
    inverse = "Give again, on the same row."

    def will(self, subject: Service, request: HttpRequest) -> list[str]:
        waiting = Followup.objects.filter(service=subject, state=Followup.State.WAITING).count()
        return [
            "1 service ends; its form can no longer be filled in. Answers are kept.",
            f"{counted(waiting, 'planned mail does', 'planned mails do')} not go out.",
        ]

    def do(self, subject: Service, press: Press) -> Done:
        given_services.withdraw(subject, by=press.by, because=press.because)
        return Done("1 service was withdrawn.")


@registered
class RestoreService(OfGiven):
    name, permission, title, button = "service_restore", "restore", "Give the service again", "Give again"
    to = Service.State.READY
    inverse = "Withdraw takes it away again."

    def will(self, subject: Service, request: HttpRequest) -> list[str]:
        stopped = Followup.objects.filter(service=subject, why=rules.Why.WITHDRAWN).count()
        return [
            "1 service is open again, with the answers that were given.",
            f"{counted(stopped, 'mail')} that did not go out {'is' if stopped == 1 else 'are'} planned anew.",
        ]

    def do(self, subject: Service, press: Press) -> Done:
        row = given_services.restore(subject, by=press.by, because=press.because)
        return Done(f"1 service is {row.get_state_display().lower()}.")


class AskQuestions(Ask):
    questions = forms.CharField(
        label="Questions",
        required=False,
        max_length=8000,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text="One a line: “Your company”, “Your aim | long”, “Start | date?”, “Size | choice: small, large”. "
        "With ? it may be left empty. None at all brings the usual ones back.",
    )


@registered
class ChangeIntake(Dialog):
    name, permission, model = "change_intake", "manage_policies", Product
    title, button = "What is asked before the work begins", "Intake form"
    form = AskQuestions
    inverse = "Type the former questions again."

    def prepare(self, form: AskQuestions, subject: Product, request: HttpRequest) -> None:
        if not form.is_bound:
            form.initial["questions"] = intakes.typed(services.questions_of(subject.pk))

    def will(self, subject: Product, request: HttpRequest) -> list[str]:
        open_now = Service.objects.filter(product=subject, state=Service.State.INTAKE).count()
        return [f"{counted(open_now, 'customer')} who have not answered see the new questions."]

    def do(self, subject: Product, press: Press) -> Done:
        asked = services.ask(subject, press.data["questions"], by=press.by, because=press.because)
        return Done(f"{counted(asked, 'question')} are asked now.")


@registered
class ResendReceipt(Dialog):
    name, permission, model, related = "resend_receipt", "resend", Order, ("channel", "organization", "profile")
    title, button = "Send the receipt again", "Resend receipt"

    def about(self, subject: Order) -> str:
        return f"Order {subject}"

    def cannot(self, subject: Order) -> str:
        return receipts.cannot(subject)

    def will(self, subject: Order, request: HttpRequest) -> list[str]:
        owned = Entitlement.objects.filter(order=subject, status__in=Entitlement.DOWNLOADABLE).count()
        return [f"1 receipt with {counted(owned, 'new link')} goes to {masked(subject.mail_to, request)}."]

    def do(self, subject: Order, press: Press) -> Done:
        receipts.resend(subject, by=press.by, because=press.because, key=press.key)
        return Done("1 receipt is on its way.")
