"""The floor of intake: a bare WSGI application that checks an HMAC and inserts the body, on one connection a thread."""

import hashlib
import hmac
import os
import threading
from collections.abc import Callable, Iterable
from typing import Any

import psycopg

SECRET = b"whsec_benchmark"
_INSERT = "INSERT INTO floor_delivery (delivery, body) VALUES (%s, %b) ON CONFLICT DO NOTHING"
_own = threading.local()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    at, _, signature = environ.get("HTTP_STRIPE_SIGNATURE", "").partition(",v1=")
    expected = hmac.new(SECRET, at[2:].encode() + b"." + body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, signature):
        start_response("401 Unauthorized", [("Content-Length", "0")])
        return [b""]
    if not hasattr(_own, "connection"):
        _own.connection = psycopg.connect(os.environ["FLOOR_DSN"], autocommit=True, prepare_threshold=1)
    _own.connection.execute(_INSERT, (hashlib.sha256(body).hexdigest(), body))
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
