"""manage.py backfill: asks the channels' providers what their webhooks missed, and records it as they would have."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from config import backfilling, progress
from config.commands import Command as Base
from orders import parsing
from orders.actions import backfills
from profiles import tenancy
from profiles.actions import organizations
from profiles.actors import Invalid


class Command(Base):
    help = (
        "Ask the providers of these channels what changed since their last good point, or since a day, and record what"
        " nobody told us. A provider that gives no answer is named; the others are read."
        " Example: backfill --organization lantern --channel stripe:lantern.stripe.example --since 2026-10-01"
    )

    def add_arguments(self, parser: Any) -> None:
        super().add_arguments(parser)
        parser.add_argument("--organization", required=True, metavar="SLUG", dest="organization_slug")
        parser.add_argument(
            "--channel", action="append", default=[], metavar="KIND:DOMAIN", help="left out: all that can be asked"
        )
        parser.add_argument("--since", metavar="TIME", help="ISO 8601; a day begins at midnight UTC")
        parser.add_argument("--dry-run", action="store_true", help="count what nobody told us, and record nothing")

    def run(self, **options: Any) -> None:
        since = _instant(options["since"])
        organization_id = organizations.find(options["organization_slug"])
        with tenancy.organization(organization_id):
            channels = backfills.channels(options["channel"])
        results = []
        with progress.bar("Asking", None) as step:
            for channel in channels:
                dry = options["dry_run"]
                results.append(backfilling.by_hand(channel, since=since, dry_run=dry, step=step))
        self.say(
            "\n".join(map(_words, results)) or "No channel can be asked: give one its provider's credentials.",
            {"channels": [_document(result) for result in results]},
        )


def _instant(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        return parsing.instant(text if "T" in text or " " in text else f"{text}T00:00:00", zone=UTC)
    except parsing.Unreadable as error:
        raise Invalid(str(error)) from error


def _words(result: backfilling.Result) -> str:
    said = f"{result.channel}: {result.told} facts since {result.since:%Y-%m-%d %H:%M} UTC, {result.missed} unknown."
    if result.unreadable:
        said += f" {len(result.unreadable)} could not be read: {result.unreadable[0]}"
    return f"{said} Stopped: {result.error}" if result.error else said


def _document(result: backfilling.Result) -> dict[str, Any]:
    return {
        **asdict(result),
        "since": f"{result.since:%Y-%m-%dT%H:%M:%SZ}",
        "until": f"{result.until:%Y-%m-%dT%H:%M:%SZ}",
    }
