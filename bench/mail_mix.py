"""The mix of mails that all measurements use: about 125 kB each; the same seed gives the same mails."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

_WORDS = (
    *("Lieferung", "Rechnung", "Angebot", "Auftrag", "Grüße", "Straße", "München", "Termin"),
    *("Rückfrage", "bitte", "danke", "vollständig", "Müller", "schließen", "Artikel", "Menge"),
    *("Preis", "gestern", "heute", "morgen", "und", "oder", "nicht", "für"),
)


def make_mix(count: int, *, seed: int = 1) -> Iterator[bytes]:
    """45 % German text with quotes, 35 % HTML, 15 % with files up to 3 MB, 5 % odd; a fifth answers."""
    chance = random.Random(seed)
    for number in range(count):
        share = chance.random()
        message = EmailMessage(policy=SMTP)
        sender = f"kunde{chance.randrange(400)}@firma{chance.randrange(90)}.example"
        message["From"] = f"Kunde {number} <{sender}>"
        message["To"] = "Info <info@poststelle.example>"
        message["Subject"] = f"{chance.choice(_WORDS)} {number} für {chance.choice(_WORDS)}"
        message["Date"] = format_datetime(datetime.now(UTC))
        message["Message-ID"] = f"<mix-{seed}-{number}@bench.example>"
        if number and chance.random() < 0.2:
            message["In-Reply-To"] = f"<mix-{seed}-{chance.randrange(number)}@bench.example>"
        message.set_content(_text(chance, 300))
        if 0.45 <= share < 0.8:
            message.add_alternative(_html(chance, chance.randrange(20, 120) * 1024), "html")
        elif 0.8 <= share < 0.95:
            data = chance.randbytes(min(3_000_000, int(chance.expovariate(1 / 450_000))))
            message.add_attachment(data, "application", "pdf", filename="Größe – Beleg.pdf")
        raw = message.as_bytes()
        yield raw if share < 0.95 else _odd(chance, raw)


def _text(chance: random.Random, words: int) -> str:
    lines = [" ".join(chance.choices(_WORDS, k=11)) for _ in range(words // 11)]
    quoted = [f"> {line}" for line in lines[: len(lines) // 2]]
    return "\n".join([*lines, "", "Am 1.3.2026 schrieb Info:", *quoted, ""])


def _html(chance: random.Random, size: int) -> str:
    rows = []
    length = 0
    while length < size:
        words = " ".join(chance.choices(_WORDS, k=12))
        row = f'<tr><td style="padding:4px;color:#333"><p class="x">{words}</p></td></tr>'
        rows.append(row)
        length += len(row)
    return f"<html><body><table>{''.join(rows)}</table></body></html>"


def _odd(chance: random.Random, raw: bytes) -> bytes:
    """Damage as it occurs: a wrong charset, raw umlauts in the header, a missing end."""
    kind = chance.randrange(3)
    if kind == 0:
        return raw.replace(b'charset="utf-8"', b'charset="x-unbekannt"')
    if kind == 1:
        return raw.replace(b"Subject: ", "Subject: Größe ".encode("latin-1"), 1)
    return raw[: len(raw) * 2 // 3]
