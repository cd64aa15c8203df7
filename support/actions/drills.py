"""Drills: one part is taken away and the take-over is timed, without touching a customer or a setting (SUP-8)."""

import io
import time
from dataclasses import dataclass
from email.utils import parseaddr

from django.conf import settings

from fulfillment import storages
from fulfillment.actions import assets, chains
from orders.actions import products
from profiles import identifiers, tenancy
from profiles.actions import audit
from profiles.actors import Actor, Refusal
from profiles.models import Organization

MAIL_SECONDS = 60.0
"""Within this a mail must be with the next provider."""
STORAGE_SECONDS = 10.0
"""Within this a file must come from the other store."""
SKU = "DRILL"
CONTENT = b"%PDF-1.4\n% A file of nobody's customer, by which a drill sees the second store take over.\n%%EOF\n"


class NoSecond(Refusal):
    """There is nothing that could take over."""


@dataclass(frozen=True, slots=True)
class Drilled:
    """What was taken away, who took over, how fast, and whether that is fast enough."""

    part: str
    without: str
    took_over: str
    seconds: float
    within: float
    ok: bool
    told: str

    def document(self) -> dict[str, object]:
        return {
            "drill": self.part,
            "without": self.without,
            "took_over": self.took_over or None,
            "seconds": self.seconds,
            "within": self.within,
            "ok": self.ok,
            "told": self.told,
        }


def email(organization_id: int, *, to: str = "", by: Actor) -> Drilled:
    """Take the first mail provider away for one mail to ourselves. Raises NoSecond."""
    chain = list(settings.EMAIL_PROVIDERS)
    if len(chain) < 2:
        missing = "no mail provider is configured" if not chain else f"{chain[0]} is the only mail provider"
        raise NoSecond(f"Nothing can take over: {missing}. Name another in EMAIL_PROVIDERS.")
    with tenancy.organization(organization_id):
        organization = Organization.objects.get(pk=organization_id)
    own = to or organization.support_email or parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    address = identifiers.mailable(own) or "drill@aftersale.example"
    measured = chains.take_over(to=address, without=chain[0])
    seconds = round(measured.milliseconds / 1000, 2)
    ok = measured.accepted and measured.provider != chain[0] and seconds <= MAIL_SECONDS
    tried = ", ".join(f"{name}: {verdict}" for name, verdict in measured.tries) or "nobody was asked"
    done = Drilled("email", chain[0], measured.provider or "", seconds, MAIL_SECONDS, ok, tried)
    _record(organization_id, done, by)
    return done


def storage(organization_id: int, *, by: Actor) -> Drilled:
    """Take the first file store away for one read of a file of ours. Raises NoSecond."""
    first, *others = storages.aliases()
    if not others:
        raise NoSecond(
            "Nothing can take over: there is no second file store. Set STORAGE_SECOND_BUCKET_NAME or _FOLDER."
        )
    with tenancy.organization(organization_id):
        organization = Organization.objects.get(pk=organization_id)
        product = products.add(
            organization=organization, sku=SKU, title="Drill", kind="ebook", price="1.00", currency="EUR", by=by
        )
        asset = assets.add(product, io.BytesIO(CONTENT), filename="drill.pdf", by=by)
        asset = assets.restore(asset, io.BytesIO(CONTENT))
    began = time.monotonic()
    took_over, told = "", f"The file is not in {', '.join(others)}."
    with storages.without(first):
        for alias in storages.aliases(asset.in_second):
            found = storages.inspect(alias, asset.path)
            if not isinstance(found, storages.Found):
                told = f"{alias}: {getattr(found, 'reason', 'the file is missing')}"
                continue
            body = b"".join(storages.chunks(alias, asset.path, stop=found.size))
            if body == CONTENT:
                took_over, told = alias, f"{len(body)} bytes came back whole"
                break
            told = f"{alias} gave other bytes than were stored"
    seconds = round(time.monotonic() - began, 2)
    ok = bool(took_over) and took_over != first and seconds <= STORAGE_SECONDS
    done = Drilled("storage", first, took_over, seconds, STORAGE_SECONDS, ok, told)
    _record(organization_id, done, by)
    return done


def _record(organization_id: int, done: Drilled, by: Actor) -> None:
    found = {"part": done.part, "without": done.without, "took_over": done.took_over, "seconds": str(done.seconds)}
    with tenancy.organization(organization_id):
        audit.record(
            "drill.run", by=by, because="Drill", details={**found, "ok": done.ok}, organization_id=organization_id
        )
