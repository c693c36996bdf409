"""System checks: what would make mail stop or secrets unreadable is said before the start."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

Apps = Sequence[AppConfig] | None


@register(Tags.security)
def check_secret_key(app_configs: Apps, **kwargs: object) -> list[CheckMessage]:
    if len(settings.SECRET_KEY) < 32:
        return [
            Error(
                "SECRET_KEY ist zu kurz.",
                hint="Mindestens 32 zufällige Zeichen, oder leer lassen: dann wird einer erzeugt.",
                id="poststelle.E001",
            )
        ]
    return []


@register(Tags.security)
def check_secrets_keys(app_configs: Apps, **kwargs: object) -> list[CheckMessage]:
    """Every key of the stored passwords must be one Fernet accepts."""
    errors: list[CheckMessage] = []
    for number, key in enumerate(settings.SECRETS_KEYS, start=1):
        try:
            Fernet(key)
        except ValueError:
            errors.append(
                Error(
                    f"POSTSTELLE_SECRETS_KEYS: Schlüssel {number} ist ungültig.",
                    hint="Erwartet werden 32 Bytes, url-sicher in Base64 (44 Zeichen).",
                    id="poststelle.E002",
                )
            )
    return errors


@register()
def check_data_directory(app_configs: Apps, **kwargs: object) -> list[CheckMessage]:
    """The directory of database and mail must be writable and have room."""
    directory = Path(settings.DATA_DIR)
    if not directory.is_dir() or not os.access(directory, os.W_OK):
        return [
            Error(
                f"In das Datenverzeichnis {directory} kann nicht geschrieben werden.",
                hint="Rechte prüfen oder mit DATA_DIR ein anderes Verzeichnis angeben.",
                id="poststelle.E003",
            )
        ]
    if shutil.disk_usage(directory).free < settings.MIN_FREE_DISK_BYTES:
        return [
            Warning(
                f"Auf dem Datenträger von {directory} ist kaum noch Platz; es wird nichts abgeholt.",
                hint="Platz schaffen; die Grenze ist POSTSTELLE_MIN_FREE_DISK_BYTES.",
                id="poststelle.W001",
            )
        ]
    return []


@register()
def check_mail_folders(app_configs: Apps, **kwargs: object) -> list[CheckMessage]:
    """The folders of the stored mail, where they exist already, must be writable."""
    folder = Path(settings.BLOB_DIR)
    if folder.exists() and not os.access(folder, os.W_OK):
        return [
            Error(
                f"In den Ordner der E-Mails {folder} kann nicht geschrieben werden.",
                hint="Der Ordner muss dem Benutzer gehören, unter dem Poststelle läuft.",
                id="poststelle.E004",
            )
        ]
    return []


@register(deploy=True)
def check_broker(app_configs: Apps, **kwargs: object) -> list[CheckMessage]:
    """With `check --deploy`: is Redis reachable? Without it work is late, never lost."""
    if not settings.REDIS_URL:
        return []
    parts = urlsplit(settings.REDIS_URL)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 6379), timeout=3).close()
    except OSError as error:
        return [
            Error(
                f"Redis ({parts.hostname}:{parts.port or 6379}) ist nicht erreichbar: {error}.",
                hint="REDIS_URL prüfen. Solange Redis fehlt, wird nichts abgeholt und versendet.",
                id="poststelle.E005",
            )
        ]
    return []
