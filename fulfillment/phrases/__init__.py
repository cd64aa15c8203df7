"""The built-in words of mails by language: one module each, all with the same sorts of mail and placeholders."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from fulfillment.phrases import de, en, es, fr, tr
from fulfillment.wordings import Wording

LANGUAGES: Final[Mapping[str, str]] = {
    "en": "English",
    "de": "Deutsch",
    "tr": "Türkçe",
    "fr": "Français",
    "es": "Español",
}
DEFAULT: Final = "en"
POLICY: Final = "language"
MAILS: Final[Mapping[str, Mapping[str, Wording]]] = {
    "en": en.MAILS,
    "de": de.MAILS,
    "tr": tr.MAILS,
    "fr": fr.MAILS,
    "es": es.MAILS,
}
FRAME: Final[Mapping[str, Mapping[str, str]]] = {
    "en": en.FRAME,
    "de": de.FRAME,
    "tr": tr.FRAME,
    "fr": fr.FRAME,
    "es": es.FRAME,
}
# The beginning of BCP 47 (RFC 5646): a language, then subtags of letters and digits.
_TAG: Final = re.compile(r"[a-z]{2,3}(-[a-z0-9]{1,8}){0,4}")


def tag(text: str) -> str:
    """A locale as it is kept, `pt-BR` or `de`; '' for what is none. Shops write `de_DE` too."""
    plain = text.strip().replace("_", "-").lower()
    if not _TAG.fullmatch(plain):
        return ""
    language, *rest = plain.split("-")
    return "-".join([language, *(one.upper() if len(one) == 2 else one for one in rest)])


def language(*wanted: str) -> str:
    """The first of these locales whose language we write in, else English."""
    for one in wanted:
        if (found := one.partition("-")[0].lower()) in LANGUAGES:
            return found
    return DEFAULT
