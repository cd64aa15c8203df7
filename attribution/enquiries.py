"""What a customer asks for in a conversation: a product or its price, told by labels, catalogue names and words.

The words are the organization's own terms where it has changed them; so is how long texts are kept (SPEC ATT-1).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final

from profiles import terms

POLICY: Final = "conversations"
PRODUCT: Final = "product_inquiry"
PRICE: Final = "price_check"
LONGEST_SENTENCE: Final = 200
LONGEST_KEEPING: Final = 3650
MOST_TERMS: Final = 200
LONGEST_TERM: Final = 100
# A name of one short word says too little; so do these, of which catalogues are full.
_SHORTEST_NAME: Final = 5
_SAYS_NOTHING: Final = frozenset({"guide", "bundle", "ebook", "kitap", "buch", "livre", "libro", "course", "service"})
_WORD = re.compile(r"[^\W_]+")
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|\n+")
_NAME_END = re.compile(r"[:(\[|–—]")

# A word ends in * where any ending will do; a leading - says what means something else.
PRICE_WORDS: Final = (
    # Turkish
    "fiyat*", "kaç para", "kaç lira*", "kaç tl", "ne kadar", "ücret*", "indirim*",
    "-ne kadar sür*", "-ne kadar zaman*", "-ne kadar var", "-ne kadar süre*",
    # English
    "price*", "pricing", "how much", "cost", "costs", "discount*", "cheaper",
    "-how much time", "-how much longer", "-how much space",
    # German
    "preis*", "kostet", "kosten", "wie viel", "wieviel", "rabatt*", "-wie viel zeit",
    # French
    "prix", "combien", "tarif*", "coûte*", "coût", "remise", "-combien de temps", "-remise en main",
    # Spanish
    "precio*", "cuánto cuesta*", "cuánto vale*", "cuánto es", "cuesta*", "descuento*",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Policy:
    """An organization's own terms; what it does not say is the usual. `keep_days` 0 keeps no text at all."""

    keep_days: int = 30
    product_labels: tuple[str, ...] = ("product_inquiry", "product-inquiry", "product", "presales", "pre-sales")
    price_labels: tuple[str, ...] = ("price_check", "price-check", "price", "pricing")
    product_words: tuple[str, ...] = ()
    price_words: tuple[str, ...] = PRICE_WORDS


USUAL: Final = Policy()


@dataclass(frozen=True, slots=True)
class Enquiry:
    """What was asked for, by what it was recognised, and the sentence that said so ("" for labels and pages)."""

    tag: str
    because: str
    sentence: str = ""


def read(policies: Mapping[str, Any]) -> Policy:
    """The terms in an organization's policies; what is missing or cannot be used is as usual."""
    return terms.read(policies, POLICY, checked, USUAL)


def checked(values: Mapping[str, Any]) -> Policy:
    """The terms in these values; raises ValueError with a sentence."""
    days = values.get("keep_days", USUAL.keep_days)
    if not isinstance(days, int) or isinstance(days, bool) or not 0 <= days <= LONGEST_KEEPING:
        raise ValueError(f"Texts are kept for 0 to {LONGEST_KEEPING} days.")
    given: dict[str, tuple[str, ...]] = {}
    for name in (f.name for f in fields(Policy) if f.name != "keep_days"):
        wanted = values.get(name, getattr(USUAL, name))
        if not isinstance(wanted, list | tuple) or not all(isinstance(term, str) for term in wanted):
            raise ValueError(f"{name}: give a list of texts.")
        given[name] = tuple(_term(term, name) for term in wanted)
        if len(wanted) > MOST_TERMS:
            raise ValueError(f"{name}: at most {MOST_TERMS}.")
    return Policy(keep_days=days, **given)


def _term(term: str, name: str) -> str:
    term = " ".join(term.split())
    if len(term) > LONGEST_TERM or not words(term):
        raise ValueError(f"{name}: {term[:40]!r} is no word, or longer than {LONGEST_TERM} letters.")
    return term


def words(text: str) -> list[str]:
    """The words of a text without case and accents: "FİYATI", "fiyatı" and "Fiyati" are one."""
    return [word for word, _ in _placed(text)]


def _placed(text: str) -> Iterator[tuple[str, int]]:
    """Each word with the place where it begins in the text."""
    for found in _WORD.finditer(text):
        yield _folded(found.group()), found.start()


def _folded(word: str) -> str:
    plain = unicodedata.normalize("NFKD", word.casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter)).replace("ı", "i")


@dataclass(frozen=True, slots=True)
class Terms:
    """Names and words to look for, by their first word, so that a text costs the same whatever the catalogue."""

    by_word: Mapping[str, Sequence[Term]]
    by_beginning: Sequence[Term]

    def first(self, text: str) -> tuple[str, int] | None:
        """What is found first in the text, as it is called, and where it begins; None if nothing is."""
        spoken = list(_placed(text))
        silent: set[int] = set()
        for start in range(len(spoken)):
            for term in self._at(spoken, start):
                if term.excluded:
                    silent.update(range(start, start + len(term.words)))
        for start in range(len(spoken)):
            if start in silent:
                continue
            fitting = [term for term in self._at(spoken, start) if not term.excluded]
            if fitting:
                return max(fitting, key=lambda term: (len(term.words), term.called)).called, spoken[start][1]
        return None

    def _at(self, spoken: Sequence[tuple[str, int]], start: int) -> Iterator[Term]:
        for term in (*self.by_word.get(spoken[start][0], ()), *self.by_beginning):
            if term.fits([word for word, _ in spoken[start : start + len(term.words)]]):
                yield term


