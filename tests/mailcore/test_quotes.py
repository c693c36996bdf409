"""Where the new text ends; joined, both halves are always the input."""

from __future__ import annotations

import pytest

from mailcore.quotes import split_quoted

SPLIT = [
    ("Danke!\n\n", "Am 03.09.2024 um 10:00 schrieb Service:\n> Hallo\n> Welt\n"),
    (
        "Danke!\n\n",
        "Am Di., 3. Sept. 2024 um 10:00 Uhr schrieb Service\n<s@f.example>:\n\n> Hallo\n",
    ),
    ("Thanks\n", "On Tue, Sep 3, 2024 at 10:00 AM Service <s@f.example> wrote:\n> Hello\n"),
    ("Thanks\n", "On Tue, Sep 3, 2024 at 10:00 AM\nService Team <s@f.example>\nwrote:\n> Hello"),
    ("Danke\n\n", "-----Ursprüngliche Nachricht-----\nVon: Service\n\nHallo\n"),
    ("Danke\n\n", "-----Original Message-----\nFrom: Service\n\nHello\n"),
    (
        "Danke\n\n",
        "Von: Service <s@f.example>\nGesendet: Dienstag\nAn: Hans\nBetreff: x\n\nHallo\n",
    ),
    (
        "Danke\n",
        "________________________________\nVon: S\nGesendet: Di\nAn: H\nBetreff: x\n\nHallo",
    ),
    ("Danke\n", "*From:* S\n*Sent:* Tuesday\n*To:* H\n*Subject:* x\n\nHello\n"),
    ("Danke\n\n", "> alt\n> älter\n>> uralt\n"),
    ("Danke\n", "S <s@f.example> schrieb am 3.9.2024:\n> alt\n"),
    ("Danke\n", "Am 03.09.24 um 10:00 schrieb S <s@f.example>:\nohne Zeichen zitiert\n"),
]


@pytest.mark.parametrize(("new", "quoted"), SPLIT)
def test_quoted_rest_is_found(new: str, quoted: str) -> None:
    assert split_quoted(new + quoted) == (new, quoted)


@pytest.mark.parametrize(
    "text",
    [
        "Nur Text\n",
        "",
        "Hallo\n> Frage eins?\nJa.\n> Frage zwei?\nNein.\n",
        "Am 3.9.2024 um 9:00 schrieb S:\n> alt\n\nMeine Antwort steht unten.\n",
        "Am Montag schrieb ich Ihnen bereits:\nbitte antworten.\n",
        "> alles\n> zitiert\n",
        "Von: uns gibt es nichts Neues\nGruß\n",
        "a > b\nb > c\n",
    ],
)
def test_nothing_new_is_ever_hidden(text: str) -> None:
    assert split_quoted(text) == (text, "")


@pytest.mark.parametrize("text", ["> \n" * 30000, "Am 1.1.2024 <a@b\n" * 10000, "Von:\n" * 20000])
def test_long_texts_lose_nothing(text: str) -> None:
    assert "".join(split_quoted("x\n" + text)) == "x\n" + text
