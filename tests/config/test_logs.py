"""Logs: one JSON object a line, nothing private in it, and nobody waits for it."""

import io
import json
import logging
import threading
import time

import pytest
import structlog

from config import logs


@pytest.fixture
def written():
    """What reaches standard error, with the project's own configuration during the test."""
    stream = io.StringIO()
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    logs.configure({"level": "INFO"})
    handler = root.handlers[0]
    assert isinstance(handler, logs.Unhurried)
    handler.stream = stream

    def lines():
        handler.finish()
        return [json.loads(line) for line in stream.getvalue().splitlines()]

    yield lines
    root.handlers[:] = before
    root.setLevel(level)


def test_a_line_is_one_json_object_with_the_requests_id(written):
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        structlog.get_logger("orders").info("order recorded", order=7)
        logging.getLogger("elsewhere").warning("odd: %s", "x\ny")
    first, second = written()
    assert (first["event"], first["order"], first["logger"]) == ("order recorded", 7, "orders")
    assert first["request_id"] == "r-1"
    assert (second["event"], second["request_id"], second["level"]) == ("odd: x\ny", "r-1", "warning")
    assert first["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("sent to ada.lovelace+shop@mail.example.com now", "sent to [email] now"),
        ("call +90 532 123 45 67 back", "call [phone] back"),
        ("GET /download/0123456789abcdef failed", "GET /download/[link] failed"),
        ("GET /claim/abc?x=1", "GET /claim/[link]?x=1"),
        ("Authorization: Bearer abcdefgh12345678", "Authorization: Bearer [credential]"),
        ("order 1001 of 2026-11-21T09:00:00+00:00 costs 29.99", "order 1001 of 2026-11-21T09:00:00+00:00 costs 29.99"),
    ],
)
def test_private_parts_are_blackened(written, text, kept):
    structlog.get_logger("x").info(text, also={"deep": [text]})
    (line,) = written()
    assert line["event"] == kept
    assert line["also"] == {"deep": [kept]}


def test_an_error_shows_its_trace_without_private_parts_or_local_variables(written):
    def failing():
        password = "hunter2"  # noqa: F841 (a local variable that must not be printed)
        raise ValueError("no such person: ada@example.com")

    try:
        failing()
    except ValueError:
        logging.getLogger("x").exception("it failed")
    (line,) = written()
    assert "ValueError: no such person: [email]" in line["exception"]
    assert "hunter2" not in line["exception"].replace('password = "hunter2"', "")


def test_what_cannot_be_encoded_does_not_break_the_line(written):
    structlog.get_logger("x").info("lone \ud800 surrogate and \x00", odd=object())
    assert len(written()) == 1


def test_nobody_waits_for_a_reader_that_has_stalled(monkeypatch):
    free = threading.Event()

    class Stalled(io.StringIO):
        def write(self, text):
            free.wait(30)
            return super().write(text)

    stream = Stalled()
    monkeypatch.setattr(logs, "WAITING_LINES", 100)
    handler = logs.Unhurried(stream)
    handler.setFormatter(logging.Formatter('{"event": "%(message)s"}'))
    began = time.monotonic()
    for number in range(1000):
        handler.handle(logging.LogRecord("x", logging.INFO, "", 0, str(number), (), None))
    assert time.monotonic() - began < 2
    free.set()
    handler.finish()
    lines = stream.getvalue().splitlines()
    assert 100 <= len(lines) < 1000
    assert any("log lines dropped" in line for line in lines)
