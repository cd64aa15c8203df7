"""Everything as one zip: names that cannot clash, a length told beforehand, and never half an archive that opens."""

import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fulfillment import zips

AT = datetime(2026, 3, 10, 12, tzinfo=UTC)


def member(name: str, content: bytes) -> zips.Member:
    return zips.Member(name, len(content), AT, lambda: [content])


FILES = st.lists(st.tuples(st.text(max_size=12), st.binary(max_size=300)), min_size=1, max_size=6)


@given(FILES)
@settings(max_examples=60, deadline=None)
def test_every_archive_opens_whole_with_the_length_told_before(files: list[tuple[str, bytes]]) -> None:
    given_names = zips.names([name for name, _ in files])
    members = [member(name, content) for name, (_, content) in zip(given_names, files, strict=True)]
    whole = b"".join(zips.stream(members))
    assert len(whole) == zips.length(members)
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        assert archive.testzip() is None
        assert [archive.read(name) for name in given_names] == [content for _, content in files]


@given(st.lists(st.text(max_size=8), max_size=8))
@settings(max_examples=60, deadline=None)
def test_no_two_names_are_one_and_none_is_a_path(wanted: list[str]) -> None:
    found = zips.names(wanted)
    assert len({name.casefold() for name in found}) == len(wanted)
    assert not any(sign in name for name in found for sign in "/\\:\x00\n") and all(found)
    assert not {".", ".."} & set(found)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (["a.pdf", "a.pdf", "A.PDF"], ["a.pdf", "a (2).pdf", "A (3).PDF"]),
        (["../../etc/passwd", "..\\x"], ["_.._etc_passwd", "_x"]),
        (["", "..", "\x00"], ["file", "file (2)", "_"]),
        (["日本.epub"], ["日本.epub"]),
    ],
)
def test_names_are_plain_and_distinct(wanted: list[str], found: list[str]) -> None:
    assert zips.names(wanted) == found


@pytest.mark.parametrize("broken", ["breaks", "ends early"])
def test_what_fails_midway_never_looks_like_an_archive(broken: str) -> None:
    def half() -> Iterator[bytes]:
        yield b"x" * 50
        if broken == "breaks":
            raise OSError("the store went away")

    sent = b""
    with pytest.raises((OSError, ValueError)):
        for piece in zips.stream([member("whole.pdf", b"y" * 100), zips.Member("half.pdf", 100, AT, half)]):
            sent += piece
    assert len(sent) > 100 and not zipfile.is_zipfile(io.BytesIO(sent))


def test_the_length_of_a_very_large_archive_is_not_promised() -> None:
    assert zips.length([zips.Member("a", zips.LARGEST_PLAIN, AT, list)]) is None
