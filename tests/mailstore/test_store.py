from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from mailcore.parse import read_part
from mailcore.search_words import SEARCH_LIMIT, make_search_text, search_terms
from mailstore.blobs import blob_name, delete_stale_blob, get_blob, has_blob, put_blob
from mailstore.ids import message_id_keys
from mailstore.models import StoredAttachment, StoredMessage
from mailstore.read import read_raw
from mailstore.search_text import matches
from mailstore.store import NewMessage, hash_message_id, store_group, store_message
from tests.intake.mailbox import make_mail

EML = Path(__file__).parent.parent / "eml"
INCOMING = StoredMessage.Direction.INCOMING


def store(raw: bytes) -> StoredMessage:
    return store_message(raw, direction=INCOMING, received_at=timezone.now())


@pytest.mark.django_db
def test_the_same_bytes_are_one_row_and_come_back_unaltered() -> None:
    raw = make_mail() + b"\x00\xff trailing bytes \r\r\n"
    first, second = store(raw), store(raw)
    assert first.pk == second.pk
    assert read_raw(first) == raw
    assert StoredMessage.objects.count() == 1


@pytest.mark.django_db
def test_a_group_keeps_the_order_and_recognises_repetitions() -> None:
    raws = [make_mail(1), make_mail(2), make_mail(1), make_mail(3)]
    known = store(raws[3])
    found = store_group([NewMessage(raw, INCOMING, timezone.now()) for raw in raws])
    assert [message.subject for message in found] == [f"Anfrage {n}" for n in (1, 2, 1, 3)]
    assert found[0].pk == found[2].pk
    assert found[3].pk == known.pk


@pytest.mark.django_db
def test_attachments_are_references_into_the_bytes() -> None:
    for file in EML.glob("*.eml"):
        if file.stem != "parts-5000":  # a thousand files that are all alike
            store(file.read_bytes())
    attachments = StoredAttachment.objects.select_related("message")
    assert attachments.count() > 20
    for attachment in attachments:
        content = read_part(read_raw(attachment.message), attachment.path)
        assert len(content) == attachment.size


@pytest.mark.django_db
def test_a_group_costs_as_many_queries_as_one_message(django_assert_max_num_queries: Any) -> None:
    messages = [NewMessage(make_mail(number), INCOMING, timezone.now()) for number in range(60)]
    with django_assert_max_num_queries(6):
        store_group(messages)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "query",
    [
        "hans@huber.de",
        "HUBER",
        "müller strasse",
        "Muller",
        "Straße",
        "rechn",
        "angebot.pdf",
        "",
        "-",
    ],
)
def test_what_is_searched_is_found(query: str) -> None:
    raw = make_mail(
        sender="Hans Müller <hans@huber.de>",
        subject="Rechnung",
        text="Lange STRASSE 5, Angebot.pdf",
    )
    message = store(raw)
    other = store(make_mail(sender="eva@maier.example", subject="x", text="y"))
    found = set(StoredMessage.objects.filter(matches(query)))
    assert message in found
    assert (other in found) == (search_terms(query) == ())


def test_search_text_is_bounded_and_cut_between_words() -> None:
    text = make_search_text(f"wort{number}" for number in range(20_000))
    assert len(text) <= SEARCH_LIMIT
    assert text.split()[-1] in {f"wort{number}" for number in range(20_000)}
    assert search_terms("a" * 500) == ("a" * 60,)


def test_message_ids_are_the_same_however_they_are_written() -> None:
    assert hash_message_id("<a@b.example>") == hash_message_id(" a@b.example\n")
    assert len(hash_message_id("x" * 5000)) == 40
    assert hash_message_id("A@b") != hash_message_id("a@b"), "the local part knows case"


def test_keys_depend_on_the_secret_only(settings: Any) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "neu", ["alt"]
    new, old = message_id_keys()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "alt", []
    assert message_id_keys() == (old,)
    assert new != old


def test_a_blob_that_was_altered_is_not_given_out() -> None:
    sha256 = put_blob(b"genau so")
    file = Path(settings.BLOB_DIR) / blob_name(sha256)
    good = file.read_bytes()
    other = (Path(settings.BLOB_DIR) / blob_name(put_blob(b"anders"))).read_bytes()
    for bad in (other, b"kaputt"):
        file.write_bytes(bad)
        with pytest.raises(ValueError, match=sha256):
            get_blob(sha256)
    file.write_bytes(good)
    assert get_blob(sha256) == b"genau so"


def test_bytes_stored_a_moment_ago_are_not_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    sha256 = put_blob(b"gerade gekommen")
    assert not delete_stale_blob(sha256)
    monkeypatch.setattr("mailstore.blobs.FRESH", timedelta(0))
    assert delete_stale_blob(sha256)
    assert not has_blob(sha256)
