"""Dialogs about imported files: handing one in, saying how it is read, importing, undoing, discarding."""

from typing import Any

from django import forms
from django.http import HttpRequest

from orders.actions import column_mappings, import_files, import_undos, imports
from orders.files import dialects, texts
from orders.files.cells import Dates, Decimals, fold
from orders.files.dialects import Declared, Mode, Record, Standing
from orders.models import Channel, ColumnMapping, Import
from profiles.actors import Invalid
from profiles.models import Organization
from support.admin.base import address_of
from support.admin.dialogs import Ask, Dialog, Done, Press, registered
from support.admin.lists import counted

State = Import.State
NEW_CHANNEL = ""
AS_FOUND = ("", "As the file shows")
ENCODINGS = [AS_FOUND, *((name, words) for name, words in texts.NAMES.items() if name not in ("xlsx", "utf-8-sig"))]
DELIMITERS = [AS_FOUND, (",", "Comma"), (";", "Semicolon"), ("tab", "Tab"), ("|", "Bar")]
DECIMALS = [AS_FOUND, (Decimals.POINT.value, "1234.56"), (Decimals.COMMA.value, "1234,56 or 1.234,56")]
DATES = [
    AS_FOUND,
    (Dates.ISO.value, "2026-11-12"),
    (Dates.DMY.value, "12/11/2026, day first"),
    (Dates.MDY.value, "11/12/2026, month first"),
]
RECORDS = [
    (Record.NET.value, "What was paid and the fees"),
    (Record.GROSS.value, "What was paid, without fees"),
    (Record.NONE.value, "Nothing: its money is booked from elsewhere"),
]


class AskReading(Ask):
    mapping = forms.ChoiceField(label="What the columns mean", required=False)
    encoding = forms.ChoiceField(label="Encoding", choices=ENCODINGS, required=False)
    delimiter = forms.ChoiceField(label="Between the cells", choices=DELIMITERS, required=False)
    decimals = forms.ChoiceField(label="Amounts are written", choices=DECIMALS, required=False)
    dates = forms.ChoiceField(label="Dates are written", choices=DATES, required=False)


def _declared(data: Any) -> Declared:
    return Declared(**{name: data[name] for name in ("encoding", "delimiter", "decimals", "dates")})


def _mappings(mode: str = "") -> list[tuple[str, str]]:
    rows = ColumnMapping.objects.order_by("name")
    found = rows.filter(mode=mode) if mode else rows
    return [("", "As the file's heading says"), *((str(row.pk), f"Mapping: {row.name}") for row in found)]


def _mapping(data: Any) -> ColumnMapping | None:
    return ColumnMapping.objects.get(pk=int(data["mapping"])) if data["mapping"] else None


class AskFile(Ask):
    file = forms.FileField(label="File", max_length=255, help_text="CSV or XLSX, at most 50 MiB.")
    mode = forms.ChoiceField(label="It holds", choices=Import.Mode.choices)
    channel = forms.ChoiceField(label="Sold through", required=False)
    source = forms.RegexField(
        r"^[a-zA-Z0-9][a-zA-Z0-9.-]*$",
        label="Name of a new source",
        max_length=60,
        required=False,
        help_text="Letters, digits and dashes, such as old-shop. The same name again finds the same orders.",
    )
    record = forms.ChoiceField(label="Booked of each order", choices=RECORDS)
    mail = forms.BooleanField(
        label="Write to the buyers as if they had bought now",
        required=False,
        help_text="Without it nobody gets mail: they had theirs long ago. Their library holds what they bought.",
    )
    mapping = forms.ChoiceField(label="What the columns mean", required=False)


