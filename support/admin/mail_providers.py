"""The chain of mail providers: how each does, and its breaker by hand."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from fulfillment import circuits
from fulfillment.actions import chains
from fulfillment.models import Circuit
from fulfillment.providers import LABELS, tracking
from profiles import clock
from profiles.actors import Actor, NotPermitted
from support.admin import dialogs
from support.admin.base import moment, redacted, when, word
from support.queries import unreached


def page(request: HttpRequest, *, site: Any) -> HttpResponse:
    """One card a provider, in the order in which mail is offered to them."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if not actor.may("view"):
        raise NotPermitted("Your role may not see this desk.")
    real, heard = clock.real(), tracking.tracked()
    found = unreached.providers(moment())
    context = {
        **site.each_context(request),
        "title": "Mail providers",
        "rows": [_row(one, actor, request, real, one.circuit.provider in heard) for one in found],
        "most": unreached.BOUNCES_AT_MOST,
    }
    return TemplateResponse(request, "admin/mail_providers.html", context)


def _row(one: unreached.Provider, actor: Actor, request: HttpRequest, real: datetime, heard: bool) -> dict[str, Any]:
    circuit = one.circuit
    number, state = chains.number(circuit.provider), chains.rule(circuit)
    by_hand = circuits.resting(state, now=real)
    return {
        "one": one,
        "name": LABELS[circuit.provider],
        "state": _state(circuit, real),
        "by_hand": by_hand,
        "until": when(circuit.rested_until, real) if by_hand else "",
        "since": when(circuit.opened_at, real) if circuit.opened_at else "",
        "next": when(circuits.retry_at(state), real) if circuit.opened_at else "",
        "error": redacted(circuit.last_error, request),
        "error_at": when(circuit.last_error_at, real),
        "heard": heard,
        "acts": dialogs.buttons(
            actor,
            ("rest_provider", number, not by_hand),
            ("use_provider", number, by_hand or circuit.opened_at is not None),
            ("try_provider", number, True),
        ),
    }


def _state(circuit: Circuit, real: datetime) -> Any:
    state = chains.rule(circuit)
    if circuits.resting(state, now=real):
        return word("suspended", "Rested by hand", "look")
    match state.state:
        case "open":
            return word("failed", "Resting")
        case "half_open":
            return word("unknown", "Being tried")
    return word("active", "In use", "well") if not state.failures else word("unknown", "In use, failing", "look")
