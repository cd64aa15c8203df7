"""The words of a mail as plain text with placeholders: what may stand in them, and the blocks that are made of them.

Nothing in them is ever run: a placeholder is `{{ name }}` with a name from a list, everything else is text. A body is
paragraphs with empty lines between; lines that begin with "- " are a list, `**words**` are bold, and a paragraph of
the form `[Label]({{ link }})` is a button, so that no address is typed by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

LONGEST_SUBJECT: Final = 200
LONGEST_BODY: Final = 8000
_PLACE: Final = re.compile(r"\{\{ ?([a-z_]{1,40}) ?\}\}")
_BUTTON: Final = re.compile(r"\[([^\[\]\n]{1,80})\]\(\{\{ ?([a-z_]{1,40}) ?\}\}\)")
_BOLD: Final = re.compile(r"\*\*([^*\n]{1,200})\*\*")
_NAMED: Final = re.compile(r",? ?\{\{ ?customer_name ?\}\}")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u0085\u2028\u2029]")

# Addresses that stand beside what a mail is about: drawn as a line, so that they outshine no button.
ASIDES: Final = frozenset({"library"})
# What every mail may name; each sort of mail adds its own.
COMMON: Final = frozenset({"customer_name", "organization_name", "support_email"})


@dataclass(frozen=True, slots=True)
class Slots:
    """What a sort of mail may name: values, addresses of buttons, blocks on lines of their own; and what it must."""

    texts: frozenset[str] = COMMON
    links: frozenset[str] = frozenset()
    blocks: frozenset[str] = frozenset()
    needed: frozenset[str] = frozenset()

    @property
    def names(self) -> list[str]:
        """Everything allowed, in the order of the alphabet."""
        return sorted(self.texts | self.links | self.blocks)


_ORDER: Final = COMMON | {"order_number"}
_LINK: Final = frozenset({"link"})
_CODE: Final = frozenset({"code"})
# A code goes to an address that nobody has proved yet: who reads it is told nothing of the customer, no name either.
_UNPROVED: Final = COMMON - {"customer_name"}
SLOTS: Final[Mapping[str, Slots]] = {
    "receipt": Slots(_ORDER | {"total"}, frozenset({"library"}), frozenset({"downloads", "order"}),
                     frozenset({"downloads", "order"})),
    "delivery": Slots(_ORDER, frozenset({"library"}), frozenset({"downloads"}), frozenset({"downloads"})),
    "refund": Slots(_ORDER | {"refunded", "total"}, frozenset(), frozenset(), frozenset({"refunded"})),
    "cancellation": Slots(_ORDER, frozenset(), frozenset({"order"})),
    "reminder": Slots(_ORDER | {"product"}, blocks=frozenset({"downloads"}), needed=frozenset({"downloads"})),
    "checkin": Slots(_ORDER | {"product"}),
    "review": Slots(_ORDER | {"product"}),
    "cross_sell": Slots(_ORDER | {"product", "offered"}, frozenset({"link"}), needed=frozenset({"offered", "link"})),
    "upsell": Slots(_ORDER | {"product", "offered"}, frozenset({"link"}), needed=frozenset({"offered", "link"})),
    "kickoff": Slots(_ORDER | {"product"}, frozenset({"link"}), needed=frozenset({"link"})),
    "intake": Slots(_ORDER | {"product"}, frozenset({"link"}), needed=frozenset({"link"})),
    "claim": Slots(COMMON | {"minutes"}, _LINK, needed=_LINK),
    "invitation": Slots(COMMON | {"products"}, _LINK, needed=_LINK),
    "claim_reminder": Slots(COMMON | {"products"}, _LINK, needed=_LINK),
    "address_code": Slots(_UNPROVED | {"minutes"}, blocks=_CODE, needed=_CODE),
    "email_change": Slots(_UNPROVED | {"hours"}, _LINK, _CODE, needed=_LINK | _CODE),
    "email_change_notice": Slots(COMMON | {"begun"}, _LINK, needed=_LINK),
}  # fmt: skip
NAMES: Final[Mapping[str, str]] = {
    "receipt": "Receipt",
    "delivery": "New links",
    "refund": "Refund",
    "cancellation": "Cancellation",
    "reminder": "Download reminder",
    "checkin": "Check-in",
    "review": "Request for a review",
    "cross_sell": "Cross-sell",
    "upsell": "Upsell",
    "kickoff": "Kick-off of a service",
    "intake": "Intake reminder",
    "claim": "Sign-in link",
    "invitation": "Invitation to the library",
    "claim_reminder": "Reminder of the library",
    "address_code": "Code for a second address",
    "email_change": "Code for a new address",
    "email_change_notice": "Notice to the former address",
}

# What a seller reads beside each name.
MEANINGS: Final[Mapping[str, str]] = {
    "customer_name": "The customer’s name; where we know none, it is left out with the comma before it.",
    "organization_name": "Your name.",
    "support_email": "Your address for questions.",
    "order_number": "The order’s number.",
    "total": "What was paid, with its currency.",
    "refunded": "What this refund gave back, with its currency.",
    "downloads": "A box with a button for each download; before there is one, a sentence that it follows.",
    "order": "The order’s lines and total.",
    "library": "Where guests keep all they bought; left out for whoever has a library already.",
    "product": "What was bought.",
    "products": "What was bought, in a line.",
    "offered": "What you offer.",
    "link": "Where the button leads.",
    "minutes": "How many minutes it works.",
    "hours": "How many hours it works.",
    "code": "The six digits, large.",
    "begun": "A sentence that says who asked for the change.",
}

# What an order itself makes us write, what is written after it, and what about the library and its addresses.
OF_ORDER: Final = ("receipt", "delivery", "refund", "cancellation")
AFTER_PURCHASE: Final = ("reminder", "checkin", "review", "cross_sell", "upsell", "kickoff", "intake")
OF_LIBRARY: Final = ("claim", "invitation", "claim_reminder", "address_code", "email_change", "email_change_notice")


@dataclass(frozen=True, slots=True)
class Wording:
    """The subject and body of one mail."""

    subject: str
    body: str


class Unusable(ValueError):
    """Words that cannot become a mail, with a sentence that says why."""


def checked(sort: str, wording: Wording) -> Wording:
    """These words, tidied; raises Unusable for what this sort of mail may not or must contain."""
    slots = SLOTS[sort]
    subject = " ".join(wording.subject.split())
    body = wording.body.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not subject or not body:
        raise Unusable("Give a subject and a text.")
    if len(subject) > LONGEST_SUBJECT or len(body) > LONGEST_BODY:
        raise Unusable(f"At most {LONGEST_SUBJECT} characters in the subject, and {LONGEST_BODY} in the text.")
    if _CONTROL.search(subject) or _CONTROL.search(body):
        raise Unusable("There are characters in it that nobody can see. Type it again, or paste it as plain text.")
    used = set(_PLACE.findall(body))
    told = ", ".join(f"{{{{ {name} }}}}" for name in slots.names)
    for name in sorted(used | set(_PLACE.findall(subject))):
        if name not in slots.names:
            raise Unusable(f"{{{{ {name} }}}} is not known here. Allowed: {told}.")
    if bad := sorted(set(_PLACE.findall(subject)) - slots.texts):
        raise Unusable(f"{{{{ {bad[0]} }}}} cannot stand in the subject.")
    if missing := sorted(slots.needed - used):
        raise Unusable(f"The text must contain {{{{ {missing[0]} }}}}: without it the mail is of no use.")
    _check_places(slots, body)
    return Wording(subject, body)


def _check_places(slots: Slots, body: str) -> None:
    for paragraph in _paragraphs(body):
        whole = _PLACE.fullmatch(paragraph)
        if whole and whole[1] in slots.blocks:
            continue
        button = _BUTTON.fullmatch(paragraph)
        if button and button[2] in slots.links:
            continue
        for name in _PLACE.findall(paragraph):
            if name in slots.blocks:
                raise Unusable(f"{{{{ {name} }}}} stands alone, with an empty line before and after.")
            if name in slots.links:
                raise Unusable(f"{{{{ {name} }}}} is an address: write it alone, as [Words]({{{{ {name} }}}}).")


# What is made of them ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Part:
    """A run of text, bold or not."""

    text: str
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph, list, button, address beside it or block of the house; `sort` says which."""

    sort: str
    items: tuple[tuple[Part, ...], ...] = ()
    label: str = ""
    url: str = ""


