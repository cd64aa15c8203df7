"""Dialogs about a source of purchases or conversations: connecting it, and giving it another secret."""

from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest

from orders.actions import channels
from orders.models import Channel, Lookup
from orders.queries import refunding
from profiles.actors import Invalid
from profiles.models import Organization
from support.admin.dialogs import Ask, Dialog, Done, Press, registered
from support.admin.lists import counted

# These sign with a secret of their own, which only they can tell.
GIVEN = {
    Channel.Kind.STRIPE: "the endpoint's whsec_…",
    Channel.Kind.SHOPIFY: "the app's client secret",
    Channel.Kind.SHOPIER: "the webhook's token, the OSB user:password and the form's API secret, blanks between",
    Channel.Kind.ETSY: "the webhook's whsec_…",
    Channel.Kind.SQUARE: "the subscription's signature key",
    Channel.Kind.CLOVER: "the X-Clover-Auth code of the app's dashboard",
    Channel.Kind.CHATWOOT: "the webhook's secret",
    Channel.Kind.INTERCOM: "the app's client secret",
    Channel.Kind.WHATSAPP: "the Meta app's secret (its verify token is the last part of the address you get here)",
}


PLAIN = frozenset({"api_base", "client_id", "consumer_key", "currency", "keystring", "region", "shop_id"})
"""Credentials that are no secrets."""


def webhook_url(channel: Channel) -> str:
    return f"{settings.BASE_URL}{channel.webhook_path}"


class AskChannel(Ask):
    kind = forms.ChoiceField(label="Kind", choices=Channel.Kind.choices)
    domain = forms.CharField(label="Domain", max_length=253, help_text="The host alone, such as shop.example.")
    secret = forms.CharField(
        label="Signing secret",
        max_length=500,
        required=False,
        strip=True,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="; ".join(f"{kind.label}: {what}" for kind, what in GIVEN.items())
        + ". The others: empty, and one is made for you.",
    )


@registered
class Connect(Dialog):
    name, permission, model = "connect", "connect", Organization
    title, button = "Connect a channel", "Connect channel"
    form = AskChannel

    def about(self, subject: Organization) -> str:
        return subject.name

    def will(self, subject: Organization, request: HttpRequest) -> list[str]:
        return [
            "1 webhook address is made: give it to the shop.",
            "The secret is kept encrypted and never shown again.",
        ]

    def do(self, subject: Organization, press: Press) -> Done:
        kind, domain, secret = press.data["kind"], press.data["domain"], press.data["secret"]
        if kind in GIVEN and not secret:
            raise Invalid(f"{Channel.Kind(kind).label} signs with a secret of its own: copy it from there.")
        if Channel.objects.filter(kind=kind, domain=domain.strip().lower().rstrip("/")).exists():
            raise Invalid("It is connected already. For another secret, press “New secret” in its row.")
        channel = channels.connect(
            subject,
            kind=kind,
            domain=domain,
            secret=secret or None,
            calls_provider=not subject.is_demo,
            by=press.by,
            because=press.because,
        )
        made = "" if secret else f"The secret it signs with, shown this once: {channel.secret}"
        return Done(
            f"Connected: {channel.label}.", shown=webhook_url(channel), note=made or "Give this address to the shop."
        )


class AskSecret(Ask):
    secret = forms.CharField(
        label="New signing secret",
        max_length=500,
        min_length=8,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="As the shop shows it.",
    )


@registered
class NewSecret(Dialog):
    name, permission, model, related = "new_secret", "connect", Channel, ("organization",)
    title, button = "Give it a new secret", "New secret"
    form = AskSecret
    inverse = "Give it the former secret again."

    def cannot(self, subject: Channel) -> str:
        return "It takes no webhooks: its orders are entered here." if subject.built_in else ""

    def will(self, subject: Channel, request: HttpRequest) -> list[str]:
        return ["Deliveries are verified by the new secret from now on.", "The former one verifies for 24 hours more."]

    def do(self, subject: Channel, press: Press) -> Done:
        channels.connect(
            subject.organization,
            kind=subject.kind,
            domain=subject.domain,
            secret=press.data["secret"],
            calls_provider=subject.calls_provider,
            by=press.by,
            because=press.because,
        )
        return Done(f"1 secret replaced: {subject.label}. The former one verifies for 24 hours more.")


class AskAccess(Ask):
    """One field for each credential that the channel's kind takes; what stays empty is kept as it is."""


@registered
class GiveAccess(Dialog):
    name, permission, model, related = "give_access", "connect", Channel, ("organization",)
    title, button = "Give it access to the provider's API", "Give access"
    form = AskAccess
    inverse = "Take the token back at the provider."

    def about(self, subject: Channel) -> str:
        return subject.label

    def cannot(self, subject: Channel) -> str:
        return "" if channels.CREDENTIALS[subject.kind] else "Its kind has no API that is asked."

    def prepare(self, form: Any, subject: Channel, request: HttpRequest) -> None:
        known, usual = refunding.credentials(subject), dict(form.fields)
        form.fields.clear()
        for name in sorted(channels.CREDENTIALS[subject.kind]):
            secret = name not in PLAIN
            form.fields[name] = forms.CharField(
                label=name.replace("_", " ").capitalize(),
                required=False,
                max_length=2000,
                widget=forms.PasswordInput(attrs={"autocomplete": "off"}) if secret else forms.TextInput(),
                help_text=("Given; empty keeps it." if known.get(name) else "Not given yet.")
                + (" Only where it is not the usual address." if name == "api_base" else ""),
            )
        form.fields.update(usual)

    def will(self, subject: Channel, request: HttpRequest) -> list[str]:
        waiting = Lookup.objects.filter(channel=subject, state=Lookup.State.FAILED).count()
        said = ["What is given is kept encrypted and never shown again."]
        return said + [f"{counted(waiting, 'thing')} that could not be read will be asked for again."] * bool(waiting)

    def do(self, subject: Channel, press: Press) -> Done:
        given = {name: value for name in channels.CREDENTIALS[subject.kind] if (value := press.data.get(name))}
        if not given:
            raise Invalid("Nothing was given.")
        channels.connect(
            subject.organization,
            kind=subject.kind,
            domain=subject.domain,
            credentials=given,
            calls_provider=subject.calls_provider,
            by=press.by,
            because=press.because,
        )
        return Done(f"{counted(len(given), 'credential was', 'credentials were')} replaced: {subject.label}.")
