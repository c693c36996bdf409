"""format=flowed becomes paragraphs again."""

from __future__ import annotations

import pytest

from mailcore.flowed import join_flowed


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("Eins \nzwei\n", "Eins zwei\n"),
        ("Eins\nzwei", "Eins\nzwei"),
        ("> Eins \n> zwei\n>\nneu", "> Eins zwei\n>\nneu"),
        ("> alt \nneu", "> alt \nneu"),
        (">> a \n> b", ">> a \n> b"),
        ("Gruß \n-- \nHans", "Gruß \n-- \nHans"),
        (" From hier", "From hier"),
        ("offen ", "offen "),
    ],
)
def test_lines_are_joined_as_the_sender_meant_them(text: str, joined: str) -> None:
    assert join_flowed(text, delete_space=False) == joined


def test_the_breaking_space_goes_where_it_was_added() -> None:
    assert join_flowed("Überweisungs \nbeleg", delete_space=True) == "Überweisungsbeleg"