@dataclass(frozen=True, slots=True)
class Term:
    """One name or phrase as folded words; the last of them may be only a beginning."""

    called: str
    words: tuple[str, ...]
    open_ended: bool = False
    excluded: bool = False

    def fits(self, spoken: Sequence[str]) -> bool:
        if len(spoken) != len(self.words) or tuple(spoken[:-1]) != self.words[:-1]:
            return False
        return spoken[-1].startswith(self.words[-1]) if self.open_ended else spoken[-1] == self.words[-1]


def _terms(phrases: Iterable[str], names: Iterable[Term] = ()) -> Terms:
    by_word: dict[str, list[Term]] = {}
    by_beginning: list[Term] = []
    for term in (*names, *(_phrase(phrase) for phrase in phrases)):
        if term.open_ended and len(term.words) == 1:
            by_beginning.append(term)
        else:
            by_word.setdefault(term.words[0], []).append(term)
    return Terms(by_word, by_beginning)


def _phrase(phrase: str) -> Term:
    called = phrase.strip("-* ")
    return Term(called, tuple(words(called)), phrase.rstrip().endswith("*"), phrase.lstrip().startswith("-"))


def _names(catalogue: Iterable[tuple[str, str]]) -> Iterator[Term]:
    """A product by its SKU, its title, and its title up to the subtitle."""
    for sku, title in catalogue:
        for name in {sku, title, _NAME_END.split(title)[0]}:
            found = tuple(words(name))
            alone = len(found) == 1 and (len(found[0]) < _SHORTEST_NAME or found[0] in _SAYS_NOTHING)
            if found and not alone:
                yield Term(title, found)


@dataclass(frozen=True, slots=True)
class Rules:
    """The terms made ready for a catalogue of (SKU, title)."""

    policy: Policy = USUAL
    catalogue: tuple[tuple[str, str], ...] = ()
    products: Terms = field(init=False)
    prices: Terms = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "products", _terms(self.policy.product_words, _names(self.catalogue)))
        object.__setattr__(self, "prices", _terms(self.policy.price_words))

    def in_text(self, text: str) -> tuple[Enquiry, ...]:
        """What a customer's message asks for, each with the sentence that says so."""
        found = []
        for tag, wanted, how in ((PRODUCT, self.products, "names"), (PRICE, self.prices, "says")):
            if match := wanted.first(text):
                called, place = match
                found.append(Enquiry(tag, f"{how} “{called[:LONGEST_TERM]}”", sentence(text, place)))
        return tuple(found)

    def in_labels(self, labels: Iterable[str]) -> tuple[Enquiry, ...]:
        """What the labels say that the source's staff put on a conversation."""
        told = {" ".join(words(label)): label for label in sorted(labels, reverse=True)}
        found = []
        for tag, known in ((PRODUCT, self.policy.product_labels), (PRICE, self.policy.price_labels)):
            if fitting := sorted({" ".join(words(label)) for label in (*known, tag)} & set(told)):
                found.append(Enquiry(tag, f"tagged “{told[fitting[0]][:LONGEST_TERM]}”"))
        return tuple(found)

    def in_page(self, page: str) -> tuple[Enquiry, ...]:
        """The product whose page the conversation began on."""
        path = page.split("?", maxsplit=1)[0].split("#", maxsplit=1)[0].partition("//")[2].partition("/")[2]
        match = self.products.first(path)
        return (Enquiry(PRODUCT, f"began on the page of “{match[0][:LONGEST_TERM]}”"),) if match else ()


def sentence(text: str, place: int) -> str:
    """The sentence of the text that holds this place, cut at 200 characters around it."""
    start = 0
    for end in _SENTENCE_END.finditer(text):
        if end.start() > place:
            return _cut(text[start : end.start()], place - start)
        start = end.end()
    return _cut(text[start:], place - start)


def _cut(found: str, place: int) -> str:
    if len(found) <= LONGEST_SENTENCE:
        return found.strip()
    begin = max(0, min(place - LONGEST_SENTENCE // 4, len(found) - LONGEST_SENTENCE))
    return found[begin : begin + LONGEST_SENTENCE].strip()


def told(enquiry: Mapping[str, Any]) -> str:
    """A kept enquiry as a sentence for a timeline."""
    what = {PRODUCT: "Asked about a product", PRICE: "Asked for the price"}.get(str(enquiry.get("tag")), "Asked")
    said = f": “{enquiry['sentence']}”" if enquiry.get("sentence") else ""
    return f"{what} ({enquiry.get('because', '')}){said}"
