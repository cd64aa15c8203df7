"""The cookies of the customer's pages: which browser asked for a link, and which library is open in it."""

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from fulfillment import tokens
from fulfillment.actions import libraries
from fulfillment.actions.claims import Asker
from fulfillment.actions.libraries import Opened
from fulfillment.models import LibrarySession
from fulfillment.views import pages

BROWSER = "claim_browser"
LIBRARY = "library_"
BROWSER_SECONDS = 86_400


def of(request: HttpRequest, organization_id: int) -> LibrarySession | None:
    """The library of this seller that is open in this browser. Needs the context set."""
    return libraries.find(request.COOKIES.get(f"{LIBRARY}{organization_id}", ""))


def organizations(request: HttpRequest) -> list[int]:
    """The sellers this browser says it has a library of, by its cookies alone."""
    names = (name.removeprefix(LIBRARY) for name in request.COOKIES if name.startswith(LIBRARY))
    return sorted(int(name) for name in names if name.isdigit() and len(name) < 19)[:20]


def begin(answer: HttpResponseBase, opened: Opened) -> HttpResponseBase:
    """Give the browser its session."""
    return _set(
        answer,
        f"{LIBRARY}{opened.session.organization_id}",
        opened.secret,
        seconds=int(libraries.LONGEST.total_seconds()),
        path="/",
    )


def end(answer: HttpResponseBase, organization_id: int) -> HttpResponseBase:
    """Take the session from the browser."""
    answer.delete_cookie(f"{LIBRARY}{organization_id}", path="/", samesite="Lax")
    return answer


def asker(request: HttpRequest) -> tuple[Asker, str]:
    """Who asks, as it is kept, and the browser's secret, known or new."""
    known = request.COOKIES.get(BROWSER, "")
    secret = known if tokens.well_formed(known) else tokens.make()
    agent = request.headers.get("User-Agent", "")
    return Asker(pages.network(request), agent, tokens.digest(secret)), secret


def is_same_browser(request: HttpRequest, digest: bytes | memoryview | None) -> bool:
    """Whether this browser asked for the link."""
    known = request.COOKIES.get(BROWSER, "")
    return digest is not None and tokens.well_formed(known) and tokens.digest(known) == bytes(digest)


def recognise(answer: HttpResponseBase, secret: str) -> HttpResponseBase:
    """Know this browser again when its link is opened."""
    return _set(answer, BROWSER, secret, seconds=BROWSER_SECONDS, path="/claim/")


def _set(answer: HttpResponseBase, name: str, secret: str, *, seconds: int, path: str) -> HttpResponseBase:
    answer.set_cookie(
        name,
        secret,
        max_age=seconds,
        path=path,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return answer
