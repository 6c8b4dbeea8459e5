"""Settings, all from the environment; the table is `docs/settings.md` and a test holds the two together."""

import os
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
VERSION = "0.1.0"


def _flag(name: str) -> bool:
    return os.environ.get(name, "").lower() in {"1", "true", "yes", "on"}


def _database(url: str) -> dict[str, object]:
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"} or not parts.path.strip("/"):
        raise ImproperlyConfigured(
            "DATABASE_URL and DATABASE_OWNER_URL must look like postgresql://role:password@host:5432/database."
        )
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.strip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"application_name": "trialsite"},
    }


DEMO = _flag("TRIALSITE_DEMO")
DEBUG = False

SECRET_KEY = os.environ.get("TRIALSITE_SECRET_KEY", "")
if not SECRET_KEY:
    # Commands that use no session (the engines, checks) need none; serving without one is refused in wsgi.py.
    SECRET_KEY = "unset-" + os.urandom(24).hex()
    SECRET_KEY_IS_SET = False
else:
    SECRET_KEY_IS_SET = True

ALLOWED_HOSTS = os.environ.get("TRIALSITE_HOSTS", "127.0.0.1,localhost,[::1]").split(",")
CSRF_TRUSTED_ORIGINS = [origin for origin in os.environ.get("TRIALSITE_ORIGINS", "").split(",") if origin]

# Two roles: the application's own, and the owner that migrates and is never given to web or worker.
DATABASES = {
    "default": _database(os.environ.get("DATABASE_URL", "postgresql://trialsite_app@127.0.0.1:5432/trialsite")),
}
if os.environ.get("DATABASE_OWNER_URL"):
    DATABASES["owner"] = _database(os.environ["DATABASE_OWNER_URL"])
DATABASE_APP_ROLE = str(DATABASES["default"]["USER"])

REDIS_URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")

INSTALLED_APPS = [
    "apps.core",
    "apps.audit",
    "apps.accounts",
    "apps.study",
    "apps.access",
    "apps.subjects",
    "apps.visits",
    "apps.review",
    "apps.deviations",
    "apps.labs",
    "apps.assessments",
    "apps.screening",
    "apps.enrollment",
    "apps.dosing",
    "apps.safety",
    "apps.tumor",
    "apps.escalation",
    "apps.exports",
    "apps.alerts",
    "apps.dashboard",
    "apps.demo",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "axes",
    "csp",
    "crispy_forms",
    "crispy_bootstrap5",
    "django_htmx",
    "template_partials",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "apps.accounts.sessions.PersonsSessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "trialsite.urls"
WSGI_APPLICATION = "trialsite.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apps.core.page.everywhere",
            ],
        },
    },
]
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"

# Accounts
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "apps.accounts.backends.EmailBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "start"
LOGOUT_REDIRECT_URL = "sign_in"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = ["username"]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "apps.accounts.views.locked_out"
AXES_USERNAME_FORM_FIELD = "username"
AXES_ENABLE_ADMIN = False
SILENCED_SYSTEM_CHECKS = ["axes.W006"]  # an account is locked whatever address the tries come from
SESSION_IDLE_MINUTES = int(os.environ.get("TRIALSITE_IDLE_MINUTES", "30"))
SESSION_COOKIE_AGE = SESSION_IDLE_MINUTES * 60
SESSION_SAVE_EVERY_REQUEST = True
SESSION_COOKIE_HTTPONLY = True
SESSION_EXPIRE_AT_BROWSER_CLOSE = True

# Transport. The demo and tests speak plain HTTP on loopback; anything else sits behind TLS.
BEHIND_TLS = _flag("TRIALSITE_TLS")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_TLS
SECURE_HSTS_SECONDS = 31536000 if BEHIND_TLS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_TLS else None
SECURE_SSL_REDIRECT = BEHIND_TLS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# Background
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 60,
    "socket_timeout": 2,
    "socket_connect_timeout": 2,
    "max_retries": 0,
}
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "sweep the outbox": {"task": "core.drain_outbox", "schedule": 2.0, "options": {"expires": 10}},
    "sign of life": {"task": "core.heartbeat", "schedule": 10.0, "options": {"expires": 30}},
    "seal the trail": {"task": "core.seal_trail", "schedule": 5.0, "options": {"expires": 30}},
    "judge the safety rules again": {"task": "alerts.go_round", "schedule": 60.0, "options": {"expires": 50}},
    "close places when safety asks": {
        "task": "escalation.hold_places",
        "schedule": 300.0,
        "options": {"expires": 240},
    },
    "let reservations fall back": {
        "task": "enrollment.expire_reservations",
        "schedule": 300.0,
        "options": {"expires": 240},
    },
}

# Mail. The demo cannot send any.
EMAIL_BACKEND = (
    "django.core.mail.backends.filebased.EmailBackend"
    if DEMO
    else os.environ.get("TRIALSITE_EMAIL_BACKEND", "django.core.mail.backends.smtp.EmailBackend")
)
EMAIL_HOST = os.environ.get("TRIALSITE_SMTP_HOST", "localhost")
EMAIL_PORT = int(os.environ.get("TRIALSITE_SMTP_PORT", "25"))
EMAIL_HOST_USER = os.environ.get("TRIALSITE_SMTP_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("TRIALSITE_SMTP_PASSWORD", "")
EMAIL_USE_TLS = _flag("TRIALSITE_SMTP_TLS")
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = os.environ.get("TRIALSITE_MAIL_FROM", "trialsite@localhost")

# Files
DATA_DIR = Path(os.environ.get("TRIALSITE_DATA", BASE_DIR / ".trialsite"))
EMAIL_FILE_PATH = DATA_DIR / "mail"
EXPORT_DIR = Path(os.environ.get("TRIALSITE_EXPORTS", DATA_DIR / "exports"))
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(os.environ.get("TRIALSITE_STATIC", BASE_DIR / "staticfiles"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True

# Language and time
LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

PUBLIC_ADDRESS = os.environ.get("TRIALSITE_ADDRESS", "http://127.0.0.1:8000")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": os.environ.get("TRIALSITE_LOG_LEVEL", "WARNING")},
}
