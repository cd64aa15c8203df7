"""A message as it is written and kept: subject, text and HTML, with the secrets of its links apart."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as it is kept: link secrets masked, `secrets` maps each mask to what it hides."""

    subject: str
    text: str
    html: str
    secrets: Mapping[str, str] = field(default_factory=dict)
    # Why it is not in the seller's own words, where they have some for it.
    instead: str = ""
