"""What two spellings of one name, mailbox or street have in common, for suggestions alone.

Nothing here decides who is who; identifiers are normalised by `profiles.identifiers`, which folds nothing.
"""

import re
import unicodedata
from functools import lru_cache

from rapidfuzz.distance import OSA

_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "æ": "ae", "œ": "oe", "ä": "ae", "ö": "oe", "ü": "ue"}
)
_TITLES = frozenset({"mr", "mrs", "ms", "miss", "dr", "prof", "herr", "frau", "mme", "sr", "sra", "bay", "bayan"})
_STREETS = {
    "st": "street",
    "str": "strasse",
    "rd": "road",
    "ave": "avenue",
    "av": "avenue",
    "pl": "place",
    "ct": "court",
}
_STREETS |= {"cres": "crescent", "dr": "drive", "cct": "circuit", "ln": "lane", "cad": "caddesi", "sok": "sokak"}


@lru_cache(maxsize=65536)
def fold(text: str) -> str:
    """Lower case without diacritics and signs: what two spellings of one name have in common."""
    # Twice: taking a letter apart may bring out one that has a plain spelling of its own.
    plain = _plain(_plain(text))
    return " ".join(re.findall(r"[^\W_]+", plain))


def _plain(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).casefold().translate(_LETTERS)
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))


def code(text: str) -> str:
    """A postcode, date or number without what people put between its signs."""
    return fold(text).replace(" ", "")


def near(one: str, other: str) -> bool:
    """One slip of the hand apart, or two in a long word."""
    shorter = min(len(one), len(other))
    if abs(len(one) - len(other)) > 2 or shorter < 3:
        return one == other
    allowed = 2 if shorter >= 7 else 1
    return OSA.distance(one, other, score_cutoff=allowed) <= allowed


def parts(name: str) -> list[str]:
    """The words of a name that tell who it is."""
    return [word for word in fold(name).split() if word not in _TITLES]


def sound(word: str) -> str:
    """The first letter and the consonants that follow, doubled ones once: what survives most slips."""
    rest = re.sub(r"[aeiouyhw]", "", word[1:])
    return re.sub(r"(.)\1+", r"\1", word[:1] + rest)[:4]


# Mailboxes and numbers -------------------------------------------------------------------------------------------

MAILERS = (
    "gmail.com", "googlemail.com", "hotmail.com", "outlook.com", "live.com", "yahoo.com", "icloud.com", "aol.com",
    "gmx.de", "gmx.net", "gmx.com", "web.de", "t-online.de", "proton.me", "protonmail.com", "mail.ru", "yandex.com",
    "hotmail.co.uk", "yahoo.co.uk", "hotmail.fr", "orange.fr", "free.fr", "libero.it", "mynet.com",
)  # fmt: skip
DOTLESS = frozenset({"gmail.com", "googlemail.com"})
OFFICES = frozenset(
    ("info", "contact", "sales", "admin", "office", "mail", "hello", "support", "kontakt", "shop", "team", "service")
)
TELLING_AT_LEAST = 6
DIGITS_COMPARED = 9


@lru_cache(maxsize=65536)
def mailbox(address: str) -> tuple[str, str]:
    """The box an address leads to: without a tag, without the dots that Gmail passes over; then its domain."""
    local, _, domain = address.strip().casefold().rpartition("@")
    local = local.partition("+")[0] or local
    if domain in DOTLESS:
        return local.replace(".", ""), "gmail.com"
    return local, domain


@lru_cache(maxsize=4096)
def meant(domain: str) -> str:
    """The well-known mail domain that this one is a slip away from, else itself."""
    if domain in MAILERS:
        return domain
    slips = [known for known in MAILERS if OSA.distance(domain, known, score_cutoff=1) <= 1]
    return slips[0] if len(slips) == 1 else domain


# Streets ---------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=65536)
def street(line: str) -> tuple[str, str]:
    """(the street's words, the number of the house), abbreviations written out."""
    words = fold(line).split()
    number = next((word for word in words if word[0].isdigit()), "")
    rest = [_STREETS.get(word, word) for word in words if word != number]
    return " ".join(f"{w[:-3]}strasse" if w.endswith("str") and len(w) > 5 else w for w in rest), number
