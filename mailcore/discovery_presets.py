"""The mail servers of the providers most companies and people use, as the providers document them.

Recognised by the domain of the address, or by where the domain's mail goes (MX). `{mx}` in a host is
the MX host itself, for providers whose customers live on servers of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mailcore.server import Encryption

_SSL, _STARTTLS = Encryption.SSL, Encryption.STARTTLS


class Auth(StrEnum):
    """How one logs in there."""

    PASSWORD = "password"  # noqa: S105
    APP_PASSWORD = "app_password"  # noqa: S105  # made on the provider's pages for one program
    GOOGLE = "google"  # OAuth
    MICROSOFT = "microsoft"


class Note(StrEnum):
    """What a person must know about a finding; the screens hold the words."""

    NONE = ""
    ENABLE_IMAP = "enable_imap"  # once, in the provider's settings
    OWN_MAIL_PASSWORD = "own_mail_password"  # noqa: S105  # not the one of the website
    OTHER_DOMAIN = "other_domain"  # the servers belong to another domain than the address
    CERTIFICATE = "certificate"  # a server answered, but its certificate is not in order


@dataclass(frozen=True, slots=True)
class ServerGuess:
    host: str
    port: int
    encryption: Encryption


@dataclass(frozen=True, slots=True)
class Preset:
    """A provider. `mx`: host names and, with a leading dot, all below them."""

    name: str
    domains: tuple[str, ...]
    mx: tuple[str, ...]
    imap: ServerGuess
    smtp: ServerGuess
    auth: tuple[Auth, ...] = (Auth.PASSWORD,)
    note: Note = Note.NONE


def _imap(host: str) -> ServerGuess:
    return ServerGuess(host, 993, _SSL)


def _smtps(host: str) -> ServerGuess:
    return ServerGuess(host, 465, _SSL)


def _submission(host: str) -> ServerGuess:
    return ServerGuess(host, 587, _STARTTLS)


PRESETS = (
    Preset(
        "Google",
        domains=("gmail.com", "googlemail.com"),
        mx=(".google.com", ".googlemail.com"),
        imap=_imap("imap.gmail.com"),
        smtp=_submission("smtp.gmail.com"),
        auth=(Auth.GOOGLE, Auth.APP_PASSWORD),
    ),
    # Before Microsoft 365: its MX are more particular.
    Preset(
        "Outlook.com",
        domains=(
            *("outlook.com", "outlook.de", "outlook.at", "outlook.fr", "outlook.it", "outlook.es"),
            *("hotmail.com", "hotmail.de", "hotmail.at", "hotmail.ch", "hotmail.fr", "hotmail.it"),
            *("hotmail.co.uk", "live.com", "live.de", "live.at", "live.nl", "live.fr"),
            *("live.co.uk", "msn.com", "windowslive.com"),
        ),
        mx=(".olc.protection.outlook.com",),
        imap=_imap("outlook.office365.com"),
        smtp=_submission("smtp-mail.outlook.com"),
        auth=(Auth.MICROSOFT,),
        note=Note.ENABLE_IMAP,
    ),
    Preset(
        "Microsoft 365",
        domains=(),
        mx=(".mail.protection.outlook.com", ".mx.microsoft"),
        imap=_imap("outlook.office365.com"),
        smtp=_submission("smtp.office365.com"),
        auth=(Auth.MICROSOFT,),
    ),
    Preset(
        "IONOS",
        domains=("ionos.de", "1und1.de", "online.de"),
        mx=(".ionos.de", ".kundenserver.de", ".1und1.de"),
        imap=_imap("imap.ionos.de"),
        smtp=_smtps("smtp.ionos.de"),
    ),
    Preset(
        "Strato",
        domains=("strato.de",),
        mx=(".rzone.de", ".strato.de"),
        imap=_imap("imap.strato.de"),
        smtp=_smtps("smtp.strato.de"),
    ),
    Preset(
        "GMX",
        domains=(
            *("gmx.de", "gmx.net", "gmx.at", "gmx.ch", "gmx.eu", "gmx.org", "gmx.info", "gmx.biz"),
            *("mein.gmx", "mail.gmx", "email.gmx"),
        ),
        mx=(".gmx.net",),
        imap=_imap("imap.gmx.net"),
        smtp=_smtps("mail.gmx.net"),
        note=Note.ENABLE_IMAP,
    ),
    Preset(
        "WEB.DE",
        domains=("web.de", "email.de"),
        mx=(".web.de",),
        imap=_imap("imap.web.de"),
        smtp=_smtps("smtp.web.de"),
        note=Note.ENABLE_IMAP,
    ),
    Preset(
        "T-Online",
        domains=("t-online.de", "magenta.de"),
        mx=(".t-online.de",),
        imap=_imap("secureimap.t-online.de"),
        smtp=_smtps("securesmtp.t-online.de"),
        note=Note.OWN_MAIL_PASSWORD,
    ),
    Preset(
        "mailbox.org",
        domains=("mailbox.org",),
        mx=(".mailbox.org",),
        imap=_imap("imap.mailbox.org"),
        smtp=_smtps("smtp.mailbox.org"),
    ),
    Preset(
        "Posteo",
        domains=(
            *("posteo.de", "posteo.net", "posteo.at", "posteo.ch", "posteo.eu", "posteo.org"),
            *("posteo.com", "posteo.me", "posteo.nl", "posteo.li", "posteo.lu"),
        ),
        mx=(".posteo.de",),
        imap=_imap("posteo.de"),
        smtp=_smtps("posteo.de"),
    ),
    Preset(
        "Hetzner",
        domains=(),
        mx=(".your-server.de",),
        imap=_imap("mail.your-server.de"),
        smtp=_smtps("mail.your-server.de"),
    ),
    Preset(
        "ALL-INKL.COM",
        domains=(),
        mx=(".kasserver.com",),
        imap=_imap("{mx}"),
        smtp=_smtps("{mx}"),
    ),
    Preset(
        "Yahoo",
        domains=(
            *("yahoo.com", "yahoo.de", "yahoo.fr", "yahoo.it", "yahoo.es", "yahoo.co.uk"),
            *("ymail.com", "rocketmail.com", "myyahoo.com"),
        ),
        mx=(".yahoodns.net",),
        imap=_imap("imap.mail.yahoo.com"),
        smtp=_smtps("smtp.mail.yahoo.com"),
        auth=(Auth.APP_PASSWORD,),
    ),
    Preset(
        "iCloud",
        domains=("icloud.com", "me.com", "mac.com"),
        mx=(".mail.icloud.com",),
        imap=_imap("imap.mail.me.com"),
        smtp=_submission("smtp.mail.me.com"),
        auth=(Auth.APP_PASSWORD,),
    ),
)


def preset_of_domain(domain: str) -> Preset | None:
    return next((preset for preset in PRESETS if domain in preset.domains), None)


def preset_of_mx(host: str) -> Preset | None:
    """The provider that takes in mail at this host (lower case, without a closing dot)."""
    for preset in PRESETS:
        if any(host.endswith(suffix) for suffix in preset.mx):
            return preset
    return None
