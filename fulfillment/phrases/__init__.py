"""The built-in words of mails by language: one module each, all with the same sorts of mail and placeholders."""

from __future__ import annotations

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


def language(*wanted: str) -> str:
    """The first of these locales whose language we write in, else English."""
    for one in wanted:
        if (found := one.partition("-")[0].lower()) in LANGUAGES:
            return found
    return DEFAULT
