"""Bodies, times and ids are read strictly, and no input raises anything but a readable refusal."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders import parsing
from orders.messages import Unusable
from orders.parsing import Unreadable

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def test_numbers_stay_what_they_are():
    value = parsing.loads(b'{"a": 29.99, "b": 9223372036854775808, "c": 1e2}')
    assert value == {"a": Decimal("29.99"), "b": 2**63, "c": Decimal("1E+2")}
    assert str(value["a"]) == "29.99"


@pytest.mark.parametrize(
    "body",
    [
        b"", b"  ", b"{", b"[1,", b"{}{}", b"{} <html>", b"nul", b"{'a': 1}", b'{"a": 01}', b'{"a": .5}', b'{"a": 1.}',
        b"NaN", b'{"a": NaN}', b'{"a": Infinity}', b'{"a": -Infinity}', b'{"a": 1e999}', b'{"a": 1E-999}',
        b'{"a": 1, "a": 2}', b'{"b": {"a": 1, "a": 1}}', b"\xef\xbb\xbf{}", '{"a": 1}'.encode("utf-16"),
        '{"a": 1}'.encode("utf-32"), b'{"a": "\xff"}', b'{"a": "\xc0\x80"}', b'{"a": "\xed\xa0\x80"}', b'{"a": "\x00"}',
        b'{"a": "line\nbreak"}', b"1" * 5000, b'{"a": -' + b"9" * 101 + b"}", b'{"a": 0.' + b"1" * 101 + b"}",
    ],
    ids=lambda body: repr(body[:24]),
)  # fmt: skip
def test_what_is_not_strict_json_is_unusable(body):
    with pytest.raises(Unusable):
        parsing.loads(body)


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("depth", [65, 1_000, 100_000])
def test_nesting_is_refused_without_recursion(opening, closed, depth):
    closing = {b"[": b"]", b'{"a":': b"}"}[opening]
    body = opening * depth + b"1" + (closing * depth if closed else b"")
    with pytest.raises(Unusable):
        parsing.loads(body)


def test_sixty_four_levels_are_taken():
    parsing.loads(b"[" * 64 + b"]" * 64)
    parsing.loads(b"[" + b"[{}]," * 500 + b"1]")


def test_brackets_inside_of_texts_do_not_nest():
    text = '[{"' * 200 + "\\"
    assert parsing.loads(json.dumps({"a": text, "b": "]" * 90}).encode()) == {"a": text, "b": "]" * 90}


def test_texts_may_not_hide_nesting():
    body = b'["]]]]", "\\"]]]", ' + b"[" * 70 + b"]" * 70 + b"]"
    with pytest.raises(Unusable, match="64 levels"):
        parsing.loads(body)


def test_the_longest_number_is_not_truncated():
    digits = "9" * 100
    assert parsing.loads(digits.encode()) == int(digits)


@given(st.binary())
def test_any_bytes_are_json_or_unusable(body):
    try:
        parsing.loads(body)
    except Unusable as unusable:
        str(unusable).encode("utf-8")


@given(st.binary(), st.binary())
def test_any_damage_is_json_or_unusable(head, tail):
    try:
        parsing.loads(head + b'{"a": [1, {"b": "c"}]}' + tail)
    except Unusable as unusable:
        str(unusable).encode("utf-8")


@given(json_values)
def test_good_json_is_read_as_python_reads_it(value):
    body = json.dumps(value).encode()
    try:
        assert parsing.loads(body) == json.loads(body)
    except Unusable as unusable:
        assert "stands twice" in str(unusable) or "empty" in str(unusable)


# What a reader of brackets, colons and quotes could stumble over, in the order of no JSON and of any.
fragments = st.lists(
    st.sampled_from(
        ['"', "\\", '\\"', '""', ":", ",", "{", "}", "[", "]", '"a"', '"a":', '{"a":1}', '{"a":{}}',
         '"b":[]', '"\\\\"', "1", "9" * 101,
         "1e999", "NaN", " ", "é", "\\u0061"]
    )
)  # fmt: skip
texts = st.text('":\\{}[],a', max_size=6).map(json.dumps) | st.sampled_from(['"a"', '"\\u0061"', '"b"'])
documents = st.recursive(
    texts | st.sampled_from(["1", "2.50", "null", "1e999", "NaN", "9" * 101]),
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda items: f"[{','.join(items)}]")
        | st.lists(st.tuples(texts, inner), max_size=4).map(
            lambda pairs: f"{{{','.join(f'{name}: {value}' for name, value in pairs)}}}"
        )
    ),
    max_leaves=20,
)


def outcome(read, text):
    try:
        return repr(read(text))
    except Unusable as unusable:
        return str(unusable)
    except json.JSONDecodeError as error:
        return f"The body is not JSON: {error.msg} (line {error.lineno}, column {error.colno})."


@given(documents | fragments.map("".join).filter(str.strip))
def test_the_quick_way_of_reading_is_the_strict_one(text):
    assert outcome(lambda text: parsing.loads(text.encode()), text) == outcome(parsing.strictly, text)


@pytest.mark.parametrize(
    "body",
    [
        '{"a": 1, "b": {"a": 1}, "a": 2}', '{"a": {"b": 1}, "a": {"b": 1}}', '{"a": 1, "\\u0061": 2}',
        '[{"": 1, "": 1}]',
        '{"a:": {"b": 1, "b": ":"}}', '{"a": {"x": 1, "x": 1}, "b": 1e999}', '{"a": {"x": 1, "x": 1}, b}',
        '{"a\\"": {"x": "\\\\", "x": ":"}}',
    ],
)  # fmt: skip
def test_a_name_that_stands_twice_is_the_first_thing_refused(body):
    with pytest.raises(Unusable, match="stands twice in one object"):
        parsing.loads(body.encode())


@given(json_values)
def test_cleaned_values_fit_into_a_database(value):
    text = json.dumps(parsing.cleaned(value), ensure_ascii=False)
    text.encode("utf-8")
    assert "\\u0000" not in text


def test_texts_for_people_are_repaired():
    assert parsing.clean("A\0d\ud800a") == "Ad\ufffda"
    assert parsing.clean("Ada \U0001f600") == "Ada \U0001f600"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-12T09:14:07+01:00", datetime(2026, 11, 12, 8, 14, 7, tzinfo=UTC)),
        ("2026-11-12T09:14:07Z", datetime(2026, 11, 12, 9, 14, 7, tzinfo=UTC)),
        ("2026-11-12t09:14:07z", datetime(2026, 11, 12, 9, 14, 7, tzinfo=UTC)),
        ("2026-11-12 09:14:07-0530", datetime(2026, 11, 12, 14, 44, 7, tzinfo=UTC)),
        ("2026-11-12T08:14:11.512345678Z", datetime(2026, 11, 12, 8, 14, 11, 512345, tzinfo=UTC)),
        ("2026-10-25T02:30:00+01:00", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
        ("1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)
def test_instants_become_utc(text, moment):
    assert parsing.instant(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "", "2026-11-12", "2026-02-30T00:00:00Z", "2023-02-29T00:00:00Z", "2026-11-12T23:59:60Z", "2026-11-12T24:00Z",
        "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00", "1969-12-31T23:59:59Z", "2200-01-01T00:00:00Z",
        "2026-11-12T09:14:07", "2026-11-12T09:14:07+24:00", "2026-11-12T09:14:07+01:99", "2026-W46-4T09:14:07Z",
        "\uff12026-11-12T09:14:07Z", "12/11/2026 09:14", "1789986412", "2026-11-12T09:14:07Z\n",
    ],
)  # fmt: skip
def test_what_is_no_instant_is_refused(text):
    with pytest.raises(Unreadable):
        parsing.instant(text)


def test_a_time_without_offset_is_read_in_a_documented_zone_only():
    assert parsing.instant("2026-11-13T19:05:41", zone=UTC) == datetime(2026, 11, 13, 19, 5, 41, tzinfo=UTC)


@given(st.text() | st.datetimes().map(lambda moment: moment.isoformat() + "-12:00"))
def test_any_text_is_an_instant_or_refused(text):
    try:
        assert parsing.instant(text, zone=UTC).tzinfo is UTC
    except Unreadable as error:
        str(error).encode("utf-8")


def test_seconds_since_1970_are_instants():
    assert parsing.from_epoch(1789986412) == datetime(2026, 9, 21, 10, 26, 52, tzinfo=UTC)


@pytest.mark.parametrize("seconds", [None, True, 0, -1, "1789986412", Decimal("1.5"), 10**12, 10**99])
def test_what_are_no_seconds_is_refused(seconds):
    with pytest.raises(Unreadable):
        parsing.from_epoch(seconds)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5, "5"),
        ("5", "5"),
        (" 5\u00a0", "5"),
        (2**63, "9223372036854775808"),
        (10**99, "1" + "0" * 99),
        ("cs_1", "cs_1"),
    ],
)
def test_an_id_is_one_text_however_it_is_written(value, text):
    assert parsing.external_id(value) == text


@pytest.mark.parametrize(
    "value",
    [None, True, False, 0, -1, "0", "-1", "", "  ", Decimal("5.0"), {}, [], {"id": 5}, "a\0b", "a\ud800", "x" * 256],
)
def test_what_is_no_id_is_refused(value):
    with pytest.raises(Unreadable):
        parsing.external_id(value)


# The digits of a time, its separators and its zone, each as it should be and as it should not.
two_digits = st.integers(0, 70).map("{:02}".format) | st.sampled_from(["1", "٠١", "-1"])
spellings = st.builds(
    "{}-{}-{}{}{}:{}:{}{}{}".format,
    st.sampled_from(["0000", "0001", "1969", "1970", "2026", "2199", "2200", "9999", "26"]),
    two_digits,
    two_digits,
    st.sampled_from(["T", "t", " ", "", "_"]),
    two_digits,
    two_digits,
    two_digits,
    st.sampled_from(["", "", ".5", ".123456789", ",5", "."]),
    st.sampled_from(["Z", "z", "", "+00:00", "-00:00", "+05:60", "+23:59", "-24:00", "+0530", "+05", "+01:00:30", " "]),
)


@given(spellings | st.datetimes(timezones=st.timezones()).map(datetime.isoformat))
def test_the_common_spelling_of_an_instant_is_read_as_any_other(text):
    found = []
    for read in (parsing.instant, parsing.spelled_out):
        try:
            found.append(repr(read(text)))
        except Unreadable as unreadable:
            found.append(str(unreadable))
    assert found[0] == found[1]
