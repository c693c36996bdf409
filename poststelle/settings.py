"""One settings module, driven by the environment; docs/settings.md lists every variable."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path

import django_stubs_ext
from django.utils.translation import gettext_lazy as _

from poststelle import env

django_stubs_ext.monkeypatch()  # generic classes of Django may be subscripted

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = env.path("DATA_DIR", BASE_DIR / "data")
BLOB_DIR = DATA_DIR / "blobs"


def _key_from_file(name: str, make: str) -> str:
    """A key kept beside the data, made on the first start, readable by its owner only."""
    file = DATA_DIR / name
    try:
        return file.read_text().strip()
    except FileNotFoundError:
        DATA_DIR.mkdir(parents=True, exist_ok=True)
    try:
        file.touch(mode=0o600, exist_ok=False)
        file.write_text(make)
    except FileExistsError:
        return file.read_text().strip()
    return make


DEBUG = env.flag("POSTSTELLE_DEBUG", False)
TESTING = "pytest" in sys.modules
SECRET_KEY = env.text("SECRET_KEY") or _key_from_file("secret_key", secrets.token_urlsafe(50))
# Keys of stored passwords, newest first: 32 url-safe base64 bytes each (Fernet).
SECRETS_KEYS = env.words("POSTSTELLE_SECRETS_KEYS")
SECRETS_KEY_FILE = DATA_DIR / "secrets_key"

ALLOWED_HOSTS = env.words("POSTSTELLE_HOSTS", ("localhost", "127.0.0.1", "[::1]"))
CSRF_TRUSTED_ORIGINS = env.words("POSTSTELLE_ORIGINS")
BASE_URL = env.text("POSTSTELLE_URL", "http://localhost:8000")
HTTPS = BASE_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_AGE = 14 * 24 * 3600
if env.flag("POSTSTELLE_BEHIND_PROXY", False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "poststelle",
    "company",
    "mailaccounts",
    "mailstore",
    "archive",
    "outbox",
    "tickets",
    "autoresponder",
    "documents",
    "intake",
    "crm",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "poststelle.middleware.content_security_policy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "poststelle.middleware.first_run",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "poststelle.middleware.user_language",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "poststelle.urls"
WSGI_APPLICATION = "poststelle.wsgi.application"
# The second one finds Django's own templates of form fields.
TEMPLATE_LOADERS = [
    "django.template.loaders.filesystem.Loader",
    "django.template.loaders.app_directories.Loader",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "poststelle.navigation.shell",
            ],
            "loaders": TEMPLATE_LOADERS
            if DEBUG
            else [("django.template.loaders.cached.Loader", TEMPLATE_LOADERS)],
            "builtins": ["django.templatetags.static", "django.templatetags.i18n"],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
INSTALLED_APPS.append("django.forms")

_postgres = env.postgres("DATABASE_URL")
DATABASES = {
    "default": {
        **_postgres,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": 5},
    }
    if _postgres
    else {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": DATA_DIR / "poststelle.sqlite3",
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": (
                "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;"
                "PRAGMA cache_size=-65536;PRAGMA temp_store=MEMORY;"
            ),
        },
        # A file, not shared memory: threads of the worker see what the test wrote.
        "TEST": {"NAME": str(DATA_DIR / "test.sqlite3")},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "company.User"
AUTHENTICATION_BACKENDS = ["company.login.NameOrEmailBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
PASSWORD_RESET_TIMEOUT = 3600
LOGIN_URL = "company:login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "company:login"
if TESTING:
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

LANGUAGE_CODE = "de"
LANGUAGES = [("de", _("Deutsch")), ("en", _("Englisch"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = env.text("POSTSTELLE_TIME_ZONE", "Europe/Berlin")
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = env.path("POSTSTELLE_STATIC_ROOT", DATA_DIR / "static")
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": DATA_DIR / "files"},
    },
    "blobs": {
        "BACKEND": "mailstore.blobs.SyncedFileStorage",
        "OPTIONS": {"location": BLOB_DIR},
    },
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if not (DEBUG or TESTING)
        else "django.contrib.staticfiles.storage.StaticFilesStorage",
    },
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEBUG or TESTING

DATA_UPLOAD_MAX_MEMORY_SIZE = 60 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# Mail
TLS_CA_FILE = env.text("POSTSTELLE_TLS_CA_FILE")  # an own authority beside the system's
# Another authorisation server in the provider's place, https://…; its host then gets the tokens.
OAUTH_GOOGLE_URL = env.text("POSTSTELLE_OAUTH_GOOGLE_URL")
OAUTH_MICROSOFT_URL = env.text("POSTSTELLE_OAUTH_MICROSOFT_URL")
DNS_SERVER = env.name_server("POSTSTELLE_DNS_SERVER")  # finds servers instead of the system's
MAX_MESSAGE_BYTES = env.number("POSTSTELLE_MAX_MESSAGE_BYTES", 50_000_000, least=100_000)
POLL_SECONDS = env.number("POSTSTELLE_POLL_SECONDS", 60, least=1)
SERVER_TIMEOUT = env.number("POSTSTELLE_SERVER_TIMEOUT", 30, least=1)
MIN_FREE_DISK_BYTES = env.number("POSTSTELLE_MIN_FREE_DISK_BYTES", 500_000_000)
CRASH_AT = env.text("POSTSTELLE_CRASH_AT")  # for tests: company/crash_points.py
# The blocks of the account page, each brought by the app it belongs to.
ACCOUNT_PANELS = [
    "mailaccounts.panels.ImapPanel",
    "mailaccounts.panels.SmtpPanel",
    "intake.panels.TicketPanel",
    "archive.panels.ArchivePanel",
    "mailaccounts.panels.EmployeePanel",
    "mailaccounts.rights_panel.RightsPanel",
    "autoresponder.panels.AutoresponderPanel",
    "mailaccounts.panels.SignaturePanel",
]
# Where else a message of the archive stands: archive/places.py.
ARCHIVE_PLACES = [
    "tickets.archive_places.find_places",
    "outbox.archive_places.find_places",
]
# Who needs bytes whose archived message has expired: archive/kept_bytes.py.
BYTES_KEEPERS = ["documents.kept_bytes.find_kept", "intake.kept_bytes.find_kept"]
# What the timeline of an address is woven of: company/timeline.py.
TIMELINE_SOURCES = [
    "outbox.timeline.strands",
    "tickets.timeline.strands",
    "documents.timeline.strands",
    "archive.timeline.strands",
    "crm.activity_strands.strands",
]
# What stands beside an address and beside a ticket: company/customer_blocks.py.
ADDRESS_BLOCKS = [
    "tickets.customer_blocks.open_tickets",
    "documents.customer_blocks.open_documents",
    "documents.customer_blocks.delivery",
]
CUSTOMER_BLOCKS = ["documents.customer_blocks.open_documents"]
# Where an outgoing message can be written anew: outbox/editors.py.
OUTGOING_EDITORS = [
    "tickets.edit_as_new.find_editor",
    "documents.edit_as_new.find_editor",
]

# Celery: only the alarm clock. See docs/work.md.
REDIS_URL = env.text("REDIS_URL")
CELERY_BROKER_URL = REDIS_URL or "memory://localhost/"
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"socket_timeout": 5, "socket_connect_timeout": 2, "visibility_timeout": 3600}
    if REDIS_URL
    else {"polling_interval": 0.02}
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False  # rows remember the work; a task lost is found by the sweep
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_DEFAULT_QUEUE = "housekeeping"
CELERY_TIMEZONE = TIME_ZONE
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_TIME_LIMIT = 1800
CELERY_TASK_SOFT_TIME_LIMIT = 1500

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)-7s %(name)s %(message)s"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.text("POSTSTELLE_LOG_LEVEL", "INFO")},
    "loggers": {
        "celery": {"level": "WARNING"},
        "imapclient": {"level": "WARNING"},
        # These two write tokens into their debug output.
        "oauthlib": {"level": "INFO"},
        "requests_oauthlib": {"level": "INFO"},
        "fontTools": {"level": "ERROR"},
        "fpdf": {"level": "ERROR"},
        "django.request": {"level": "ERROR"},
    },
}

SILENCED_SYSTEM_CHECKS = [
    "security.W004",
    "security.W008",
    "security.W021",
]  # TLS ends at the proxy

env.refuse_unknown()
