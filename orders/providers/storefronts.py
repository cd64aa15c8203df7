"""Fetching a page of a shop, safely: whoever typed its address must reach nothing but the open internet by it."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin

from profiles.providers import outgoing

SECONDS: Final = 10
READ_AT_MOST: Final = 1_048_576
REDIRECTS: Final = 3
_MOVED = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Fetched:
    """A page that answered, or why none did (`trouble`)."""

    url: str
    status: int = 0
    body: bytes = b""
    charset: str = "utf-8"
    trouble: str = ""


def fetch(url: str, *, inside: bool) -> Fetched:
    """The page behind an address. Each redirect is a new address, checked like the first. Never raises."""
    here = url
    for _ in range(REDIRECTS + 1):
        try:
            answer = outgoing.request("GET", here, seconds=SECONDS, inside=inside, at_most=READ_AT_MOST)
        except outgoing.Forbidden as forbidden:
            return Fetched(here, trouble=f"It is not called: {forbidden}")
        except outgoing.Unreachable as lost:
            return Fetched(here, trouble=str(lost))
        headers = {name.lower(): value for name, value in answer.headers.items()}
        if answer.status not in _MOVED:
            trouble = "" if answer.status == 200 else f"It answers {answer.status}."
            return Fetched(here, answer.status, answer.body, _charset(headers.get("content-type", "")), trouble)
        here = urljoin(here, headers.get("location", ""))
    return Fetched(here, trouble=f"It leads on more than {REDIRECTS} times.")


def _charset(content_type: str) -> str:
    _, _, given = content_type.lower().partition("charset=")
    return given.split(";")[0].strip(" \"'") or "utf-8"
