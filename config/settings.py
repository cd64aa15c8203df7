"""Django's settings, all of them from the one table of environment variables."""

import os
import sys
from datetime import timedelta
from typing import Any

from config import appearance, databases, environment, files

BASE_DIR = environment.ROOT
ENVIRONMENT = environment.load(os.environ)
PRODUCTION = environment.is_production(ENVIRONMENT)
AFTERSALE_DATA = ENVIRONMENT["AFTERSALE_DATA"]
AFTERSALE_NOW = ENVIRONMENT["AFTERSALE_NOW"]
BASE_URL: str = ENVIRONMENT["BASE_URL"]

DEBUG: bool = ENVIRONMENT["DEBUG"]
SECRET_KEY: str = ENVIRONMENT["SECRET_KEY"]
ENCRYPTION_KEYS: list[str] = ENVIRONMENT["ENCRYPTION_KEYS"]
ALLOWED_HOSTS: list[str] = ENVIRONMENT["ALLOWED_HOSTS"]
TRUSTED_PROXIES: int = ENVIRONMENT["TRUSTED_PROXIES"]
STAFF_MFA: bool = ENVIRONMENT["STAFF_MFA"]
STRIPE_API_BASE: str = ENVIRONMENT["STRIPE_API_BASE"]
SLACK_WEBHOOK_URL: str = ENVIRONMENT["SLACK_WEBHOOK_URL"]
REDIS_URL: str = ENVIRONMENT["REDIS_URL"]

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.inlines",
    # The desk names its own site and its own models: nothing is discovered.
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "django_q",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "pgtrigger",
    "pghistory",
    "csp",
    "anymail",
    "storages",
    "profiles",
    "orders",
    "attribution",
    "fulfillment",
    "support",
    "config",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.middleware.RequestLog",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "config.middleware.ContentSecurityPolicy",
    "axes.middleware.AxesMiddleware",
    "config.tenants.StaffOrganization",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
# A machine that posts without the slash must meet an answer, never a redirect.
APPEND_SLASH = False

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
            ]
        },
    }
]

# ---- Database. Transactions are opened where the work is: a view's later error must not undo what was taken in.
DATABASES, DATABASE_OWNER = databases.settings_for(ENVIRONMENT)
DATABASE_ROLE: str = DATABASES["default"]["USER"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "config.caches.PatientRedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "aftersale",
        "OPTIONS": {"socket_connect_timeout": 0.5, "socket_timeout": 0.5},
    }
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "config_cache"}
}

# ---- Language and time
LANGUAGE_CODE = "en"
# Those of the mails and of the customers' pages (fulfillment.phrases); the desk is in English.
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("tr", "Türkçe"), ("fr", "Français"), ("es", "Español")]
LOCALE_PATHS = [BASE_DIR / "fulfillment/locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# ---- Staff
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "config.backends.StaffBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "/admin/login/"
LOGIN_REDIRECT_URL = "/admin/"
OTP_TOTP_ISSUER = "Aftersale"
AXES_HANDLER = "axes.handlers.database.AxesDatabaseHandler"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_CLIENT_IP_CALLABLE = "config.middleware.client_address"
AXES_LOCKOUT_TEMPLATE = "admin/locked.html"
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False

# ---- Sessions and transport
SESSION_ENGINE = "config.sessions"
SESSION_COOKIE_AGE = int(timedelta(hours=12).total_seconds())
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
CSRF_TRUSTED_ORIGINS = [BASE_URL]
SECURE_SSL_REDIRECT = PRODUCTION
# What machines call answers or refuses; a redirect counts there as a failure or, worse, as a success.
SECURE_REDIRECT_EXEMPT = [r"^api/", r"^anymail/", r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 5_242_880
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000

CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "base-uri": ["'none'"],
        # A download is the answer to a form, and leads on to the storage.
        "form-action": ["'self'", *files.origins(ENVIRONMENT)],
        "frame-ancestors": ["'none'"],
        "object-src": ["'none'"],
    }
}
_OF_DOCUMENTATION = {
    **CONTENT_SECURITY_POLICY["DIRECTIVES"],
    "style-src": ["'self'", "'unsafe-inline'"],
    "img-src": ["'self'", "data:"],
}
# The desk's Alpine evaluates its attributes and sets styles; customers' pages and the API allow neither.
CONTENT_SECURITY_POLICY_OF_PATHS: dict[str, dict[str, Any]] = {
    "/admin/": {**_OF_DOCUMENTATION, "script-src": ["'self'", "'unsafe-eval'"]},
    "/api/docs": _OF_DOCUMENTATION,
}

