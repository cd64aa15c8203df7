"""The first sheet of an XLSX file as rows of cells, read as a stream and without binary fractions.

Written here because the well-known reader gives numbers as floats, takes the whole table of texts into memory without
a limit, and has not been released since 2024. What is needed of the format is small: ECMA-376 part 1, §18.3 and §18.4.
"""

import re
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Context, Decimal, InvalidOperation
from typing import IO, Any, NamedTuple
from xml.etree import ElementTree
from xml.parsers import expat

from orders.files.tables import WIDEST, Row
from orders.files.texts import Refused

XML_MOST = 400 * 1024 * 1024
TEXTS_MOST = 48 * 1024 * 1024
CELL_MOST = 100_000
_NAME = re.compile(r"([A-Z]{1,3})([0-9]+)", re.ASCII)
_DATES = {14, 15, 16, 17, 22, 27, 30, 36, 50, 57}
_IN_FORMAT = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.')
# What a spreadsheet itself shows: it keeps numbers as binary fractions of 15 reliable digits.
_SHOWN = Context(prec=15)
_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001  a sheet knows no time zone
_EPOCH_1904 = datetime(1904, 1, 1)  # noqa: DTZ001
_BROKEN = "This is no whole Excel file: save it again as .xlsx, or as CSV."


class _Shown(NamedTuple):
    """What is needed to tell what a cell shows."""

    texts: list[str]
    dated: set[str]
    epoch: datetime
    point: str


class _Metered:
    """A member of the archive that refuses to unpack into more than was agreed."""

    def __init__(self, opened: IO[bytes], at_most: int) -> None:
        self._opened, self._left = opened, at_most

    def read(self, size: int = -1) -> bytes:
        data = self._opened.read(min(size, 1 << 20) if size > 0 else 1 << 20)
        self._left -= len(data)
        if self._left < 0:
            raise Refused("The Excel file unpacks into more than is taken here: save the table as CSV.")
        return data


