"""The rows of mail-rules 5: what the server does, and everything that must follow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.servers.scripted import (
    Answer,
    Peer,
    drop,
    say_and_drop,
    silence,
)

S, R, F, Q, U = "sent", "retry", "failed", "queued", "uncertain"

ANNA, BERND = "anna@x.example", "bernd@x.example"

BASIC = ("SIZE 1000000", "AUTH PLAIN", "8BITMIME")


@dataclass(frozen=True, slots=True)
class Row:
    """What the server does, and everything that must follow."""

    name: str
    answers: dict[str, Answer]  # by verb; "." is the answer to the message; "RCPT" by address below
    state: str
    text: str  # on the page of the message
    anna: str = "pending"
    bernd: str = "pending"
    wait: int | None = None  # minutes to the next attempt
    counts: bool = True  # the attempt
    link: str = "ok"
    held: int | None = None  # minutes the account is held
    retried: tuple[str, ...] = (ANNA, BERND)  # to whom the next attempt goes
    by_person: dict[str, str] = field(default_factory=dict)  # answers to RCPT
    greeting: str = "220 ready\r\n"


def _said(verb: str, reply: str) -> dict[str, Answer]:
    return {verb: f"{reply}\r\n"}


BUSY = "überlastet"

LIMIT = "bremst"

LOGIN = "kann nicht senden"

GONE = "getrennt"


def _temporary(name: str, answers: dict[str, Answer], text: str = BUSY, **values: Any) -> Row:
    return Row(name, answers, R, text, **{"wait": 1, **values})


def lost(name: str, answers: dict[str, Answer], text: str = GONE, **values: Any) -> Row:
    """The connection itself failed: the account is held for a minute, too."""
    return _temporary(name, answers, text, **{"link": "failing", "held": 1, **values})


def _account(name: str, answers: dict[str, Answer], text: str = LOGIN, **values: Any) -> Row:
    wanted: dict[str, Any] = {"wait": 0, "counts": False, "link": "login", "retried": ()}
    return Row(name, answers, Q, text, **(wanted | values))


def _throttle(name: str, answers: dict[str, Answer], minutes: int = 5, **values: Any) -> Row:
    wanted: dict[str, Any] = {"wait": minutes, "held": minutes, "counts": False}
    return Row(name, answers, Q, LIMIT, **(wanted | values))


def _refused(name: str, answers: dict[str, Answer], text: str, **values: Any) -> Row:
    wanted: dict[str, Any] = {"anna": "refused", "bernd": "refused", "retried": ()}
    return Row(name, answers, F, text, **(wanted | values))


def _uncertain(name: str, answers: dict[str, Answer]) -> Row:
    return Row(name, answers, U, "Ob der Server sie angenommen hat, ist nicht bekannt", retried=())


def _people(name: str, state: str, text: str, to_anna: str, to_bernd: str, **values: Any) -> Row:
    """Both are answered in RCPT, "" is yes."""
    return Row(name, {}, state, text, by_person={ANNA: to_anna, BERND: to_bernd}, **values)


async def _silent_in_the_message(peer: Peer) -> None:
    await peer.say("354 go ahead\r\n")
    await silence(peer)


async def _gone_in_the_message(peer: Peer) -> None:
    await peer.say("354 go ahead\r\n")
    await peer.hear()
    await drop(peer)


ROWS = [
    Row("accepted", {}, S, "Vom Server angenommen", "accepted", "accepted", retried=()),
    Row(
        "251 at RCPT",
        _said("RCPT", "251 forwards"),
        S,
        "angenommen",
        "accepted",
        "accepted",
        retried=(),
    ),
    # 421: the server closes the connection, whenever it says so
    lost("421 at greeting", {}, BUSY, greeting="421 4.3.2 shutting down\r\n"),
    lost("421 at EHLO", {"EHLO": say_and_drop("421 4.3.2 shutting down\r\n")}, BUSY),
    lost("421 at AUTH", _said("AUTH", "421 4.3.2 shutting down"), BUSY),
    lost("421 at MAIL", {"MAIL": say_and_drop("421 4.3.2 shutting down\r\n")}, BUSY),
    lost("421 at RCPT", {"RCPT": say_and_drop("421 4.3.2 shutting down\r\n")}, BUSY),
    lost("421 at DATA", {"DATA": say_and_drop("421 4.3.2 shutting down\r\n")}, BUSY),
    lost("421 after the message", {".": say_and_drop("421 4.3.2 shutting down\r\n")}, BUSY),
    # other 4xx
    *(
        _temporary(f"{reply[:3]} at {verb}", _said(verb, reply))
        for verb in ("MAIL", "RCPT", "DATA", ".")
        for reply in (
            "450 4.2.1 busy",
            "451 4.3.0 local error",
            "452 4.3.1 insufficient storage",
            "454 4.7.0 temporary authentication failure",
            "471 4.9.9 whatever",
        )
    ),
    _temporary("452 mailbox full", _said("RCPT", "452 4.2.2 quota limit exceeded")),
    _temporary("452 too many recipients", _said("RCPT", "452 4.5.3 too many recipients")),
    _temporary("greylisting", _said("RCPT", "451 4.7.1 greylisted, try again later")),
    lost("454 at AUTH", _said("AUTH", "454 4.7.0 temporary authentication failure"), BUSY),
    lost("554 at greeting", {}, "meldet einen Fehler", greeting="554 5.7.1 blocked\r\n"),
    # rate limits
    *(
        _throttle(f"{reply[:9]} at {verb}", _said(verb, reply))
        for verb in ("MAIL", "RCPT", "DATA", ".")
        for reply in (
            "450 4.7.1 rate limit exceeded",
            "451 4.7.500 server busy, too many messages",
            "452 4.3.2 sending limit reached",
            "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded",
        )
    ),
    _throttle("421 4.7.x", {"MAIL": say_and_drop("421 4.7.28 unusual rate of mail\r\n")}),
    _throttle("an hour", _said("MAIL", "450 4.7.1 limit of 100 messages per hour"), 30),
    _throttle("a day", _said(".", "452 4.7.1 daily limit exceeded"), 180),
    _throttle("at greeting", {}, link="unknown", greeting="421 4.7.0 too many connections\r\n"),
    # the account
    *(
        _account(f"{reply[:9]} at {verb}", _said(verb, reply))
        for verb in ("MAIL", "RCPT", "DATA", ".")
        for reply in (
            "530 5.7.0 Authentication required",
            "535 5.7.8 not accepted",
            "530 5.7.57 Client not authenticated",
            "550 5.7.60 Client does not have permissions to send as this sender",
            "554 5.2.252 SendAsDenied; a not allowed to send as b",
        )
    ),
    _account(
        "534 at AUTH",
        _said("AUTH", "534 5.7.9 Application-specific password required"),
        "App-Passwort",
    ),
    _account("535 at AUTH", _said("AUTH", "535 5.7.8 wrong"), "Passwort stimmt nicht"),
    _account("538 at AUTH", _said("AUTH", "538 5.7.11 Encryption required"), "nur verschlüsselt"),
    _account(
        "530 at MAIL says login", _said("MAIL", "530 5.7.0 log in"), "verlangt eine Anmeldung"
    ),
    _account("5.7.60 says sender", _said("MAIL", "550 5.7.60 no"), "erlaubt diesen Absender nicht"),
    # 5xx to RCPT: that recipient
    *(
        _people(
            f"{reply[:3]} to one", S, reply, "", reply, anna="accepted", bernd="refused", retried=()
        )
        for reply in (
            "550 5.1.1 unknown",
            "551 5.1.6 moved",
            "552 5.2.2 full",
            "553 5.1.3 no",
            "554 5.7.1 no",
        )
    ),
    _refused("550 to all", _said("RCPT", "550 5.1.1 unknown"), "nimmt den Empfänger nicht an"),
    _people(
        "one refused, one later",
        R,
        "451 4.3.0 later",
        "550 5.1.1 no",
        "451 4.3.0 later",
        anna="refused",
        wait=1,
        retried=(BERND,),
    ),
    _people(
        "one taken, one later",
        R,
        "451 4.3.0 later",
        "",
        "451 4.3.0 later",
        anna="accepted",
        wait=1,
        retried=(BERND,),
    ),
    _people(
        "one taken, one too fast",
        R,
        LIMIT,
        "",
        "450 4.7.1 rate limit",
        anna="accepted",
        wait=5,
        held=5,
        counts=False,
        retried=(BERND,),
    ),
    # other 5xx
    *(
        _refused(f"{reply[:3]} at MAIL", _said("MAIL", reply), "erlaubt diesen Absender nicht")
        for reply in ("550 5.1.0 sender", "553 5.1.8 sender", "501 5.1.7 sender", "554 5.7.1 no")
    ),
    _refused("552 at MAIL", _said("MAIL", "552 5.3.4 too big"), "zu groß"),
    *(
        _refused(f"{reply[:3]} at {verb}", _said(verb, reply), "hat die Nachricht abgelehnt")
        for verb in ("DATA", ".")
        for reply in ("550 5.7.1 spam", "551 5.7.1 no", "553 5.7.1 no", "554 5.6.0 content")
    ),
    _refused("552 after the message", _said(".", "552 5.3.4 too big"), "zu groß"),
    # no connection, or lost before the message
    *(lost(f"lost at {verb}", {verb: drop}) for verb in ("EHLO", "AUTH", "MAIL", "RCPT", "DATA")),
    *(
        lost(f"silent at {verb}", {verb: silence}, "antwortet nicht")
        for verb in ("EHLO", "AUTH", "MAIL", "RCPT", "DATA")
    ),
    *(
        lost(f"garbage at {verb}", {verb: "gibberish\r\n"}, "meldet einen Fehler")
        for verb in ("MAIL", "RCPT", "DATA")
    ),
    lost("garbage at greeting", {}, "anderer Dienst", greeting="* OK IMAP4rev1 ready\r\n"),
    lost("out of step at DATA", _said("DATA", "250 ok"), BUSY),
    # lost or silent once the message was on its way
    _uncertain("lost in the message", {"DATA": _gone_in_the_message}),
    _uncertain("lost after the message", {".": drop}),
    _uncertain("half an answer", {".": say_and_drop("250")}),
    _uncertain("silent in the message", {"DATA": _silent_in_the_message}),
    _uncertain("silent after the message", {".": silence}),
    _uncertain("garbage after the message", _said(".", "was?")),
]
