"""Rows out of lines: what was written is read, and whatever stands in a line, no line is lost."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orders.files import tables, texts
from orders.files.texts import Refused


def read(text: str, delimiter: str = ",") -> list[tables.Row]:
    return list(tables.rows(texts.lines([text.encode()], "utf-8"), delimiter=delimiter))


CELL = st.text(st.sampled_from('ab,;"\n '), max_size=6).map(lambda text: f"x{text}")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(CELL, min_size=3, max_size=3), min_size=1, max_size=6), st.sampled_from(",;"))
def test_what_was_written_is_read_or_complained_about(written: list[list[str]], delimiter: str) -> None:
    """Only a cell whose second line would be a whole row by itself is taken for swallowed rows."""
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows([["a", "b", "c"], *written])
    found = read(out.getvalue(), delimiter)[1:]
    if not any("\n" in cell for cells in written for cell in cells):
        assert [row.cells for row in found] == written and not any(row.problem for row in found)
    assert all(row.problem or len(row.cells) == 3 for row in found)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(st.sampled_from('ab,"'), max_size=8), min_size=1, max_size=8))
def test_no_line_is_lost_whatever_stands_in_it(lines: list[str]) -> None:
    marked = [f"mark{number}z{line}" for number, line in enumerate(lines)]
    found = read("\n".join(["a,b,c", *marked]))
    told = "\n".join(cell for row in found for cell in row.cells)
    assert [line for line in marked if line.partition("z")[0] + "z" not in told] == []
    assert [row.line for row in found] == sorted({row.line for row in found})


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_lines_end_as_each_system_ends_them_wherever_a_part_is_cut(ending: str, size: int) -> None:
    raw = ending.join(["a;b", "ü;2", "3;4", ""]).encode()
    parts = [raw[start : start + size] for start in range(0, len(raw), size)]
    assert list(texts.lines(parts, "utf-8")) == ["a;b\n", "ü;2\n", "3;4\n"]


def test_lines_swallowed_into_a_row_of_too_many_cells_stand_alone_again() -> None:
    found = read('a,b,c\n1,,,,"\n2"\n3,4,5\n')
    assert [(row.line, bool(row.problem)) for row in found] == [(1, False), (2, True), (3, True), (4, False)]


def test_a_line_without_end_is_cut_and_complained_about() -> None:
    parts = [b"a,b\n", *[b"x" * 1_000_000] * 9, b",2\n3,4\n"]
    found = list(tables.rows(texts.lines(parts, "utf-8"), delimiter=","))
    assert [(row.line, bool(row.problem)) for row in found] == [(1, False), (2, True), (3, False)]


def test_the_sign_between_cells_is_the_one_that_gives_known_names() -> None:
    assert tables.delimiter_of("Sipariş No;Tarih, gün;Tutar", known=["tarih, gün", "tutar"]) == ";"
    assert tables.delimiter_of("a\tb,c\td") == "\t"


def test_too_many_columns_are_no_table() -> None:
    with pytest.raises(Refused, match="columns"):
        read(",".join(map(str, range(201))))
