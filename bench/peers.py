"""Other programs on the same mailbox, each in a throw-away environment; `bench.import --peers` uses it."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

from tests.servers.dovecot import PASSWORD

_SETTINGS = """
import json, os, sys, time, resource, logging
logging.disable(logging.CRITICAL)
import django
from django.conf import settings
user, port, database, directory = sys.argv[1:5]
databases = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": directory + "/peer.sqlite3"}
    if not database
    else {
        "ENGINE": "django.db.backends.postgresql", "HOST": "127.0.0.1", "USER": "poststelle",
        "PORT": database.split("/")[0], "NAME": database.split("/")[1],
    }
}
common = dict(
    DATABASES=databases, MEDIA_ROOT=directory, USE_TZ=True, SECRET_KEY="x", SITE_ID=1,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField", DEFAULT_FROM_EMAIL="a@b.example",
    EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend",
)
base = ["django.contrib." + n for n in ("contenttypes", "auth", "sessions", "messages", "sites")]
def measure(run, count):
    started, cpu = time.perf_counter(), time.process_time()
    run()
    print(json.dumps({"done": count(), "seconds": time.perf_counter() - started,
                      "processor": time.process_time() - cpu}))
"""
_DJANGO_MAILBOX = """
settings.configure(INSTALLED_APPS=[*base, "django_mailbox"],
    DJANGO_MAILBOX_STORE_ORIGINAL_MESSAGE=True, **common)
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from django_mailbox.models import Mailbox, Message
from urllib.parse import quote
uri = f"imap://{quote(user, safe='')}:PASSWORD@127.0.0.1:{port}"
mailbox = Mailbox.objects.create(name="x", uri=uri)
measure(lambda: list(mailbox.get_new_mail()), Message.objects.count)
"""
_HELPDESK = """
settings.configure(
    INSTALLED_APPS=[*base, "django.contrib.admin", "django.contrib.staticfiles",
        "django.contrib.humanize", "rest_framework", "helpdesk"],
    HELPDESK_TEAMS_MODE_ENABLED=False, HELPDESK_KB_ENABLED=True, ROOT_URLCONF="urls",
    QUEUE_EMAIL_BOX_SSL=False, STATIC_URL="/static/", LANGUAGE_CODE="en",
    HELPDESK_ACTIVATE_API_ENDPOINT=False, HELPDESK_TEAMS_MODEL="auth.Group",
    HELPDESK_TEAMS_MIGRATION_DEPENDENCIES=[],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    **common)
import types
sys.modules["urls"] = types.ModuleType("urls")
django.setup()
from django.urls import path, include
sys.modules["urls"].urlpatterns = [path("helpdesk/", include("helpdesk.urls", namespace="helpdesk"))]
from django.core.management import call_command
call_command("migrate", verbosity=0)
from helpdesk.models import Queue, Ticket
from helpdesk.email import process_email
Queue.objects.create(title="x", slug="x", email_address="info@poststelle.example",
    allow_email_submission=True, email_box_type="imap", email_box_host="127.0.0.1",
    email_box_port=int(port), email_box_ssl=False, email_box_user=user,
    email_box_pass="PASSWORD", email_box_imap_folder="INBOX", email_box_interval=0)
measure(lambda: process_email(quiet=True), Ticket.objects.count)
"""


@dataclass(frozen=True, slots=True)
class Peer:
    name: str
    packages: tuple[str, ...]
    script: str


PEERS = (
    Peer("django-mailbox", ("django-mailbox>=4", "django<5.3", "psycopg[binary]"), _DJANGO_MAILBOX),
    Peer("django-helpdesk", ("django-helpdesk", "psycopg[binary]", "setuptools"), _HELPDESK),
)


def install(peer: Peer, directory: Path) -> Path:
    """The Python of a new environment with the peer in it. Raises CalledProcessError."""
    place = directory / f"venv-{peer.name}"
    venv.create(place, with_pip=True)
    python = place / "bin" / "python"
    subprocess.run(
        [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *peer.packages],
        check=True,
        stdout=sys.stderr,
    )
    return python


def measure(
    peer: Peer, python: Path, *, user: str, port: int, database: str, directory: Path
) -> dict[str, float]:
    """Lets the peer empty the mailbox; `database` is PORT/NAME of PostgreSQL, "" for SQLite."""
    script = (_SETTINGS + peer.script).replace("PASSWORD", PASSWORD)
    done = subprocess.run(
        [python, "-c", script, user, str(port), database, str(directory)],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=1800,
    )
    if done.returncode:
        raise RuntimeError(f"{peer.name}: {done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found
