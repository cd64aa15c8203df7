"""Asking a provider's own API for one thing that a delivery only named, and what can come of a try."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, TypeAlias
from urllib.parse import urlsplit

from orders.providers.refunding import HERE, RefusedForGood, Shop, Stopped, TryLater, exchange

__all__ = ["Found", "Missing", "Reader", "RefusedForGood", "Renewable", "Shop", "Stopped", "TryLater", "Wanted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One thing to be read. `account` is the merchant it belongs to, where the provider knows several."""

    thing: str
    external_id: str
    account: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """The provider's answer, to be kept and read as a delivery is."""

    body: bytes


@dataclass(frozen=True, slots=True)
class Missing:
    """The provider knows no such thing."""

    sentence: str


@dataclass(frozen=True, slots=True)
class Renewable:
    """The access token is over; a new one has to be fetched first."""

    sentence: str


Outcome: TypeAlias = Found | Missing | Renewable | RefusedForGood | TryLater


class Reader:
    """One provider's API as far as single things are read from it. Nothing here touches a database."""

    name: ClassVar[str]
    base: ClassVar[str]
    hosts: ClassVar[frozenset[str]] = frozenset()
    """Other hosts of the same vendor that a channel may name as its `api_base`."""
    needs: ClassVar[tuple[str, ...]] = ("access_token",)
    renews: ClassVar[bool] = False

    def lacking(self, credentials: Mapping[str, str]) -> str:
        """Which credentials are missing, as a person enters them; "" if none is."""
        return ", ".join(name for name in self.needs if not credentials.get(name))

    def read(self, wanted: Wanted, shop: Shop) -> Outcome:
        """Ask for it. Takes at most a minute and raises nothing but what is a fault of ours."""
        if missing := self.lacking(shop.credentials):
            return RefusedForGood(f"The channel has no {missing} for {self.name}'s API.")
        try:
            return Found(json.dumps(self.ask(wanted, shop), ensure_ascii=False).encode())
        except Stopped as stopped:
            outcome = stopped.outcome
            return outcome if isinstance(outcome, RefusedForGood | TryLater) else TryLater(str(stopped))
        except _Ended as ended:
            return ended.outcome

    def ask(self, wanted: Wanted, shop: Shop) -> object:
        """The document that `parse` reads; made of several answers where need be."""
        raise NotImplementedError

    def renew(self, shop: Shop) -> Mapping[str, str]:
        """New credentials for those that are over; raises Stopped."""
        raise NotImplementedError

    def headers(self, shop: Shop) -> Mapping[str, str]:
        return {"authorization": f"Bearer {shop.credentials['access_token']}"}

    def address(self, shop: Shop) -> str:
        """Where the API is called. Secrets go to hosts of the vendor alone; in development to this machine too."""
        own = shop.credentials.get("api_base", "").rstrip("/")
        if not own:
            return self.base
        told = urlsplit(own)
        known = told.scheme == "https" and told.hostname in {urlsplit(self.base).hostname, *self.hosts}
        if known or (shop.inside and told.hostname in HERE):
            return own
        raise Stopped(RefusedForGood(f"api_base is no address of {self.name}."))

    def get(self, path: str, shop: Shop, *, optional: bool = False) -> object:
        """One document; None for what is not there, where it is `optional`. Ends the try for anything else."""
        status, told, wait = exchange(
            "GET", f"{self.address(shop)}{path}", None, self.headers(shop), shop, effect=False
        )
        if status == 200 and isinstance(told, dict | list):
            return told
        if status in (404, 410) and optional:
            return None
        raise _Ended(self._verdict(status, told, wait))

    def _verdict(self, status: int, told: object, wait: int) -> Outcome:
        if status in (404, 410):
            return Missing(f"{self.name} knows no such thing (any more).")
        if status == 401:
            sentence = f"{self.name} does not accept the channel's access token."
            return Renewable(sentence) if self.renews else RefusedForGood(sentence)
        if status == 403:
            return RefusedForGood(f"{self.name} does not allow the channel's access token to read this.")
        if status >= 500 or status == 200 or 300 <= status < 400:
            return TryLater(f"{self.name} answered {status} with something that is no document.", retry_after=wait)
        return RefusedForGood(f"{self.name} answered {status}.")


class _Ended(Exception):
    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome
