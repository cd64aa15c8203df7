"""Reads the language and region that a shop names for its customer (BCP 47)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

# The beginning of RFC 5646: a language, then subtags of letters and digits.
_TAG: Final = re.compile(r"[a-z]{2,3}(-[a-z0-9]{1,8}){0,3}")


@lru_cache(maxsize=1024)  # the world's customers share a few
def tag(text: str) -> str:
    """A locale as it is kept, `pt-BR` or `de`; '' for what is none. Shops write `de_DE` too."""
    plain = text.strip().replace("_", "-").lower()
    if not _TAG.fullmatch(plain):
        return ""
    language, *rest = plain.split("-")
    return "-".join([language, *(one.upper() if len(one) == 2 else one for one in rest)])
