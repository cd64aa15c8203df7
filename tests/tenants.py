"""A small Auth0 of our own: an HTTP server that signs with its own RSA key, in Auth0's true shapes."""

import base64
import json
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

CLIENT_ID, CLIENT_SECRET = "kX3nQ0aPzR7tYbLmW2sVcD5uGhJf8oEi", "not-a-real-secret"


def packed(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value: int) -> str:
    return packed(value.to_bytes((value.bit_length() + 7) // 8))


class Auth0Server:
    """Takes a passwordless start, hands out a code for it, and gives an id token for the code."""

    def __init__(self) -> None:
        self.keys: dict[str, RSAPrivateKey] = {"key-1": generate_private_key(65537, 2048)}
        self.started: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.headers: list[Mapping[str, str]] = []
        self.claims: dict[str, Any] = {}
        """What the next token says otherwise."""
        self.token = ""
        """Given instead of a token of ours."""

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def signed(self, claims: Mapping[str, Any], *, kid: str = "key-1", header: Mapping[str, Any] | None = None) -> str:
        """A token with this content."""
        head = {"alg": "RS256", "typ": "JWT", "kid": kid, **(header or {})}
        text = f"{packed(json.dumps(head).encode())}.{packed(json.dumps(claims).encode())}"
        return f"{text}.{packed(self.keys[kid].sign(text.encode(), PKCS1v15(), SHA256()))}"

    def said(self, **changes: Any) -> dict[str, Any]:
        """The content of a true token for the last start."""
        now = int(time.time())
        begun: dict[str, Any] = self.started[-1] if self.started else {"email": "", "authParams": {}}
        return {
            "nickname": "bob",
            "name": begun["email"],
            "updated_at": "2026-11-13T09:33:40.002Z",
            "email": begun["email"],
            "email_verified": True,
            "iss": f"{self.base}/",
            "aud": CLIENT_ID,
            "sub": "email|6738f0c2d1a4b9e0f7c35a18",
            "iat": now,
            "exp": now + 36_000,
            "sid": "s7Jq1LzX0vPnRtY3",
            "nonce": begun["authParams"].get("nonce", ""),
            **changes,
        }

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.asked.append(path)
        if path == "/passwordless/start":
            self.started.append(body)
            return 200, {"_id": "6738f0c2d1a4b9e0f7c35a18", "email": body["email"], "email_verified": False}
        if path == "/oauth/token":
            if body.get("code") != "the-code" or body.get("client_secret") != CLIENT_SECRET:
                return 403, {"error": "invalid_grant", "error_description": "Invalid authorization code"}
            token = self.token or self.signed(self.said(**self.claims))
            return 200, {"access_token": "opaque", "id_token": token, "scope": "openid", "token_type": "Bearer"}
        return 404, {"error": "Not Found"}

    def jwks(self) -> dict[str, Any]:
        self.asked.append("/.well-known/jwks.json")
        rows = []
        for kid, key in self.keys.items():
            public = key.public_key().public_numbers()
            row = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid}
            rows.append({**row, "n": number(public.n), "e": number(public.e)})
        return {"keys": rows}

    def __enter__(self) -> Self:
        tenant = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                known = self.path == "/.well-known/jwks.json"
                self._say(200 if known else 404, tenant.jwks() if known else {})

            def do_POST(self) -> None:
                tenant.headers.append(dict(self.headers))
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self._say(*tenant.answer(self.path, body))

            def _say(self, status: int, document: dict[str, Any]) -> None:
                body = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
