"""XLSX as a spreadsheet shows it: exact amounts, days, texts; and files made to break a reader."""

import io
import zipfile

import pytest

from orders.files import sheets
from orders.files.texts import Refused
from tests.stage import PAYLOADS

SHEET = "xl/worksheets/sheet1.xml"
PARTS = {
    "xl/workbook.xml": '<workbook xmlns:r="x"><sheets><sheet name="A" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships><Relationship Id="r1" Target="/{SHEET}"/></Relationships>',
    "xl/styles.xml": '<styleSheet><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>',
    "xl/sharedStrings.xml": (
        "<sst><si><t>one</t></si><si><r><t>two </t></r><r><t>parts</t></r><rPh><t>no</t></rPh></si></sst>"
    ),
}


def book(rows: str, **parts: str) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**PARTS, SHEET: f"<worksheet><sheetData>{rows}</sheetData></worksheet>", **parts}.items():
            archive.writestr(name, content)
    file.seek(0)
    return file


def cells(rows: str, *, comma: bool = False) -> list[list[str]]:
    return [row.cells for row in sheets.rows(book(rows), comma=comma)]


def number(value: str, style: str = "0") -> str:
    return f'<row r="1"><c r="A1" s="{style}"><v>{value}</v></c></row>'


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("1124.9000000000001", "1124.9"),
        ("0.30000000000000004", "0.3"),
        ("1124.9", "1124.9"),
        ("100", "100"),
        ("1E-2", "0.01"),
        ("1.23456789012346E+17", "1.23456789012346E+17"),
        ("NaN", "NaN"),
    ],
)
def test_numbers_are_what_the_sheet_shows_and_no_binary_fraction(stored: str, shown: str) -> None:
    assert cells(number(stored)) == [[shown]]


def test_numbers_are_written_as_the_texts_beside_them() -> None:
    assert cells(number("1.124"), comma=True) == [["1,124"]]


@pytest.mark.parametrize(("stored", "shown"), [("46085.4375", "2026-03-04T10:30:00"), ("46086", "2026-03-05T00:00:00")])
def test_a_day_is_a_day_and_not_its_number(stored: str, shown: str) -> None:
    assert cells(number(stored, "1")) == [[shown]]


def test_texts_formulas_gaps_and_missing_cells() -> None:
    rows = (
        '<row r="2"><c r="A2" t="s"><v>0</v></c><c r="C2" t="s"><v>1</v></c></row><row r="3"/>'
        '<row r="7"><c r="B7"><f>SUM(1,2)</f><v>3</v></c></row>'
    )
    assert [tuple(row) for row in sheets.rows(book(rows))] == [
        (2, ["one", "", "two parts"], ""),
        (7, ["", "=SUM(1,2)", ""], ""),
    ]


def test_a_real_file_is_read() -> None:
    with (PAYLOADS / "files/orders.generic.xlsx").open("rb") as file:
        found = list(sheets.rows(file))
    assert [row.line for row in found] == [1, 2, 3, 4, 5, 7]
    assert found[1].cells[:2] == ["1001", "2026-03-04T10:30:00"] and found[1].cells[6] == "1124.9"
    assert found[2].cells[0] == "000123" and found[3].cells[6] == "=SUM(1,2)"


@pytest.mark.parametrize(
    "parts",
    [
        {SHEET: '<!DOCTYPE a [<!ENTITY b "bb">]><worksheet><sheetData>&b;</sheetData></worksheet>'},
        {SHEET: "<worksheet><sheetData><row"},
        {SHEET: '<worksheet><sheetData><row r="1"><c r="A1" t="s"><v>99</v></c></row></sheetData></worksheet>'},
        {SHEET: '<worksheet><sheetData><row r="x"><c r="A1"><v>1</v></c></row></sheetData></worksheet>'},
        {SHEET: '<worksheet><sheetData><row r="1"><c r="ZZZ1"><v>1</v></c></row></sheetData></worksheet>'},
        {"xl/workbook.xml": "<workbook/>"},
        {"xl/_rels/workbook.xml.rels": "<Relationships/>"},
    ],
)
def test_a_broken_file_is_refused_with_a_sentence(parts: dict[str, str]) -> None:
    with pytest.raises(Refused):
        list(sheets.rows(book("", **parts)))


def test_a_file_that_unpacks_into_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "XML_MOST", 1 << 20)
    with pytest.raises(Refused, match="unpacks"):
        list(sheets.rows(book("<row r='1'/>" * 200_000)))


def test_no_zip_at_all_is_refused() -> None:
    with pytest.raises(Refused):
        list(sheets.rows(io.BytesIO(b"PK\x03\x04 not a workbook")))
