"""Handing in a file: keep it, find out how it is to be read, and ask where the file itself does not say."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from itertools import islice
from typing import IO, Any

from django.db import transaction

from orders.actions import channels, column_mappings
from orders.actions.imports import NotPossible, State, begin_again, locked
from orders.files import dialects, sales, tables, texts
from orders.files.cells import fold
from orders.files.dialects import Columns, Declared, Mode, Recipe, Record
from orders.files.sales import Reader
from orders.files.transfers import TransferReader
from orders.models import Channel, ColumnMapping, Import, ImportPart
from orders.parsing import Unreadable
from orders.queries import imports, repeats
from profiles import clock
from profiles.actions import audit
from profiles.actors import Actor, Invalid
from profiles.models import Organization

PART = 1024 * 1024
PREVIEW = 10


class FileRefused(Invalid):
    """A file that is not taken at all."""

    title = "File refused"


# Handing in -------------------------------------------------------------------------------------------------------


def channel_for(organization: Organization, label: str, *, by: Actor) -> Channel:
    """The channel named kind:domain; one of files is made where it is lacking. Raises Invalid."""
    kind, _, domain = label.partition(":")
    domain = domain.strip().lower()
    found = Channel.objects.filter(kind=kind, domain=domain).first()
    if found is None and kind == "csv" and domain:
        by.require("import_files")
        maker = Actor.system(by.label) if by.is_person else by
        found = channels.connect(organization, kind=kind, domain=domain, by=maker, calls_provider=False)
    if found is None:
        raise Invalid(f"There is no channel {label}: connect it first, or use csv:NAME.")
    return found


def receive(
    file: IO[bytes],
    *,
    filename: str,
    channel: Channel,
    mode: Mode,
    record: Record,
    by: Actor,
    organization: Organization,
    mail: bool = False,
    declared: Declared | None = None,
    mapping: ColumnMapping | None = None,
    at_most: int = texts.SIZE_MOST,
) -> Import:
    """Keep a file and find out how it is to be read; it waits for `check` or `take`, or for an answer (ASKING).

    The very file that was imported before is done at once, and keeps nothing. Raises FileRefused.
    """
    by.require("import_files")
    if mapping is not None and mapping.mode != mode:
        raise Invalid(f"The mapping {mapping} is for files of {mapping.mode}.")
    seen = _inspect(file, at_most)
    now, told = clock.now(), declared or Declared()
    row = Import(
        organization=organization,
        channel=channel,
        mode=mode.value,
        record=record.value,
        mail=mail,
        state=State.ASKING,
        filename=filename[:255] or "file",
        size=seen.size,
        sha256=seen.sha256,
        declared=asdict(told),
        mapping=mapping,
        version=now,
        created_at=now,
        by=by.label[:200],
        by_user_id=by.user_id,
    )
    if (former := _former(row)) is not None:
        row.repeats, row.state, row.done_at = former, State.DONE, now
        row.recipe, row.headings, row.preview = former.recipe, former.headings, former.preview
        row.rows, row.rejected, row.same = former.rows, former.rejected, former.rows - former.rejected
        row.save(force_insert=True)
    else:
        with transaction.atomic():
            row.save(force_insert=True)
            _store(row, file)
            _recognise(row, seen)
            row.save()
    audit.record("import.received", by=by, subject=row, details={"channel": channel.label, "size": row.size})
    return row


def _inspect(file: IO[bytes], at_most: int) -> texts.Inspection:
    seen = texts.Inspection(at_most=at_most)
    try:
        while chunk := file.read(PART):
            seen.feed(chunk)
        seen.end()
    except texts.Refused as refused:
        raise FileRefused(str(refused)) from None
    return seen


def _store(row: Import, file: IO[bytes]) -> None:
    file.seek(0)
    number = 0
    while chunk := file.read(PART):
        ImportPart(organization_id=row.organization_id, imported=row, number=number, content=chunk).save()
        number += 1


def _former(row: Import) -> Import | None:
    """The import of the very same file, where its rows mean what they meant then and each of them still stands."""
    found = repeats.newest(row)
    if found is None:
        return None
    recipe = Recipe.of(found.recipe)
    try:
        now = _cook(row, found.headings, encoding=recipe.encoding, delimiter=recipe.delimiter)
    except texts.Refused:
        return None
    return found if now == recipe and repeats.stands(found) else None


# How it is read ---------------------------------------------------------------------------------------------------


def _recognise(row: Import, seen: texts.Inspection) -> None:
    """Find the encoding, the delimiter and what the columns mean; what stays open is asked (ASKING).

    Raises FileRefused where no answer would help.
    """
    declared, mapping = _terms(row)
    row.refusal, row.recipe, row.preview, row.headings = "", {}, [], []
    try:
        encoding = _encoding(row, seen, declared.encoding)
        names = {*dialects.names(), *(fold(name) for name in (mapping.columns.values() if mapping else ()))}
        delimiter = _delimiter(declared.delimiter) or _found_delimiter(seen, encoding, names)
        head = next(imports.table(row, encoding=encoding, delimiter=delimiter), None)
        if head is None:
            raise texts.Refused("The file has no rows.")
        row.headings = [text[:200].replace("\0", "") for text in head.cells]
        recipe = _cook(row, row.headings, encoding=encoding, delimiter=delimiter)
        row.recipe = recipe.as_json()
        row.preview = list(_preview(row, recipe))
    except dialects.Unknown as unknown:
        row.refusal = str(unknown)
    except texts.Refused as refused:
        raise FileRefused(str(refused)) from None


def _terms(row: Import) -> tuple[Declared, Columns | None]:
    """What the seller declared of the file, where the mapping says it too, and the mapping."""
    declared = Declared(**row.declared)
    mapping = column_mappings.columns(row.mapping) if row.mapping else None
    if mapping is not None:
        declared = replace(
            declared,
            encoding=declared.encoding or mapping.encoding,
            delimiter=declared.delimiter or mapping.delimiter,
        )
    return declared, mapping


def _cook(row: Import, headings: Sequence[str], *, encoding: str, delimiter: str) -> Recipe:
    """How its rows are read if it is written so; raises `dialects.Unknown` or `texts.Refused`."""
    declared, mapping = _terms(row)
    return dialects.cook(
        headings,
        Mode(row.mode),
        encoding=encoding,
        delimiter=delimiter,
        declared=declared,
        mapping=mapping,
        record=Record(row.record),
        zone=row.organization.timezone,
        currency=row.channel.currency or row.organization.currency,
    )


def _encoding(row: Import, seen: texts.Inspection, declared: str) -> str:
    if seen.is_sheet:
        for _ in imports.table(row, encoding="xlsx", delimiter=","):
            pass  # a sheet that breaks off is refused before any of it is taken
        return "xlsx"
    proved = []
    for dialect in (one for one in dialects.DIALECTS if one.mode == row.mode):
        for codec in dialect.encodings:
            heading = texts.headings(seen, codec)
            cells = heading.split(tables.delimiter_of(heading, known=dialects.names())) if heading else []
            if codec not in proved and dialects.recognise(cells, Mode(row.mode)) is dialect and _decodes(row, codec):
                proved.append(codec)
    found = texts.encoding(seen, declared=declared, proved=proved)
    if not found.startswith("utf-8") and not _decodes(row, found):
        raise texts.Refused(f"The file is not {texts.NAMES[found]} text all through.")
    return found


def _decodes(row: Import, codec: str) -> bool:
    """Whether every byte of the file is of this encoding."""
    try:
        for _ in texts.lines(imports.contents(row), codec):
            pass
    except texts.Refused:
        return False
    return True


def _delimiter(declared: str) -> str:
    named = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}.get(declared, declared)
    if named and named not in tables.DELIMITERS:
        raise texts.Refused("The delimiter is one of , ; | or tab.")
    return named


def _found_delimiter(seen: texts.Inspection, encoding: str, names: set[str]) -> str:
    return "," if encoding == "xlsx" else tables.delimiter_of(texts.headings(seen, encoding), known=names)


def _preview(row: Import, recipe: Recipe) -> Iterator[dict[str, Any]]:
    """The first rows as they will be read."""
    orders, payouts = Reader(recipe), TransferReader(recipe, version=row.version)
    for found in islice(imports.below(row, recipe), PREVIEW):
        shown: dict[str, Any] = {"line": found.line, "problem": found.problem, "cells": found.cells[: tables.WIDEST]}
        try:
            if not found.problem and recipe.mode is Mode.ORDERS:
                shown["read"] = sales.shown(orders.read(found.cells))
            elif not found.problem:
                shown["read"] = payouts.transfer(found.cells).shown()
        except Unreadable as unreadable:
            shown["problem"] = str(unreadable)
        yield shown


def answer(row: Import, *, declared: Declared, mapping: ColumnMapping | None, by: Actor, because: str) -> Import:
    """Read the file otherwise than before. Raises FileRefused where it cannot be read so, NotPossible."""
    by.require("import_files")
    reason = audit.require_reason(because)
    row = locked(row)
    if row.state not in (State.ASKING, State.CHECKED, State.REFUSED):
        raise NotPossible("It is being worked on, or done: how it is read can no longer be changed.")
    row.declared, row.mapping = asdict(declared), mapping
    seen = texts.Inspection()
    for content in imports.contents(row):
        seen.feed(content)
    seen.end()
    _recognise(row, seen)
    row.state = State.ASKING
    begin_again(row)
    row.save()
    audit.record("import.answered", by=by, subject=row, because=reason, details=row.declared)
    return row
