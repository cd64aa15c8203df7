"""Dialogs about who it is: merging two customers with both sides in view, and taking a merge back."""

from dataclasses import asdict
from typing import Any

from django import forms
from django.db.models import Count
from django.http import HttpRequest

from orders.models import Order, ProfileTotal
from profiles.actions import merges
from profiles.actors import Invalid
from profiles.models import Identifier, Merge, Profile, Review, Suggestion
from support.actions import customers
from support.admin.acts_of_cuts import told
from support.admin.alike import findings
from support.admin.base import address_of, amount, masked, when
from support.admin.dialogs import Ask, Dialog, Done, Press, registered
from support.models import Approval
from support.queries import alike, pages, shares


class AskMerge(Ask):
    other = forms.IntegerField(widget=forms.HiddenInput)
    first_point = forms.CharField(
        label="First data point verified", max_length=200, help_text="Such as “same phone, confirmed in chat”."
    )
    second_point = forms.CharField(
        label="Second data point verified",
        max_length=200,
        help_text="A different one, such as “last four digits of the card”.",
    )


@registered
class MergeCustomers(Dialog):
    name, permission, model = "merge", "merge", Profile
    title, button, danger = "Merge two customers", "Merge…", False
    form = AskMerge
    template = "admin/dialogs/merge.html"
    inverse = "Undo merge puts every row back where it stood."

    def about(self, subject: Profile) -> str:
        return ""

    def prepare(self, form: AskMerge, subject: Profile, request: HttpRequest) -> None:
        other = request.GET.get("other", "")
        if not form.is_bound and other.isdigit():
            form.initial["other"] = int(other)

    def cannot(self, subject: Profile) -> str:
        return "This customer was merged into another one." if subject.merged_into_id else ""

    def more(self, subject: Profile, request: HttpRequest) -> dict[str, Any]:
        chosen = request.POST.get("other") or request.GET.get("other", "")
        other = Profile.objects.filter(pk=int(chosen)).first() if chosen.isdigit() and len(chosen) < 19 else None
        if other is None or other.pk == subject.pk or other.merged_into_id:
            suggested = [(row, masked(str(row), request)) for row in pages.alike(subject)]
            return {"sides": [], "suggested": suggested, "pick": f"{request.path}?other="}
        survivor, absorbed = sorted((subject, other), key=lambda row: row.pk)
        sides = [_side(survivor, request, "Stays"), _side(absorbed, request, "Is absorbed")]
        found = alike.compared(survivor, absorbed)
        return {
            "sides": sides,
            "evidence": findings([asdict(one) for one in found.evidence], request),
            "together": [(one.orders, _money(one)) for one in shares.of_customers(survivor.pk, absorbed.pk)],
            "moves": _moves(absorbed),
            "asked": _asked(survivor, absorbed),
        }

    def do(self, subject: Profile, press: Press) -> Done:
        points = [press.data["first_point"], press.data["second_point"]]
        if points[0].strip().casefold() == points[1].strip().casefold():
            raise Invalid("Name two different data points you verified.")
        merge = customers.merge(
            subject.pk, press.data["other"], by=press.by, because=press.because, verified=points, key=press.key
        )
        if isinstance(merge, Approval):
            who = "you" if merge.asked_by_id == press.by.user_id else merge.asked_by
            said = f"Both customers have paid: a second person confirms the merge, which {who} asked for."
            said += " Nothing was moved yet."
            return Done(said, url=address_of(merge, merge.pk))
        moved = merges.moved(merge)
        # Whoever works through a queue stays in it; everybody else sees the customer.
        url = "" if _in_queue(str(press.data["back"])) else address_of(Profile, merge.survivor_id)
        return Done(
            f"Merged. {moved} {'row' if moved == 1 else 'rows'} moved to customer {merge.survivor_id}.", url=url
        )