@registered
class ImportFile(Dialog):
    name, permission, model = "import_file", "import_files", Organization
    title, button = "Import a file", "Import a file"
    form = AskFile
    inverse = "Discard it, or undo the import after it was made."

    def about(self, subject: Organization) -> str:
        return ""

    def prepare(self, form: AskFile, subject: Organization, request: HttpRequest) -> None:
        rows = Channel.objects.filter(built_in=False).order_by("kind", "domain")
        known = [(row.label, str(row)) for row in rows[:200]]
        channel: Any = form.fields["channel"]
        channel.choices = [*known, (NEW_CHANNEL, "A new source, named below")]
        mapping: Any = form.fields["mapping"]
        mapping.choices = _mappings()

    def will(self, subject: Organization, request: HttpRequest) -> list[str]:
        return [
            "The file is kept and every row looked at. Nothing is imported yet.",
            "You see then how it is read, what each row would do, and decide.",
        ]

    def do(self, subject: Organization, press: Press) -> Done:
        data = press.data
        label = data["channel"] or (f"csv:{data['source'].lower()}" if data["source"] else "")
        if not label:
            raise Invalid("Choose where it was sold, or name a new source.")
        mode, upload = Mode(data["mode"]), data["file"]
        row = import_files.receive(
            upload,
            filename=upload.name,
            channel=import_files.channel_for(subject, label, by=press.by),
            mode=mode,
            record=Record(data["record"]),
            mail=data["mail"],
            mapping=_mapping(data),
            at_most=texts.UPLOAD_MOST,
            organization=subject,
            by=press.by,
        )
        if row.repeats_id:
            return Done("Nothing to do: this very file was imported before.", url=address_of(Import, row.pk))
        if row.refusal:
            return Done("The file is kept. Say what its columns mean.", url=address_of(Import, row.pk))
        imports.check(row, by=press.by)
        return Done("The file is kept, and its rows are being checked.", url=address_of(Import, row.pk))


class OfImport(Dialog):
    model, related, permission = Import, ("channel", "organization", "mapping"), "import_files"

    def about(self, subject: Import) -> str:
        return f"{subject.filename} · {subject.channel.label}"


@registered
class ReadOtherwise(OfImport):
    name = "read_otherwise"
    title, button = "Read it otherwise", "Read it otherwise"
    form = AskReading
    inverse = "Read it otherwise once more."

    def prepare(self, form: AskReading, subject: Import, request: HttpRequest) -> None:
        mapping: Any = form.fields["mapping"]
        mapping.choices = _mappings(subject.mode)
        if not form.is_bound:
            form.initial.update(subject.declared, mapping=str(subject.mapping_id or ""))

    def will(self, subject: Import, request: HttpRequest) -> list[str]:
        return ["Every row is looked at anew. Nothing is imported yet."]

    def do(self, subject: Import, press: Press) -> Done:
        row = import_files.answer(
            subject,
            declared=_declared(press.data),
            mapping=_mapping(press.data),
            by=press.by,
            because=press.because,
        )
        return _checked(row, press)


class AskColumns(Ask):
    name = forms.CharField(
        label="Keep this under the name", max_length=100, help_text="The next file of this kind finds it by that name."
    )
    decimals = forms.ChoiceField(label="Amounts are written", choices=DECIMALS[1:])
    dates = forms.ChoiceField(label="Dates are written", choices=DATES[1:])
    paid = forms.CharField(
        label="Words for paid", max_length=300, required=False, help_text="As the status column has them, with commas."
    )
    refunded = forms.CharField(label="Words for refunded", max_length=300, required=False)
    cancelled = forms.CharField(label="Words for cancelled", max_length=300, required=False)


@registered
class MapColumns(OfImport):
    name = "map_columns"
    title, button = "Say what the columns mean", "Say what the columns mean"
    form = AskColumns
    inverse = "Say it otherwise under the same name."

    def prepare(self, form: AskColumns, subject: Import, request: HttpRequest) -> None:
        mode = Mode(subject.mode)
        needed = dialects.NEEDED[mode]
        headings = [heading for heading in dict.fromkeys(subject.headings) if heading.strip()]
        choices = [("", "–"), *((heading, heading[:80]) for heading in headings)]
        own = {}
        for name, words in dialects.FIELDS[mode].items():
            own[f"column_{name}"] = forms.ChoiceField(
                label=words, choices=choices, required=name in needed, initial=_likely(name, subject.headings)
            )
        form.fields = {"name": form.fields.pop("name"), **own, **form.fields}
        if not form.is_bound:
            kept = subject.mapping
            form.initial["name"] = kept.name if kept else subject.filename.rpartition(".")[0][:100]
            for name, heading in (kept.columns if kept else {}).items():
                form.initial[f"column_{name}"] = heading

    def will(self, subject: Import, request: HttpRequest) -> list[str]:
        return ["It is kept for files of this kind, and every row of this one is looked at. Nothing is imported yet."]

    def do(self, subject: Import, press: Press) -> Done:
        data = press.data
        columns = {name[7:]: heading for name, heading in data.items() if name.startswith("column_") and heading}
        words = {
            word.strip(): standing.value
            for standing in (Standing.PAID, Standing.REFUNDED, Standing.CANCELLED)
            for word in data[standing.value].split(",")
            if word.strip()
        }
        kept = column_mappings.keep(
            subject.organization,
            data["name"],
            Mode(subject.mode),
            {"columns": columns, "decimals": data["decimals"], "dates": data["dates"], "statuses": words},
            by=press.by,
            because=press.because,
        )
        declared = Declared(**{**subject.declared, "decimals": "", "dates": ""})
        row = import_files.answer(subject, declared=declared, mapping=kept, by=press.by, because=press.because)
        return _checked(row, press)


