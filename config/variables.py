"""The table of the environment: every variable, what it means, its default, and how it is read."""

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
EMAIL_PROVIDERS = ("smtp", "ses", "postmark", "mailgun", "resend", "sendgrid", "novu", "listmonk")


class Refused(Exception):
    """The start is refused; the message is one sentence that names the variable."""


class Malformed(Exception):
    """A value does not read; the message completes "NAME is malformed: …"."""


@dataclass(frozen=True, slots=True)
class Variable:
    """One row of the table: how a variable is called, what it means, what stands for it when it is not set."""

    name: str
    meaning: str
    default: str = ""
    read: Callable[[str], Any] = str
    shown: str = ""
    """The default as documented, where it is computed and not a fixed text."""


def _flag(text: str) -> bool:
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("", "0", "false", "no", "off"):
        return False
    raise Malformed("write 1 or 0")


def _whole_number(low: int, high: int) -> Callable[[str], int | None]:
    def read(text: str) -> int | None:
        if not text:
            return None
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise Malformed(f"write a whole number from {low} to {high}")
        return int(text)

    return read


def _names(text: str) -> list[str]:
    return [part for part in (part.strip() for part in text.split(",")) if part]


def _url(*schemes: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not text:
            return ""
        try:
            parts = urlsplit(text)
            right = parts.scheme in schemes and bool(parts.hostname or parts.scheme == "unix") and parts.port != 0
        except ValueError:
            right = False
        if not right:
            raise Malformed(f"write an address that begins with {' or '.join(f'{scheme}://' for scheme in schemes)}")
        return text.rstrip("/")

    return read


def _base_url(text: str) -> str:
    address = _url("http", "https")(text)
    parts = urlsplit(address)
    if parts.path or parts.query or parts.fragment or parts.username is not None:
        raise Malformed("write http://host or https://host, with a port where there is one and nothing behind it")
    return address


def _tenant(text: str) -> str:
    """A host name, or a whole address."""
    if not text or re.fullmatch(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?\.[a-z]{2,}", text):
        return text
    if "://" not in text:
        raise Malformed("write a host name, as shop.eu.auth0.com")
    return _base_url(text)


def _folder(text: str) -> Path:
    path = Path(text).expanduser().absolute() if text else ROOT / "var"
    if path.exists() and not path.is_dir():
        raise Malformed("it must be a folder, and it is a file")
    return path


def _instant(text: str) -> datetime | None:
    if not text:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise Malformed("write an instant by ISO 8601, as 2026-11-21T09:00:00Z") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _level(text: str) -> str:
    if text.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
        raise Malformed("write DEBUG, INFO, WARNING, ERROR or CRITICAL")
    return text.upper()


def _email_providers(text: str) -> list[str]:
    names = _names(text.lower())
    for name in names:
        if name not in EMAIL_PROVIDERS:
            raise Malformed(f"there is no provider {name!r}, choose from {', '.join(EMAIL_PROVIDERS)}")
    if len(set(names)) < len(names):
        raise Malformed("it names a provider twice")
    return names


def _files(text: str) -> tuple[tuple[str, str], ...]:
    found = []
    for one in _names(text):
        channel, sign, path = one.partition("=")
        if not sign or ":" not in channel or not path:
            raise Malformed("write kind:domain=path, as shopier:lantern=/exports/orders.csv")
        found.append((channel.strip(), path.strip()))
    return tuple(found)


def encryption_keys(text: str) -> list[str]:
    keys = _names(text)
    for key in keys:
        try:
            right = len(base64.b64decode(key.encode(), altchars=b"-_", validate=True)) == 32
        except (binascii.Error, ValueError):
            right = False
        if not right:
            raise Malformed("each key must be a Fernet key, 32 bytes in URL-safe base64 (44 characters)")
    return keys


def _database(text: str) -> dict[str, Any]:
    """A PostgreSQL address as Django's settings; {} when it is not set."""
    if not text:
        return {}
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        if not text.startswith(("postgres://", "postgresql://")):
            raise ValueError
        parts = conninfo_to_dict(text)
        if not re.fullmatch(r"[0-9]{1,5}(,[0-9]{1,5})*", str(parts.get("port") or "5432")):
            raise ValueError
    except (psycopg.Error, ValueError):
        raise Malformed("write postgresql://user:password@host:port/database") from None
    if not parts.get("dbname"):
        raise Malformed("it names no database; write postgresql://user:password@host:port/database")
    settings = {name: str(parts.pop(key, "") or "") for name, key in _DATABASE_PARTS.items()}
    return {**settings, "OPTIONS": parts}


_DATABASE_PARTS = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}


def _webhook_secret(text: str) -> str:
    if text and not re.fullmatch(r"[^:\s]+:[^:\s]+", text):
        raise Malformed("write user:password")
    return text


VARIABLES: tuple[Variable, ...] = (
    # What and where this installation is
    Variable(
        "AFTERSALE_DATA",
        "The folder of the embedded database, the local files and the kept mail. Two folders are two installations.",
        read=_folder,
        shown="`var/` beside `manage.py`",
    ),
    Variable("PORT", "The port of `make run`.", default="8000", read=_whole_number(1, 65535)),
    Variable(
        "BASE_URL",
        "The address customers and staff reach. `http://…` is development; `https://…` is production: redirects to"
        " https, secure cookies, and no start without `SECRET_KEY` and `ENCRYPTION_KEYS`.",
        read=_base_url,
        shown="`http://127.0.0.1:PORT`",
    ),
    Variable(
        "ALLOWED_HOSTS",
        "Host names that requests may carry, commas between.",
        read=_names,
        shown="the host of `BASE_URL`; in development this machine's names too",
    ),
    Variable(
        "TRUSTED_PROXIES",
        "How many proxies of yours stand in front. Their `X-Forwarded-For` and `X-Forwarded-Proto` are believed,"
        " and each must overwrite or append to them.",
        read=_whole_number(0, 9),
        shown="`1` in production, `0` in development",
    ),
    Variable("DEBUG", "Django's debug pages; refused in production.", default="0", read=_flag),
    Variable(
        "AFTERSALE_NOW",
        "Development and tests only: the instant (ISO 8601) at which the process believes to start. It moves due"
        " times and expiries, never leases or the age of signatures; in production it stops the start.",
        read=_instant,
    ),
    Variable("LOG_LEVEL", "The least severe level that is logged.", default="INFO", read=_level),
    # Secrets
    Variable(
        "SECRET_KEY",
        "Signs sessions and queued tasks; at least 50 random characters.",
        shown="required in production; in development made once and kept in `AFTERSALE_DATA`",
    ),
    Variable(
        "ENCRYPTION_KEYS",
        "Fernet keys for the channels' secrets, commas between: the first encrypts, all decrypt.",
        read=encryption_keys,
        shown="required in production; in development made once and kept in `AFTERSALE_DATA`",
    ),
    Variable("STAFF_MFA", "Staff must sign in with a second factor.", default="0", read=_flag),
    # Database and streams
    Variable(
        "DATABASE_URL",
        "`postgresql://user:password@host:port/database` with the role the application runs under: no superuser,"
        " no BYPASSRLS.",
        read=_database,
        shown="the embedded PostgreSQL in `AFTERSALE_DATA`",
    ),
    Variable(
        "DATABASE_OWNER_URL",
        "The same database with the role that owns the tables, used by `migrate` alone. Left out, the first role owns"
        " them and the forced policies bind it.",
        read=_database,
    ),
    Variable(
        "DATABASE_REPLICA_URL",
        "A replica for reads that may lag: dashboards and exports.",
        read=_database,
    ),
    Variable(
        "REDIS_URL",
        "`redis://host:port/0` for the event streams and the shared cache. Without it events wait in the outbox and"
        " the cache is a table.",
        read=_url("redis", "rediss", "unix"),
    ),
    # Providers
    Variable(
        "STRIPE_API_BASE",
        "Where Stripe's interface is.",
        default="https://api.stripe.com",
        read=_url("https", "http"),
    ),
    Variable(
        "SLACK_WEBHOOK_URL", "Slack's incoming webhook for alerts; empty sends none there.", read=_url("https", "http")
    ),
    Variable(
        "AUTH0_DOMAIN",
        "The Auth0 tenant that signs customers in to their library, as `shop.eu.auth0.com`; without these three our own"
        " links do. In development an `http://…` address stands for it.",
        read=_tenant,
    ),
    Variable("AUTH0_CLIENT_ID", "Auth0: the application (a regular web application with passwordless e-mail)."),
    Variable("AUTH0_CLIENT_SECRET", "Auth0: its secret."),
    # Storage
    Variable(
        "AWS_STORAGE_BUCKET_NAME",
        "The bucket of the first storage; empty keeps files in `AFTERSALE_DATA/files`.",
    ),
    Variable("AWS_ACCESS_KEY_ID", "Its access key; empty leaves finding credentials to the AWS library."),
    Variable("AWS_SECRET_ACCESS_KEY", "Its secret key."),
    Variable(
        "AWS_S3_ENDPOINT_URL",
        "Its address when it is not Amazon's (Supabase, MinIO …).",
        read=_url("https", "http"),
    ),
    Variable("AWS_S3_REGION_NAME", "Its region.", default="us-east-1"),
    Variable("STORAGE_SECOND_BUCKET_NAME", "The bucket of the second storage, which takes over; empty: there is none."),
    Variable("STORAGE_SECOND_ACCESS_KEY_ID", "Its access key."),
    Variable("STORAGE_SECOND_SECRET_ACCESS_KEY", "Its secret key."),
    Variable("STORAGE_SECOND_ENDPOINT_URL", "Its address when it is not Amazon's.", read=_url("https", "http")),
    Variable("STORAGE_SECOND_REGION_NAME", "Its region.", default="us-east-1"),
    Variable(
        "STORAGE_SECOND_FOLDER",
        "A local folder as the second storage, instead of a bucket.",
        read=lambda text: _folder(text) if text else None,
    ),
    # Checklists
    Variable(
        "OPS_ORDERS_FILES",
        "Export files of orders that `manage.py ops weekly` imports, commas between, each `kind:domain=path`.",
        read=_files,
    ),
    Variable("OPS_PAYOUTS_FILES", "The same for export files of payouts.", read=_files),
    # Mail
    Variable(
        "EMAIL_PROVIDERS",
        f"The chain of mail providers in order, commas between, of `{', '.join(EMAIL_PROVIDERS)}`. Empty: mail is kept"
        " in the database only.",
        read=_email_providers,
    ),
    Variable(
        "DEFAULT_FROM_EMAIL",
        "The sender of every mail.",
        shown="`Aftersale <aftersale@HOST>` with the host of `BASE_URL`",
    ),
    Variable("EMAIL_HOST", "`smtp`: the server.", default="localhost"),
    Variable("EMAIL_PORT", "`smtp`: its port.", default="25", read=_whole_number(1, 65535)),
    Variable("EMAIL_HOST_USER", "`smtp`: the user; empty signs in as nobody."),
    Variable("EMAIL_HOST_PASSWORD", "`smtp`: the password."),
    Variable("EMAIL_USE_TLS", "`smtp`: begin with STARTTLS.", default="0", read=_flag),
    Variable("EMAIL_USE_SSL", "`smtp`: speak TLS from the first byte.", default="0", read=_flag),
    Variable(
        "ANYMAIL_WEBHOOK_SECRET",
        "`user:password` that the providers' delivery webhooks (`/anymail/<service>/tracking/`) must carry. A service"
        " is heard only with it or with a signing key of its own; where both are set, both must be right.",
        read=_webhook_secret,
    ),
    Variable("AWS_SES_REGION_NAME", "`ses`: the region.", shown="`AWS_S3_REGION_NAME`"),
    Variable("AWS_SES_ENDPOINT_URL", "`ses`: the address when it is not Amazon's.", read=_url("https", "http")),
    Variable("AWS_SES_CONFIGURATION_SET_NAME", "`ses`: the configuration set that reports deliveries."),
    Variable("POSTMARK_SERVER_TOKEN", "`postmark`: the server's token."),
    Variable(
        "POSTMARK_API_URL",
        "`postmark`: its interface.",
        default="https://api.postmarkapp.com",
        read=_url("https", "http"),
    ),
    Variable("MAILGUN_API_KEY", "`mailgun`: the key."),
    Variable("MAILGUN_SENDER_DOMAIN", "`mailgun`: the sending domain."),
    Variable("MAILGUN_WEBHOOK_SIGNING_KEY", "`mailgun`: what signs its delivery webhooks."),
    Variable(
        "MAILGUN_API_URL", "`mailgun`: its interface.", default="https://api.mailgun.net/v3", read=_url("https", "http")
    ),
    Variable("RESEND_API_KEY", "`resend`: the key."),
    Variable("RESEND_SIGNING_SECRET", "`resend`: what signs its delivery webhooks."),
    Variable(
        "RESEND_API_URL", "`resend`: its interface.", default="https://api.resend.com", read=_url("https", "http")
    ),
    Variable("SENDGRID_API_KEY", "`sendgrid`: the key."),
    Variable("SENDGRID_TRACKING_WEBHOOK_VERIFICATION_KEY", "`sendgrid`: what signs its delivery webhooks."),
    Variable(
        "SENDGRID_API_URL",
        "`sendgrid`: its interface.",
        default="https://api.sendgrid.com/v3",
        read=_url("https", "http"),
    ),
    Variable("NOVU_API_KEY", "`novu`: the environment's secret key."),
    Variable("NOVU_API_URL", "`novu`: its interface.", default="https://api.novu.co", read=_url("https", "http")),
    Variable(
        "NOVU_WORKFLOW",
        "`novu`: the identifier of the workflow whose e-mail step shows `payload.subject`, `payload.html` and"
        " `payload.text`.",
    ),
    Variable("LISTMONK_API_URL", "`listmonk`: its address.", read=_url("https", "http")),
    Variable("LISTMONK_API_USER", "`listmonk`: the user of the interface."),
    Variable("LISTMONK_API_TOKEN", "`listmonk`: that user's token."),
    Variable(
        "LISTMONK_TEMPLATE_ID",
        "`listmonk`: the transactional template; its subject is `{{ .Tx.Data.subject }}`, its body"
        " `{{ .Tx.Data.html }}` without escaping (Listmonk's `Safe`).",
        read=_whole_number(1, 999_999_999),
    ),
)
