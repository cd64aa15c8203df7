"""A link as its customer would find it: does its page open, and is each of its files there and whole."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.urls import resolve

from fulfillment.actions import stores
from fulfillment.models import Asset, Entitlement


@dataclass(frozen=True, slots=True)
class Trial:
    """What was found; nothing was used up by it."""

    status: int
    files: int
    missing: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether the customer would get everything now."""
        return self.status == 200 and self.files > 0 and not self.missing

    @property
    def sentence(self) -> str:
        """The outcome as a person reads it."""
        if self.passed:
            files = "1 file is" if self.files == 1 else f"{self.files} files are"
            return f"Tested: the page opens and {files} there and whole. Nothing was used up."
        if self.status != 200:
            return f"Tested: the page answers {self.status}, so the customer gets nothing."
        if not self.files:
            return "Tested: the page opens, but the product has no file yet."
        return f"Tested: the page opens, but no store gives {', '.join(self.missing)} now."


def of(url: str, entitlement: Entitlement) -> Trial:
    """Open this link by GET, which uses nothing up, and ask the stores for its files."""
    files = list(Asset.objects.filter(product=entitlement.product_id, current=True).order_by("format"))
    health = stores.Health()
    missing = tuple(asset.filename for asset in files if health.where(asset) is None)
    return Trial(_status(url), len(files), missing)


def _status(url: str) -> int:
    base, path = urlsplit(settings.BASE_URL), urlsplit(url).path
    view = resolve(path)
    request = HttpRequest()
    request.method, request.path, request.path_info = "GET", path, path
    request.META = {"SERVER_NAME": base.hostname or "localhost", "SERVER_PORT": str(base.port or 443)}
    return int(view.func(request, *view.args, **view.kwargs).status_code)
