"""The channels: where purchases and conversations come from, and whether they still do. Secrets are never shown."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from orders.actions import backfills, channels
from orders.models import Backfill, Channel, Delivery, Lookup
from profiles.actors import NotPermitted
from support.admin import dialogs
from support.admin.acts_of_channels import webhook_url
from support.admin.base import address_of, moment, when, word
from support.admin.lists import ActiveAdmin
from support.queries import health


class ChannelAdmin(ActiveAdmin):
    list_title = "Channels"
    row_named = "channel"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise NotPermitted("Your role may not see the channels.")
        actor = request.actor  # type: ignore[attr-defined]
        organization = request.organization  # type: ignore[attr-defined]
        asked = {row.channel_id: row for row in Backfill.objects.all()}
        context = {
            **self.admin_site.each_context(request),
            "title": self.list_title,
            "rows": [_row(found, request, asked) for found in health.of_channels(moment())],
            "acts": dialogs.buttons(
                actor, ("connect", organization.pk, True), ("conversation_terms", organization.pk, True)
            ),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/channels.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A channel's page is its row."""
        self.found(request, object_id)
        return redirect(address_of(Channel))


def _row(found: health.Health, request: HttpRequest, asked: Mapping[int, Backfill]) -> dict[str, Any]:
    channel, backfill = found.channel, asked.get(found.channel.pk)
    words, tone = ("By hand", "over") if channel.built_in else found.state(moment())
    inbox = f"{address_of(Delivery)}?channel={channel.pk}"
    return {
        "channel": channel,
        "state": word("", words, tone),
        "last": when(found.last),
        "received": found.received,
        "quarantined": found.quarantined,
        "refused": found.refused,
        "refused_at": when(found.refused_at) if found.refused else "",
        "address": "" if channel.built_in else webhook_url(channel),
        "inbox": inbox,
        "access": dialogs.button("give_access", channel.pk, request.actor)  # type: ignore[attr-defined]
        if channels.CREDENTIALS[channel.kind]
        else None,
        "unread": found.unread,
        "reads": f"{address_of(Lookup)}?state__exact=failed",
        "backfill": backfill,
        "asked": when(backfill.ran_at) if backfill else "",
        "ask": dialogs.button("ask_provider", channel.pk, request.actor) if not backfills.lacking(channel) else None,  # type: ignore[attr-defined]
        "secret": dialogs.button("new_secret", channel.pk, request.actor) if not channel.built_in else None,  # type: ignore[attr-defined]
    }