UNFOLD = appearance.UNFOLD

# ---- Files
STATIC_URL = "/static/"
STATICFILES_DIRS = [folder for folder in (BASE_DIR / "static",) if folder.is_dir()]
# Named by content once `manage.py collectstatic` has run on a production machine; straight from the packages before.
_STATIC = BASE_DIR / "staticfiles"
_COLLECTED = sys.argv[1:2] == ["collectstatic"] or (PRODUCTION and (_STATIC / "staticfiles.json").exists())
STATIC_ROOT = _STATIC if _COLLECTED else None
WHITENOISE_USE_FINDERS = not _COLLECTED
WHITENOISE_AUTOREFRESH = DEBUG

STORAGES: dict[str, dict[str, Any]] = {
    "default": files.bucket(
        ENVIRONMENT["AWS_STORAGE_BUCKET_NAME"],
        ENVIRONMENT["AWS_S3_ENDPOINT_URL"],
        ENVIRONMENT["AWS_S3_REGION_NAME"],
        ENVIRONMENT["AWS_ACCESS_KEY_ID"],
        ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
    )
    if ENVIRONMENT["AWS_STORAGE_BUCKET_NAME"]
    else files.folder(AFTERSALE_DATA / "files"),
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if _COLLECTED
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
if ENVIRONMENT["STORAGE_SECOND_BUCKET_NAME"]:
    STORAGES["second"] = files.bucket(
        ENVIRONMENT["STORAGE_SECOND_BUCKET_NAME"],
        ENVIRONMENT["STORAGE_SECOND_ENDPOINT_URL"],
        ENVIRONMENT["STORAGE_SECOND_REGION_NAME"],
        ENVIRONMENT["STORAGE_SECOND_ACCESS_KEY_ID"],
        ENVIRONMENT["STORAGE_SECOND_SECRET_ACCESS_KEY"],
    )
elif ENVIRONMENT["STORAGE_SECOND_FOLDER"]:
    STORAGES["second"] = files.folder(ENVIRONMENT["STORAGE_SECOND_FOLDER"])

# ---- Checklists
OPS_ORDERS_FILES: tuple[tuple[str, str], ...] = ENVIRONMENT["OPS_ORDERS_FILES"]
OPS_PAYOUTS_FILES: tuple[tuple[str, str], ...] = ENVIRONMENT["OPS_PAYOUTS_FILES"]

# ---- Mail. The chain is ours (EMAIL_PROVIDERS); what Django itself would mail goes nowhere.
EMAIL_PROVIDERS: list[str] = ENVIRONMENT["EMAIL_PROVIDERS"]
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
EMAIL_HOST: str = ENVIRONMENT["EMAIL_HOST"]
EMAIL_PORT: int = ENVIRONMENT["EMAIL_PORT"]
EMAIL_HOST_USER: str = ENVIRONMENT["EMAIL_HOST_USER"]
EMAIL_HOST_PASSWORD: str = ENVIRONMENT["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS: bool = ENVIRONMENT["EMAIL_USE_TLS"]
EMAIL_USE_SSL: bool = ENVIRONMENT["EMAIL_USE_SSL"]
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL: str = ENVIRONMENT["DEFAULT_FROM_EMAIL"]
SERVER_EMAIL = DEFAULT_FROM_EMAIL
NOVU_API_KEY: str = ENVIRONMENT["NOVU_API_KEY"]
NOVU_API_URL: str = ENVIRONMENT["NOVU_API_URL"]
NOVU_WORKFLOW: str = ENVIRONMENT["NOVU_WORKFLOW"]
LISTMONK_API_URL: str = ENVIRONMENT["LISTMONK_API_URL"]
LISTMONK_API_USER: str = ENVIRONMENT["LISTMONK_API_USER"]
LISTMONK_API_TOKEN: str = ENVIRONMENT["LISTMONK_API_TOKEN"]
LISTMONK_TEMPLATE_ID: int | None = ENVIRONMENT["LISTMONK_TEMPLATE_ID"]
_SES: dict[str, Any] = {
    "region_name": ENVIRONMENT["AWS_SES_REGION_NAME"],
    # The library's own repetitions would send a second copy whenever an answer is late.
    "config": {"retries": {"total_max_attempts": 1}, "connect_timeout": 5, "read_timeout": 10},
}
if ENVIRONMENT["AWS_SES_ENDPOINT_URL"]:
    _SES["endpoint_url"] = ENVIRONMENT["AWS_SES_ENDPOINT_URL"]
if ENVIRONMENT["AWS_ACCESS_KEY_ID"]:
    _SES["aws_access_key_id"] = ENVIRONMENT["AWS_ACCESS_KEY_ID"]
    _SES["aws_secret_access_key"] = ENVIRONMENT["AWS_SECRET_ACCESS_KEY"]
ANYMAIL: dict[str, Any] = {
    name: ENVIRONMENT[name]
    for name in (
        "POSTMARK_SERVER_TOKEN",
        "MAILGUN_API_KEY",
        "MAILGUN_SENDER_DOMAIN",
        "MAILGUN_WEBHOOK_SIGNING_KEY",
        "RESEND_API_KEY",
        "RESEND_SIGNING_SECRET",
        "SENDGRID_API_KEY",
        "SENDGRID_TRACKING_WEBHOOK_VERIFICATION_KEY",
    )
    if ENVIRONMENT[name]
}
# Anymail joins paths to these, which must therefore end in a slash.
ANYMAIL |= {
    name: ENVIRONMENT[name] + "/"
    for name in ("POSTMARK_API_URL", "MAILGUN_API_URL", "RESEND_API_URL", "SENDGRID_API_URL")
}
ANYMAIL |= {"AMAZON_SES_CLIENT_PARAMS": _SES, "REQUESTS_TIMEOUT": 10}
if ENVIRONMENT["AWS_SES_CONFIGURATION_SET_NAME"]:
    ANYMAIL["AMAZON_SES_CONFIGURATION_SET_NAME"] = ENVIRONMENT["AWS_SES_CONFIGURATION_SET_NAME"]
if ENVIRONMENT["ANYMAIL_WEBHOOK_SECRET"]:
    ANYMAIL["WEBHOOK_SECRET"] = ENVIRONMENT["ANYMAIL_WEBHOOK_SECRET"]

# ---- Signing customers in, where it is not done by our own links
AUTH0_DOMAIN: str = ENVIRONMENT["AUTH0_DOMAIN"]
AUTH0_CLIENT_ID: str = ENVIRONMENT["AUTH0_CLIENT_ID"]
AUTH0_CLIENT_SECRET: str = ENVIRONMENT["AUTH0_CLIENT_SECRET"]

# ---- Workers. django-q2 only wakes: it shares the database, so that a wake-up commits with the row it is for; it
# repeats nothing by itself, holds no more than its workers can begin, and keeps no results.
Q_CLUSTER: dict[str, Any] = {
    "name": "aftersale",
    "orm": "default",
    "workers": 2,
    "queue_limit": 2,
    "bulk": 1,
    "timeout": 60,
    "retry": 300,
    "ack_failures": True,
    "max_attempts": 1,
    "catch_up": False,
    "save_limit": -1,
    "poll": 0.2,
    "label": "Workers",
}

# ---- API
REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "UNAUTHENTICATED_USER": None,
    "EXCEPTION_HANDLER": "support.api.problems.handle",
    "DEFAULT_THROTTLE_RATES": {"token": "6000/min"},
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Aftersale",
    "DESCRIPTION": "Orders, customers, delivery and support of digital products.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    # Two lists of choices bear the name `status`: each gets its own in the schema.
    "ENUM_NAME_OVERRIDES": {
        "EntitlementStatus": ["pending_claim", "active", "suspended", "revoked", "expired"],
        "DiscrepancyStatus": ["open", "closed", "written_off"],
    },
}

# ---- Logs
LOGGING_CONFIG = "config.logs.configure"
LOGGING: dict[str, Any] = {"level": ENVIRONMENT["LOG_LEVEL"]}
