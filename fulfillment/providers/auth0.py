"""Auth0: starting its passwordless sign-in by e-mail, and believing its id token only as far as it is proved.

Authentication API `POST /passwordless/start` and `POST /oauth/token`; keys from `/.well-known/jwks.json` by `kid`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256

from profiles.providers import outgoing

SECONDS: Final = 5.0
# Clocks differ a little.
LEEWAY: Final = 60
ASKED_AGAIN_AFTER: Final = 60
ALGORITHM: Final = "RS256"
LEAST_BITS: Final = 2048


class Failed(Exception):
    """Auth0 did not do as asked; the sentence says why. Nothing is proved."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """Our application at Auth0. `base` is its address without a slash at the end."""

    base: str
    client_id: str
    client_secret: str

    @property
    def issuer(self) -> str:
        """As tokens name it: with the slash."""
        return f"{self.base}/"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signed in: Auth0's own name for the account, and the address that it verified."""

    subject: str
    email: str


def configured(domain: str, client_id: str, client_secret: str) -> Tenant | None:
    """The tenant of these settings, or None where one is missing. A domain may carry its scheme in development."""
    if not (domain and client_id and client_secret):
        return None
    return Tenant(domain if "://" in domain else f"https://{domain}", client_id, client_secret)


def nonce(state: str, *, key: str) -> str:
    """What the token has to carry for a sign-in that was begun with this state."""
    return hmac.digest(key.encode(), f"auth0 nonce {state}".encode(), hashlib.sha256).hex()


def start(
    tenant: Tenant,
    *,
    email: str,
    state: str,
    nonce: str,
    redirect_uri: str,
    client_address: str = "",
    inside: bool = False,
) -> None:
    """Have Auth0 mail its sign-in link. Raises Failed."""
    body = {
        "client_id": tenant.client_id,
        "client_secret": tenant.client_secret,
        "connection": "email",
        "email": email,
        "send": "link",
        "authParams": {
            "scope": "openid profile email",
            "response_type": "code",
            "redirect_uri": redirect_uri,
            "state": state,
            "nonce": nonce,
        },
    }
    # Its limits count by the buyer's address, not by ours.
    forwarded = {"auth0-forwarded-for": client_address} if client_address else {}
    _ask("POST", f"{tenant.base}/passwordless/start", body, inside=inside, headers=forwarded)


def finish(tenant: Tenant, *, code: str, nonce: str, redirect_uri: str, inside: bool = False) -> Identity:
    """Who signed in, by the code of the callback. Raises Failed where anything about the token is not as it must be."""
    answer = _ask(
        "POST",
        f"{tenant.base}/oauth/token",
        {
            "grant_type": "authorization_code",
            "client_id": tenant.client_id,
            "client_secret": tenant.client_secret,
            "code": code,
            "redirect_uri": redirect_uri,
        },
        inside=inside,
    )
    token = answer.get("id_token")
    if not isinstance(token, str):
        raise Failed("Auth0 gave no id token.")
    return identity(tenant, token, nonce=nonce, now=int(time.time()), inside=inside)


def identity(tenant: Tenant, token: str, *, nonce: str, now: int, inside: bool = False) -> Identity:
    """Check signature, issuer, audience, times, nonce and that the address is verified. Raises Failed."""
    header, claims, signed, signature = _parts(token)
    # The algorithm is ours to say: a token that names another (or none) is no token.
    if header.get("alg") != ALGORITHM:
        raise Failed("The id token is not signed by RS256.")
    key = KEYS.get(tenant, str(header.get("kid", "")), inside=inside)
    try:
        key.verify(signature, signed, PKCS1v15(), SHA256())
    except InvalidSignature as error:
        raise Failed("The id token's signature is wrong.") from error
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if claims.get("iss") != tenant.issuer:
        raise Failed("The id token was issued by somebody else.")
    if tenant.client_id not in audiences or (len(audiences) > 1 and claims.get("azp") != tenant.client_id):
        raise Failed("The id token was issued for somebody else.")
    if _instant(claims, "exp") <= now - LEEWAY or _instant(claims, "iat") > now + LEEWAY:
        raise Failed("The id token is out of its time.")
    if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise Failed("The id token belongs to another sign-in.")
    if claims.get("email_verified") is not True:
        raise Failed("Auth0 did not verify the address.")
    email, subject = claims.get("email"), claims.get("sub")
    if not (isinstance(email, str) and isinstance(subject, str) and email and subject):
        raise Failed("The id token names nobody.")
    return Identity(subject, email)


