"""Request bodies as strict JSON: exact decimals, no duplicate keys, nothing that a database cannot hold."""

from collections.abc import Mapping
from typing import Any, cast

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from orders import parsing

LARGEST_BODY = 1_048_576


class StrictJSON(BaseParser):
    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        raw = stream.read(LARGEST_BODY + 1)
        if len(raw) > LARGEST_BODY:
            raise ParseError("The body is larger than 1 MiB.")
        if not raw.strip():
            return {}
        try:
            data = parsing.cleaned(parsing.loads(raw))
        except parsing.Unreadable as error:
            raise ParseError(str(error)) from error
        if not isinstance(data, dict):
            raise ParseError("The body must be a JSON object.")
        return cast(dict[str, Any], data)
