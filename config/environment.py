"""The environment as it is: the variables of the table read and checked together; a wrong one stops the start."""

import base64
import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from config.variables import EMAIL_PROVIDERS, ROOT, VARIABLES, Malformed, Refused, Variable, encryption_keys

__all__ = ["EMAIL_PROVIDERS", "ROOT", "VARIABLES", "Refused", "Variable", "load"]

NEEDED_BY_PROVIDER: dict[str, tuple[str, ...]] = {
    "postmark": ("POSTMARK_SERVER_TOKEN",),
    "mailgun": ("MAILGUN_API_KEY", "MAILGUN_SENDER_DOMAIN"),
    "resend": ("RESEND_API_KEY",),
    "sendgrid": ("SENDGRID_API_KEY",),
    "novu": ("NOVU_API_KEY", "NOVU_WORKFLOW"),
    "listmonk": ("LISTMONK_API_URL", "LISTMONK_API_USER", "LISTMONK_API_TOKEN", "LISTMONK_TEMPLATE_ID"),
}
"""What a provider in the chain cannot send without."""

PAIRS: tuple[tuple[str, str], ...] = (
    ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    ("STORAGE_SECOND_ACCESS_KEY_ID", "STORAGE_SECOND_SECRET_ACCESS_KEY"),
    ("EMAIL_HOST_USER", "EMAIL_HOST_PASSWORD"),
)
"""Names that mean nothing without each other."""

EXCLUSIVE: tuple[tuple[str, str], ...] = (
    ("EMAIL_USE_TLS", "EMAIL_USE_SSL"),
    ("STORAGE_SECOND_BUCKET_NAME", "STORAGE_SECOND_FOLDER"),
)
"""Names that contradict each other."""


def load(environ: Mapping[str, str]) -> dict[str, Any]:
    """Every variable by name, read and checked; an empty text counts as not set. Raises Refused."""
    values: dict[str, Any] = {}
    for variable in VARIABLES:
        text = environ.get(variable.name, "").strip() or variable.default
        if variable.name == "BASE_URL":
            text = text or f"http://127.0.0.1:{values['PORT']}"
        try:
            values[variable.name] = variable.read(text)
        except Malformed as fault:
            raise Refused(f"{variable.name} is malformed: {fault}.") from None
    _check_together(values)
    _complete(values)
    return values


def is_production(values: Mapping[str, Any]) -> bool:
    return str(values["BASE_URL"]).startswith("https://")


def _check_together(values: Mapping[str, Any]) -> None:
    if is_production(values):
        _check_production(values)
    if values["DATABASE_OWNER_URL"] and not values["DATABASE_URL"]:
        raise Refused("DATABASE_URL is missing: DATABASE_OWNER_URL is set, and it is used by migrate alone.")
    if values["DATABASE_OWNER_URL"] and values["DATABASE_OWNER_URL"]["NAME"] != values["DATABASE_URL"]["NAME"]:
        raise Refused("DATABASE_OWNER_URL is malformed: it must name the same database as DATABASE_URL.")
    for provider in values["EMAIL_PROVIDERS"]:
        for name in NEEDED_BY_PROVIDER.get(provider, ()):
            if not values[name]:
                raise Refused(f"{name} is missing: EMAIL_PROVIDERS names {provider}, which cannot send without it.")
    for first, second in PAIRS:
        for present, absent in ((first, second), (second, first)):
            if values[present] and not values[absent]:
                raise Refused(f"{absent} is missing: {present} is set and means nothing without it.")
    for first, second in EXCLUSIVE:
        if values[first] and values[second]:
            raise Refused(f"{second} must not be set together with {first}.")


def _check_production(values: Mapping[str, Any]) -> None:
    for name in ("SECRET_KEY", "ENCRYPTION_KEYS"):
        if not values[name]:
            raise Refused(f"{name} is missing: with an https BASE_URL this is production, which needs its own.")
    for name in ("AFTERSALE_NOW", "DEBUG"):
        if values[name]:
            raise Refused(f"{name} must not be set: with an https BASE_URL this is production.")


def _complete(values: dict[str, Any]) -> None:
    """Fill in the defaults that follow from other variables."""
    host = urlsplit(values["BASE_URL"]).hostname or ""
    if not values["ALLOWED_HOSTS"]:
        own = [] if is_production(values) else ["127.0.0.1", "localhost", "[::1]"]
        values["ALLOWED_HOSTS"] = list(dict.fromkeys([f"[{host}]" if ":" in host else host, *own]))
    if values["TRUSTED_PROXIES"] is None:
        values["TRUSTED_PROXIES"] = 1 if is_production(values) else 0
    if not values["DEFAULT_FROM_EMAIL"]:
        domain = host if re.search(r"[a-z]", host) and "." in host else "localhost"
        values["DEFAULT_FROM_EMAIL"] = f"Aftersale <aftersale@{domain}>"
    if not values["AWS_SES_REGION_NAME"]:
        values["AWS_SES_REGION_NAME"] = values["AWS_S3_REGION_NAME"]
    if not is_production(values) and not (values["SECRET_KEY"] and values["ENCRYPTION_KEYS"]):
        kept = _development_secrets(values["AFTERSALE_DATA"])
        values["SECRET_KEY"] = values["SECRET_KEY"] or kept["SECRET_KEY"]
        values["ENCRYPTION_KEYS"] = values["ENCRYPTION_KEYS"] or encryption_keys(kept["ENCRYPTION_KEYS"])


def make_folder(data: Path) -> None:
    """Create AFTERSALE_DATA where it is missing: others, as the database's user, may pass through it, not list it."""
    try:
        data.mkdir(mode=0o711, parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(f"AFTERSALE_DATA cannot be used: {error.strerror} ({error.filename}).") from None


def write_once(path: Path, content: Mapping[str, Any]) -> dict[str, Any]:
    """Keep this content in a file only its owner reads; when another process was first, its content counts."""
    with _draft(path, content) as draft, suppress(FileExistsError):
        path.hardlink_to(draft)
    return read_kept(path) or {}


def replace_kept(path: Path, content: Mapping[str, Any]) -> None:
    """Put other content in the place of what write_once kept; a reader sees the old or the new, never a half."""
    with _draft(path, content) as draft:
        draft.replace(path)


@contextmanager
def _draft(path: Path, content: Mapping[str, Any]) -> Iterator[Path]:
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(content, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        yield draft
    except OSError as error:
        raise Refused(f"AFTERSALE_DATA cannot be used: {error.strerror} ({error.filename}).") from None
    finally:
        draft.unlink(missing_ok=True)


def read_kept(path: Path) -> dict[str, Any] | None:
    """What write_once kept, or None. Raises Refused when it cannot be read."""
    try:
        kept = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise Refused(f"AFTERSALE_DATA cannot be used: {path} cannot be read ({error}).") from None
    return dict(kept)


def _development_secrets(data: Path) -> dict[str, Any]:
    path = data / "secrets.json"
    kept = read_kept(path)
    if kept is None:
        make_folder(data)
        made = {
            "SECRET_KEY": secrets.token_urlsafe(48),
            "ENCRYPTION_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        }
        kept = write_once(path, made)
    return kept


def table() -> str:
    """The whole table as markdown, as docs/environment.md prints it."""
    rows = ["| variable | meaning | default |", "| --- | --- | --- |"]
    for variable in VARIABLES:
        default = variable.shown or (f"`{variable.default}`" if variable.default else "")
        rows.append(f"| `{variable.name}` | {variable.meaning} | {default} |")
    return "\n".join(rows) + "\n"