def _parts(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any], bytes, bytes]:
    parts = token.split(".")
    if len(parts) != 3 or not token.isascii():
        raise Failed("That is no id token.")
    try:
        header, claims = (json.loads(_unpacked(part)) for part in parts[:2])
        signature = _unpacked(parts[2])
    except (ValueError, binascii.Error, RecursionError) as error:
        raise Failed("The id token cannot be read.") from error
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise Failed("The id token cannot be read.")
    return header, claims, f"{parts[0]}.{parts[1]}".encode(), signature


def _unpacked(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _instant(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Failed("The id token is out of its time.")
    return value


# Keys -------------------------------------------------------------------------------------------------------------


class Keys:
    """The tenants' public keys as last seen. A key that is not among them is asked for, at most once a minute."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, dict[str, RSAPublicKey]] = {}
        self._asked: dict[str, float] = {}

    def get(self, tenant: Tenant, kid: str, *, inside: bool = False) -> RSAPublicKey:
        """The key of this id. Raises Failed where the tenant has none."""
        with self._lock:
            known = self._known.get(tenant.base, {})
            again = time.monotonic() - self._asked.get(tenant.base, float("-inf")) > ASKED_AGAIN_AFTER
        if kid not in known and again:
            document = _ask("GET", f"{tenant.base}/.well-known/jwks.json", None, inside=inside)
            known = _read(document)
            with self._lock:
                self._known[tenant.base], self._asked[tenant.base] = known, time.monotonic()
        if kid not in known:
            raise Failed("The id token is signed by an unknown key.")
        return known[kid]

    def forget(self) -> None:
        """As if nothing had been asked yet."""
        with self._lock:
            self._known.clear()
            self._asked.clear()


KEYS = Keys()


def _read(document: Mapping[str, Any]) -> dict[str, RSAPublicKey]:
    rows = document.get("keys")
    found: dict[str, RSAPublicKey] = {}
    for row in rows if isinstance(rows, list) else ():
        if not isinstance(row, dict) or row.get("kty") != "RSA" or row.get("use", "sig") != "sig":
            continue
        try:
            n, e = (int.from_bytes(_unpacked(str(row[name]))) for name in ("n", "e"))
            key = RSAPublicNumbers(e, n).public_key()
        except (KeyError, ValueError, binascii.Error):
            continue
        if key.key_size >= LEAST_BITS:
            found[str(row.get("kid", ""))] = key
    return found


def _ask(
    method: str,
    url: str,
    body: Mapping[str, Any] | None,
    *,
    inside: bool,
    headers: Mapping[str, str] | None = None,
) -> Mapping[str, Any]:
    try:
        answer = outgoing.request(
            method,
            url,
            content=json.dumps(body).encode() if body is not None else b"",
            headers={"content-type": "application/json", "accept": "application/json", **(headers or {})},
            seconds=SECONDS,
            inside=inside,
        )
    except (outgoing.Forbidden, outgoing.Unreachable) as error:
        raise Failed(f"Auth0 was not reached: {error}") from error
    if answer.status != 200:
        raise Failed(f"Auth0 answered {answer.status}.")
    try:
        found = json.loads(answer.body)
    except ValueError as error:
        raise Failed("Auth0's answer cannot be read.") from error
    if not isinstance(found, dict):
        raise Failed("Auth0's answer cannot be read.")
    return found
