"""manage.py replay_inbound: read stored deliveries again, after the cause of their trouble was put right."""

from typing import Any

from config import progress
from config.commands import OrganizationCommand
from orders.actions import deliveries
from orders.models import Channel, Delivery
from profiles import tenancy
from profiles.actions import organizations
from profiles.actors import Actor, Invalid, NotFound

STATES = (
    Delivery.State.QUARANTINED,
    Delivery.State.IGNORED,
    Delivery.State.DISMISSED,
    Delivery.State.DONE,
)
BATCH = 500


class Command(OrganizationCommand):
    help = (
        "Read stored deliveries again from their raw bytes; a worker does it. Example:"
        " replay_inbound --organization lantern --channel shopify:x.myshopify.com --because 'Secret corrected'"
    )

    def add_arguments(self, parser: Any) -> None:
        super().add_arguments(parser)
        parser.add_argument("--channel", metavar="KIND:DOMAIN", help="only those of one channel")
        parser.add_argument("--state", choices=[str(state) for state in STATES], help="which ones (quarantined)")
        parser.add_argument("--id", action="append", type=int, default=[], dest="ids", help="one delivery; repeatable")
        parser.add_argument("--because", default="Replayed from the command line", help="stands in the audit log")
        parser.add_argument("--dry-run", action="store_true", help="only say which")

    def run(self, **options: Any) -> None:
        organization_id = organizations.find(options["organization_slug"])
        with tenancy.organization(organization_id):
            found = self._find(**options)
        replayed = 0
        if not options["dry_run"]:
            by = Actor.system("command line")
            with progress.bar("Queueing", len(found)) as done:
                for start in range(0, len(found), BATCH):
                    batch = found[start : start + BATCH]
                    with tenancy.organization(organization_id):
                        replayed += deliveries.replay(batch, by=by, because=options["because"])
                    done(len(batch))
        said = f"{len(found)} deliveries would be read again." if options["dry_run"] else ""
        document = {"found": len(found), "replayed": replayed, "dry_run": options["dry_run"]}
        self.say(said or f"{replayed} deliveries are read again by the next worker.", document)

    def _find(self, **options: Any) -> list[int]:
        rows = Delivery.objects.order_by("received_at", "pk")
        if options["ids"]:
            rows = rows.filter(pk__in=options["ids"])
            absent = sorted(set(options["ids"]) - set(rows.values_list("pk", flat=True)))
            if absent:
                raise NotFound(f"There is no delivery {absent[0]}.")
        if options["state"] or not options["ids"]:
            rows = rows.filter(state=options["state"] or Delivery.State.QUARANTINED)
        else:
            rows = rows.filter(state__in=STATES)
        if options["channel"]:
            rows = rows.filter(channel=_channel(options["channel"]))
        return list(rows.values_list("pk", flat=True))


def _channel(label: str) -> Channel:
    kind, colon, domain = label.partition(":")
    if not colon:
        raise Invalid("A channel is given as KIND:DOMAIN.")
    channel = Channel.objects.filter(kind=kind, domain=domain.lower()).first()
    if channel is None:
        raise NotFound(f"There is no channel {label}.")
    return channel