def _likely(name: str, headings: list[str]) -> str:
    """The heading that some known dialect has for this field, '' where none does."""
    known = {fold(a) for dialect in dialects.DIALECTS for a in dialect.columns.get(name, ())} | {fold(name)}
    return next((heading for heading in headings if fold(heading) in known), "")


def _checked(row: Import, press: Press) -> Done:
    if row.refusal:
        return Done(row.refusal, url=address_of(Import, row.pk))
    imports.check(row, by=press.by)
    return Done("Its rows are being checked.", url=address_of(Import, row.pk))


@registered
class TakeImport(OfImport):
    name = "take_import"
    title, button = "Import the rows", "Import the rows"
    inverse = "Undo the import."

    def cannot(self, subject: Import) -> str:
        if subject.state != State.CHECKED:
            return "Only a file whose rows were checked is imported."
        return "" if subject.fresh + subject.updated else "No row of it brings anything new."

    def will(self, subject: Import, request: HttpRequest) -> list[str]:
        what = "payout" if subject.mode == Mode.PAYOUTS else "order"
        skipped = subject.same + subject.conflicts + subject.rejected
        parts = f"{subject.same} known, {subject.conflicts} in conflict, {subject.rejected} rejected"
        mail = (
            "Buyers get their mail as if they had bought now."
            if subject.mail
            else "Nobody gets mail. What they bought waits in their library, and Resend still mails a link."
        )
        return [
            f"{counted(subject.fresh, 'row')} with new {what}s and {counted(subject.updated, 'row')} that change one.",
            f"{counted(skipped, 'row')} left out: {parts}.",
            *([] if subject.mode == Mode.PAYOUTS else [mail]),
        ]

    def do(self, subject: Import, press: Press) -> Done:
        row = imports.take(subject, by=press.by, because=press.because)
        return Done("The rows are being imported.", url=address_of(Import, row.pk))


@registered
class UndoImport(OfImport):
    name = "undo_import"
    title, button, danger = "Undo the import", "Undo", True
    inverse = "Import the same file again: it brings them back."

    def cannot(self, subject: Import) -> str:
        made = subject.state == State.DONE and not subject.repeats_id
        return "" if made else "Only an import that was made is undone."

    def will(self, subject: Import, request: HttpRequest) -> list[str]:
        found = import_undos.foretell(subject)
        what = ("payout", "payouts") if subject.mode == Mode.PAYOUTS else ("order", "orders")
        return [
            f"{counted(found.withdrawn, *what)} known from this file alone withdrawn: cancelled, unpaid, access ends.",
            f"{counted(found.restored, *what)} as the import before this one left them.",
            f"{counted(found.kept, *what)} stay, because their shop or a later import spoke of them since.",
            "Nothing is deleted, and nobody gets mail.",
        ]

    def do(self, subject: Import, press: Press) -> Done:
        row = import_undos.request(subject, by=press.by, because=press.because)
        return Done("The import is being undone.", url=address_of(Import, row.pk))


@registered
class DiscardImport(OfImport):
    name = "discard_import"
    title, button, danger = "Discard the file", "Discard", True
    inverse = "Hand the file in again."

    def cannot(self, subject: Import) -> str:
        possible = State.DISCARDED in Import.TRANSITIONS[State(subject.state)]
        return "" if possible else "It is imported or being worked on."

    def will(self, subject: Import, request: HttpRequest) -> list[str]:
        return ["1 file is forgotten. None of its rows was imported."]

    def do(self, subject: Import, press: Press) -> Done:
        imports.discard(subject, by=press.by, because=press.because)
        return Done("1 file discarded. Nothing of it was imported.")


@registered
class ResumeImport(OfImport):
    name = "resume_import"
    title, button = "Go on with it", "Go on"
    inverse = "Not needed: it goes on where it stopped."

    def cannot(self, subject: Import) -> str:
        return "" if subject.state in Import.DUE and subject.due_at is None else "It did not stop."

    def will(self, subject: Import, request: HttpRequest) -> list[str]:
        return [f"It goes on after {counted(subject.rows, 'row')}; none is worked twice."]

    def do(self, subject: Import, press: Press) -> Done:
        imports.go_on(subject, by=press.by, because=press.because)
        return Done("It goes on.")
