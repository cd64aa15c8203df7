"""Dialogs about links that were given out: make them anew and test them, revoke one, open the file as the customer."""

from datetime import timedelta
from typing import Any

from django import forms
from django.http import HttpRequest

from fulfillment.actions import links
from fulfillment.models import Asset, DownloadLink, Entitlement
from profiles import clock
from support.admin.acts_of_delivery import OF_ENTITLEMENT, about_of
from support.admin.base import masked
from support.admin.dialogs import Ask, Dialog, Done, Press, registered
from support.admin.lists import counted
from support.queries import trials


class OfRight(Dialog):
    model, related, permission = Entitlement, OF_ENTITLEMENT, "temporary_link"

    def about(self, subject: Entitlement) -> str:
        return about_of(subject)

    def cannot(self, subject: Entitlement) -> str:
        return "" if subject.downloadable else f"It cannot be downloaded: {subject.because}."


class AskAnew(Ask):
    hours = forms.IntegerField(label="Works for how many hours", min_value=1, max_value=720, initial=24)
    use_limit = forms.IntegerField(
        label="Downloads at most",
        min_value=1,
        max_value=1000,
        required=False,
        help_text="Empty: as often as they like.",
    )


@registered
class RegenerateLinks(OfRight):
    name, title, button, danger = "regenerate_links", "Make the links anew and test", "Make anew and test", True
    form = AskAnew
    inverse = "Not possible: dead links stay dead. Make another one the same way."

    def will(self, subject: Entitlement, request: HttpRequest) -> list[str]:
        live = DownloadLink.objects.filter(
            entitlement=subject, revoked_at__isnull=True, expires_at__gt=clock.now()
        ).count()
        return [
            f"{counted(live, 'live link dies', 'live links die')} at once, with any download under way.",
            "1 new link is made, opened as the customer would, and shown to you once.",
            "No e-mail is sent: paste it into the chat, or press Resend afterwards.",
        ]

    def do(self, subject: Entitlement, press: Press) -> Done:
        given, dead = links.regenerate(
            subject,
            by=press.by,
            because=press.because,
            lifetime=timedelta(hours=press.data["hours"]),
            use_limit=press.data["use_limit"],
        )
        trial = trials.of(given.url, subject)
        until = f"{given.link.expires_at:%-d %b %Y, %H:%M} UTC"
        died = counted(dead, "former link is dead", "former links are dead")
        return Done("Made anew.", shown=given.url, note=f"{trial.sentence} {died}. It works until {until}.")


class AskFile(Ask):
    file = forms.ModelChoiceField(Asset.objects.none(), label="File", empty_label=None)


@registered
class OpenAsCustomer(OfRight):
    name, title, button = "open_as_customer", "Open the file as the customer would", "Open as the customer"
    form = AskFile
    inverse = "Not needed: nothing is used up."

    def cannot(self, subject: Entitlement) -> str:
        if said := super().cannot(subject):
            return said
        return "" if Asset.objects.filter(product=subject.product_id, current=True).exists() else "It has no file yet."

    def prepare(self, form: AskFile, subject: Entitlement, request: HttpRequest) -> None:
        field: Any = form.fields["file"]
        field.queryset = Asset.objects.filter(product=subject.product_id, current=True).order_by("format")

    def will(self, subject: Entitlement, request: HttpRequest) -> list[str]:
        name = masked(str(subject.profile), request)
        return [
            "1 address opens the file for 30 minutes, the way the customer gets it. 0 downloads are used up.",
            f"It stands on the timeline of {name} as yours, with your reason.",
        ]

    def do(self, subject: Entitlement, press: Press) -> Done:
        asset = press.data["file"]
        secret = links.open_for_staff(subject, asset, by=press.by, because=press.because)
        note = f"{asset.filename}, version {asset.version}. For you alone: it works for 30 minutes."
        return Done("Opened.", shown=links.address(f"file/{secret}"), note=note)


@registered
class RevokeLink(Dialog):
    name, permission, model, related = "revoke_link", "temporary_link", DownloadLink, ("entitlement__product",)
    title, button, danger = "Revoke this link", "Revoke link", True
    inverse = "Not possible: a dead link stays dead. Make a new one."

    def about(self, subject: DownloadLink) -> str:
        return f"{subject.hint}… · {subject.get_kind_display()} · {subject.entitlement.product.sku}"

    def cannot(self, subject: DownloadLink) -> str:
        if subject.revoked_at:
            return "It is dead already."
        return "" if subject.expires_at > clock.now() else "It has expired."

    def will(self, subject: DownloadLink, request: HttpRequest) -> list[str]:
        return [f"1 link, used {subject.uses}×, dies at once, with any download under way.", "The right itself stays."]

    def do(self, subject: DownloadLink, press: Press) -> Done:
        links.revoke(subject, by=press.by, because=press.because)
        return Done("Revoked. 1 link is dead; the customer may have another.")
