"""The Range header of a download."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fulfillment import ranges
from fulfillment.ranges import Span, Unsatisfiable

SIZE = 1000


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("", None),
        ("bytes=0-499", Span(0, 500)),
        ("bytes=500-999", Span(500, 1000)),
        ("bytes=500-", Span(500, 1000)),
        ("bytes=0-", Span(0, 1000)),
        ("bytes=-200", Span(800, 1000)),
        ("bytes=-5000", Span(0, 1000)),
        ("bytes=999-5000", Span(999, 1000)),
        ("bytes=999-99999999999999999999999", Span(999, 1000)),
        ("BYTES = 1 - 2 ", Span(1, 3)),
        ("bytes=1000-", Unsatisfiable(SIZE)),
        ("bytes=1000-1001", Unsatisfiable(SIZE)),
        ("bytes=99999999999999999999999-", Unsatisfiable(SIZE)),
        ("bytes=-0", Unsatisfiable(SIZE)),
        ("bytes=-", None),
        ("bytes=5-4", None),
        ("bytes=a-b", None),
        ("bytes=1", None),
        ("bytes=--1", None),
        ("bytes=٣-٤", None),
        ("lines=0-1", None),
        ("bytes=0-1,5-6", None),
        ("bytes=" + ",".join(["0-"] * 299), None),
        ("bytes=0-" + "9" * 5000, None),
    ],
)
def test_a_range_header_gives_one_span_or_the_whole_file(header: str | None, expected: object) -> None:
    assert ranges.parse(header, SIZE) == expected


@pytest.mark.parametrize(("header", "expected"), [("bytes=0-", Unsatisfiable(0)), ("bytes=-5", None)])
def test_an_empty_file_has_nothing_to_resume(header: str, expected: object) -> None:
    assert ranges.parse(header, 0) == expected


@pytest.mark.parametrize(
    ("if_range", "etag", "expected"),
    [
        ('"v1"', '"v1"', Span(0, 10)),
        ('"v1"', '"v2"', None),
        ('W/"v1"', 'W/"v1"', None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", '"v1"', None),
        ('"v1"', None, None),
    ],
)
def test_a_changed_file_is_sent_whole(if_range: str, etag: str | None, expected: object) -> None:
    assert ranges.parse("bytes=0-9", SIZE, if_range=if_range, etag=etag) == expected


def test_the_headers_of_the_answer() -> None:
    span = Span(500, 1000)
    assert (span.length, span.content_range(1000)) == (500, "bytes 500-999/1000")
    assert Unsatisfiable(1000).content_range == "bytes */1000"


@given(st.text(max_size=80), st.integers(0, 10_000))
def test_no_text_breaks_it_and_no_span_leaves_the_file(header: str, size: int) -> None:
    for text in (header, f"bytes={header}"):
        found = ranges.parse(text, size)
        assert not isinstance(found, Span) or 0 <= found.start < found.stop <= size


@given(st.binary(min_size=1, max_size=200), st.integers(1, 60))
def test_resuming_in_pieces_gives_the_file_byte_for_byte(content: bytes, piece: int) -> None:
    received = b""
    while len(received) < len(content):
        found = ranges.parse(f"bytes={len(received)}-{len(received) + piece - 1}", len(content))
        assert isinstance(found, Span)
        received += content[found.start : found.stop]
    assert received == content
