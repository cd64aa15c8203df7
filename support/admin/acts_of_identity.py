"""Dialogs about the rules of identity: what an organization sets itself, and values that may join customers again."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpRequest

from profiles import rules
from profiles.actions import identity_rules
from profiles.models import Identifier, Organization
from support.admin.base import address_of
from support.admin.dialogs import Ask, Dialog, Done, Press, registered

NUMBERS = {
    "shared_from": ("Shared from", "others of the kinds phone, e-mail and loyalty id within 90 days"),
    "at_most": ("At most", "of one customer"),
    "weights": ("Weight", "points of strength, 100 in all"),
}
KINDS = dict(Identifier.Kind.choices)


class AskRules(Ask):
    blocked = forms.CharField(
        label="Block list",
        required=False,
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="One value a line, * for anything: *@kiosk.example. These never join customers.",
    )
    priority = forms.CharField(
        label="Priority",
        max_length=200,
        help_text="The most telling kind first; it decides the best match where several customers match.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        usual = rules.Rules()
        for name in NUMBERS:
            for kind, number in getattr(usual, name).items():
                self.fields[f"{name}_{kind}"] = forms.IntegerField(label=KINDS[kind], help_text=f"usually {number}")
        for name in ("because", "act", "back", "foretold"):
            self.fields[name] = self.fields.pop(name)

    def words(self) -> list[Any]:
        """What is written in words, for the dialog's own template."""
        return [self["blocked"], self["priority"]]

    def groups(self) -> list[tuple[str, str, list[Any]]]:
        """The numbers, by what they limit: a title, what is counted, and a field a kind."""
        return [
            (words, unit, [self[f"{name}_{kind}"] for kind in getattr(rules.Rules(), name)])
            for name, (words, unit) in NUMBERS.items()
        ]

    def last(self) -> list[Any]:
        """Why."""
        return [self["because"]]

    def first(self, organization: Organization) -> None:
        found = rules.read(organization.identity)
        self.initial["blocked"] = "\n".join(organization.blocked)
        self.initial["priority"] = ", ".join(found.priority)
        for name in NUMBERS:
            for kind, number in getattr(found, name).items():
                self.initial[f"{name}_{kind}"] = number


@registered
class ChangeRules(Dialog):
    name, permission, model = "identity_rules", "manage_identity", Organization
    title, button = "Change the rules of identity", "Change rules"
    form = AskRules
    template = "admin/dialogs/rules.html"
    inverse = "Change them back: values are decided again by the facts known then."

    def about(self, subject: Organization) -> str:
        return subject.name

    def prepare(self, form: AskRules, subject: Organization, request: HttpRequest) -> None:
        if not form.is_bound:
            form.first(subject)

    def will(self, subject: Organization, request: HttpRequest) -> list[str]:
        return ["The next page says what would change, in numbers; nothing is done before you press there."]

    def foretell(self, subject: Organization, data: Mapping[str, Any]) -> list[str]:
        return identity_rules.preview(subject, **_given(data)).sentences()

    def do(self, subject: Organization, press: Press) -> Done:
        effects = identity_rules.change(subject, **_given(press.data), by=press.by, because=press.because)
        return Done(" ".join(["The rules are changed.", *effects.sentences()]), url=address_of(Organization))


@registered
class TakeBack(Dialog):
    name, permission, model = "take_back", "manage_identity", Identifier
    title, button = "Use it again", "Use again"
    inverse = "Put it on the block list."

    def about(self, subject: Identifier) -> str:
        return subject.spelled

    def cannot(self, subject: Identifier) -> str:
        return "It is used for matching." if subject.status == Identifier.Status.ACTIVE else ""

    def will(self, subject: Identifier, request: HttpRequest) -> list[str]:
        count = identity_rules.bearers([_key(subject)])
        return [
            f"{count} orders, chats and events that bear it look for their customer again.",
            "Customers who share it may be merged; each merge can be taken back.",
        ] + (
            ["It is set aside again if the next order shows that many share it."] if subject.status == "shared" else []
        )

    def do(self, subject: Identifier, press: Press) -> Done:
        organization = Organization.objects.get()
        identity_rules.take_back([_key(subject)], organization=organization, by=press.by, because=press.because)
        return Done("1 identifier may join customers again.", url=address_of(Identifier))


def _key(row: Identifier) -> str:
    return f"{row.kind}:{row.value}"


def _given(data: Mapping[str, Any]) -> dict[str, Any]:
    numbers = {name: {kind: data[f"{name}_{kind}"] for kind in getattr(rules.Rules(), name)} for name in NUMBERS}
    priority = [kind.strip().lower() for kind in data["priority"].split(",") if kind.strip()]
    return {"identity": {"priority": priority, **numbers}, "blocked": data["blocked"].splitlines()}