def fill(text: str, values: Mapping[str, Any]) -> str:
    """The text with its placeholders replaced, once: what a value contains is never looked at again.

    Where no name is known, the comma and space before it go too: "Hello," and not "Hello ,".
    """
    if not values.get("customer_name"):
        text = _NAMED.sub("", text)
    return _PLACE.sub(lambda found: _single_line(values.get(found[1], "")), text)


def subject(wording: Wording, values: Mapping[str, str]) -> str:
    """The subject as a single line."""
    return " ".join(_CONTROL.sub(" ", fill(wording.subject, values)).split())[:300]


def blocks(sort: str, wording: Wording, values: Mapping[str, Any]) -> list[Block]:
    """The body as the house's layout draws it; a button whose address is not there now is left out."""
    slots = SLOTS[sort]
    found = []
    for paragraph in _paragraphs(wording.body):
        whole, button = _PLACE.fullmatch(paragraph), _BUTTON.fullmatch(paragraph)
        if whole and whole[1] in slots.blocks:
            found.append(Block(whole[1]))
        elif button and button[2] in slots.links:
            if url := str(values.get(button[2], "")):
                drawn = "aside" if button[2] in ASIDES else "button"
                found.append(Block(drawn, label=fill(button[1], values), url=url))
        elif all(line.startswith("- ") for line in paragraph.split("\n")):
            found.append(Block("list", tuple(_parts(line[2:], values) for line in paragraph.split("\n"))))
        else:
            found.append(Block("text", tuple(_parts(line, values) for line in paragraph.split("\n"))))
    return found


def plain(parts: Iterable[Part]) -> str:
    """A line without its marks, for the text part."""
    return "".join(part.text for part in parts)


def _parts(line: str, values: Mapping[str, str]) -> tuple[Part, ...]:
    # The marks are read before the values come in, so that a customer's name cannot make anything bold.
    pieces = _BOLD.split(line)
    made = (Part(fill(piece, values), bold=number % 2 == 1) for number, piece in enumerate(pieces))
    return tuple(part for part in made if part.text)


def _paragraphs(body: str) -> list[str]:
    return [one.strip("\n") for one in re.split(r"\n[ \t]*\n", body.strip()) if one.strip()]


def _single_line(value: Any) -> str:
    return " ".join(str(value).split())[:500]
