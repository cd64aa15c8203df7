"""manage.py import_csv: orders or payouts from a file, each row accounted for; the same file again changes nothing."""

import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from django.core.management import CommandError

from config import importing, progress, settling
from config.commands import OrganizationCommand
from orders.actions import column_mappings, import_files, import_undos, imports
from orders.actions.import_files import FileRefused
from orders.files.cells import Dates, Decimals
from orders.files.dialects import Declared, Mode, Record
from orders.models import Import, ImportRow
from orders.queries import imports as contents
from profiles import tenancy
from profiles.actions import organizations
from profiles.actors import Actor, NotFound
from profiles.models import Organization

BY = Actor.system("command line")
SHOWN_AT_MOST = 20
AT_A_TIME = 3600


class Command(OrganizationCommand):
    help = (
        "Import a CSV or XLSX file of orders or payouts; buyers get no mail unless --mail. Example:"
        " import_csv --organization lantern --channel csv:old-shop --mode orders --record net orders.csv --dry-run"
    )

    def add_arguments(self, parser: Any) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", nargs="?", metavar="FILE", help="CSV or XLSX")
        parser.add_argument("--channel", metavar="KIND:DOMAIN", help="csv:NAME is made where it is lacking")
        parser.add_argument("--mode", choices=[mode.value for mode in Mode], default=Mode.ORDERS.value)
        record = [record.value for record in Record]
        parser.add_argument("--record", choices=record, default=Record.NET.value, help="what of its money is booked")
        parser.add_argument("--dry-run", action="store_true", help="look at every row, import none")
        parser.add_argument("--mapping", metavar="NAME", help="what the columns mean, as kept in the desk")
        parser.add_argument("--encoding", default="", help="only where the file itself does not prove it")
        parser.add_argument("--delimiter", default="", help="one of , ; | tab")
        decimals = [Decimals.POINT.value, Decimals.COMMA.value]
        parser.add_argument("--decimal", choices=decimals, default="", help="1234.56, or 1234,56 and 1.234,56")
        parser.add_argument("--dates", choices=[dates.value for dates in Dates], default="")
        parser.add_argument("--mail", action="store_true", help="buyers get their mail as if they had bought now")
        parser.add_argument("--no-wait", action="store_true", help="leave what follows from the facts to the workers")
        parser.add_argument("--undo", type=int, metavar="ID", help="take an import back")

    def run(self, **options: Any) -> None:
        organization_id = organizations.find(options["organization_slug"])
        if options["undo"] is not None:
            self._undo(organization_id, **options)
            return
        if not options["file"] or not options["channel"]:
            raise CommandError("Name the file and --channel, or an import to --undo.")
        with tenancy.organization(organization_id):
            imported = self._receive(Organization.objects.get(pk=organization_id), **options)
            if imported.state == Import.State.ASKING and not options["dry_run"]:
                imports.take(imported, by=BY)
            elif imported.state == Import.State.ASKING:
                imports.check(imported, by=BY)
        self._work(organization_id, imported)
        imported = self._again(organization_id, imported)
        if imported.state == Import.State.REFUSED:
            raise CommandError(imported.refusal)
        if imported.last_error:
            raise CommandError(f"The import stopped: {imported.last_error}")
        if not options["dry_run"] and not options["no_wait"] and imported.repeats_id is None:
            self._settle(organization_id)
        self._tell(organization_id, imported, dry=options["dry_run"])
        if options["dry_run"]:
            with tenancy.organization(organization_id):
                imports.forget(imported)

    def _receive(self, organization: Organization, **options: Any) -> Import:
        path = Path(options["file"])
        mapping = column_mappings.named(options["mapping"]) if options["mapping"] else None
        try:
            with path.open("rb") as file:
                imported = import_files.receive(
                    file,
                    filename=path.name,
                    channel=import_files.channel_for(organization, options["channel"], by=BY),
                    mode=Mode(options["mode"]),
                    record=Record(options["record"]),
                    mail=options["mail"],
                    declared=Declared(
                        encoding=options["encoding"],
                        delimiter=options["delimiter"],
                        decimals=options["decimal"],
                        dates=options["dates"],
                    ),
                    mapping=mapping,
                    organization=organization,
                    by=BY,
                )
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror or error}.") from None
        if imported.refusal:
            # Nobody is there to be asked: what the columns mean has to be said with the command.
            raise FileRefused(imported.refusal)
        return imported

    def _work(self, organization_id: int, imported: Import) -> None:
        """Work on imports here until this one is done; beside us a worker may take portions of it too."""
        with progress.bar("Rows", None) as done:
            while self._again(organization_id, imported).due_at is not None:
                if not importing.files(organization_id, seconds=AT_A_TIME, told=done):
                    settling.pause()

    def _settle(self, organization_id: int) -> None:
        with progress.bar("Settling", None) as done:
            settling.work(organization_id, told=done)

    def _again(self, organization_id: int, imported: Import) -> Import:
        with tenancy.organization(organization_id):
            return Import.objects.select_related("channel").get(pk=imported.pk)

    def _undo(self, organization_id: int, **options: Any) -> None:
        with tenancy.organization(organization_id):
            imported = Import.objects.filter(pk=options["undo"]).first()
            if imported is None:
                raise NotFound(f"There is no import {options['undo']}.")
            foretold = import_undos.foretell(imported)
            if not options["dry_run"]:
                import_undos.request(imported, by=BY, because="Asked on the command line")
        document = {"import": imported.pk, "withdrawn": foretold.withdrawn, "restored": foretold.restored}
        if options["dry_run"]:
            text = f"{foretold.withdrawn} would be withdrawn, {foretold.restored} go back, {foretold.kept} stay."
            self.say(text, document | {"kept": foretold.kept, "dry_run": True})
            return
        self._work(organization_id, imported)
        imported = self._again(organization_id, imported)
        if not options["no_wait"]:
            self._settle(organization_id)
        with tenancy.organization(organization_id):
            stayed = ImportRow.objects.filter(imported=imported).exclude(kept="").order_by("line")
            rows = [{"line": row.line, "reason": row.kept} for row in stayed]
        words = [f"{imported.withdrawn} taken back, {imported.kept} left as they are."]
        words += [f"Line {row['line']}: {row['reason']}" for row in rows[:SHOWN_AT_MOST]]
        self.say("\n".join(words), document | {"kept": imported.kept, "rows": rows})

    def _tell(self, organization_id: int, imported: Import, *, dry: bool) -> None:
        rejected, known = imported.rejected + imported.conflicts, imported.same + imported.updated
        with tenancy.organization(organization_id):
            if self.as_json:
                head = {"accepted": imported.fresh, "rejected": rejected, "known": known}
                for piece in chain([json.dumps(head)[:-1] + ', "rows": ['], _rows(imported), ["]}\n"]):
                    self.stdout.write(piece, ending="")
                return
            would = "would be " if dry else ""
            self.stdout.write(
                f"{imported.rows} rows of {imported.filename}: {imported.fresh} {would}new, {imported.updated}"
                f" {would}updated, {imported.same} known, {imported.conflicts} conflicts, {imported.rejected} refused."
            )
            odd = contents.outcomes(imported, only=ImportRow.ODD)
            for _, row in zip(range(SHOWN_AT_MOST), odd, strict=False):
                self.stdout.write(f"Line {row.line}: {row.get_outcome_display().lower()}. {row.reason}")
            if rejected > SHOWN_AT_MOST:
                self.stdout.write("… all of them stand in the desk under Imports, and in the output of --json.")
            if imported.repeats_id:
                self.stdout.write(f"The very same file was imported before, as import {imported.repeats_id}.")
            elif not dry:
                self.stdout.write(f"To take it back: import_csv --undo {imported.pk}")


def _rows(imported: Import) -> Iterator[str]:
    """The rows as JSON, one at a time."""
    sign = ""
    for row in contents.outcomes(imported):
        outcome, reason = contents.told(imported, row)
        yield sign + json.dumps({"line": row.line, "outcome": outcome, "reason": reason}, ensure_ascii=False)
        sign = ", "
