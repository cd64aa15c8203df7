"""Errors as problem documents (RFC 9457): every refusal says in a sentence what is wrong."""

import logging
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from orders.messages import Unusable
from orders.money import MoneyError
from orders.parsing import Unreadable
from profiles.actors import Refusal

log = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler. Whatever was done in the request's transaction is undone."""
    if getattr(context.get("view"), "inside", False):
        transaction.set_rollback(True)
    if isinstance(error, Refusal):
        return document(error.status, error.title, str(error))
    if isinstance(error, Unusable | MoneyError | Unreadable):
        return document(400, "Invalid", str(error))
    if isinstance(error, Http404):
        return document(404, "Not found", "There is nothing here by that name.")
    if isinstance(error, PermissionDenied):
        return document(403, "Not permitted", "You may not do this.")
    answer = exception_handler(error, context)
    if answer is None:
        return None
    detail = answer.data.get("detail") if isinstance(answer.data, dict) else None
    text = str(detail) if detail is not None else _sentences(answer.data)
    made = document(answer.status_code, _title(error), text)
    for name, value in answer.headers.items():
        if name.lower() in ("www-authenticate", "retry-after", "allow"):
            made[name] = value
    return made


def document(status: int, title: str, detail: str) -> Response:
    data = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return Response(data, status=status, content_type=CONTENT_TYPE)


def _title(error: Exception) -> str:
    return "Invalid" if isinstance(error, exceptions.ValidationError) else type(error).__name__


def _sentences(data: Any) -> str:
    """Field errors of a serializer as one text."""
    if isinstance(data, dict):
        return " ".join(f"{name}: {_sentences(value)}" for name, value in data.items())
    if isinstance(data, list):
        return " ".join(_sentences(value) for value in data)
    return str(data)