def rows(file: IO[bytes], *, comma: bool = False) -> Iterator[Row]:
    """The heading and the rows below it, by the numbers the sheet shows; raises `Refused`.

    With `comma` numbers are given with a decimal comma, as the texts beside them are written.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            yield from _rows(archive, "," if comma else ".")
    except (zipfile.BadZipFile, ElementTree.ParseError, expat.ExpatError, LookupError, OSError, RuntimeError):
        raise Refused(_BROKEN) from None
    except (NotImplementedError, EOFError, ValueError) as error:
        raise Refused(str(error) if isinstance(error, Refused) else _BROKEN) from None


def _rows(archive: zipfile.ZipFile, point: str) -> Iterator[Row]:
    names = set(archive.namelist())
    texts = _texts(archive) if "xl/sharedStrings.xml" in names else []
    dated = _dated(archive) if "xl/styles.xml" in names else set()
    sheet, epoch = _first(archive)
    shown = _Shown(texts, dated, epoch, point)
    width = 0
    for element in _elements(archive, sheet, "row"):
        line = int(element.get("r") or 0)
        cells = _cells(element, shown)
        if not any(cells):
            continue
        if not width:
            if len(cells) > WIDEST:
                raise Refused(f"The sheet has {len(cells)} columns; at most {WIDEST} are taken.")
            width = len(cells)
            yield Row(line, cells)
        elif len(cells) > width:
            yield Row(line, cells[: width + 1], f"It has {len(cells)} cells where the heading has {width}.")
        else:
            yield Row(line, cells + [""] * (width - len(cells)))


def _elements(archive: zipfile.ZipFile, member: str, tag: str) -> Iterator[Any]:
    """Each element of this name, forgotten after it was given. A document type, and so an entity, is refused."""
    with archive.open(member) as opened:
        parser: Any = ElementTree.XMLPullParser(("start", "end"))
        metered, holder = _Metered(opened, XML_MOST), None
        while data := metered.read(1 << 16):
            if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
                raise Refused(_BROKEN)
            parser.feed(data)
            for event, element in parser.read_events():
                name = _local(element.tag)
                if event == "start":
                    holder = element if name in ("sheetData", "sst") else holder
                elif name == tag:
                    yield element
                    element.clear()
                    if holder is not None:
                        # What comes next is held by the parser itself: only what was given is let go.
                        holder.clear()
        parser.close()


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _texts(archive: zipfile.ZipFile) -> list[str]:
    found, size = [], 0
    for element in _elements(archive, "xl/sharedStrings.xml", "si"):
        text = _plain(element)
        size += len(text)
        if size > TEXTS_MOST:
            raise Refused("The Excel file holds more text than is taken here: save the table as CSV.")
        found.append(text)
    return found


def _plain(element: Any) -> str:
    """The text of an element without its phonetic readings."""
    parts = [part for part in element if _local(part.tag) != "rPh"]
    texts = (node.text or "" for part in parts for node in part.iter() if _local(node.tag) == "t")
    return "".join(texts)[:CELL_MOST]


def _dated(archive: zipfile.ZipFile) -> set[str]:
    """The numbers of the styles that show a number as a date."""
    own: set[int] = set()
    for element in _elements(archive, "xl/styles.xml", "numFmt"):
        code = _IN_FORMAT.sub("", element.get("formatCode", "")).lower()
        if any(sign in code for sign in "dmyhs") and "0" not in code.split(".")[0]:
            own.add(int(element.get("numFmtId", "0")))
    for element in _elements(archive, "xl/styles.xml", "cellXfs"):
        formats = [int(style.get("numFmtId", "0")) for style in element]
        return {str(n) for n, number in enumerate(formats) if number in own or number in _DATES}
    return set()


def _first(archive: zipfile.ZipFile) -> tuple[str, datetime]:
    """The member of the first sheet, and the day its dates are counted from."""
    wanted, epoch = "", _EPOCH
    for element in _elements(archive, "xl/workbook.xml", "workbook"):
        for part in element.iter():
            if _local(part.tag) == "workbookPr" and part.get("date1904") in ("1", "true"):
                epoch = _EPOCH_1904
            if _local(part.tag) == "sheet" and not wanted:
                wanted = next((value for name, value in part.items() if _local(name) == "id"), "")
    for element in _elements(archive, "xl/_rels/workbook.xml.rels", "Relationship"):
        if element.get("Id") == wanted:
            target = element.get("Target", "")
            return (target.lstrip("/") if target.startswith("/") else f"xl/{target}"), epoch
    raise Refused("The Excel file has no sheet.")


def _cells(row: Any, shown: _Shown) -> list[str]:
    found: list[str] = []
    for cell in row:
        if _local(cell.tag) != "c":
            continue
        match = _NAME.fullmatch(cell.get("r", ""))
        place = _column(match[1]) if match else len(found)
        if place > 16_384:
            raise Refused(_BROKEN)
        found += [""] * (place - len(found))
        found.append(_value(cell, shown))
    return found


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def _value(cell: Any, shown: _Shown) -> str:
    parts = {_local(part.tag): part for part in cell}
    if "f" in parts:
        # What a formula came to when the file was saved is nobody's word: it is given as the formula it is.
        return f"={parts['f'].text or ''}"[:CELL_MOST]
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return _plain(parts["is"]) if "is" in parts else ""
    text = (parts["v"].text or "") if "v" in parts else ""
    if kind == "s":
        return shown.texts[int(text)] if text else ""
    if kind != "n" or not text:
        return text
    if cell.get("s", "") in shown.dated:
        return _day(text, shown.epoch)
    return _number(text).replace(".", shown.point)


def _number(text: str) -> str:
    """A number as the sheet shows it, exactly: 1124.9000000000001 is 1124.9. What is too large stays as it is."""
    try:
        value = _SHOWN.create_decimal(text)
    except InvalidOperation:
        return text
    if not value.is_finite() or abs(value.adjusted()) > 14:
        return text
    plain = f"{value:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _day(text: str, epoch: datetime) -> str:
    try:
        days = Decimal(text)
        seconds = int((days * 86_400).to_integral_value())
        if not 0 < days < 2_958_466:
            return text
    except InvalidOperation:
        return text
    return (epoch + timedelta(seconds=seconds)).isoformat()