@registered
class UndoMerge(Dialog):
    name, permission, model, related = "undo_merge", "undo_merge", Merge, ("survivor", "absorbed")
    title, button, danger = "Undo the merge", "Undo merge", True
    inverse = "The two can be merged again by hand; rules will not."

    def about(self, subject: Merge) -> str:
        return f"Customer {subject.absorbed_id} was merged into customer {subject.survivor_id}: {subject.reason}"

    def cannot(self, subject: Merge) -> str:
        return f"Already undone by {subject.undone_by}." if subject.undone_at else ""

    def will(self, subject: Merge, request: HttpRequest) -> list[str]:
        back = [
            f"{count} {name} {'goes' if count == 1 else 'go'} back"
            for name, count in sorted(_named(pages.moved(subject)).items())
        ]
        root = merges.root_of(subject.survivor_id)
        before = shares.of_customers(root)
        theirs = shares.of_orders(shares.moved_by(subject, root))
        return [
            f"Customer {subject.absorbed_id} stands again.",
            *(back or ["No row goes back: none was moved."]),
            f"Customer {root} before: {told(before)}.",
            f"After: {told(shares.without(before, theirs))}; customer {subject.absorbed_id}: {told(theirs)}.",
            "What came since goes to the side whose identifiers it bears; what fits both waits for a review.",
        ]

    def do(self, subject: Merge, press: Press) -> Done:
        merges.undo(subject, by=press.by, because=press.because)
        count = merges.moved(subject)
        url = address_of(Profile, subject.survivor_id)
        return Done(f"Undone. {count} {'row' if count == 1 else 'rows'} stand where they stood.", url=url)


WORDS = {
    "profiles.Identifier": "identifiers",
    "orders.Order": "orders",
    "fulfillment.Entitlement": "entitlements",
    "fulfillment.Email": "e-mails",
    "attribution.Conversation": "conversations",
}


def _named(counts: dict[str, int]) -> dict[str, int]:
    """Numbers by what a person calls the rows, in the right number."""
    named = {}
    for model, count in counts.items():
        plural = WORDS.get(model, model.rpartition(".")[2].lower() + "s")
        named[plural.removesuffix("s") if count == 1 else plural] = count
    return named


def _moves(absorbed: Profile) -> list[tuple[str, int]]:
    """What a merge would move, in numbers; one query a table that names a customer."""
    counts = {
        model._meta.label: model._base_manager.filter(**{field.name: absorbed.pk}).count()
        for model, field in merges.moving_fields()
    }
    return sorted((name, count) for name, count in _named(counts).items() if count)


def _asked(one: Profile, other: Profile) -> dict[str, Any]:
    """The question about these two that waits for a second person, if there is one."""
    question = customers.asked(one.pk, other.pk)
    if question is None:
        return {}
    return {"by": question.asked_by, "at": when(question.asked_at), "url": address_of(question, question.pk)}


def _side(profile: Profile, request: HttpRequest, role: str) -> dict[str, Any]:
    identifiers = Identifier.objects.filter(profile=profile).order_by("kind", "value")[:20]
    found = Order.objects.filter(profile=profile).order_by("-placed_at")
    return {
        "profile": profile,
        "role": role,
        "name": masked(str(profile), request),
        "since": when(profile.created_at),
        "identifiers": [(row.get_kind_display(), masked(row.value, request)) for row in identifiers],
        "orders": [(row, amount(row.total_minor, row.currency)) for row in found[:3]],
        "orders_count": found.aggregate(count=Count("id"))["count"],
        "totals": [amount(t.net_minor, t.currency, strong=True) for t in ProfileTotal.objects.filter(profile=profile)],
    }


def _money(one: shares.Sum) -> Any:
    return amount(one.net_minor, one.currency, strong=True)


def _in_queue(back: str) -> bool:
    """Whether the dialog was opened from a review or a suggestion."""
    return any(back.startswith(address_of(model)) for model in (Review, Suggestion))
