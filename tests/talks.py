"""Deliveries of conversation sources, signed as Chatwoot, Intercom and Meta sign them."""

import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import HttpResponse

from orders import webhooks
from orders.actions import channels
from orders.messages import Customer, TalkBy, TalkLine, TalkMessage
from orders.models import Channel
from profiles import clock
from tests.stage import BY, Stage

SECRET = "talk-secret-not-real"
KINDS = ("chatwoot", "intercom", "whatsapp")


def line(at: datetime, by: str, text: str = "") -> TalkLine:
    """A line as a program tells it."""
    return TalkLine(external_id="", by=TalkBy(by), at=at, text=text)


def conversation(external_id: str, started_at: datetime, **more: Any) -> TalkMessage:
    """A conversation as a program tells it now; of nobody, unless `more` says whose it is."""
    usual: dict[str, Any] = {"customer": Customer(), "version": clock.now()}
    return TalkMessage(external_id=external_id, started_at=started_at, **{**usual, **more})


def connect(stage: Stage, kind: str, domain: str = "desk.example") -> Channel:
    """A channel of this kind; the door forgets what it knew."""
    webhooks._endpoints.clear()
    with stage.inside():
        return channels.connect(stage.organization, kind=kind, domain=domain, secret=SECRET, by=BY)


def signed(kind: str, body: bytes, *, secret: str = SECRET, at: int | None = None) -> dict[str, str]:
    """The headers that the provider sends with this body."""
    key, stamp = secret.encode(), str(at or int(time.time()))
    if kind == "chatwoot":
        made = hmac.new(key, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        return {"X-Chatwoot-Signature": f"sha256={made}", "X-Chatwoot-Timestamp": stamp}
    if kind == "intercom":
        return {"X-Hub-Signature": f"sha1={hmac.new(key, body, hashlib.sha1).hexdigest()}"}
    return {"X-Hub-Signature-256": f"sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}"}


def deliver(stage: Stage, channel: Channel, body: Mapping[str, Any] | bytes, **more: Any) -> HttpResponse:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return stage.client.post(  # type: ignore[return-value]
        channel.webhook_path, raw, content_type="application/json", headers=signed(channel.kind, raw, **more)
    )
